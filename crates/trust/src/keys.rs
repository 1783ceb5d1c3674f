use aws_lc_rs::{
    rsa::PublicEncryptingKey,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA256_ASN1,
        ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
    },
};
use rustls_pki_types::pem::{PemObject, SectionKind};

/// The most keys that are trusted at a time: each signature may have to be tried with all of them.
pub const TRUSTED_KEYS_MAX: usize = 32;
/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4).
const ED25519_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// By which curve a key of ECDSA signs, with the hashes that cosign uses: now that of the curve's size, before version 3 always
/// SHA-256.
const CURVES: [&[&dyn VerificationAlgorithm]; 3] = [
    &[&ECDSA_P256_SHA256_ASN1],
    &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1],
    &[&ECDSA_P521_SHA512_ASN1, &ECDSA_P521_SHA256_ASN1],
];

/// Public keys whose signatures are believed: ECDSA on P-256, P-384 or P-521, RSA of 2048 to 8192 bits (PKCS #1 v1.5, SHA-256),
/// Ed25519 (also prehashed, as cosign signs since version 3).
#[derive(Debug, Default)]
pub struct TrustedKeys(Vec<PublicKey>);

/// Why a text holds no keys to trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not PEM.
    #[error("it is no PEM: {0}")]
    Malformed(String),
    /// It has no key.
    #[error("it holds no public key; a public key begins with -----BEGIN PUBLIC KEY-----, as in cosign.pub")]
    Empty,
    /// It has what only the signer should have.
    #[error("it holds a private key; name the file of the public key (cosign.pub), and keep this one where you sign")]
    Private,
    /// It has something that is no key by itself.
    #[error("section {number} is {found}, no public key; write the key alone, as -----BEGIN PUBLIC KEY-----")]
    NotAKey {
        /// Which section, counted from 1.
        number: usize,
        /// What it is.
        found: &'static str,
    },
    /// It has a key with which no signature is verified here.
    #[error(
        "key {number} is not of a kind that is verified; those are ECDSA on P-256, P-384 or P-521, Ed25519, and RSA of 2048 to 8192 bits"
    )]
    Kind {
        /// Which section, counted from 1.
        number: usize,
    },
    /// There would be too many keys.
    #[error("there are more than {TRUSTED_KEYS_MAX} keys; take away those that sign nothing any more")]
    TooMany,
}

#[derive(Debug)]
enum PublicKey {
    /// By each hash that it may have signed with.
    Parsed(Box<[ParsedPublicKey]>),
    Ed25519 {
        parsed: Box<ParsedPublicKey>,
        bytes: [u8; 32],
    },
}

impl TrustedKeys {
    /// Adds the keys of a text: one or more sections `PUBLIC KEY` in PEM (RFC 7468), with anything between them. Returns how many
    /// there were.
    ///
    /// # Errors
    /// [`KeyError`]; nothing is added then.
    pub fn add(&mut self, text: &str) -> Result<usize, KeyError> {
        // Also in the sections that the reader leaves out: cosign calls its own an encrypted one of Sigstore.
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let mut found = Vec::new();
        for (number, section) in (1..).zip(<(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes())) {
            let (kind, der) = section.map_err(|error| KeyError::Malformed(error.to_string()))?;
            if kind != SectionKind::PublicKey {
                return Err(KeyError::NotAKey { number, found: name_of(kind) });
            }
            if self.0.len() + found.len() >= TRUSTED_KEYS_MAX {
                return Err(KeyError::TooMany);
            }
            found.push(PublicKey::read(&der).ok_or(KeyError::Kind { number })?);
        }
        if found.is_empty() {
            return Err(KeyError::Empty);
        }
        let count = found.len();
        self.0.append(&mut found);
        Ok(count)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether `signature` is one of `message` by any of the keys: DER for ECDSA, else as the algorithm has it.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| key.verifies(message, signature))
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7); `None` where it is none, or of a kind that is not verified.
    fn read(der: &[u8]) -> Option<Self> {
        if let Some(rest) = der.strip_prefix(&ED25519_HEAD) {
            let bytes = <[u8; 32]>::try_from(rest).ok()?;
            return Some(PublicKey::Ed25519 { parsed: Box::new(ParsedPublicKey::new(&ED25519, bytes).ok()?), bytes });
        }
        // It takes none that is too small or too large; what only verifies does not look.
        if PublicEncryptingKey::from_der(der).is_ok() {
            return parse(der, &[&RSA_PKCS1_2048_8192_SHA256]);
        }
        CURVES.iter().find_map(|algorithms| parse(der, algorithms))
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            PublicKey::Parsed(keys) => keys.iter().any(|key| key.verify_sig(message, signature).is_ok()),
            PublicKey::Ed25519 { parsed, bytes } => {
                parsed.verify_sig(message, signature).is_ok() || verifies_prehashed(bytes, message, signature)
            }
        }
    }
}

fn parse(der: &[u8], algorithms: &[&'static dyn VerificationAlgorithm]) -> Option<PublicKey> {
    // The reader takes bare points and numbers too, which do not say what they are.
    if !der.starts_with(&[0x30]) {
        return None;
    }
    let parsed: Option<Vec<_>> =
        algorithms.iter().map(|algorithm| ParsedPublicKey::new(*algorithm, der).ok()).collect();
    parsed.map(|parsed| PublicKey::Parsed(parsed.into()))
}

/// Ed25519ph (RFC 8032, section 5.1) without a context.
fn verifies_prehashed(key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = <&[u8; 64]>::try_from(signature) else { return false };
    // The safe crate has the plain variant only.
    // SAFETY: reads `message.len()` bytes of the message, 64 of the signature, 32 of the key and none of the context, which may
    // be null then; all of them outlive the call, and nothing is kept.
    let answer = unsafe {
        aws_lc_sys::ED25519ph_verify(
            message.as_ptr(),
            message.len(),
            signature.as_ptr(),
            key.as_ptr(),
            std::ptr::null(),
            0,
        )
    };
    answer == 1
}

fn name_of(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::PublicKey => "a public key",
        SectionKind::Certificate => "a certificate",
        SectionKind::RsaPrivateKey | SectionKind::PrivateKey | SectionKind::EcPrivateKey => "a private key",
        SectionKind::Crl => "a list of revoked certificates",
        SectionKind::Csr => "a request for a certificate",
        // The list of kinds is open.
        _ => "something else",
    }
}

#[cfg(test)]
mod tests;
