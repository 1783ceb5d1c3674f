//! A small HTTP/1.1 client on one blocking, kept-alive connection: fills stores, checks answers, pushes.

use crate::error::{BenchError, Outcome, While};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::ServerName};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

/// Longer than any server here may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// A connection to one server.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    address: SocketAddr,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A request without its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request<'a> {
    /// `GET`, `PUT` and so on.
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
    /// The `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
    /// Further headers.
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

/// What is sent behind the headers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// Nothing, and no word of it: `GET`, `HEAD`.
    None,
    /// These pieces, with their length said before.
    Sized(&'a [&'a [u8]]),
    /// These pieces, each as a chunk of `Transfer-Encoding: chunked`, as a client sends what it is still reading.
    Streamed(&'a [&'a [u8]]),
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the first header of a name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns what `Content-Length` says.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }
}

impl Connection {
    /// Connects without encryption.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn open(address: SocketAddr) -> Outcome<Self> {
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, Box::new(connect(address)?)), address })
    }

    /// Connects over TLS, believing this certificate (DER) and no other.
    ///
    /// # Errors
    /// When nobody listens, or the certificate cannot be used.
    pub(crate) fn open_tls(address: SocketAddr, certificate: &[u8]) -> Outcome<Self> {
        let failed = |error: rustls::Error| BenchError::program("rustls", error);
        let mut roots = RootCertStore::empty();
        roots.add(certificate.to_vec().into()).map_err(failed)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(failed)?.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::IpAddress(address.ip().into());
        let session = ClientConnection::new(Arc::new(config), name).map_err(failed)?;
        let stream = StreamOwned::new(session, connect(address)?);
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, Box::new(stream)), address })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub(crate) fn send(&mut self, request: &Request<'_>, body: Body<'_>) -> Outcome<Answer> {
        let said = || format!("{} {} at {}", request.method, request.path, self.address);
        let asked = write_request(self.stream.get_mut(), self.address, request, body);
        let answered = asked.and_then(|()| read_answer(&mut self.stream, request.method == "HEAD"));
        answered.while_trying(said())
    }
}

fn connect(address: SocketAddr) -> Outcome<TcpStream> {
    let set_up = || {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        Ok(stream)
    };
    set_up().while_trying(format!("connect to {address}"))
}

fn write_request(to: &mut impl Write, host: SocketAddr, request: &Request<'_>, body: Body<'_>) -> io::Result<()> {
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method, request.path);
    if let Some(value) = request.authorization {
        head.push_str(&format!("Authorization: {value}\r\n"));
    }
    for (name, value) in request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match body {
        Body::None => head.push_str("\r\n"),
        Body::Sized(pieces) => {
            let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
            head.push_str(&format!("Content-Length: {bytes}\r\n\r\n"));
        }
        Body::Streamed(_) => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
    }
    match body {
        Body::None => to.write_all(head.as_bytes())?,
        // A small body travels with its head, as it does from every client.
        Body::Sized([piece]) if piece.len() <= 16 * 1024 => to.write_all(&[head.as_bytes(), piece].concat())?,
        Body::Sized(pieces) => {
            to.write_all(head.as_bytes())?;
            pieces.iter().try_for_each(|piece| to.write_all(piece))?;
        }
        Body::Streamed(pieces) => {
            to.write_all(head.as_bytes())?;
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                to.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                to.write_all(piece)?;
                to.write_all(b"\r\n")?;
            }
            to.write_all(b"0\r\n\r\n")?;
        }
    }
    to.flush()
}

fn read_answer(from: &mut impl BufRead, is_head: bool) -> io::Result<Answer> {
    let first = read_line(from)?;
    let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("{first:?} is no status line")))?;
    let mut answer = Answer { status, ..Answer::default() };
    while let Some((name, value)) = read_line(from)?.split_once(':') {
        answer.headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
    }
    match answer.content_length() {
        _ if is_head || status == 204 || status == 304 => {}
        Some(length) => {
            from.take(length).read_to_end(&mut answer.body)?;
        }
        None => read_chunks(from, &mut answer.body)?,
    }
    Ok(answer)
}

fn read_chunks(from: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(from)?;
        let bytes = u64::from_str_radix(&line, 16).map_err(|_| io::Error::other(format!("{line:?} is no length")))?;
        from.take(bytes).read_to_end(body)?;
        read_line(from)?;
        if bytes == 0 {
            return Ok(());
        }
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
    }
    Ok(line.trim_end().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(body: Body<'_>) -> String {
        let request = Request { method: "PUT", path: "/x", authorization: Some("Bearer t"), headers: &[("A", "b")] };
        let mut bytes = Vec::new();
        write_request(&mut bytes, ([127, 0, 0, 1], 80).into(), &request, body).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_sized_body_says_its_length_before_it_comes() {
        assert_eq!(
            written(Body::Sized(&[b"ab", b"c"])),
            "PUT /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAuthorization: Bearer t\r\nA: b\r\nContent-Length: 3\r\n\r\nabc"
        );
    }

    #[test]
    fn a_streamed_body_comes_in_chunks() {
        assert!(
            written(Body::Streamed(&[b"ab", b"", b"c"])).ends_with("chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        );
    }

    #[test]
    fn answers_are_read_by_length_by_chunks_and_without_a_body() {
        let read = |text: &str, is_head| read_answer(&mut text.as_bytes(), is_head).unwrap();

        let sized = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", false);
        let chunked = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", false);
        let head = read("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", true);

        assert_eq!((sized.status, sized.body.as_slice()), (200, b"ab".as_slice()));
        assert_eq!(chunked.body, b"ab");
        assert_eq!((head.content_length(), head.body.len()), (Some(9), 0));
    }

    #[test]
    fn a_closed_connection_is_an_error_and_no_empty_answer() {
        assert!(read_answer(&mut "".as_bytes(), false).is_err());
    }
}
