use crate::{accounts::Accounts, sessions::Session};
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
        let realm = Realm { region: self.site().region.as_str(), service, path: PathForm::Normalised };
        // A key of long standing has no session, and a session none but its own key.
        let signer = match signature.session_token.as_deref() {
            None => self.signer_of_key(&signature.access_key_id, now),
            Some(token) => self.signer_of_session(&signature.access_key_id, token),
        };
        let secrets = signer.as_ref().map_or_else(|| vec![NOBODYS.clone()], Signer::secrets);
        let mut verdict = Err(SignatureError::Mismatch);
        for secret in &secrets {
            verdict = verdict.or_else(|_| signature.verify(request, secret, &realm, now));
        }
        let problem = match (verdict, signer) {
            (_, None) => SignatureProblem::Unknown,
            (Ok(()), Some(Signer::Session(session))) if session.is_over(now) => {
                return Err(SignatureProblem::SessionExpired);
            }
            (Ok(()), Some(signer)) => match self.signer_principal(signer, source, now) {
                Some(principal) => return Ok(Some(principal)),
                None => SignatureProblem::Unknown,
            },
            // What is said of scope, time and body does not depend on the secret: nothing is guessed by it.
            (Err(error), _) if error != SignatureError::Mismatch => return Err(error.into()),
            (Err(error), _) => error.into(),
        };
        if let Some(retry_after_seconds) = self.note_failure(source) {
            return Err(SignatureProblem::TooManyFailures { retry_after_seconds });
        }
        let source = source.map_or("a Unix socket".into(), |source| source.to_string());
        tracing::info!(source, "request refused: {problem}");
        Err(problem)
    }
}

/// Whose signature it may be.
enum Signer {
    Root(Secret<String>),
    /// A user, with the secrets of its key that are good.
    Key(Box<str>, Vec<Secret<String>>),
    Session(Box<Session>),
}

impl Signer {
    fn secrets(&self) -> Vec<Secret<String>> {
        match self {
            Signer::Root(secret) => vec![secret.clone()],
            Signer::Key(_, secrets) => secrets.clone(),
            Signer::Session(session) => vec![session.secret()],
        }
    }
}

impl Accounts {
    fn signer_of_key(&self, id: &str, now: Timestamp) -> Option<Signer> {
        let root = self.root();
        if equal_secrets(id.as_bytes(), root.access_key_id.as_bytes()) {
            return Some(Signer::Root(root.secret_access_key.clone()));
        }
        let directory = self.directory();
        let key = directory.key(id)?;
        Some(Signer::Key(id.into(), key.secrets(now).cloned().collect()))
    }

    fn signer_of_session(&self, id: &str, token: &str) -> Option<Signer> {
        let session = self.open_session(token)?;
        let is_its_key = equal_secrets(id.as_bytes(), session.access_key_id.as_bytes());
        is_its_key.then(|| Signer::Session(Box::new(session)))
    }

    fn signer_principal(&self, signer: Signer, source: Option<IpAddr>, now: Timestamp) -> Option<Principal> {
        match signer {
            Signer::Root(_) => Some(Principal::root(self.site().account)),
            Signer::Key(id, _) => {
                let directory = self.directory();
                directory.user(directory.key(&id)?, source, now)
            }
            Signer::Session(session) => self.session_principal(*session, source, now),
        }
    }
}

#[cfg(test)]
mod tests;
