use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// A hash that is computed while bytes arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Returns its name as digests begin: `sha256`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }
}

/// Returns the hash of bytes at hand.
pub fn hash_bytes(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.value()
}

/// A running hash.
#[derive(Clone)]
pub(crate) struct Hasher {
    pub(crate) algorithm: Algorithm,
    context: digest::Context,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::Sha256 => &digest::SHA256,
            Algorithm::Sha512 => &digest::SHA512,
        };
        Hasher { algorithm, context: digest::Context::new(kind) }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The hash of all bytes so far; more may follow.
    pub(crate) fn value(&self) -> Vec<u8> {
        self.context.clone().finish().as_ref().to_vec()
    }
}
