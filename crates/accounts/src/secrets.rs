//! Secrets as AWS Secrets Manager keeps them: a name, and versions of a value with stages.
//!
//! Each value is encrypted under a data key of its own, which is wrapped under a key of the [`Keyring`]: the one that the
//! secret names, or else `alias/aws/secretsmanager`. Both are bound to secret and version, so that rows cannot be swapped.

mod change;
mod create;
mod faults;
mod name;
mod password;
mod put;
mod read;
mod seal;
mod secret;
mod stages;
mod sweep;
#[cfg(test)]
mod tests;

pub use change::{RECOVERY_DAYS, RECOVERY_DAYS_DEFAULT, SecretChange};
pub use create::{NewSecret, SECRETS_MAX};
pub use password::{PASSWORD_CHARS_MAX, PasswordRules};
pub use put::{NewVersion, Written};
pub use read::{VersionName, VersionRead};
pub use seal::{SecretValue, VALUE_BYTES_MAX};
pub use secret::{KeptSecret, KeptVersion};
pub use stages::{CURRENT, PENDING, PREVIOUS};
pub use sweep::SecretsSwept;

use crate::Keyring;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Event, Metadata, Reader, Tx};
use gantry_words::{AccountId, Cx, Region};
use name::Realm;
use password::draw_password;
use serde_json::{Value, json};
use std::sync::Arc;

/// The service whose key encrypts where nobody names another.
const SERVICE: &str = "secretsmanager";

/// The room for secrets. Cheap to clone.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    metadata: Metadata,
    env: Env,
    region: Region,
    keyring: Keyring,
}

impl Secrets {
    /// Secrets in these metadata, encrypted under keys of `keyring`.
    pub fn new(metadata: Metadata, env: Env, region: Region, keyring: Keyring) -> Self {
        Secrets(Arc::new(Inner { metadata, env, region, keyring }))
    }

    /// Draws an id for a version whose request brings none.
    pub fn fresh_token(&self) -> String {
        self.0.env.request_id().to_string()
    }

    /// Draws a password.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidParameter`]: no password is like that.
    pub fn draw_password(&self, rules: &PasswordRules) -> Result<gantry_words::Secret<String>, Fault> {
        draw_password(&self.0.env, rules)
    }

    /// Whether an ARN is of a secret of this account, which need not be there.
    pub fn is_own(&self, cx: &Cx, arn: &str) -> bool {
        arn.strip_prefix("arn:").is_some() && self.realm(cx).read(arn).is_ok()
    }

    fn realm(&self, cx: &Cx) -> Realm {
        Realm { account: cx.account, region: self.0.region.clone() }
    }
}

/// Waits for whoever changes secrets of the account.
fn lock(rows: &mut Reader, account: AccountId) -> Result<(), Fault> {
    rows.lock(&format!("secrets {account}"))
}

/// Says what was done to which secret.
fn done(tx: &mut Tx, kind: &'static str, actor: &str, mut body: Value) -> Result<(), Fault> {
    body["actor"] = json!(actor);
    tx.event(Event { kind, repository: None, body })
}
