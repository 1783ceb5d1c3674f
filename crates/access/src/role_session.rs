use gantry_words::Timestamp;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// The most bytes a session may have as it travels in tokens.
pub const ROLE_SESSION_BYTES_MAX: usize = 2600;

/// How someone became a role: what holds of him for as long as the session lasts. There is no row for it; it travels, sealed or
/// signed, in what he carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSession {
    /// The unique id of the role, `AROA…`.
    #[serde(rename = "r")]
    pub role_id: Box<str>,
    /// The name of the session.
    #[serde(rename = "n")]
    pub name: Box<str>,
    /// Policies that it was narrowed by, as texts; where there are none it was not.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Box<str>>,
    /// ARNs of managed policies that it was narrowed by too. As those texts, each allows what it allows.
    #[serde(rename = "m", default, skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<Box<str>>,
    /// Its tags, which stand for those of the role where both have one.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(Box<str>, Box<str>)>,
    /// The keys of those tags that the sessions have, too, that begin from this one (`TransitiveTagKeys`).
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub transitive_keys: Vec<Box<str>>,
    /// Who he said that he was, where he did (`SourceIdentity`).
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<Box<str>>,
    /// Who vouched for him, where he came from outside: the ARN of an identity provider.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Box<str>>,
    /// When it began, in milliseconds since 1970.
    #[serde(rename = "i")]
    pub issued_at: i64,
    /// From when on it is over, in milliseconds since 1970.
    #[serde(rename = "e")]
    pub expires_at: i64,
    /// What his provider has just said of him, where he comes with his password. It does not travel: who comes with what was made of
    /// such a login brings none.
    #[serde(skip)]
    pub vouched: Option<Arc<Vouched>>,
}

/// What a directory says of somebody who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// His name there.
    pub name: Box<str>,
    /// His groups, as it writes them.
    pub groups: Vec<String>,
}

impl RoleSession {
    /// The tags that sessions have, too, that begin from this one.
    pub fn transitive_tags(&self) -> impl Iterator<Item = &(Box<str>, Box<str>)> {
        let is_transitive = |key: &str| self.transitive_keys.iter().any(|known| known.eq_ignore_ascii_case(key));
        self.tags.iter().filter(move |(key, _)| is_transitive(key))
    }

    /// When it began.
    pub const fn issued_at(&self) -> Timestamp {
        Timestamp::from_millis(self.issued_at)
    }

    /// From when on it is over.
    pub const fn expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.expires_at)
    }

    /// How long it lasts from `now` on.
    pub fn left(&self, now: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.expires_at.saturating_sub(now.millis())).unwrap_or_default())
    }

    /// Returns it as it travels.
    pub fn print(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers become JSON")
    }

    /// Reads what [`RoleSession::print`] returned; none where that is something else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
