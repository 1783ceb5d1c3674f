//! The bytes of a blob over a line that may be cut: they go on where they were, as often as it takes while some of them come.

use super::{Question, RegistryClient, RegistryError, pull_of, text};
use gantry_oci::Digest;
use std::{
    io::{self, Read},
    sync::Arc,
    thread,
    time::Duration,
};
use ureq::{
    Body,
    http::{Method, Response, StatusCode},
};

/// How often bytes are asked for while hardly any come.
const CUTS_MAX: u32 = 6;
/// Bytes after which a line is believed to work again.
const PROGRESS_BYTES: u64 = 1 << 20;

/// A blob on its way.
pub(crate) struct BlobReader {
    client: Arc<RegistryClient>,
    path: String,
    scope: String,
    /// Bytes that were read.
    at: u64,
    /// How many there are, where that was said.
    length: Option<u64>,
    /// `None` where it has to be asked for.
    body: Option<Box<dyn Read + Send>>,
    cuts: u32,
    /// How many bytes were read at the last cut.
    cut_at: u64,
}

impl RegistryClient {
    /// Opens a blob; `None` where it is not there. Its bytes are not compared with the digest.
    pub(crate) fn open_blob(
        self: &Arc<Self>,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<BlobReader>, RegistryError> {
        let (path, scope) = (format!("/v2/{repository}/blobs/{digest}"), pull_of(repository));
        let client = self.clone();
        let mut reader = BlobReader { client, path, scope, at: 0, length: None, body: None, cuts: 0, cut_at: 0 };
        let Some(answer) = reader.ask()? else { return Ok(None) };
        reader.length = text(answer.headers(), "content-length").and_then(|length| length.parse().ok());
        reader.body = Some(Box::new(answer.into_body().into_reader()));
        Ok(Some(reader))
    }
}

impl BlobReader {
    /// Asks for the bytes that have not come yet.
    fn ask(&self) -> Result<Option<Response<Body>>, RegistryError> {
        let range = format!("bytes={}-", self.at);
        let part = [("range", range.as_str())];
        let headers = if self.at > 0 { part.as_slice() } else { &[] };
        let question = Question { method: &Method::GET, path: &self.path, headers, scope: &self.scope };
        self.client.judge(&question, self.client.ask(&self.client.blobs, &question)?)
    }

    /// Goes on after a cut. What is asked for in vain here is asked for in vain again.
    fn go_on(&self) -> io::Result<Box<dyn Read + Send>> {
        let answer = self.ask().map_err(io::Error::other)?;
        let answer = answer.ok_or_else(|| io::Error::other("it is no longer there"))?;
        let is_part = answer.status() == StatusCode::PARTIAL_CONTENT;
        let begins = text(answer.headers(), "content-range").and_then(first_byte);
        if is_part && begins != Some(self.at) {
            return Err(io::Error::other("other bytes come than were asked for"));
        }
        let mut body = answer.into_body().into_reader();
        if !is_part {
            // Who knows no ranges sends all of it again.
            let skipped = io::copy(&mut (&mut body).take(self.at), &mut io::sink());
            if !skipped.is_ok_and(|skipped| skipped == self.at) {
                return Ok(Box::new(io::empty()));
            }
        }
        Ok(Box::new(body))
    }

    /// Takes note of a cut, and waits before the next question.
    fn cut(&mut self, error: io::Error) -> io::Result<()> {
        self.body = None;
        if self.at - self.cut_at >= PROGRESS_BYTES {
            self.cuts = 0;
        }
        (self.cuts, self.cut_at) = (self.cuts + 1, self.at);
        if self.cuts >= CUTS_MAX {
            return Err(io::Error::new(error.kind(), format!("it was cut off {CUTS_MAX} times: {error}")));
        }
        // A single cut is nothing to wait for.
        thread::sleep(Duration::from_secs(if self.cuts == 1 { 0 } else { 1 << self.cuts.min(4) }));
        Ok(())
    }

    /// Reads what comes now; an error is a cut.
    fn piece(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.as_mut().map_or(Ok(0), |body| body.read(buffer))?;
        let is_short = count == 0 && !buffer.is_empty() && self.length.is_some_and(|length| self.at < length);
        if is_short { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let pace = self.client.pace.clone().filter(|_| self.client.paces_blobs);
        let wanted = pace.as_ref().map_or(buffer.len(), |pace| buffer.len().min(pace.piece_bytes_max()));
        loop {
            if self.body.is_none() {
                self.body = Some(self.go_on()?);
            }
            match self.piece(&mut buffer[..wanted]) {
                Ok(count) => {
                    self.at += count as u64;
                    if let Some(pace) = &pace {
                        pace.wait(count as u64);
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.cut(error)?,
            }
        }
    }
}

/// The first byte in `bytes 10-20/30` (RFC 9110, section 14.4).
fn first_byte(content_range: &str) -> Option<u64> {
    content_range.trim().strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_it_begins() {
        assert_eq!(first_byte("bytes 10-20/30"), Some(10));
        assert_eq!(first_byte("bytes 0-0/*"), Some(0));
        for text in ["bytes */30", "bytes=10-20", "items 1-2/3", ""] {
            assert_eq!(first_byte(text), None, "{text}");
        }
    }
}
