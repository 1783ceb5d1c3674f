//! Keys made of keys, and what lies encrypted under them: the primitives of the keyring.

use aws_lc_rs::{aead, hkdf, hmac};
use std::fmt;
use zeroize::Zeroizing;

/// The length of every key here.
pub const KEY_BYTES: usize = 32;
/// The length of what makes each encryption different from every other.
pub const NONCE_BYTES: usize = aead::NONCE_LEN;

/// The bytes of a key. They are never printed, never compared, and wiped when they are let go.
#[derive(Clone)]
pub struct KeyBytes(Zeroizing<[u8; KEY_BYTES]>);

impl KeyBytes {
    /// Hides 32 random bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        KeyBytes(Zeroizing::new(bytes))
    }

    /// Takes bytes that were decrypted; none where they are not 32.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(KeyBytes::new)
    }

    /// Shows the bytes.
    pub fn reveal(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Derives the key for one purpose, such as `kms-material` (HKDF-SHA256, RFC 5869): who knows it knows neither this key
    /// nor that of another purpose.
    pub fn derive(&self, purpose: &str) -> KeyBytes {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"gantry master key").extract(self.reveal());
        let info = [purpose.as_bytes()];
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let expanded = extracted.expand(&info, hkdf::HKDF_SHA256);
        expanded.and_then(|expanded| expanded.fill(&mut *bytes)).expect("HKDF-SHA256 gives 32 bytes");
        KeyBytes(bytes)
    }

    /// Returns a value that tells two keys apart and nothing about either: HMAC-SHA256 of `gantry-kcv`.
    pub fn check_value(&self) -> [u8; KEY_BYTES] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.reveal()), b"gantry-kcv");
        tag.as_ref().try_into().expect("an HMAC-SHA256 has 32 bytes")
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A key that encrypts and decrypts: AES-256-GCM.
pub struct WrappingKey(aead::LessSafeKey);

impl WrappingKey {
    /// Makes ready to use what `bytes` hold.
    pub fn new(bytes: &KeyBytes) -> Self {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, bytes.reveal());
        WrappingKey(aead::LessSafeKey::new(key.expect("a key of AES-256 has 32 bytes")))
    }

    /// Encrypts `content`, bound to `associated`: the nonce, then the encrypted bytes, then a tag of 16 bytes.
    ///
    /// `nonce` is drawn at random for this call alone.
    pub fn wrap(&self, nonce: [u8; NONCE_BYTES], associated: &[u8], content: &[u8]) -> Vec<u8> {
        let mut bytes = content.to_vec();
        let unique = aead::Nonce::assume_unique_for_key(nonce);
        let sealed = self.0.seal_in_place_append_tag(unique, aead::Aad::from(associated), &mut bytes);
        sealed.expect("AES-256-GCM takes 64 GiB at a time");
        [&nonce[..], &bytes].concat()
    }

    /// Returns what was encrypted with this key and bound to `associated`; none where it was not, or was changed since.
    pub fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = wrapped.split_first_chunk::<NONCE_BYTES>()?;
        let mut bytes = Zeroizing::new(rest.to_vec());
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, aead::Aad::from(associated), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> KeyBytes {
        KeyBytes::new([byte; KEY_BYTES])
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let (master, one, other) = (key(1), key(1).derive("kms-material"), key(1).derive("iam-secrets"));

        assert_ne!(one.reveal(), other.reveal());
        assert_ne!(one.reveal(), master.reveal());
        assert_ne!(one.reveal(), key(2).derive("kms-material").reveal());
        assert_eq!(one.reveal(), key(1).derive("kms-material").reveal());
    }

    #[test]
    fn a_check_value_tells_keys_apart_and_is_none_of_them() {
        assert_eq!(key(1).check_value(), key(1).check_value());
        assert_ne!(key(1).check_value(), key(2).check_value());
        assert_ne!(&key(1).check_value(), key(1).reveal());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?} {:?}", key(200), WrappingKey::new(&key(200))), "*** ***");
    }

    #[test]
    fn only_32_bytes_are_a_key() {
        assert!(KeyBytes::read(&[0; 31]).is_none() && KeyBytes::read(&[0; 33]).is_none());
        assert_eq!(KeyBytes::read(&[7; 32]).unwrap().reveal(), &[7; 32]);
    }

    proptest! {
        #[test]
        fn what_is_wrapped_is_unwrapped_by_its_key_and_for_its_use_only(
            content: Vec<u8>,
            nonce: [u8; NONCE_BYTES],
            at: usize,
        ) {
            let wrapping = WrappingKey::new(&key(1));

            let wrapped = wrapping.wrap(nonce, b"use", &content);

            prop_assert_eq!(&**wrapping.unwrap(b"use", &wrapped).unwrap(), &content);
            prop_assert!(wrapping.unwrap(b"other use", &wrapped).is_none());
            prop_assert!(WrappingKey::new(&key(2)).unwrap(b"use", &wrapped).is_none());
            let mut changed = wrapped.clone();
            changed[at % wrapped.len()] ^= 1;
            prop_assert!(wrapping.unwrap(b"use", &changed).is_none());
            prop_assert!(wrapping.unwrap(b"use", &wrapped[..at % wrapped.len()]).is_none());
        }
    }
}
