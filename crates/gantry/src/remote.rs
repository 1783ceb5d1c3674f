//! A running server, as the commands that talk to one see it.

use crate::{
    agent::agent,
    credentials::{self, basic, read_password},
    output::Failure,
};
use gantry_words::Secret;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    io::{ErrorKind, Read},
    path::PathBuf,
    time::Duration,
};
use ureq::{
    Agent, AsSendBody, SendBody,
    http::{Method, Request, Response, StatusCode},
};

/// Bytes of an answer in JSON.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Lines of a page that is asked for.
const PAGE_LINES: usize = 1_000;

/// Whose certificates are believed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TrustFlags {
    /// A PEM file of authorities whose certificates are believed, besides those of the system
    #[arg(long, env = "GANTRY_CA_FILE", hide_env_values = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Where the server is, and who asks.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RemoteFlags {
    /// The server to talk to, as a URL or host:port (plain HTTP on this machine, HTTPS elsewhere)
    #[arg(
        long,
        env = "GANTRY_SERVER",
        hide_env_values = true,
        default_value = "127.0.0.1:5000",
        value_name = "SERVER"
    )]
    server: String,
    #[command(flatten)]
    trust: TrustFlags,
    /// The user; else the one that `gantry login` or `docker login` stored for the server
    #[arg(long, env = "GANTRY_USER", hide_env_values = true, value_name = "USER")]
    user: Option<String>,
    /// A file with the password of --user
    #[arg(long, env = "GANTRY_PASSWORD_FILE", hide_env_values = true, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

/// The same, where a command can do without a server.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServerFlags {
    /// A server to ask too, as a URL or host:port
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    #[command(flatten)]
    trust: TrustFlags,
    /// The user; else the one that `gantry login` or `docker login` stored for the server
    #[arg(long, env = "GANTRY_USER", hide_env_values = true, value_name = "USER")]
    user: Option<String>,
    /// A file with the password of --user
    #[arg(long, env = "GANTRY_PASSWORD_FILE", hide_env_values = true, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

impl ServerFlags {
    /// The server, where one is named.
    pub(crate) fn remote(self) -> Option<RemoteFlags> {
        let ServerFlags { server, trust, user, password_file } = self;
        server.map(|server| RemoteFlags { server, trust, user, password_file })
    }
}

/// A server with credentials for it.
pub(crate) struct Remote {
    agent: Agent,
    base: String,
    host: String,
    authorization: Option<String>,
}

impl Remote {
    /// Finds the credentials for the server of `flags`.
    pub(crate) fn open(flags: &RemoteFlags) -> Result<Remote, Failure> {
        let mut remote = Remote::at(&flags.server, &flags.trust)?;
        remote.authorization = match (&flags.user, &flags.password_file) {
            (Some(user), Some(file)) => Some(basic(user, &read_password(file)?)),
            (Some(_), None) => {
                return Err(Failure::usage("--user comes without a password", "Add --password-file FILE"));
            }
            (None, _) => credentials::stored(&remote.host)?,
        };
        Ok(remote)
    }

    /// The server of `flags` without credentials, also where some are stored for it.
    pub(crate) fn anonymous(flags: &RemoteFlags) -> Result<Remote, Failure> {
        Remote::at(&flags.server, &flags.trust)
    }

    /// A server of a test.
    #[cfg(test)]
    pub(crate) fn of_test(server: &str) -> Remote {
        Remote::at(server, &TrustFlags { ca_file: None }).expect("the tests name servers well")
    }

    /// A server without credentials.
    pub(crate) fn at(server: &str, trust: &TrustFlags) -> Result<Remote, Failure> {
        let (base, host) = base_of(server)?;
        let agent = agent(&base, trust.ca_file.as_deref())
            .map_err(|error| Failure::failed(error.to_string(), "Name another file with --ca-file"))?
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        Ok(Remote { agent, base, host, authorization: None })
    }

    /// The same server with a user's password.
    pub(crate) fn with_password(mut self, user: &str, password: &Secret<String>) -> Remote {
        self.authorization = Some(basic(user, password));
        self
    }

