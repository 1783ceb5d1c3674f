//! The connection to an address that has been checked.

use crate::target::{Target, Way};
use crate::{Authorities, OutboundError, Settings};
use gantry_env::Env;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr};
use std::{io, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long one address may take before the next is tried.
const CONNECT_SECONDS: u64 = 5;
/// How many addresses of a host are tried.
const TRIES_MAX: usize = 4;
const PROXY_ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Bytes both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to one of the addresses of `way`, through the proxy unless they are named, and speaks TLS there if `target` does.
pub(crate) async fn connect(
    target: &Target,
    way: &Way,
    settings: &Settings,
    authorities: &Authorities,
    env: &Env,
) -> Result<Box<dyn Stream>, OutboundError> {
    let proxy = settings.proxy_address().filter(|_| !way.is_named);
    let mut problem = None;
    for address in way.addresses.iter().take(TRIES_MAX) {
        let tried = match &proxy {
            Some(proxy) => through(proxy, *address, target, env).await,
            None => dial(SocketAddr::new(*address, target.port()), env)
                .await
                .map_err(|source| OutboundError::Connect { host: target.host(), source }),
        };
        match tried {
            Ok(stream) => return secure(stream, target, authorities).await,
            Err(error) => problem = Some(error),
        }
    }
    Err(problem.unwrap_or(OutboundError::Resolve { host: target.host(), source: None }))
}

async fn dial(address: impl tokio::net::ToSocketAddrs, env: &Env) -> io::Result<TcpStream> {
    tokio::select! {
        stream = TcpStream::connect(address) => stream,
        () = env.sleep(Duration::from_secs(CONNECT_SECONDS)) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Has the proxy connect (RFC 9110, "CONNECT"). It is told the address, so that it cannot find another for the name.
async fn through(
    proxy: &(String, u16),
    address: IpAddr,
    target: &Target,
    env: &Env,
) -> Result<TcpStream, OutboundError> {
    let failed = |what: String| OutboundError::Proxy { host: target.host(), what };
    let mut stream = dial((proxy.0.as_str(), proxy.1), env).await.map_err(|error| failed(error.to_string()))?;
    let authority = SocketAddr::new(address, target.port());
    let asked = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
    let mut answer = Vec::new();
    // One byte at a time, lest something is taken that belongs to what comes after.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= PROXY_ANSWER_BYTES_MAX {
            return Err(failed("its answer is too long".into()));
        }
        answer.push(stream.read_u8().await.map_err(|error| failed(error.to_string()))?);
    }
    let line = String::from_utf8_lossy(answer.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["HTTP/1.1" | "HTTP/1.0", status, ..] if status.len() == 3 && status.starts_with('2') => Ok(stream),
        _ => Err(failed(line.chars().filter(|c| !c.is_control()).take(100).collect())),
    }
}

async fn secure(
    stream: TcpStream,
    target: &Target,
    authorities: &Authorities,
) -> Result<Box<dyn Stream>, OutboundError> {
    if !target.is_tls() {
        return Ok(Box::new(stream));
    }
    let failed = |source| OutboundError::Connect { host: target.host(), source };
    let name = ServerName::try_from(target.certificate_name()).map_err(|error| failed(io::Error::other(error)))?;
    let stream = TlsConnector::from(authorities.config()).connect(name, stream).await.map_err(failed)?;
    Ok(Box::new(stream))
}
