use crate::RootCredentials;
use gantry_access::{
    sealed::{self, SealingKey},
    token::{Claims, Key, TokenError, sign, verify},
};
use gantry_words::{Secret, Timestamp};
use std::time::Duration;

/// A key signs only once every replica has had time to read it.
pub(crate) const SIGNS_AFTER: Duration = Duration::from_secs(10 * 60);

/// A key as it is kept: random bytes, and when they were drawn.
#[derive(Clone, Debug)]
pub(crate) struct KeyMaterial {
    pub(crate) kid: u32,
    pub(crate) made_at: Timestamp,
    pub(crate) bytes: Secret<[u8; 32]>,
}

/// The keys of the site, the newest first. All of them verify, one of them signs.
pub(crate) struct Keys {
    keys: Vec<Key>,
    sealing: Vec<SealingKey>,
    made_at: Vec<Timestamp>,
}

impl Keys {
    /// Derives the keys from what is kept and the root credentials: a stolen database alone signs nothing, and with
    /// other root credentials every token issued before is worth nothing.
    pub(crate) fn derive(material: &[KeyMaterial], root: &RootCredentials) -> Self {
        let context = [root.access_key_id.as_bytes(), root.secret_access_key.reveal().as_bytes()];
        let key = |material: &KeyMaterial| Key::derive(material.kid, material.bytes.reveal(), &context);
        let sealing = |material: &KeyMaterial| SealingKey::derive(material.kid, material.bytes.reveal(), &context);
        Keys {
            sealing: material.iter().map(sealing).collect(),
            keys: material.iter().map(key).collect(),
            made_at: material.iter().map(|material| material.made_at).collect(),
        }
    }

    /// Signs with the newest key that every replica knows by now; with the oldest where that is none.
    pub(crate) fn sign(&self, claims: &Claims, now: Timestamp) -> String {
        sign(&self.keys[self.settled(now)], claims)
    }

    /// Seals with the same key.
    pub(crate) fn seal(&self, purpose: &str, content: &[u8], nonce: [u8; 12], now: Timestamp) -> String {
        sealed::seal(&self.sealing[self.settled(now)], purpose, content, nonce)
    }

    /// Returns what was sealed.
    pub(crate) fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        sealed::open(&self.sealing, purpose, text)
    }

    /// The newest key that every replica knows by now. A site has at least one from its first start on.
    fn settled(&self, now: Timestamp) -> usize {
        let settled = self.made_at.iter().position(|made_at| made_at.plus(SIGNS_AFTER) <= now);
        settled.unwrap_or(self.made_at.len().saturating_sub(1))
    }

    /// Returns what a token says.
    pub(crate) fn verify(&self, token: &str, audience: &str, now: Timestamp) -> Result<Claims, TokenError> {
        verify(&self.keys, token, audience, now)
    }

    /// When the newest key was drawn.
    pub(crate) fn newest_made_at(&self) -> Option<Timestamp> {
        self.made_at.first().copied()
    }
}
