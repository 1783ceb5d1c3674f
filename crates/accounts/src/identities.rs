//! Users, groups, roles, managed policies, access keys and OIDC providers of an account: what the IAM API administers.
//!
//! Everything refers to users, groups and roles by their unique ids (`AIDA…`, `AGPA…`, `AROA…`), so that a new name moves
//! everything, and one that is made again under an old name inherits nothing. Whoever decides takes a [`Snapshot`], and
//! asks [`Identities::revision`] whether it still holds.
//!
//! The acts of an account come one after the other: they are few, and each looks at what others wrote.

mod access_keys;
mod account;
mod attachments;
mod built_in;
mod create;
mod delete;
mod document;
mod faults;
mod grammar;
mod identity;
mod inline;
mod login_profiles;
mod members;
mod personal_tokens;
mod policies;
mod providers;
mod revoke;
mod robots;
mod snapshot;
mod tags;
#[cfg(test)]
mod tests;
mod trust;
mod update;
mod versions;

pub(crate) use built_in::text as built_in_text;

pub use access_keys::{ACCESS_KEYS_MAX, AccessKey, AccessKeyUse, NewAccessKey};
pub use account::AccountSummary;
pub use attachments::{ATTACHED_POLICIES_MAX, AttachedPolicy, Holder};
pub use create::NewIdentity;
pub use identity::{Identity, IdentityKind, RoleRules};
pub use login_profiles::{LoginProfile, PasswordChange};
pub use personal_tokens::{
    NewPersonalToken, PERSONAL_TOKEN_NAME_CHARS_MAX, PERSONAL_TOKENS_MAX, PersonalToken, TokenOwner,
};
pub use policies::{ManagedPolicy, NewPolicy, PolicyScope};
pub use providers::{NewOidcProvider, OIDC_KEY_SET_BYTES_MAX, OIDC_PROVIDERS_MAX, OidcProvider, OidcProviderOptions};
pub use revoke::RevokedSessions;
pub use robots::{NETWORKS_MAX, RobotRules};
pub use snapshot::{Snapshot, SnapshotIdentity, SnapshotKey, SnapshotPassword, SnapshotToken};
pub use tags::IdentityTags;
pub use trust::TrustBindings;
pub use versions::{POLICY_VERSIONS_MAX, PolicyVersion};

use crate::hasher::Hasher;
use gantry_access::sealed::SealingKey;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Event, Metadata, Reader, Tx, identities};
use gantry_words::AccountId;
use serde_json::{Value, json};
use std::sync::Arc;

/// The room for identities. Cheap to clone.
#[derive(Clone)]
pub struct Identities(Arc<Inner>);

struct Inner {
    metadata: Metadata,
    env: Env,
    /// The first seals; the others open what was sealed before.
    keys: Vec<SealingKey>,
    hasher: Hasher,
}

impl Identities {
    /// Opens the room.
    ///
    /// The first of `keys` seals the secrets of access keys, and all of them open what was sealed: they are not in the
    /// database, and must be the same on every replica and after a restart.
    /// Where there are none, no access key can be made.
    pub fn new(metadata: Metadata, env: Env, keys: Vec<SealingKey>) -> Self {
        Identities(Arc::new(Inner { metadata, env, keys, hasher: Hasher::new() }))
    }

    /// Returns how often something changed that may change a decision about an account.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn revision(&self, account: AccountId) -> Result<u64, Fault> {
        self.0.metadata.read(move |rows| identities::revision(rows, account)).await
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// Draws a unique id of a kind: its four letters, and 16 of base 32.
    fn draw_id(&self, kind: &str) -> String {
        const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let drawn = self.0.env.random::<16>().map(|byte| char::from(BASE32[usize::from(byte % 32)]));
        format!("{kind}{}", String::from_iter(drawn))
    }
}

/// Waits for whoever changes identities of the account.
pub(crate) fn lock(rows: &mut Reader, account: AccountId) -> Result<(), Fault> {
    rows.lock(&format!("identities {account}"))
}

/// Says what was done to whom, and that decisions may be others now.
fn done(tx: &mut Tx, account: AccountId, kind: &'static str, actor: &str, mut body: Value) -> Result<(), Fault> {
    body["actor"] = json!(actor);
    identities::raise_revision(tx, account)?;
    tx.event(Event { kind, repository: None, body })
}
