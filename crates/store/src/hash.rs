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

    /// Returns the hash of all bytes so far; more may follow.
    pub(crate) fn value(&self) -> Vec<u8> {
        self.context.clone().finish().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_standard() {
        let hex = |algorithm, text: &str| {
            hash_bytes(algorithm, text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };

        // FIPS 180-2, appendices B.1 and C.1.
        assert_eq!(hex(Algorithm::Sha256, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(hex(Algorithm::Sha512, "abc").starts_with("ddaf35a193617abacc417349ae204131"));
    }
}
