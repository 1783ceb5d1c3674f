use crate::accounts::Accounts;
use gantry_access::{Principal, PrincipalKind, RoleSession};
use gantry_words::{AccountId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};

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
    who: Who,
    /// In milliseconds.
    expires_at: i64,
}

/// Whose session it is.
#[derive(Serialize, Deserialize)]
enum Who {
    /// The root user's, by his access key: with another root it is worth nothing.
    Root(String),
    /// A user's, by the password or personal token it came with, or the root user's of another account, by his access key: it ends
    /// with that.
    User(String),
    /// A user's, by the access key it came with. It outlives that: what is issued is good until its end and cannot be revoked, only
    /// what it may is decided anew each time (AWS IAM User Guide, "Permissions for temporary security credentials").
    Holder { key: String, user_id: String },
    /// Somebody's who has become a role.
    Role(RoleSession),
}

impl Accounts {
    /// Issues credentials that stand for a principal until they end.
    pub fn session(&self, principal: &Principal, seconds: u64, now: Timestamp) -> SessionCredentials {
        let lifetime = Duration::from_secs(seconds);
        let (who, lifetime) = match (principal.kind, &principal.role_session) {
            (PrincipalKind::Root, _) if principal.account == self.site().account => {
                (Who::Root(self.root().access_key_id.clone()), lifetime.min(ROOT_SESSION))
            }
            // By its key, as a user's: it is renewed as those are.
            (PrincipalKind::Root, _) => {
                (Who::User(principal.access_key_id.as_ref().into()), lifetime.min(ROOT_SESSION))
            }
            (PrincipalKind::Session, Some(session)) => (Who::Role(session.as_ref().clone()), lifetime),
            (PrincipalKind::User, _) => (self.holder_of(&principal.access_key_id), lifetime),
            // Nobody is not asked for his permission to be someone.
            (PrincipalKind::Session | PrincipalKind::Anonymous, _) => (Who::User(String::new()), Duration::ZERO),
        };
        self.issue_session(principal.account, who, now.plus(lifetime), now)
    }

    fn holder_of(&self, id: &str) -> Who {
        let user_id = self.directory().key(id).map(|key| key.user_id.to_string());
        user_id.map_or_else(|| Who::User(id.into()), |user_id| Who::Holder { key: id.into(), user_id })
    }

    /// Issues credentials of someone who has become a role.
    pub(crate) fn session_of_role(
        &self,
        account: AccountId,
        session: RoleSession,
        now: Timestamp,
    ) -> SessionCredentials {
        let expires_at = session.expires_at();
        self.issue_session(account, Who::Role(session), expires_at, now)
    }

    fn issue_session(&self, account: AccountId, who: Who, expires_at: Timestamp, now: Timestamp) -> SessionCredentials {
        let drawn = self.draw_credentials();
        let access_key_id = drawn.access_key_id.replacen("AKIA", "ASIA", 1);
        let session = Session {
            access_key_id: access_key_id.clone(),
            secret: drawn.secret_access_key.reveal().clone(),
            account,
            who,
            expires_at: expires_at.millis(),
        };
        let sealed = serde_json::to_vec(&session).expect("texts and numbers become JSON");
        let session_token = self.seal(PURPOSE, &sealed, now);
        SessionCredentials { access_key_id, secret_access_key: drawn.secret_access_key, session_token, expires_at }
    }

    /// Opens a session token; none where it is none of ours.
    pub(crate) fn open_session(&self, token: &str) -> Option<Session> {
        serde_json::from_slice(&self.open_seal(PURPOSE, token)?).ok()
    }

    /// Returns who has a session now; none where whoever began it is no more.
    pub(crate) fn session_principal(
        &self,
        session: Session,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Option<Principal> {
        let directory = self.directory();
        match session.who {
            Who::Root(id) => (id == self.root().access_key_id).then(|| Principal::root(self.site().account)),
            Who::User(id) => directory.came_with(&id, source, now),
            Who::Holder { key, user_id } => directory.in_session(&user_id, &key, source, now),
            Who::Role(role) => directory.session(role, now),
        }
        .filter(|principal| principal.account == session.account)
        .map(Principal::in_session)
    }
}

impl Session {
    pub(crate) fn secret(&self) -> Secret<String> {
        Secret::new(self.secret.clone())
    }

    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now.millis()
    }
}
