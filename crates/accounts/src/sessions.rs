use crate::accounts::Accounts;
use gantry_access::{Principal, PrincipalKind};
use gantry_words::{AccountId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The shortest session (AWS STS API, `GetSessionToken`).
pub const SESSION_SECONDS_MIN: u64 = 900;
/// The longest session anybody has.
pub const SESSION_SECONDS_MAX: u64 = 129_600;
/// The longest session of a root user: a longer one that is asked for becomes as long as this.
const ROOT_SESSION: Duration = Duration::from_secs(60 * 60);
const PURPOSE: &str = "session";

/// Credentials that end by themselves.
#[derive(Clone, Debug)]
pub struct SessionCredentials {
    /// The access key: `ASIA` and 16 characters.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret<String>,
    /// What must come with every request that is signed with them.
    pub session_token: String,
    /// From when on they are worth nothing.
    pub expires_at: Timestamp,
}

/// What a session token holds. It is sealed: there is no row for a session.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) access_key_id: String,
    secret: String,
    account: AccountId,
    /// The access key of the root user it was issued to: with another root it is worth nothing.
    issued_to: String,
    /// In milliseconds.
    expires_at: i64,
}

impl Accounts {
    /// Issues credentials that stand for a principal until they end.
    pub fn session(&self, principal: &Principal, seconds: u64, now: Timestamp) -> SessionCredentials {
        let lifetime = Duration::from_secs(seconds);
        let expires_at = now.plus(match principal.kind {
            PrincipalKind::Root => lifetime.min(ROOT_SESSION),
            // Nobody is not asked for his permission to be someone.
            PrincipalKind::Anonymous => Duration::ZERO,
        });
        let drawn = self.draw_credentials();
        let access_key_id = drawn.access_key_id.replacen("AKIA", "ASIA", 1);
        let session = Session {
            access_key_id: access_key_id.clone(),
            secret: drawn.secret_access_key.reveal().clone(),
            account: principal.account,
            issued_to: self.root().access_key_id.clone(),
            expires_at: expires_at.millis(),
        };
        let sealed = serde_json::to_vec(&session).expect("texts and numbers become JSON");
        let session_token = self.seal(PURPOSE, &sealed, now);
        SessionCredentials { access_key_id, secret_access_key: drawn.secret_access_key, session_token, expires_at }
    }

    /// Opens a session token; none where it is none of ours.
    pub(crate) fn open_session(&self, token: &str) -> Option<Session> {
        let session: Session = serde_json::from_slice(&self.open_seal(PURPOSE, token)?).ok()?;
        let is_ours = session.account == self.site().account && session.issued_to == self.root().access_key_id;
        is_ours.then_some(session)
    }
}

impl Session {
    pub(crate) fn secret(&self) -> Secret<String> {
        Secret::new(self.secret.clone())
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now.millis()
    }

    pub(crate) fn principal(&self) -> Principal {
        Principal::root(self.account).in_session()
    }
}