    /// Host and port, as docker names it.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Asks for a document.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, None::<&()>).and_then(|response| self.read(response))
    }

    /// Reads the lines of a list, page by page, up to `wanted` of them; returns them with the last page. `address` has a query, and
    /// `apart` takes a page apart into its lines and where the next one begins.
    pub(crate) fn lines<P: DeserializeOwned, L>(
        &self,
        address: &str,
        wanted: Option<usize>,
        apart: impl Fn(&mut P) -> (Vec<L>, Option<String>),
    ) -> Result<(Vec<L>, P), Failure> {
        let (wanted, mut after, mut lines) = (wanted.unwrap_or(usize::MAX), String::new(), Vec::new());
        loop {
            let limit = wanted.saturating_sub(lines.len()).clamp(1, PAGE_LINES);
            let mut page: P = self.get(&format!("{address}&limit={limit}{after}"))?;
            let (more, next) = apart(&mut page);
            lines.extend(more);
            match next {
                Some(next) if lines.len() < wanted => after = format!("&after={}", percent_encoded(&next, "")),
                _ => {
                    lines.truncate(wanted);
                    return Ok((lines, page));
                }
            }
        }
    }

    /// Asks for a document that there may be later: nothing where the server cannot be reached, has no time or breaks off.
    pub(crate) fn get_if_there<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        let Ok(response) = self.ask(Method::GET, path, None::<&()>) else { return Ok(None) };
        match response.status() {
            status if status.is_success() => Ok(self.read(response).ok()),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Ok(None),
            _ => Err(self.refusal(path, response)),
        }
    }

    /// Sends a document, and reads the answer.
    pub(crate) fn put<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(method, path, Some(body)).and_then(|response| self.read(response))
    }

    /// Sends a document where nothing is answered.
    pub(crate) fn send_only(&self, method: Method, path: &str, body: &impl Serialize) -> Result<(), Failure> {
        self.send(method, path, Some(body)).map(drop)
    }

    /// Sends a document that asks for something, and reads the answer.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.put(Method::POST, path, body)
    }

    /// Sends a document whose answer takes its time; nothing where the connection broke before it came.
    pub(crate) fn post_and_wait<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Option<T>, Failure> {
        match self.ask(Method::POST, path, Some(body)) {
            Err(_) => Ok(None),
            Ok(response) if response.status().is_success() => self.read(response).map(Some),
            Ok(response) => Err(self.refusal(path, response)),
        }
    }

    /// Sends a document, and reads what is answered, also where the server says 400: that may be an answer as others are.
    pub(crate) fn post_and_read_refusal<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let response = self.ask(Method::POST, path, Some(body))?;
        match response.status() {
            status if status.is_success() || status == StatusCode::BAD_REQUEST => self.read(response),
            _ => Err(self.refusal(path, response)),
        }
    }

    /// Removes what is at a path.
    pub(crate) fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(Method::DELETE, path, None::<&()>).map(drop)
    }

    /// Removes what is at a path, and reads the answer.
    pub(crate) fn delete_and_read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::DELETE, path, None::<&()>).and_then(|response| self.read(response))
    }

    /// Opens a path for reading.
    pub(crate) fn open_body(&self, path: &str) -> Result<impl Read + use<>, Failure> {
        self.send(Method::GET, path, None::<&()>).map(|response| response.into_body().into_reader())
    }

    fn send(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Response<ureq::Body>, Failure> {
        let response = self.ask(method, path, body)?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(path, response)) }
    }

    /// Sends a request; whatever is answered is an answer.
    fn ask(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Response<ureq::Body>, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let unsendable = |error: ureq::http::Error| Failure::usage(format!("{path}: {error}"), "Look at the name");
        let sent = match body {
            Some(body) => {
                let body = serde_json::to_vec(body).map_err(|error| Failure::failed(error.to_string(), ""))?;
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(body.as_slice()).map_err(unsendable)?)
            }
            None => self.agent.run(request.body(SendBody::none()).map_err(unsendable)?),
        };
        sent.map_err(|error| self.lost(&error))
    }

    /// Sends a request that is not JSON, with headers of its own; whatever is answered is an answer.
    ///
    /// A body from a reader goes in chunks, unless `content-length` says how long it is.
    pub(crate) fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Result<Response<ureq::Body>, Failure> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body);
        let request = request.map_err(|error| Failure::usage(format!("{path}: {error}"), "Look at the name"))?;
        self.agent.run(request).map_err(|error| self.lost(&error))
    }

    /// The path of an address at this server; `None` where it leads to another.
    pub(crate) fn path_of<'a>(&self, location: &'a str) -> Option<&'a str> {
        let path = location.strip_prefix(self.base.as_str()).unwrap_or(location);
        (path.starts_with('/') && !path.starts_with("//")).then_some(path)
    }

    fn lost(&self, error: &ureq::Error) -> Failure {
        let problem = format!("cannot reach {}: {}", self.base, plainly(error));
        Failure::failed(problem, remedy(error, &self.base, &self.host))
    }

    fn read<T: DeserializeOwned>(&self, response: Response<ureq::Body>) -> Result<T, Failure> {
        let mut text = Vec::new();
        let read = response.into_body().into_reader().take(ANSWER_BYTES_MAX).read_to_end(&mut text);
        let lost = |error: &dyn std::fmt::Display| {
            Failure::failed(
                format!("the answer of {} is not understood: {error}", self.base),
                "Is it a Gantry of this version?",
            )
        };
        read.map_err(|error| lost(&error))?;
        serde_json::from_slice(&text).map_err(|error| lost(&error))
    }

    /// What a refusal says, and what to do about it.
    pub(crate) fn refusal(&self, path: &str, response: Response<ureq::Body>) -> Failure {
        let status = response.status();
        let mut text = Vec::new();
        // What cannot be read of a refusal leaves its status.
        let _ = response.into_body().into_reader().take(64 << 10).read_to_end(&mut text);
        let document: Value = serde_json::from_slice(&text).unwrap_or_default();
        let message = document["error"]["message"].as_str().or(document["errors"][0]["message"].as_str());
        let problem = message.map_or_else(|| format!("{} answers {status}", self.base), str::to_string);
        match (status, &self.authorization) {
            (StatusCode::UNAUTHORIZED, None) => Failure::failed(
                format!("{} answers only to those it knows", self.base),
                format!("Log in with: gantry login {}", self.host),
            ),
            (StatusCode::UNAUTHORIZED, Some(_)) => Failure::failed(
                format!("{} does not take this user name with this password", self.base),
                format!("Check both, and log in with: gantry login {}", self.host),
            )
            .with_details(message.map(|message| format!("it says: {message}"))),
            _ => Failure::failed(problem, next_step(document["error"]["code"].as_str().unwrap_or_default(), path)),
        }
    }
}

