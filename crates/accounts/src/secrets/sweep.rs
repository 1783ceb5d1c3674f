use super::{Secrets, done, lock, name::Realm};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, secrets, secrets::SecretRow};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// How many secrets one sweep erases.
const SECRETS_MAX: usize = 100;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretsSwept {
    /// Secrets whose time had come, erased.
    pub erased: usize,
}

impl Secrets {
    /// Erases secrets whose time has come, of all accounts, up to 100.
    ///
    /// May run on several replicas at once, and be cut off anywhere: what was not done is done by the next.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn sweep(&self, cx: &Cx) -> Result<SecretsSwept, Fault> {
        let now = cx.now;
        let due = self.0.metadata.read_long(move |rows| secrets::due(rows, now, SECRETS_MAX)).await?;
        let mut swept = SecretsSwept::default();
        for (account, name) in due {
            let cx = Cx { account, ..cx.clone() };
            let act = EraseSecret { realm: self.realm(&cx), name, actor: cx.actor.clone() };
            swept.erased += usize::from(self.0.metadata.perform(&cx, act).await?);
        }
        Ok(swept)
    }
}

struct EraseSecret {
    realm: Realm,
    name: String,
    actor: Arc<str>,
}

impl Act for EraseSecret {
    type Seen = Option<SecretRow>;
    /// The secret whose time has come.
    type Plan = Option<SecretRow>;
    type Answer = bool;
    const NAME: &'static str = "accounts.erase_secret";

    fn gather(&self, rows: &mut Reader) -> Result<Option<SecretRow>, Fault> {
        lock(rows, self.realm.account)?;
        secrets::find(rows, self.realm.account, &self.name)
    }

    fn decide(&self, seen: Option<SecretRow>, now: Timestamp) -> Result<Option<SecretRow>, Fault> {
        // It may have been restored, or erased by another replica, since it was found due.
        Ok(seen.filter(|secret| secret.erased_at.is_some_and(|at| at <= now)))
    }

    fn apply(&self, tx: &mut Tx, plan: Option<SecretRow>) -> Result<bool, Fault> {
        let Some(secret) = plan else { return Ok(false) };
        secrets::erase(tx, self.realm.account, &secret.name)?;
        done(tx, "secret.erased", &self.actor, json!({"arn": self.realm.arn(&secret.name, &secret.suffix)}))?;
        Ok(true)
    }
}
