//! A running server, as the commands that talk to one see it.

use crate::output::Failure;
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_words::Secret;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::{
    Agent, SendBody,
    http::{Method, Request, Response, StatusCode},
};

/// Bytes of an answer in JSON.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Where the server is, and who asks.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RemoteFlags {
    /// The server to talk to, as a URL or host:port (plain HTTP on this machine, HTTPS elsewhere)
    #[arg(long, env = "GANTRY_SERVER", default_value = "127.0.0.1:5000", value_name = "SERVER")]
    server: String,
    /// The user; else the one that `gantry login` or `docker login` stored for the server
    #[arg(long, env = "GANTRY_USER", value_name = "USER")]
    user: Option<String>,
    /// A file with the password of --user
    #[arg(long, env = "GANTRY_PASSWORD_FILE", value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
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
        let mut remote = Remote::at(&flags.server)?;
        remote.authorization = match (&flags.user, &flags.password_file) {
            (Some(user), Some(file)) => Some(basic(user, &read_password(file)?)),
            (Some(_), None) => {
                return Err(Failure::usage("--user comes without a password", "Add --password-file FILE"));
            }
            (None, _) => stored(&docker_config(), &remote.host),
        };
        Ok(remote)
    }

    /// A server without credentials.
    pub(crate) fn at(server: &str) -> Result<Remote, Failure> {
        let (base, host) = base_of(server);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
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

    /// Sends a document, and reads the answer.
    pub(crate) fn put<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(method, path, Some(body)).and_then(|response| self.read(response))
    }

    /// Removes what is at a path.
    pub(crate) fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(Method::DELETE, path, None::<&()>).map(drop)
    }

    /// Opens a path for reading.
    pub(crate) fn open_body(&self, path: &str) -> Result<impl Read + use<>, Failure> {
        self.send(Method::GET, path, None::<&()>).map(|response| response.into_body().into_reader())
    }

    fn send(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<Response<ureq::Body>, Failure> {
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
        let response = sent.map_err(|error| {
            let problem = format!("cannot reach {}: {error}", self.base);
            Failure::failed(problem, "Start a server with: gantry serve, or name another one with --server")
        })?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response)) }
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

    fn refusal(&self, response: Response<ureq::Body>) -> Failure {
        let status = response.status();
        let mut text = Vec::new();
        // What cannot be read of a refusal leaves its status.
        let _ = response.into_body().into_reader().take(64 << 10).read_to_end(&mut text);
        let document: Value = serde_json::from_slice(&text).unwrap_or_default();
        let message = document["error"]["message"].as_str().or(document["errors"][0]["message"].as_str());
        let problem = message.map_or_else(|| format!("{} answers {status}", self.base), str::to_string);
        let remedy = match status {
            StatusCode::UNAUTHORIZED => format!("Log in with: gantry login {}", self.host),
            _ => String::new(),
        };
        Failure::failed(problem, remedy)
    }
}

/// Returns the URL of a server and its host as docker names it. Without a scheme this machine is plain HTTP.
fn base_of(server: &str) -> (String, String) {
    let server = server.trim_end_matches('/');
    if let Some((_, host)) = server.split_once("://") {
        return (server.to_string(), host.to_string());
    }
    let name = server.rsplit_once(':').map_or(server, |(name, _)| name).trim_matches(['[', ']']);
    let is_here = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    (format!("{}://{server}", if is_here { "http" } else { "https" }), server.to_string())
}

fn basic(user: &str, password: &Secret<String>) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal())))
}

/// Reads a password from a file, without the line end behind it.
pub(crate) fn read_password(file: &Path) -> Result<Secret<String>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::failed(format!("cannot read {}: {error}", file.display()), "Name a file with the password in it")
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_string()))
}

/// Where docker keeps its credentials.
pub(crate) fn docker_config() -> PathBuf {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map_or_else(PathBuf::new, PathBuf::from).join(".docker");
    folder.unwrap_or_else(home).join("config.json")
}

/// Finds the credentials for a host in docker's file.
fn stored(file: &Path, host: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let auth = document["auths"][host]["auth"].as_str()?;
    Some(format!("Basic {auth}"))
}

/// Stores credentials for a host in docker's file, and leaves the rest of it as it is.
pub(crate) fn store(file: &Path, host: &str, user: &str, password: &Secret<String>) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(
            format!("cannot write {}: {error}", file.display()),
            "Look at the folder's permissions, or set DOCKER_CONFIG",
        )
    };
    let mut document: Value = match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(&error))?,
        Err(_) => json!({}),
    };
    let auth = STANDARD.encode(format!("{user}:{}", password.reveal()));
    document["auths"][host] = json!({"auth": auth});
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let text = serde_json::to_vec_pretty(&document).map_err(|error| failed(&error))?;
    write_private(file, &text).map_err(|error| failed(&error))
}

fn write_private(file: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let fresh = file.with_extension("json.new");
    let mut written = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    written.write_all(text)?;
    fs::rename(fresh, file)
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
            assert_eq!(base_of(server), (base.into(), host.into()));
        }
    }

    #[test]
    fn credentials_are_kept_beside_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("docker/config.json");
        store(&file, "one:5000", "user", &Secret::new("a".into())).unwrap();

        store(&file, "two:5000", "user", &Secret::new("b".into())).unwrap();

        assert_eq!(stored(&file, "one:5000"), Some(basic("user", &Secret::new("a".into()))));
        assert_eq!(stored(&file, "two:5000"), Some(basic("user", &Secret::new("b".into()))));
        assert_eq!(stored(&file, "three:5000"), None);
    }
}
