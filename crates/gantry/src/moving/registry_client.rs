//! A registry of anybody, which is read over its API (OCI Distribution 1.1.1).
//!
//! | file | what |
//! |---|---|
//! | `registry_client/login.rs` | who asks: Basic, or a token for each scope |
//! | `registry_client/lists.rs` | repositories, tags and referrers, page by page |
//! | `registry_client/blob.rs` | the bytes of a blob, which go on where they were cut off |
//! | `registry_client/url.rs` | where pages and redirects lead |

mod blob;
mod lists;
mod login;
mod url;

use super::{
    Pace,
    pace::{ATTEMPTS_MAX, wait_before},
};
use crate::agent::{TrustError, agent};
use gantry_env::Env;
use gantry_oci::{Digest, media_type};
use gantry_outbound::RegistryToken;
pub(crate) use lists::{read_catalog, read_tags};
use login::{Login, Way};
use serde_json::Value;
use std::{
    io::Read,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use ureq::{
    Agent, Body, SendBody,
    http::{HeaderMap, Method, Request, Response, StatusCode},
};
pub(crate) use url::next_page;

/// How long a connection may take to come about.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long an answer may take to begin.
const ANSWER_DEADLINE: Duration = Duration::from_secs(120);
/// How long the next bytes of an answer may take.
const BYTES_DEADLINE: Duration = Duration::from_secs(60);
/// Within which a manifest or a page has to be here.
const DOCUMENT_DEADLINE: Duration = Duration::from_secs(300);
/// Redirects that are followed, one after the other.
const REDIRECTS_MAX: usize = 5;
/// How often a document is asked for that breaks off.
const DOCUMENT_ATTEMPTS_MAX: u32 = 3;
/// Bytes of a refusal that are read.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;
/// Bytes of an answer with a token.
const TOKEN_BYTES_MAX: u64 = 64 << 10;
/// Characters of what a registry says of itself that are told on.
const TOLD_CHARS_MAX: usize = 200;

/// Why a registry does not give what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegistryError {
    /// Nobody is there.
    #[error("{host} cannot be reached: {problem}")]
    Lost {
        /// The registry, or where it sent us.
        host: String,
        /// Why.
        problem: String,
    },
    /// It does not let who asks in.
    #[error(
        "{host} does not let in who asks for {what}; log in with docker login, or name a file with USER:PASSWORD by \
         --source-credentials-file"
    )]
    Login {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// It refuses, or is broken.
    #[error("{host} answers {status} to {what}{said}")]
    Status {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// Its answer.
        status: u16,
        /// What it says of that, after a colon; empty where it says nothing.
        said: String,
    },
    /// Its answer is none.
    #[error("the answer of {host} to {what} is not understood: {problem}")]
    Answer {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// Why.
        problem: String,
    },
    /// More than anybody has.
    #[error("{host} lists more than {most} {what}")]
    TooMany {
        /// The registry.
        host: String,
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
}

/// Where a registry is, and how it is asked.
pub(crate) struct RegistryAccess<'a> {
    /// Whether it is asked over https.
    pub(crate) is_tls: bool,
    /// Its host, with the port where there is one.
    pub(crate) host: &'a str,
    /// `Basic …`, for a registry that wants to know who asks.
    pub(crate) login: Option<String>,
    /// A PEM file of authorities that are believed besides those of the system.
    pub(crate) authorities: Option<&'a Path>,
    /// How fast it is read.
    pub(crate) pace: Option<Arc<Pace>>,
    /// Whether blobs are slowed too: not where whoever reads them slows himself.
    pub(crate) paces_blobs: bool,
}

/// A registry that is read. What is lost or busy is asked for again, a few times.
pub(crate) struct RegistryClient {
    documents: Agent,
    blobs: Agent,
    is_tls: bool,
    host: String,
    /// Scheme and host.
    base: String,
    login: Login,
    pace: Option<Arc<Pace>>,
    paces_blobs: bool,
    /// Whether it was waited for in vain: it is not waited for any more until it answers.
    is_given_up: AtomicBool,
    /// Why nothing more is asked: it went away, or stayed busy.
    lost: OnceLock<RegistryError>,
}

