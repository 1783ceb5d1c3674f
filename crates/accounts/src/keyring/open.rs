use super::{Fresh, Inner, KMS_MATERIAL, Keyring, KeyringError, MasterKey, MasterKeyPlace};
use gantry_access::{
    material::{KeyBytes, WrappingKey},
    sealed::SealingKey,
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Act, Metadata, Reader, Tx, kms};
use gantry_words::{Cx, Region, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The master key while the process runs.
#[derive(Clone)]
pub(super) struct Held {
    master: MasterKey,
    wrapping: Arc<WrappingKey>,
    /// Whether the database knows its check value: before that nothing may be wrapped.
    is_recorded: bool,
}

impl Held {
    fn new(master: MasterKey, is_recorded: bool) -> Self {
        let wrapping = Arc::new(WrappingKey::new(&master.subkey(KMS_MATERIAL)));
        Held { master, wrapping, is_recorded }
    }
}

impl Keyring {
    /// Opens the keyring with the master key that was given or lies at `place`.
    ///
    /// # Errors
    /// Something is encrypted, and the master key is another or missing: nothing may start then, and none may be made.
    pub async fn open(
        metadata: Metadata,
        env: Env,
        region: Region,
        master: Option<MasterKey>,
        place: Arc<dyn MasterKeyPlace>,
    ) -> Result<Self, KeyringError> {
        let held = match (metadata.read(kms::check_value).await?, master) {
            (None, None) => None,
            (None, Some(master)) => Some(Held::new(master, false)),
            (Some(_), None) => return Err(KeyringError::MasterKeyMissing),
            (Some(known), Some(master)) if known == master.check_value() => Some(Held::new(master, true)),
            (Some(_), Some(_)) => return Err(KeyringError::MasterKeyOther),
        };
        let kept = Mutex::new(HashMap::new());
        Ok(Keyring(Arc::new(Inner { metadata, env, region, place, held: Mutex::new(held), kept })))
    }

    /// Returns the key for one purpose, such as `iam-secrets`, to seal texts with that are kept. Makes the master key where
    /// there is none yet.
    ///
    /// # Errors
    /// The master key cannot be made or kept, or another replica has another.
    pub async fn sealing_key(&self, cx: &Cx, purpose: &str) -> Result<SealingKey, Fault> {
        Ok(self.ensure_master(cx).await?.master.sealing_key(purpose))
    }

    /// Draws material for a new version of a key.
    pub(super) async fn draw(&self, cx: &Cx) -> Result<Fresh, Fault> {
        let master = self.ensure_master(cx).await?.wrapping;
        Ok(Fresh { bytes: KeyBytes::new(self.0.env.random()), nonce: self.0.env.random(), master })
    }

    /// What material is wrapped under, where something is.
    pub(super) fn master_held(&self) -> Result<Arc<WrappingKey>, Fault> {
        match self.held() {
            Some(held) => Ok(held.wrapping),
            // Another replica made one since this one started.
            None => Err(Fault::internal(KeyringError::MasterKeyMissing)),
        }
    }

    async fn ensure_master(&self, cx: &Cx) -> Result<Held, Fault> {
        let master = match self.held() {
            Some(held) if held.is_recorded => return Ok(held),
            Some(held) => held.master,
            None if self.0.metadata.read(kms::check_value).await?.is_some() => match self.held() {
                // Made meanwhile.
                Some(held) => held.master,
                None => return Err(Fault::internal(KeyringError::MasterKeyMissing)),
            },
            // It lies on the disk before anything is wrapped under it.
            None => self.0.place.keep(MasterKey::generate(&self.0.env))?,
        };
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Held::new(master.clone(), false));
        self.0.metadata.perform(cx, RecordMasterKey { check_value: master.check_value() }).await?;
        let held = Held::new(master, true);
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        Ok(held)
    }

    fn held(&self) -> Option<Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct RecordMasterKey {
    check_value: String,
}

impl Act for RecordMasterKey {
    type Seen = Option<String>;
    /// Whether it is the first.
    type Plan = bool;
    type Answer = ();
    const NAME: &'static str = "accounts.record_master_key";

    fn gather(&self, rows: &mut Reader) -> Result<Option<String>, Fault> {
        rows.lock("master key")?;
        kms::check_value(rows)
    }

    fn decide(&self, seen: Option<String>, _: Timestamp) -> Result<bool, Fault> {
        match seen {
            None => Ok(true),
            Some(known) if known == self.check_value => Ok(false),
            Some(_) => Err(Fault::internal(KeyringError::MasterKeyOther)),
        }
    }

    fn apply(&self, tx: &mut Tx, is_first: bool) -> Result<(), Fault> {
        if is_first { kms::set_check_value(tx, &self.check_value) } else { Ok(()) }
    }
}
