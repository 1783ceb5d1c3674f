use super::{BucketError, client::Client};
use crate::moving::pace::{Pace, wait_before};
use std::{
    io::{self, Read},
    sync::Arc,
    thread,
};
use ureq::BodyReader;

/// An object that is read once, from its begin to the length that the list told. Where the connection breaks, reading goes on from
/// there.
pub(super) struct ObjectReader {
    client: Arc<Client>,
    key: String,
    length: u64,
    at: u64,
    body: Option<BodyReader<'static>>,
    /// Whether the connection has given any bytes.
    has_given: bool,
    /// Connections that broke before they had given any, one after the other.
    breaks: u32,
    pace: Option<Arc<Pace>>,
}

/// Opens an object of so many bytes, to be read at a pace where there is one; `None` where there is none any more.
///
/// # Errors
/// [`BucketError`].
pub(super) fn open(
    client: &Arc<Client>,
    key: String,
    length: u64,
    pace: Option<Arc<Pace>>,
) -> Result<Option<ObjectReader>, BucketError> {
    let Some(answer) = client.load(&key, 0)? else { return Ok(None) };
    let (client, body) = (Arc::clone(client), Some(answer.into_body().into_reader()));
    Ok(Some(ObjectReader { client, key, length, at: 0, body, has_given: false, breaks: 0, pace }))
}

impl ObjectReader {
    /// Opens it again where it broke off.
    fn resume(&mut self, problem: &str) -> io::Result<()> {
        self.body = None;
        // An answer that took its time has given something; it is asked for the rest at once.
        self.breaks = if self.has_given { 0 } else { self.breaks + 1 };
        if self.breaks > 0 {
            let broken = || io::Error::other(format!("broke off at byte {} of {}: {problem}", self.at, self.length));
            thread::sleep(wait_before(self.breaks, None, None).ok_or_else(broken)?);
        }
        let gone = || io::Error::other("it is not there any more");
        let answer = self.client.load(&self.key, self.at)?.ok_or_else(gone)?;
        (self.body, self.has_given) = (Some(answer.into_body().into_reader()), false);
        Ok(())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length - self.at).unwrap_or(usize::MAX);
        let piece = self.pace.as_ref().map_or(buffer.len(), |pace| buffer.len().min(pace.piece_bytes_max()));
        let wanted = piece.min(left);
        if wanted == 0 {
            return Ok(0);
        }
        loop {
            let read = self.body.as_mut().map_or(Ok(0), |body| body.read(&mut buffer[..wanted]));
            let problem = match read {
                Ok(0) => "the connection ended".to_owned(),
                Ok(count) => {
                    self.at += count as u64;
                    self.has_given = true;
                    if let Some(pace) = &self.pace {
                        pace.wait(count as u64);
                    }
                    return Ok(count);
                }
                Err(error) => error.to_string(),
            };
            self.resume(&problem)?;
        }
    }
}

#[cfg(test)]
mod tests;