/// A document that was read whole.
pub(crate) struct Document {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    headers: HeaderMap,
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Question<'q> {
    method: &'q Method,
    /// From the host on.
    path: &'q str,
    headers: &'q [(&'q str, &'q str)],
    /// What a token has to be good for, such as `repository:team/app:pull`.
    scope: &'q str,
}

impl RegistryClient {
    /// Prepares to ask; nothing is asked yet.
    ///
    /// # Errors
    /// The file of authorities.
    pub(crate) fn new(access: RegistryAccess<'_>) -> Result<RegistryClient, TrustError> {
        let agent_until = |document: Option<Duration>| -> Result<Agent, TrustError> {
            // A registry without TLS may send on to a store that has it.
            let config = agent("https://", access.authorities)?;
            let config = config.timeout_connect(Some(CONNECT_DEADLINE)).timeout_recv_response(Some(ANSWER_DEADLINE));
            Ok(config.timeout_per_read(Some(BYTES_DEADLINE)).timeout_recv_body(document).build().new_agent())
        };
        let scheme = if access.is_tls { "https" } else { "http" };
        Ok(RegistryClient {
            documents: agent_until(Some(DOCUMENT_DEADLINE))?,
            blobs: agent_until(None)?,
            is_tls: access.is_tls,
            host: access.host.to_owned(),
            base: format!("{scheme}://{}", access.host),
            login: Login::new(access.login, Env::real()),
            pace: access.pace,
            paces_blobs: access.paces_blobs,
            is_given_up: AtomicBool::new(false),
            lost: OnceLock::new(),
        })
    }

