use base64::{Engine, engine::general_purpose::STANDARD};
use std::{io::Read, time::Duration};
use ureq::{
    Agent, SendBody,
    http::{Method, Request, Response},
};

/// A small HTTP client that sees everything, also what is refused.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    address: String,
    authorization: Option<String>,
    host: Option<String>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the first error code of the specification.
    pub fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().into()
    }
}

impl Client {
    /// A client that brings user and password with each request.
    pub fn new(address: &str, user: &str, password: &str) -> Client {
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        Client { authorization: Some(basic), ..Client::anonymous(address) }
    }

    /// A client that brings nothing.
    pub fn anonymous(address: &str) -> Client {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        Client { agent, address: address.into(), authorization: None, host: None }
    }

    /// The same client with another `Authorization` header.
    pub fn with_authorization(mut self, value: &str) -> Client {
        self.authorization = Some(value.into());
        self
    }

    /// The same client, which says that it came by another host.
    pub fn at_host(mut self, host: &str) -> Client {
        self.host = Some(host.into());
        self
    }

    /// Sends a request; `Err` where no whole answer came.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let url = if path.starts_with("http://") { path.to_string() } else { format!("http://{}{path}", self.address) };
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = Request::builder().method(&method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let has_body = !matches!(method, Method::GET | Method::HEAD);
        let response = match has_body {
            true => self.agent.run(request.body(body).expect("a request"))?,
            false => self.agent.run(request.body(SendBody::none()).expect("a request"))?,
        };
        read(response)
    }

    /// Sends a request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[])
    }

    /// `HEAD`.
    pub fn head(&self, path: &str) -> Answer {
        self.send("HEAD", path, &[], &[])
    }

    /// Uploads a blob in one piece (`POST`, `PUT`); returns the last answer.
    pub fn push_blob(&self, name: &str, bytes: &[u8]) -> Result<Answer, ureq::Error> {
        let opened = self.try_send("POST", &format!("/v2/{name}/blobs/uploads/"), &[], &[])?;
        let Some(location) = opened.header("location").filter(|_| opened.status == 202) else { return Ok(opened) };
        let location = format!("{location}?digest={}", crate::digest(bytes));
        self.try_send("PUT", &location, &[("content-type", "application/octet-stream")], bytes)
    }
}

fn read(response: Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let status = response.status().as_u16();
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let mut body = Vec::new();
    response.into_body().into_reader().read_to_end(&mut body)?;
    Ok(Answer { status, headers, body })
}
