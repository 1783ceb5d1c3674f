use crate::Authorities;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::HeaderName};
use std::time::Duration;

/// How many redirects are followed.
pub const REDIRECTS_MAX: usize = 5;

/// Which redirects are followed; only those of GET are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// None: they are answers like others.
    None,
    /// Those that stay at the same scheme, host and port; others are errors.
    SameHost,
    /// All, [`REDIRECTS_MAX`] at most. To another host the request's own headers do not go along. None leads from https to
    /// http.
    Any,
}

/// A question, with the limits that the answer has to keep.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) deadline: Duration,
    pub(crate) bytes_max: usize,
    pub(crate) redirects: Redirects,
    pub(crate) authorities: Option<Authorities>,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Request {
    /// GET of `url`, to be answered whole within `deadline`, redirects included, in at most `bytes_max` bytes of body. No
    /// redirect is followed.
    pub fn get(url: &str, deadline: Duration, bytes_max: usize) -> Self {
        Request {
            method: Method::GET,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline,
            bytes_max,
            redirects: Redirects::None,
            authorities: None,
        }
    }

    /// POST of `body` to `url`; as with [`Request::get`].
    pub fn post(url: &str, body: Bytes, deadline: Duration, bytes_max: usize) -> Self {
        Request { method: Method::POST, body, ..Request::get(url, deadline, bytes_max) }
    }

    /// The same, with a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same, following `redirects`.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// The same, believing only certificates that come from `authorities`; without any, those that the machine believes.
    #[must_use]
    pub fn authorities(mut self, authorities: Option<Authorities>) -> Self {
        self.authorities = authorities;
        self
    }
}
