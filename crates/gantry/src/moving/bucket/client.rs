use super::{
    BucketAccess, BucketAddress, BucketError,
    access::Credentials,
    answers::{PAGE_BYTES_MAX, REFUSAL_BYTES_MAX, read_refusal},
    endpoint::Endpoint,
};
use crate::{agent::agent, moving::pace::wait_before, remote::percent_encoded};
use gantry_access::sigv4::{self, PathForm, Realm, SignedRequest};
use gantry_env::Env;
use std::{
    io::Read,
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use ureq::{
    Agent, Body, SendBody,
    http::{Method, Request, Response, StatusCode},
};

const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a store may think.
const RESPONSE_MAX: Duration = Duration::from_secs(60);
/// How long the bytes of one answer may take, from the first to the last; a longer object goes on with another request.
const BODY_MAX: Duration = Duration::from_secs(120);
/// The SHA-256 of no bytes at all: no request here has a body.
const NO_BYTES: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// How often a page of the list is asked for that breaks off.
const PAGE_ATTEMPTS_MAX: u32 = 3;
/// What a store says that is asked again.
const BUSY: u16 = 503;

/// A bucket over S3's API, whose requests are signed. It is read, and nothing else.
pub(super) struct Client {
    agent: Agent,
    endpoint: Endpoint,
    credentials: Credentials,
    region: String,
    env: Env,
    /// Whether the store was there at all: what never answered is not waited for.
    has_answered: AtomicBool,
    /// Why nothing more is asked.
    lost: OnceLock<BucketError>,
}

impl Client {
    /// A client of a bucket; nothing is asked yet.
    ///
    /// # Errors
    /// The endpoint is none, or a file of `authorities` cannot be read.
    pub(super) fn open(
        address: &BucketAddress,
        access: BucketAccess,
        authorities: Option<&Path>,
    ) -> Result<Client, BucketError> {
        let BucketAccess { credentials, region, endpoint } = access;
        let endpoint = match endpoint {
            Some(url) => Endpoint::named(&url, address)?,
            None => Endpoint::of_region(&region, address),
        };
        let agent = agent(&endpoint.base, authorities)?
            .timeout_connect(Some(CONNECT_MAX))
            .timeout_recv_response(Some(RESPONSE_MAX))
            .timeout_recv_body(Some(BODY_MAX))
            .build()
            .new_agent();
        let (has_answered, lost) = (AtomicBool::new(false), OnceLock::new());
        Ok(Client { agent, endpoint, credentials, region, env: Env::real(), has_answered, lost })
    }

    /// Returns why nothing more can be had, once that is so.
    pub(super) fn lost(&self) -> Option<BucketError> {
        self.lost.get().cloned()
    }

    /// Asks for a page of a list, and again where it breaks off; returns its bytes.
    ///
    /// # Errors
    /// [`BucketError`].
    pub(super) fn list(&self, query: &str) -> Result<Vec<u8>, BucketError> {
        let root = &self.endpoint.root;
        for attempt in 1.. {
            let answer = self.ask(if root.is_empty() { "/" } else { root }, query, 0)?;
            if !answer.status().is_success() {
                return Err(self.refusal(answer));
            }
            let mut bytes = Vec::new();
            match answer.into_body().into_reader().take(PAGE_BYTES_MAX + 1).read_to_end(&mut bytes) {
                Ok(_) if bytes.len() as u64 > PAGE_BYTES_MAX => {
                    return Err(BucketError::List { problem: format!("a page is longer than {PAGE_BYTES_MAX} bytes") });
                }
                Ok(_) => return Ok(bytes),
                Err(error) if attempt >= PAGE_ATTEMPTS_MAX => {
                    return Err(self.lose(format!("broke off its list {attempt} times: {error}")));
                }
                // A single cut is nothing to wait for.
                Err(_) => thread::sleep(Duration::from_secs(u64::from(attempt - 1))),
            }
        }
        unreachable!("attempts end")
    }

    /// Asks for the bytes of an object from one on; `None` where there is no such object.
    ///
    /// # Errors
    /// [`BucketError`].
    pub(super) fn load(&self, key: &str, from: u64) -> Result<Option<Response<Body>>, BucketError> {
        let answer = self.ask(&format!("{}/{key}", self.endpoint.root), "", from)?;
        match answer.status() {
            StatusCode::OK if from == 0 => Ok(Some(answer)),
            StatusCode::PARTIAL_CONTENT if from > 0 => Ok(Some(answer)),
            StatusCode::OK => Err(self.lose("does not give a part of an object".into())),
            StatusCode::NOT_FOUND => match self.refusal(answer) {
                refused if self.lost.get().is_some() => Err(refused),
                _ => Ok(None),
            },
            _ => Err(self.refusal(answer)),
        }
    }

    /// Asks, and asks again where the store is busy or was lost; whatever is answered then is an answer.
    fn ask(&self, path: &str, query: &str, from: u64) -> Result<Response<Body>, BucketError> {
        for attempt in 1.. {
            if let Some(lost) = self.lost.get() {
                return Err(lost.clone());
            }
            let sent = self.send(path, query, from);
            let wait = match &sent {
                Ok(answer) => wait_before(attempt, Some(busy(answer.status())), header(answer, "retry-after")),
                Err(_) if !self.has_answered.load(Relaxed) => None,
                Err(_) => wait_before(attempt, None, None),
            };
            match (wait, sent) {
                (Some(wait), _) => thread::sleep(wait),
                (None, Ok(answer)) => {
                    self.has_answered.store(true, Relaxed);
                    return Ok(answer);
                }
                (None, Err(problem)) => return Err(self.lose(format!("cannot be reached: {problem}"))),
            }
        }
        unreachable!("patience ends")
    }

    /// Sends one signed request (AWS Identity and Access Management User Guide, "Signature Version 4 for API requests").
    fn send(&self, path: &str, query: &str, from: u64) -> Result<Response<Body>, String> {
        let Client { endpoint, credentials, region, .. } = self;
        let now = self.env.now();
        let date = sigv4::print_date(now);
        let mut headers = vec![("host", &*endpoint.host), ("x-amz-content-sha256", NO_BYTES), ("x-amz-date", &*date)];
        headers.extend(credentials.session_token.iter().map(|token| ("x-amz-security-token", &**token.reveal())));
        let signed: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        // S3 signs a path that is encoded once, and what signs encodes it: so it is given as it is.
        let request =
            SignedRequest { method: "GET", path, query, headers: &signed, public_host: None, body: &[], is_tls: false };
        let realm = Realm { region: region.as_str(), service: "s3", path: PathForm::AsSent };
        let authorization = sigv4::sign(&request, &credentials.access_key_id, &credentials.secret, &realm, now);
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{mark}{query}", endpoint.base, percent_encoded(path, "/"));
        let mut request = Request::builder().method(Method::GET).uri(url).header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let request = request.body(SendBody::none()).map_err(|error| error.to_string())?;
        self.agent.run(request).map_err(|error| match error {
            ureq::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        })
    }

    /// Reads what is said instead of an answer; what concerns all of the bucket ends it.
    fn refusal(&self, answer: Response<Body>) -> BucketError {
        let status = answer.status().as_u16();
        let region = header(&answer, "x-amz-bucket-region").filter(|region| *region != self.region).map(str::to_owned);
        let mut bytes = Vec::new();
        // What cannot be read of a refusal leaves its status.
        let _ = answer.into_body().into_reader().take(REFUSAL_BYTES_MAX).read_to_end(&mut bytes);
        let refusal = read_refusal(status, &bytes);
        match region.filter(|region| region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')) {
            Some(region) => self.lose(format!("has the bucket in the region {region}, not in {}", self.region)),
            None if refusal.is_of_all() => self.lose(format!("refuses: {refusal}")),
            None => BucketError::Refused { host: self.endpoint.host.clone(), refusal },
        }
    }

    fn lose(&self, problem: String) -> BucketError {
        self.lost.get_or_init(|| BucketError::Lost { host: self.endpoint.host.clone(), problem }).clone()
    }
}

/// The status by which it is decided whether to ask again: what a store says of its own troubles passes.
fn busy(status: StatusCode) -> u16 {
    match status {
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => BUSY,
        other => other.as_u16(),
    }
}

fn header<'r>(answer: &'r Response<Body>, name: &str) -> Option<&'r str> {
    answer.headers().get(name)?.to_str().ok()
}