    /// Sees that the registry can still be asked.
    ///
    /// # Errors
    /// It went away, or stayed busy: what was not found there since may be there all the same.
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        self.lost.get().map_or(Ok(()), |lost| Err(lost.clone()))
    }

    /// Host and port.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Asks for a document; `None` where there is none.
    pub(crate) fn document(
        &self,
        path: &str,
        accept: Option<&str>,
        scope: &str,
        bytes_max: u64,
    ) -> Result<Option<Document>, RegistryError> {
        let accept: Vec<(&str, &str)> = accept.map(|accept| ("accept", accept)).into_iter().collect();
        let question = Question { method: &Method::GET, path, headers: &accept, scope };
        for attempt in 1.. {
            let Some(answer) = self.judge(&question, self.ask(&self.documents, &question)?)? else { return Ok(None) };
            let headers = answer.headers().clone();
            let mut bytes = Vec::new();
            match answer.into_body().into_reader().take(bytes_max + 1).read_to_end(&mut bytes) {
                Ok(_) if bytes.len() as u64 > bytes_max => {
                    return Err(self.misunderstood(path, &format!("it is longer than {bytes_max} bytes")));
                }
                Ok(_) => {
                    if let Some(pace) = &self.pace {
                        pace.wait(bytes.len() as u64);
                    }
                    return Ok(Some(Document { bytes, headers }));
                }
                Err(error) if attempt >= DOCUMENT_ATTEMPTS_MAX => {
                    return Err(self.lost(&self.host, &format!("the answer to {} broke off: {error}", short(path))));
                }
                Err(_) => thread::sleep(Duration::from_secs(u64::from(attempt))),
            }
        }
        unreachable!("attempts end")
    }

    /// Loads a manifest by its tag or digest; `None` where there is none.
    pub(crate) fn manifest(
        &self,
        repository: &str,
        reference: &str,
        bytes_max: u64,
    ) -> Result<Option<Document>, RegistryError> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.document(&path, Some(accepted().as_str()), &pull_of(repository), bytes_max)
    }

    /// Asks where a tag points; `None` where it does not exist, and `Some(None)` where only the manifest itself tells.
    pub(crate) fn resolve(&self, repository: &str, tag: &str) -> Result<Option<Option<Digest>>, RegistryError> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let found = self.head(&path, &[("accept", accepted().as_str())], &pull_of(repository))?;
        Ok(found.map(|headers| text(&headers, "docker-content-digest").and_then(|digest| digest.parse().ok())))
    }

    /// Asks how many bytes a blob has; `None` where it is not there.
    pub(crate) fn blob_length(&self, repository: &str, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let Some(headers) = self.head(&path, &[], &pull_of(repository))? else { return Ok(None) };
        let length = text(&headers, "content-length").and_then(|length| length.parse().ok());
        length.map(Some).ok_or_else(|| self.misunderstood(&path, "it does not say how long it is"))
    }

    fn head(&self, path: &str, headers: &[(&str, &str)], scope: &str) -> Result<Option<HeaderMap>, RegistryError> {
        let question = Question { method: &Method::HEAD, path, headers, scope };
        let answer = self.judge(&question, self.ask(&self.documents, &question)?)?;
        Ok(answer.map(|answer| answer.headers().clone()))
    }

    /// Asks, unless the registry went away before; one that goes away now, or stays busy, is not asked for anything more.
    fn ask(&self, agent: &Agent, question: &Question<'_>) -> Result<Response<Body>, RegistryError> {
        let answer = match self.ask_patiently(agent, question) {
            Ok(answer) if matches!(answer.status().as_u16(), 429 | 503) => {
                let (host, what, status) = (self.host.clone(), short(question.path), answer.status().as_u16());
                Err(RegistryError::Status { host, what, status, said: said_of(answer) })
            }
            answer => answer,
        };
        answer.map_err(|error| if error.is_of_all() { self.lost.get_or_init(|| error).clone() } else { error })
    }

    /// Asks as who is known, and again where the registry is busy, lost, or tired of a token; whatever is answered then is an answer.
    fn ask_patiently(&self, agent: &Agent, question: &Question<'_>) -> Result<Response<Body>, RegistryError> {
        let (mut attempt, mut is_renewed) = (self.first_attempt(), false);
        loop {
            self.check()?;
            let authorization = self.authorization(question)?;
            let answer = self.follow(agent, question, authorization.as_deref());
            if let Ok(refused) = &answer
                && refused.status() == StatusCode::UNAUTHORIZED
                && !is_renewed
            {
                is_renewed = true;
                let (host, what) = (self.host.clone(), short(question.path));
                let is_met = self.login.meet(refused.headers(), question.scope, self.is_tls);
                is_met.then_some(()).ok_or(RegistryError::Login { host, what })?;
                continue;
            }
            match patience(attempt, &answer) {
                Some(wait) => thread::sleep(wait),
                None => {
                    self.is_given_up.store(patience(1, &answer).is_some(), Relaxed);
                    return answer;
                }
            }
            attempt += 1;
        }
    }

    /// Whoever was waited for in vain is asked once.
    fn first_attempt(&self) -> u32 {
        if self.is_given_up.load(Relaxed) { ATTEMPTS_MAX } else { 1 }
    }

    /// What a question says of who asks; a token is fetched where there is none, or it ends soon.
    fn authorization(&self, question: &Question<'_>) -> Result<Option<String>, RegistryError> {
        let url = match self.login.way(question.scope, self.is_tls) {
            Way::Known(authorization) => return Ok(authorization),
            Way::Token(url) => url,
        };
        let mut attempt = self.first_attempt();
        let answer = loop {
            let basic = self.login.basic().map(|basic| ("authorization", basic));
            let answer = self.exchange(&self.documents, &Method::GET, &url, basic.as_slice());
            match patience(attempt, &answer) {
                Some(wait) => thread::sleep(wait),
                None => break answer?,
            }
            attempt += 1;
        };
        let what = short(question.path);
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(RegistryError::Login { host: self.host.clone(), what });
            }
            status => {
                let (host, status) = (self.host.clone(), status.as_u16());
                return Err(RegistryError::Status {
                    host,
                    what: format!("a token for {what}"),
                    status,
                    said: String::new(),
                });
            }
        }
        let mut bytes = Vec::new();
        let read = answer.into_body().into_reader().take(TOKEN_BYTES_MAX).read_to_end(&mut bytes);
        let token = read.ok().and_then(|_| RegistryToken::read(&bytes));
        let token = token.ok_or_else(|| self.misunderstood(question.path, "its token service gives no token"))?;
        Ok(Some(self.login.keep(question.scope, &token)))
    }

    /// One question and its answer, at the end of redirects. Another host is not told who asks, and cannot ask for it either: its
    /// refusal is an error, or whoever a redirect leads to could name the token service that is told the password.
    fn follow(
        &self,
        agent: &Agent,
        question: &Question<'_>,
        authorization: Option<&str>,
    ) -> Result<Response<Body>, RegistryError> {
        let mut url = format!("{}{}", self.base, question.path);
        for _ in 0..=REDIRECTS_MAX {
            let is_home = url::path_at(&self.base, &url).is_some();
            let authorization = authorization.filter(|_| is_home).map(|value| ("authorization", value));
            let headers: Vec<(&str, &str)> = question.headers.iter().copied().chain(authorization).collect();
            let answer = self.exchange(agent, question.method, &url, &headers)?;
            let location = text(answer.headers(), "location").filter(|_| answer.status().is_redirection());
            let Some(location) = location else {
                if answer.status() == StatusCode::UNAUTHORIZED && !is_home {
                    let (host, what, said) = (url::host(&url).to_owned(), short(question.path), String::new());
                    return Err(RegistryError::Status { host, what, status: 401, said });
                }
                return Ok(answer);
            };
            let next = url::redirected(&url, location);
            url = next.ok_or_else(|| self.misunderstood(question.path, "it sends to where nothing is asked"))?;
        }
        Err(self.misunderstood(question.path, "it sends on and on"))
    }

    fn exchange(
        &self,
        agent: &Agent,
        method: &Method,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Response<Body>, RegistryError> {
        let mut request = Request::builder().method(method.clone()).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(SendBody::none()).map_err(|error| self.misunderstood(url, &error.to_string()))?;
        agent.run(request).map_err(|error| self.lost(url::host(url), &error.to_string()))
    }

    /// Turns an answer that is none into what it means; `None` where nothing is there.
    fn judge(&self, question: &Question<'_>, answer: Response<Body>) -> Result<Option<Response<Body>>, RegistryError> {
        let (host, what) = (self.host.clone(), short(question.path));
        match answer.status() {
            status if status.is_success() => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(RegistryError::Login { host, what }),
            status => {
                let status = status.as_u16();
                Err(RegistryError::Status { host, what, status, said: said_of(answer) })
            }
        }
    }

    fn misunderstood(&self, path: &str, problem: &str) -> RegistryError {
        RegistryError::Answer { host: self.host.clone(), what: short(path), problem: problem.to_owned() }
    }

    fn lost(&self, host: &str, problem: &str) -> RegistryError {
        RegistryError::Lost { host: host.to_owned(), problem: problem.to_owned() }
    }
}

