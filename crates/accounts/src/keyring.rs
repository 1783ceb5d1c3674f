//! The built-in keyring: keys that others are wrapped under, as KMS has them.
//!
//! A key is a row with its state, its policy and its tags, and versions of material: 32 random bytes each, which lie in the
//! database wrapped under a key derived from the [`MasterKey`], and bound to account, key and version, so that rows cannot be
//! swapped. Rotation adds a version; what was encrypted before names the one it needs. Unwrapped material stays in memory
//! for a minute; a key's state is read for each use.
//!
//! The master key lies outside of the database. The database knows a check value of it, so that a start with another one,
//! or without, is refused.

mod aliases;
mod change;
mod cipher;
mod ciphertext;
mod context;
mod create;
mod faults;
mod key;
mod master;
mod name;
mod open;
mod provider;
mod rotation;
mod sweep;
mod tags;
#[cfg(test)]
pub(crate) mod tests;
mod wrapped;

pub use aliases::{ALIASES_MAX, Alias};
pub use change::{DELETION_DAYS, DELETION_DAYS_DEFAULT, KeyChange};
pub use cipher::{Decrypted, Encrypted, PLAINTEXT_BYTES_MAX, RANDOM_BYTES_MAX};
pub use ciphertext::key_of_ciphertext;
pub use context::EncryptionContext;
pub use create::{KEYS_MAX, NewKey};
pub use key::{Key, KeyManager, KeyState};
pub use master::{KeyringError, MasterKey, MasterKeyError, MasterKeyPlace};
pub use provider::{DataKey, KeyProvider};
pub use rotation::{ROTATION_DAYS_DEFAULT, Rotation};
pub use sweep::KeysSwept;
pub use tags::KeyTags;
pub use wrapped::{WrappedMasterKey, WrappedSeen};

use gantry_access::material::WrappingKey;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Event, Metadata, Reader, Tx};
use gantry_words::{AccountId, Cx, Region};
use name::Realm;
use open::Held;
use rotation::Fresh;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The purpose of the key that material is wrapped under.
const KMS_MATERIAL: &str = "kms-material";

/// The room for keys. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

/// Unwrapped material, by account, key and version, and when it was unwrapped.
type Kept = HashMap<(AccountId, String, u32), (Arc<WrappingKey>, Duration)>;

struct Inner {
    metadata: Metadata,
    env: Env,
    region: Region,
    place: Arc<dyn MasterKeyPlace>,
    held: Mutex<Option<Held>>,
    kept: Mutex<Kept>,
}

impl Keyring {
    fn realm(&self, cx: &Cx) -> Realm {
        Realm { account: cx.account, region: self.0.region.clone() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for whoever changes keys of the account.
fn lock(rows: &mut Reader, account: AccountId) -> Result<(), Fault> {
    rows.lock(&format!("keyring {account}"))
}

/// Says what was done to which key.
fn done(tx: &mut Tx, kind: &'static str, actor: &str, mut body: Value) -> Result<(), Fault> {
    body["actor"] = json!(actor);
    tx.event(Event { kind, repository: None, body })
}
