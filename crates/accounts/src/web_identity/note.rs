use gantry_access::oidc::IdentityToken;
use gantry_fault::Fault;
use gantry_metadata::{Act, Event, Locks, Reader, Tx, identities::sessions};
use gantry_words::{AccountId, Timestamp};
use serde_json::json;

/// Notes who became a role by whose word, and takes his token where it is good for once.
pub(super) struct NoteToken {
    pub(super) account: AccountId,
    /// The ARN of who vouched for him.
    pub(super) provider: Box<str>,
    pub(super) issuer: Box<str>,
    pub(super) subject: Box<str>,
    /// What else the token says of the job that it is.
    pub(super) claims: Vec<(&'static str, String)>,
    /// The ARN of the role.
    pub(super) role: String,
    /// The ARN of the session.
    pub(super) session: String,
    pub(super) once: Option<Once>,
}

/// A token that is taken once.
pub(super) struct Once {
    hash: String,
    /// When it has ended by itself.
    until: Timestamp,
}

impl Once {
    pub(super) fn of(token: &IdentityToken, text: &str, until: Timestamp) -> Self {
        Once { hash: token.hash(text), until }
    }
}

impl Act for NoteToken {
    /// Whether the token was taken before.
    type Seen = bool;
    type Plan = bool;
    /// Whether it was taken now.
    type Answer = bool;
    const NAME: &'static str = "accounts.assume_role_with_web_identity";
    const LOCKS: Locks = Locks::Unlocked("a token that is taken once is locked; others add a row, and look at nothing");

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        let Some(once) = &self.once else { return Ok(false) };
        rows.lock(&format!("identity token {} {}", self.account, once.hash))?;
        sessions::is_taken(rows, self.account, &self.provider, &once.hash)
    }

    fn decide(&self, was_taken: bool, _: Timestamp) -> Result<bool, Fault> {
        Ok(!was_taken)
    }

    fn apply(&self, tx: &mut Tx, is_taken: bool) -> Result<bool, Fault> {
        if !is_taken {
            return Ok(false);
        }
        if let Some(once) = &self.once {
            sessions::take(tx, self.account, &self.provider, &once.hash, once.until)?;
        }
        let mut body = json!({"provider": self.provider, "role": self.role, "session": self.session});
        if !self.subject.is_empty() {
            body["subject"] = json!(self.subject);
        }
        if !self.issuer.is_empty() {
            body["issuer"] = json!(self.issuer);
        }
        if !self.claims.is_empty() {
            body["claims"] = self.claims.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        }
        tx.event(Event { kind: "role.assumed", repository: None, body })?;
        Ok(true)
    }
}
