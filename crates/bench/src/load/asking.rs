//! Asking with HEAD, on many kept-alive connections: wrk waits in vain for the bodies that `Content-Length` announces.

use super::Seen;
use crate::error::{BenchError, Outcome, While};
use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A head of an answer is shorter.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A load of HEAD requests.
#[derive(Clone, Debug)]
pub(crate) struct Asking<'a> {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The path.
    pub(crate) path: &'a str,
    /// Headers, such as `Authorization`.
    pub(crate) headers: Vec<(&'a str, String)>,
    /// Connections, one request at a time on each.
    pub(crate) connections: u32,
    /// For how long.
    pub(crate) duration: Duration,
}

/// Runs a load on two threads and returns what it saw.
///
/// # Errors
/// When a connection breaks, or an answer is not 200.
pub(crate) fn run(asking: &Asking<'_>) -> Outcome<Seen> {
    let mut request = format!("HEAD {} HTTP/1.1\r\nHost: {}\r\n", asking.path, asking.address);
    for (name, value) in &asking.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let request: std::sync::Arc<[u8]> = request.into_bytes().into();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.while_trying("start threads")?;
    runtime.block_on(async {
        let begun = Instant::now();
        let until = begun + asking.duration;
        let tasks: Vec<_> =
            (0..asking.connections).map(|_| tokio::spawn(ask(asking.address, request.clone(), until))).collect();
        let (mut micros, mut bytes) = (Vec::new(), 0);
        for task in tasks {
            let (own, read) =
                task.await.map_err(|error| BenchError::program("HEAD", error))?.while_trying("ask with HEAD")?;
            micros.extend(own);
            bytes += read;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let (p50_ms, p99_ms) = (percentile_ms(&mut micros, 50.0), percentile_ms(&mut micros, 99.0));
        Ok(Seen { requests: micros.len() as u64, bytes, seconds, p50_ms, p99_ms })
    })
}

async fn ask(address: SocketAddr, request: std::sync::Arc<[u8]>, until: Instant) -> io::Result<(Vec<u32>, u64)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; HEAD_BYTES_MAX];
    let (mut micros, mut bytes) = (Vec::new(), 0);
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Ok((micros, bytes));
        }
        stream.write_all(&request).await?;
        let mut filled = 0;
        while !buffer[..filled].ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Err(io::Error::other("the server closed the connection")),
                read => filled += read,
            }
        }
        if !buffer.starts_with(b"HTTP/1.1 200 ") {
            return Err(io::Error::other(String::from_utf8_lossy(&buffer[..filled.min(64)]).into_owned()));
        }
        bytes += filled as u64;
        micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

/// Returns the time, in milliseconds, within which so many of 100 came; 0 of none. Sorts the times.
pub(crate) fn percentile_ms(micros: &mut [u32], percent: f64) -> f64 {
    micros.sort_unstable();
    let at = (micros.len() as f64 * percent / 100.0).ceil() as usize;
    micros.get(at.saturating_sub(1)).map_or(0.0, |micros| f64::from(*micros) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_within_which_so_many_came() {
        let mut micros: Vec<u32> = (1..=100).rev().map(|n| n * 1000).collect();

        assert_eq!(percentile_ms(&mut micros, 50.0), 50.0);
        assert_eq!(percentile_ms(&mut micros, 99.0), 99.0);
        assert_eq!(percentile_ms(&mut [7_000], 99.0), 7.0);
        assert_eq!(percentile_ms(&mut [], 99.0), 0.0);
    }
}
