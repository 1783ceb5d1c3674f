use crate::{Answer, PASSWORD, USER};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

/// A connection that sends exactly the bytes it is given, however wrong they are.
pub struct Raw {
    stream: BufReader<TcpStream>,
}

/// Returns the header line of the root credentials, with its line end.
pub fn authorization_line() -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{USER}:{PASSWORD}")))
}

impl Raw {
    /// Connects. Whatever is waited for is waited for at most 20 seconds.
    pub fn connect(address: &str) -> Raw {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit can be set");
        stream.set_write_timeout(Some(Duration::from_secs(20))).expect("a limit can be set");
        stream.set_nodelay(true).expect("small pieces can be sent");
        Raw { stream: BufReader::new(stream) }
    }

    /// Sends bytes; `false` where the server takes no more.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a request with the root credentials and these headers, each with its line end.
    pub fn request(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> bool {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: gantry\r\n{}{headers}\r\n", authorization_line());
        self.send([head.as_bytes(), body].concat())
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        // Where the server has closed already there is nothing left to say.
        let _ = self.stream.get_mut().shutdown(Shutdown::Write);
    }

    /// Reads the next answer, those with 1xx too; `None` where the server closed instead.
    ///
    /// # Panics
    /// What comes is no answer of HTTP/1.1, or nothing comes for 20 seconds.
    pub fn answer(&mut self) -> Option<Answer> {
        match self.read_answer() {
            Ok(answer) => answer,
            Err(error) if is_reset(&error) => None,
            Err(error) => panic!("no answer came: {error}"),
        }
    }

    /// Reads the next answer up to its body, which [`Raw::rest_of`] reads.
    pub fn answer_head(&mut self) -> Option<Answer> {
        self.read_head().unwrap_or_else(|error| panic!("no answer came: {error}"))
    }

    /// Reads the body of an answer whose head was read.
    pub fn rest_of(&mut self, answer: &Answer) -> Vec<u8> {
        self.body(answer).unwrap_or_else(|error| panic!("the body did not come: {error}"))
    }

    fn read_answer(&mut self) -> io::Result<Option<Answer>> {
        let Some(mut answer) = self.read_head()? else { return Ok(None) };
        if answer.status >= 200 && answer.status != 204 && answer.status != 304 {
            answer.body = self.body(&answer)?;
        }
        Ok(Some(answer))
    }

    fn read_head(&mut self) -> io::Result<Option<Answer>> {
        let first = self.line()?;
        if first.is_empty() {
            return Ok(None);
        }
        let status = first.strip_prefix("HTTP/1.1 ").or_else(|| first.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)).and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(|| io::Error::other(format!("{first:?} is no status line")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
        Ok(Some(Answer { status, headers, body: Vec::new() }))
    }

    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = answer.header("content-length").and_then(|length| length.parse::<u64>().ok()) {
            (&mut self.stream).take(length).read_to_end(&mut body)?;
            return Ok(body);
        }
        if answer.header("transfer-encoding").is_none() {
            self.stream.read_to_end(&mut body)?;
            return Ok(body);
        }
        loop {
            let size = self.line()?;
            let size = u64::from_str_radix(&size, 16).map_err(|_| io::Error::other(format!("{size:?} is no size")))?;
            (&mut self.stream).take(size).read_to_end(&mut body)?;
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_string())
    }

    /// Reads so many bytes; `None` where the server closes before.
    ///
    /// # Panics
    /// They do not come within 20 seconds.
    pub fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        match self.stream.read_exact(&mut bytes) {
            Ok(()) => Some(bytes),
            Err(error) if is_reset(&error) || error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => panic!("no {count} bytes came: {error}"),
        }
    }

    /// Reads until the server closes; `None` where it did not within the limit.
    pub fn until_closed(&mut self, limit: Duration) -> Option<Vec<u8>> {
        self.stream.get_ref().set_read_timeout(Some(limit)).expect("a limit can be set");
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => Some(rest),
            Err(error) if is_reset(&error) => Some(rest),
            Err(_) => None,
        }
    }
}

fn is_reset(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
}
