use crate::Outgoing;
use gantry_fault::{Fault, FaultKind};
use gantry_words::RequestId;
use http::{HeaderMap, HeaderValue, header};

/// A protocol: how refusals look, and what goes onto every answer.
pub trait Wire: 'static {
    /// Its name.
    const NAME: &'static str;
    /// Whether reading a request reads its body. Who is not known is then turned away before that.
    const READS_BODY: bool;
    /// Which credentials a 401 asks for.
    const CHALLENGES: Challenges;

    /// The service its requests are signed for (AWS Signature Version 4); `None` where they carry credentials.
    const SIGNED_FOR: Option<&'static str> = None;

    /// Whether the host says whose registry is asked ([`crate::Origin::account`]). Elsewhere it is the caller's, or the one that
    /// his request names.
    const ACCOUNT_BY_HOST: bool = false;

    /// Says no.
    fn refuse(refused: &Refused<'_>) -> Outgoing;

    /// Adds what every answer of this protocol carries.
    fn dress(headers: &mut HeaderMap, request_id: RequestId) {
        let _ = (headers, request_id);
    }
}

/// What a [`Wire`] says of itself, as values.
#[derive(Clone, Copy)]
pub struct WireFacts {
    /// [`Wire::NAME`].
    pub name: &'static str,
    /// [`Wire::READS_BODY`].
    pub(crate) reads_body: bool,
    /// [`Wire::CHALLENGES`].
    pub(crate) challenges: Challenges,
    /// [`Wire::SIGNED_FOR`].
    pub(crate) signed_for: Option<&'static str>,
    /// [`Wire::ACCOUNT_BY_HOST`].
    pub(crate) is_account_by_host: bool,
    /// [`Wire::refuse`].
    pub(crate) refuse: fn(&Refused<'_>) -> Outgoing,
    /// [`Wire::dress`].
    pub(crate) dress: fn(&mut HeaderMap, RequestId),
}

impl WireFacts {
    /// Asks `W` for all of it.
    pub fn of<W: Wire>() -> Self {
        WireFacts {
            name: W::NAME,
            reads_body: W::READS_BODY,
            challenges: W::CHALLENGES,
            signed_for: W::SIGNED_FOR,
            is_account_by_host: W::ACCOUNT_BY_HOST,
            refuse: W::refuse,
            dress: W::dress,
        }
    }
}

/// Which credentials a 401 asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenges {
    /// User and password, or a token from `/token`.
    BearerAndBasic,
    /// User and password.
    Basic,
}

/// What is refused, with all a wire may want to say about it.
pub struct Refused<'a> {
    /// The refusal.
    pub fault: &'a Fault,
    /// Values of `WWW-Authenticate`, in their order; empty unless credentials would help.
    pub challenges: &'a [HeaderValue],
    /// Methods that work here, for a 405.
    pub allow: Option<&'static str>,
    /// When to try again.
    pub retry_after_seconds: Option<u32>,
    /// What the log calls this request.
    pub request_id: RequestId,
}

impl<'a> Refused<'a> {
    pub(crate) fn new(fault: &'a Fault, challenges: &'a [HeaderValue], request_id: RequestId) -> Self {
        let retry_after_seconds = match fault.kind {
            FaultKind::TooManyRequests => Some(30),
            FaultKind::Unavailable => Some(2),
            _ => None,
        };
        // RFC 9110, section 15.5.6: a 405 names methods. Where a deletion is refused, reading works.
        let allow = (fault.kind.row().status == 405).then_some("GET, HEAD");
        Refused { fault, challenges, allow, retry_after_seconds, request_id }
    }

    /// The same, with a better idea of when to try again.
    pub(crate) fn after(self, retry_after_seconds: Option<u32>) -> Self {
        Refused { retry_after_seconds: retry_after_seconds.or(self.retry_after_seconds), ..self }
    }

    /// Makes the headers that belong to this refusal on every wire, with room for more.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for challenge in self.challenges {
            headers.append(header::WWW_AUTHENTICATE, challenge.clone());
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        headers
    }

    /// Returns the status of this refusal where the wire has the table's.
    pub fn status(&self) -> http::StatusCode {
        http::StatusCode::from_u16(self.fault.kind.row().status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
    }
}
