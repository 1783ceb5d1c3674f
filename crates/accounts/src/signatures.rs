use crate::accounts::Accounts;
use gantry_access::{
    Principal, equal_secrets,
    sigv4::{PathForm, Realm, Signature, SignatureError, SignedRequest},
};
use gantry_fault::{Fault, FaultKind};
use gantry_words::{Secret, Timestamp};
use std::net::IpAddr;

/// Why the signature of a request is not taken. The messages are for the client: none tells whether a key exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProblem {
    /// It cannot be read, is of another place or time, or does not fit.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The access key is not known, or the session token is not its own.
    #[error("The security token included in the request is invalid.")]
    Unknown,
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
            SignatureProblem::Signature(_) | SignatureProblem::Unknown | SignatureProblem::Presigned => None,
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
            SignatureProblem::Presigned => FaultKind::AccessDenied,
            SignatureProblem::TooManyFailures { .. } => FaultKind::TooManyRequests,
        };
        Fault::new(kind, problem.to_string())
    }
}

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
        let is_known = equal_secrets(signature.access_key_id.as_bytes(), root.access_key_id.as_bytes());
        let realm = Realm { region: site.region.as_str(), service, path: PathForm::Normalised };
        let nobodys = Secret::new("of an access key that is not known".to_string());
        let secret = if is_known { &root.secret_access_key } else { &nobodys };
        let verdict = signature.verify(request, secret, &realm, now);
        let problem = match verdict {
            // A key of long standing has no session.
            _ if !is_known || signature.session_token.is_some() => SignatureProblem::Unknown,
            Ok(()) => return Ok(Some(Principal::root(site.account))),
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
