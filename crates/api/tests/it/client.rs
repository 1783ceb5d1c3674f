//! A client that shows every byte.

use std::{collections::HashMap, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    /// Values of `WWW-Authenticate`, in their order.
    pub(crate) challenges: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Client { stream, buffer: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a request without body and reads the answer.
    pub(crate) async fn ask(&mut self, request_line: &str, headers: &[&str]) -> Answer {
        self.send(request(request_line, headers)).await;
        self.answer(request_line.starts_with("HEAD")).await.expect("an answer")
    }

    /// Reads one answer; `None` where the server closes instead.
    pub(crate) async fn answer(&mut self, is_head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill().await {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pairs: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
            .collect();
        let challenges =
            pairs.iter().filter(|(name, _)| name == "www-authenticate").map(|(_, value)| value.clone()).collect();
        let headers: HashMap<String, String> = pairs.into_iter().collect();
        if status == 100 {
            return Some(Answer { status, headers, challenges, body: Vec::new() });
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        while !is_head && self.buffer.len() < length && self.fill().await {}
        let body = if is_head { Vec::new() } else { self.buffer.drain(..length.min(self.buffer.len())).collect() };
        Some(Answer { status, headers, challenges, body })
    }

    async fn fill(&mut self) -> bool {
        // A reset says what an end says: that nothing more comes.
        self.stream.read_buf(&mut self.buffer).await.is_ok_and(|count| count > 0)
    }

    /// Reads until the server closes, and returns everything that came.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }
}

/// A request with a host and a good token.
pub(crate) fn request(request_line: &str, headers: &[&str]) -> String {
    let mut text = format!("{request_line} HTTP/1.1\r\nhost: hub.example\r\n");
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("authorization:")) {
        text.push_str("authorization: Bearer good\r\n");
    }
    for header in headers.iter().filter(|header| !header.ends_with("none")) {
        text.push_str(header);
        text.push_str("\r\n");
    }
    text + "\r\n"
}
