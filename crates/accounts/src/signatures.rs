use crate::accounts::Accounts;
use gantry_access::{
    Principal, equal_secrets,
    sigv4::{PathForm, Realm, Signature, SignatureError, SignedRequest},
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Secret, Timestamp};
use std::{net::IpAddr, sync::LazyLock};

/// Why the signature of a request is not taken. The messages are for the client: none tells whether a key exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// It cannot be read, is of another place or time, or does not fit.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The access key is not known, or the session token is not its own.
    #[error("The security token included in the request is invalid.")]
    Unknown,
    /// The session is over.
    #[error("The security token included in the request is expired")]
    SessionExpired,
    /// Links are signed for sts only.
    #[error("A presigned request is taken for sts only; sign the Authorization header")]
    Presigned,
    /// Too many requests from this address were signed wrongly.
    #[error(
        "Too many requests from your address were signed wrongly; check access key and secret, and try again in \
         {retry_after_seconds} s"
    )]
    TooManyFailures {
        /// When another try is worth it.
        retry_after_seconds: u64,
    },
}

impl SignatureProblem {
    /// Returns when another try is worth it, where it is not at once.
    pub const fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            SignatureProblem::TooManyFailures { retry_after_seconds } => Some(*retry_after_seconds),
            SignatureProblem::Signature(_)
            | SignatureProblem::Unknown
            | SignatureProblem::SessionExpired
            | SignatureProblem::Presigned => None,
        }
    }
}

impl From<SignatureProblem> for Fault {
    fn from(problem: SignatureProblem) -> Self {
        let kind = match &problem {
            SignatureProblem::Signature(SignatureError::Incomplete { .. } | SignatureError::Several) => {
                FaultKind::SignatureIncomplete
            }
            SignatureProblem::Signature(_) => FaultKind::SignatureInvalid,
            SignatureProblem::Unknown => FaultKind::AccessKeyUnknown,
            SignatureProblem::SessionExpired => FaultKind::SessionExpired,
            SignatureProblem::Presigned => FaultKind::AccessDenied,
            SignatureProblem::TooManyFailures { .. } => FaultKind::TooManyRequests,
        };
        Fault::new(kind, problem.to_string())
    }
}

/// What is calculated with where no key is known, so that it costs the same.
static NOBODYS: LazyLock<Secret<String>> =
    LazyLock::new(|| Secret::new("of an access key that is not known".to_string()));

impl Accounts {
    /// Says who signed a request for `service`; `None` where it carries no signature. Asks no database.
    ///
    /// A key that is not known costs the same work as a wrong secret.
    ///
    /// # Errors
    /// It carries one that is not taken.
    pub fn authenticate_signed(
        &self,
        request: &SignedRequest<'_>,
        service: &'static str,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<Principal>, SignatureProblem> {
        let Some(signature) = Signature::find(request)? else { return Ok(None) };
        if signature.is_presigned() && service != "sts" {
            return Err(SignatureProblem::Presigned);
        }
        if let Some(retry_after_seconds) = self.must_wait(source) {
            return Err(SignatureProblem::TooManyFailures { retry_after_seconds });
        }
        let (root, site) = (self.root(), self.site());
        let realm = Realm { region: site.region.as_str(), service, path: PathForm::Normalised };
        let session = signature.session_token.as_deref().map(|token| self.open_session(token));
        let (known_id, secret, principal) = match &session {
            // A key of long standing has no session, and a session none but its own key.
            None => (root.access_key_id.as_str(), root.secret_access_key.clone(), Principal::root(site.account)),
            Some(Some(session)) => (session.access_key_id.as_str(), session.secret(), session.principal()),
            Some(None) => ("", NOBODYS.clone(), self.anonymous()),
        };
        let is_known = equal_secrets(signature.access_key_id.as_bytes(), known_id.as_bytes());
        let verdict = signature.verify(request, if is_known { &secret } else { &NOBODYS }, &realm, now);
        let problem = match verdict {
            _ if !is_known => SignatureProblem::Unknown,
            Ok(()) if session.flatten().is_some_and(|session| session.is_over(now)) => {
                return Err(SignatureProblem::SessionExpired);
            }
            Ok(()) => return Ok(Some(principal)),
            // What is said of scope, time and body does not depend on the secret: nothing is guessed by it.
            Err(error) if error != SignatureError::Mismatch => return Err(error.into()),
            Err(error) => error.into(),
        };
        if let Some(retry_after_seconds) = self.note_failure(source) {
            return Err(SignatureProblem::TooManyFailures { retry_after_seconds });
        }
        let source = source.map_or("a Unix socket".into(), |source| source.to_string());
        tracing::info!(source, "request refused: {problem}");
        Err(problem)
    }
}

#[cfg(test)]
mod tests;