/// What to type next, where the refusal itself does not say it.
fn next_step(code: &str, path: &str) -> String {
    let rest = path.strip_prefix("/api/v1/repositories/").unwrap_or_default();
    let repository = ["/images/", "/tags/"].iter().find_map(|part| rest.rsplit_once(part)).map(|(name, _)| name);
    match (code, repository) {
        ("ImageNotFound", Some(name)) => format!("See what there is with: gantry image ls {name}"),
        ("RepositoryNotEmpty", _) => "Add --force to remove them with it".into(),
        _ => String::new(),
    }
}

/// What went wrong, without the names of libraries before it.
fn plainly(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Rustls(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// What to do about a server that cannot be reached.
fn remedy(error: &ureq::Error, base: &str, host: &str) -> String {
    let text = error.to_string();
    // Who expects TLS closes, or answers what is no HTTP.
    let is_misunderstood = match error {
        ureq::Error::Io(error) => matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => true,
        _ => false,
    };
    if base.starts_with("http://") && is_misunderstood {
        return format!("If it speaks TLS, write https://{host}");
    }
    if text.contains("UnknownIssuer") || text.contains("CaUsedAsEndEntity") {
        return "Name the authority of its certificate with --ca-file".into();
    }
    if text.contains("certificate") {
        return "Name the server as its certificate does".into();
    }
    if text.contains("corrupt message") {
        return format!("It seems to speak plain HTTP: try http://{host}");
    }
    "Start a server with: gantry serve, or name another one with --server".into()
}

/// Returns the URL of a server and its host as docker names it. Without a scheme this machine is plain HTTP.
fn base_of(server: &str) -> Result<(String, String), Failure> {
    let (scheme, rest) = server.split_once("://").map_or((None, server), |(scheme, rest)| (Some(scheme), rest));
    let host = rest.trim_end_matches('/');
    if host.is_empty() || host.contains('/') || !matches!(scheme, None | Some("http" | "https")) {
        let remedy = "Write host:port, or a URL with http:// or https://";
        return Err(Failure::usage(format!("{server:?} is no server"), remedy));
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_here = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let scheme = scheme.unwrap_or(if is_here { "http" } else { "https" });
    Ok((format!("{scheme}://{host}"), host.to_string()))
}

/// Writes a text for an address: what is neither unreserved (RFC 3986, section 2.3) nor in `kept` is percent-encoded.
pub(crate) fn percent_encoded(text: &str, kept: &str) -> String {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.as_bytes().contains(&byte);
    let write = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_plain_http_and_all_else_is_not() {
        for (server, base, host) in [
            ("127.0.0.1:5000", "http://127.0.0.1:5000", "127.0.0.1:5000"),
            ("localhost:5000", "http://localhost:5000", "localhost:5000"),
            ("[::1]:5000", "http://[::1]:5000", "[::1]:5000"),
            ("registry.example", "https://registry.example", "registry.example"),
            ("http://registry.example:5000/", "http://registry.example:5000", "registry.example:5000"),
        ] {
            assert_eq!(base_of(server), Ok((base.into(), host.into())));
        }
    }

    #[test]
    fn a_missing_image_leads_to_the_list_of_its_repository() {
        let path = "/api/v1/repositories/team/images/app/images/v1";

        assert_eq!(next_step("ImageNotFound", path), "See what there is with: gantry image ls team/images/app");
        assert_eq!(next_step("Internal", path), "");
    }

    #[test]
    fn what_is_no_server_is_said_to_be_none() {
        for server in ["", "/", "unix:/run/gantry.sock", "ftp://registry.example", "http://", "https://one/two"] {
            assert!(base_of(server).unwrap_err().to_string().contains("is no server"), "{server}");
        }
    }
}