impl RegistryError {
    /// Whether what went wrong would go wrong with every other question.
    pub(crate) fn is_of_all(&self) -> bool {
        matches!(self, RegistryError::Lost { .. } | RegistryError::Status { status: 429 | 503, .. })
    }
}

impl Document {
    /// What the registry says that it is.
    pub(crate) fn media_type(&self) -> Option<&str> {
        text(&self.headers, "content-type")
    }
}

/// The scope of a token that lets a repository be read.
fn pull_of(repository: &str) -> String {
    format!("repository:{repository}:pull")
}

/// Manifests of every kind: what is not understood is named later, and better than by a refusal.
fn accepted() -> String {
    format!("{}, */*", media_type::MANIFESTS.join(", "))
}

/// Decides whether a question is asked again, and after which time. What only reads may be asked as often as one likes.
fn patience(attempt: u32, answer: &Result<Response<Body>, RegistryError>) -> Option<Duration> {
    match answer {
        Ok(answer) => {
            let status = match answer.status().as_u16() {
                500 | 502 | 504 => 503,
                status => status,
            };
            wait_before(attempt, Some(status), text(answer.headers(), "retry-after"))
        }
        Err(RegistryError::Lost { .. }) => wait_before(attempt, None, None),
        Err(_) => None,
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What a refusal says of itself, after a colon.
fn said_of(answer: Response<Body>) -> String {
    let mut bytes = Vec::new();
    // What cannot be read of a refusal leaves its status.
    let _ = answer.into_body().into_reader().take(REFUSAL_BYTES_MAX).read_to_end(&mut bytes);
    let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let said = document["errors"][0]["message"].as_str().unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(TOLD_CHARS_MAX).collect();
    if said.is_empty() { said } else { format!(": {said}") }
}

/// An address without its query, where secrets may stand.
fn short(path: &str) -> String {
    path.split('?').next().unwrap_or_default().chars().take(TOLD_CHARS_MAX).collect()
}

#[cfg(test)]
pub(crate) mod tests;
