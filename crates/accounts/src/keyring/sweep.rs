use super::{Key, Keyring, done, key, lock, name::Realm};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, kms};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// How many keys one sweep erases and rotates.
const KEYS_MAX: usize = 100;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeysSwept {
    /// Keys whose time had come, erased.
    pub erased: usize,
    /// Keys that got new material.
    pub rotated: usize,
}

impl Keyring {
    /// Erases keys whose time has come, and rotates those that are due; of all accounts, up to 100 of each. Material in memory
    /// that is too old goes too.
    ///
    /// May run on several replicas at once, and be cut off anywhere: what was not done is done by the next.
    ///
    /// # Errors
    /// The metadata cannot be read or written; the master key is not there.
    pub async fn sweep(&self, cx: &Cx) -> Result<KeysSwept, Fault> {
        self.forget_old();
        let now = cx.now;
        let due = move |rows: &mut Reader| {
            Ok((kms::due_for_deletion(rows, now, KEYS_MAX)?, kms::due_for_rotation(rows, now, KEYS_MAX)?))
        };
        let (deletions, rotations) = self.0.metadata.read_long(due).await?;
        let mut swept = KeysSwept::default();
        for (account, id) in deletions {
            let cx = Cx { account, ..cx.clone() };
            let act = EraseKey { realm: self.realm(&cx), id: id.clone(), actor: cx.actor.clone() };
            let is_erased = self.0.metadata.perform(&cx, act).await?;
            self.forget(account, &id);
            swept.erased += usize::from(is_erased);
        }
        for (account, id) in rotations {
            let cx = Cx { account, ..cx.clone() };
            match self.rotate_key(&cx, self.realm(&cx), id, false).await {
                Ok(_) => swept.rotated += 1,
                // Another replica erased it in between.
                Err(fault) if fault.kind == FaultKind::KmsNotFound => (),
                Err(fault) => return Err(fault),
            }
        }
        Ok(swept)
    }
}

struct EraseKey {
    realm: Realm,
    id: String,
    actor: Arc<str>,
}

impl Act for EraseKey {
    type Seen = Option<Key>;
    /// The key whose time has come.
    type Plan = Option<Key>;
    type Answer = bool;
    const NAME: &'static str = "accounts.erase_key";

    fn gather(&self, rows: &mut Reader) -> Result<Option<Key>, Fault> {
        lock(rows, self.realm.account)?;
        match key::load(rows, &self.realm, &self.id) {
            Ok(key) => Ok(Some(key)),
            Err(fault) if fault.kind == FaultKind::KmsNotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn decide(&self, seen: Option<Key>, now: Timestamp) -> Result<Option<Key>, Fault> {
        // It may have been saved, or erased by another replica, since it was found due.
        Ok(seen.filter(|key| key.deletion_at.is_some_and(|at| at <= now)))
    }

    fn apply(&self, tx: &mut Tx, plan: Option<Key>) -> Result<bool, Fault> {
        let Some(key) = plan else { return Ok(false) };
        kms::erase(tx, self.realm.account, &key.id)?;
        done(tx, "key.erased", &self.actor, json!({"arn": key.arn}))?;
        Ok(true)
    }
}
