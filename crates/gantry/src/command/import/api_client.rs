use crate::{
    agent::{TrustError, agent},
    moving::wait_before,
};
use std::{io::Read, path::Path, thread, time::Duration};
use ureq::{
    Agent, Body, SendBody,
    http::{Request, Response},
};

/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 32 << 20;
/// Characters of what a registry says of a refusal.
const SAID_CHARS_MAX: usize = 300;
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// From the first byte that goes to the last that comes.
const ANSWER_DEADLINE: Duration = Duration::from_secs(180);

/// The API of a registry, asked for documents. It follows no redirects, so that nobody else sees what it sends.
pub(super) struct ApiClient {
    agent: Agent,
    base: String,
}

/// What is asked.
pub(super) struct Call<'a> {
    /// Path and query.
    pub(super) path: &'a str,
    /// Names in lower case.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// What is posted; nothing is asked by GET.
    pub(super) body: Option<&'a [u8]>,
}

/// What is answered, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header `x-total-count`: how many a list has.
    pub(super) total: Option<usize>,
    /// The whole body, [`ANSWER_BYTES_MAX`] at most.
    pub(super) bytes: Vec<u8>,
    retry_after: Option<String>,
}

/// Why an API tells nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// Whose certificates are believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It cannot be asked.
    #[error("cannot reach {base}: {problem}")]
    Lost {
        /// Its address.
        base: String,
        /// Why.
        problem: String,
    },
    /// It does not answer this.
    #[error("{base} refuses {what}: {said} (status {status})")]
    Refused {
        /// Its address.
        base: String,
        /// What was asked.
        what: String,
        /// The status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// Its answer is none.
    #[error("the answer of {base} to {what} is not understood: {problem}")]
    Answer {
        /// Its address.
        base: String,
        /// What was asked.
        what: String,
        /// Why.
        problem: String,
    },
    /// Who asks is not known.
    #[error("{problem}. {remedy}")]
    Keys {
        /// What is missing.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl ApiClient {
    /// A client for the API at `base`, such as `https://harbor.example`, which believes the authorities of the system and those
    /// in the PEM file `authorities`.
    ///
    /// # Errors
    /// The authorities cannot be read.
    pub(super) fn new(base: &str, authorities: Option<&Path>) -> Result<ApiClient, ApiError> {
        let agent = agent(base, authorities)?
            .timeout_connect(Some(CONNECT_DEADLINE))
            .timeout_global(Some(ANSWER_DEADLINE))
            .build()
            .new_agent();
        Ok(ApiClient { agent, base: base.trim_end_matches('/').to_owned() })
    }

    /// Its address, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Asks, and asks again where the registry is busy (429, 503) or was lost; whatever is answered then is an answer.
    ///
    /// # Errors
    /// [`ApiError::Lost`], and [`ApiError::Answer`] for one that is too long.
    pub(super) fn send(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        for attempt in 1.. {
            let answer = self.send_once(call);
            let wait = match &answer {
                Ok(answer) => wait_before(attempt, Some(answer.status), answer.retry_after.as_deref()),
                Err(ApiError::Lost { .. }) => wait_before(attempt, None, None),
                Err(_) => None,
            };
            match wait {
                Some(wait) => thread::sleep(wait),
                None => return answer,
            }
        }
        unreachable!("patience ends")
    }

    fn send_once(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let method = if call.body.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(format!("{}{}", self.base, call.path));
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let unsendable = |error: ureq::http::Error| self.misunderstood(call.path, &error);
        let sent = match call.body {
            Some(body) => self.agent.run(request.body(body).map_err(unsendable)?),
            None => self.agent.run(request.body(SendBody::none()).map_err(unsendable)?),
        };
        self.read(call.path, sent.map_err(|error| self.lost(&error))?)
    }

    fn read(&self, path: &str, response: Response<Body>) -> Result<Answer, ApiError> {
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (status, retry_after) = (response.status().as_u16(), header("retry-after"));
        let total = header("x-total-count").and_then(|text| text.trim().parse().ok());
        let mut bytes = Vec::new();
        let read = response.into_body().into_reader().take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.lost(&error))?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(self.misunderstood(path, &format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        Ok(Answer { status, total, bytes, retry_after })
    }

    fn lost(&self, error: &dyn std::fmt::Display) -> ApiError {
        ApiError::Lost { base: self.base.clone(), problem: error.to_string() }
    }

    /// What an answer is that cannot be read.
    pub(super) fn misunderstood(&self, what: &str, problem: &dyn std::fmt::Display) -> ApiError {
        ApiError::Answer { base: self.base.clone(), what: what.to_owned(), problem: problem.to_string() }
    }

    /// What a refusal is: with what the registry says of it, in one short line.
    pub(super) fn refused(&self, what: &str, status: u16, said: &str) -> ApiError {
        let said = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_CHARS_MAX).collect();
        ApiError::Refused { base: self.base.clone(), what: what.to_owned(), status, said }
    }
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
