use super::{
    EncryptionContext, Key, Keyring,
    ciphertext::{self, Ciphertext},
    faults::{invalid, invalid_ciphertext},
    key,
    name::KeyName,
};
use gantry_access::material::{KeyBytes, WrappingKey};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, kms};
use gantry_words::{AccountId, Cx};
use std::{sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// The longest text that a key encrypts, in bytes (KMS API, `PlaintextType`).
pub const PLAINTEXT_BYTES_MAX: usize = 4096;
/// The most random bytes at a time (KMS API, `NumberOfBytesType`).
pub const RANDOM_BYTES_MAX: usize = 1024;
/// How long unwrapped material is kept in memory.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(60);
/// How many versions of keys are kept so.
const KEPT_MAX: usize = 4096;

/// An encrypted text, and the ARN of the key that decrypts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The text; it names the key.
    pub ciphertext: Vec<u8>,
    /// The key's ARN.
    pub key_arn: String,
}

/// A decrypted text, and the ARN of the key it was encrypted under. It is wiped when it is let go.
pub struct Decrypted {
    /// The text.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The key's ARN.
    pub key_arn: String,
}

impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decrypted").field("key_arn", &self.key_arn).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Encrypts up to 4,096 bytes under a key, which any of its names names. Who decrypts must bring the same context.
    ///
    /// # Errors
    /// [`FaultKind::ValidationFailed`] for more or no bytes; [`FaultKind::KmsNotFound`], [`FaultKind::KmsInvalidArn`];
    /// [`FaultKind::KmsKeyDisabled`], [`FaultKind::KmsInvalidState`].
    pub async fn encrypt(
        &self,
        cx: &Cx,
        key: &str,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Encrypted, Fault> {
        if !(1..=PLAINTEXT_BYTES_MAX).contains(&plaintext.len()) {
            return Err(invalid(format!("Plaintext must have 1 to {PLAINTEXT_BYTES_MAX} bytes")));
        }
        let name = self.realm(cx).read(key)?;
        let (key, wrapping) = self.usable(cx, name, None).await?;
        let place = (cx.account, key.id.as_str(), key.version);
        let ciphertext = Ciphertext::seal(place, &wrapping, self.0.env.random(), context, plaintext);
        Ok(Encrypted { ciphertext, key_arn: key.arn })
    }

    /// Decrypts what [`Keyring::encrypt`] made, with the key that the text names. Where `key` names one, it must be that.
    ///
    /// # Errors
    /// [`FaultKind::KmsInvalidCiphertext`] for anything else, and for another context; [`FaultKind::KmsIncorrectKey`];
    /// [`FaultKind::KmsNotFound`], [`FaultKind::KmsInvalidArn`]; [`FaultKind::KmsKeyDisabled`],
    /// [`FaultKind::KmsInvalidState`].
    pub async fn decrypt(
        &self,
        cx: &Cx,
        key: Option<&str>,
        context: &EncryptionContext,
        ciphertext: &[u8],
    ) -> Result<Decrypted, Fault> {
        let text = Ciphertext::read(ciphertext).ok_or_else(invalid_ciphertext)?;
        if let Some(named) = key
            && self.load(cx, named).await?.id != text.key_id
        {
            let sentence = "The key in the request does not match the key that the text was encrypted under";
            return Err(Fault::new(FaultKind::KmsIncorrectKey, sentence));
        }
        let (key, wrapping) = self.usable(cx, KeyName::Id(text.key_id.clone()), Some(text.version)).await?;
        let plaintext = text.open(cx.account, &wrapping, context).ok_or_else(invalid_ciphertext)?;
        Ok(Decrypted { plaintext, key_arn: key.arn })
    }

    /// Decrypts and encrypts again under another key or in another context; the text itself goes nowhere.
    ///
    /// # Errors
    /// As of [`Keyring::decrypt`] and [`Keyring::encrypt`].
    pub async fn re_encrypt(
        &self,
        cx: &Cx,
        from: (Option<&str>, &EncryptionContext),
        to: (&str, &EncryptionContext),
        ciphertext: &[u8],
    ) -> Result<(Encrypted, String), Fault> {
        let decrypted = self.decrypt(cx, from.0, from.1, ciphertext).await?;
        let encrypted = self.encrypt(cx, to.0, to.1, &decrypted.plaintext).await?;
        Ok((encrypted, decrypted.key_arn))
    }

    /// Draws up to 1,024 random bytes and encrypts them under a key.
    ///
    /// # Errors
    /// As of [`Keyring::random`] and [`Keyring::encrypt`].
    pub async fn generate_data_key(
        &self,
        cx: &Cx,
        key: &str,
        context: &EncryptionContext,
        bytes: usize,
    ) -> Result<(Encrypted, Zeroizing<Vec<u8>>), Fault> {
        let plaintext = self.random(bytes)?;
        Ok((self.encrypt(cx, key, context, &plaintext).await?, plaintext))
    }

    /// Draws 1 to 1,024 random bytes.
    ///
    /// # Errors
    /// [`FaultKind::ValidationFailed`] for another number.
    pub fn random(&self, bytes: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if !(1..=RANDOM_BYTES_MAX).contains(&bytes) {
            return Err(invalid(format!("NumberOfBytes is {bytes}; it must be 1 to {RANDOM_BYTES_MAX}")));
        }
        let mut drawn = Zeroizing::new(Vec::with_capacity(RANDOM_BYTES_MAX));
        while drawn.len() < bytes {
            drawn.extend(self.0.env.random::<64>());
        }
        drawn.truncate(bytes);
        Ok(drawn)
    }

    /// Returns an enabled key with its material of a version, the newest where none is named.
    ///
    /// The key's state is read each time: one that was disabled is so at once, on every replica.
    async fn usable(&self, cx: &Cx, name: KeyName, version: Option<u32>) -> Result<(Key, Arc<WrappingKey>), Fault> {
        let realm = self.realm(cx);
        let look = move |rows: &mut Reader| key::load_named(rows, &realm, &name);
        let key = self.0.metadata.read(look).await?;
        key.enabled()?;
        let wrapping = self.wrapping(cx.account, &key.id, version.unwrap_or(key.version)).await?;
        Ok((key, wrapping))
    }

    async fn wrapping(&self, account: AccountId, id: &str, version: u32) -> Result<Arc<WrappingKey>, Fault> {
        let place = (account, id.to_string(), version);
        let now = self.0.env.elapsed();
        if let Some((kept, at)) = self.kept().get(&place)
            && now.saturating_sub(*at) < KEPT_FOR
        {
            return Ok(kept.clone());
        }
        let looked_for = id.to_string();
        let look = move |rows: &mut Reader| kms::find_material(rows, account, &looked_for, version.into());
        let row = self.0.metadata.read(look).await?.ok_or_else(invalid_ciphertext)?;
        let master = self.master_held()?;
        let bytes = master.unwrap(&ciphertext::of_material(account, id, version), &row.wrapped);
        let bytes = bytes.and_then(|bytes| KeyBytes::read(&bytes)).ok_or_else(|| {
            Fault::internal(format!(
                "version {version} of key {id} of account {account} does not open: its row in kms_material was changed, or \
                 belongs to another key; restore it from a backup"
            ))
        })?;
        let wrapping = Arc::new(WrappingKey::new(&bytes));
        let mut kept = self.kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(place, (wrapping.clone(), now));
        Ok(wrapping)
    }

    /// Lets unwrapped material of a key go.
    pub(super) fn forget(&self, account: AccountId, id: &str) {
        self.kept().retain(|(of, key, _), _| (*of, key.as_str()) != (account, id));
    }

    /// Lets all unwrapped material go that is too old.
    pub(super) fn forget_old(&self) {
        let now = self.0.env.elapsed();
        self.kept().retain(|_, (_, at)| now.saturating_sub(*at) < KEPT_FOR);
    }
}
