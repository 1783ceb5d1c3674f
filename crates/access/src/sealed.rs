//! Small things handed to clients to be brought back, which they can neither read nor change: where a list goes on, the
//! right to fetch one layer.
//!
//! AES-256-GCM under a key of its own for this use. What a seal is for is part of what is authenticated, so that one
//! made for one purpose is worth nothing for another.

use aws_lc_rs::{aead, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// The longest seal, in characters.
pub const SEALED_BYTES_MAX: usize = 4096;

const NONCE_BYTES: usize = aead::NONCE_LEN;
const KID_BYTES: usize = 4;

/// A key that seals and opens.
pub struct SealingKey {
    kid: u32,
    key: aead::LessSafeKey,
}

impl SealingKey {
    /// Derives the key of `material` and all of `context`: who knows only the one can neither make nor read a seal.
    ///
    /// `kid` tells the keys of a site apart; it is no secret.
    pub fn derive(kid: u32, material: &[u8; 32], context: &[&[u8]]) -> Self {
        let mut derivation = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, material));
        derivation.update(b"gantry sealing key\0");
        for part in context {
            let length = u64::try_from(part.len()).expect("no slice is longer than 2^64 bytes");
            derivation.update(&length.to_be_bytes());
            derivation.update(part);
        }
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, derivation.sign().as_ref());
        SealingKey { kid, key: aead::LessSafeKey::new(key.expect("an HMAC-SHA256 has as many bytes as a key")) }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Seals `content` for `purpose`. `nonce` is drawn for this seal alone.
///
/// The result holds `[A-Za-z0-9_-]` only.
pub fn seal(key: &SealingKey, purpose: &str, content: &[u8], nonce: [u8; NONCE_BYTES]) -> String {
    let mut bytes = content.to_vec();
    let unique = aead::Nonce::assume_unique_for_key(nonce);
    key.key
        .seal_in_place_append_tag(unique, aead::Aad::from(purpose), &mut bytes)
        .expect("AES-256-GCM takes 64 GiB at a time");
    let mut whole = Vec::with_capacity(KID_BYTES + NONCE_BYTES + bytes.len());
    whole.extend(key.kid.to_be_bytes());
    whole.extend(nonce);
    whole.extend(bytes);
    URL_SAFE_NO_PAD.encode(whole)
}

/// Returns what was sealed for `purpose` with one of `keys`; none where it was not, or was changed since.
pub fn open(keys: &[SealingKey], purpose: &str, text: &str) -> Option<Vec<u8>> {
    if text.len() > SEALED_BYTES_MAX {
        return None;
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (kid, rest) = bytes.split_first_chunk_mut::<KID_BYTES>()?;
    let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_BYTES>()?;
    // The key's number is only a hint which key to try: under another nothing opens.
    let key = keys.iter().find(|key| key.kid == u32::from_be_bytes(*kid))?;
    let nonce = aead::Nonce::assume_unique_for_key(*nonce);
    key.key.open_in_place(nonce, aead::Aad::from(purpose), rest).ok().map(|content| content.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(kid: u32, material: u8) -> SealingKey {
        SealingKey::derive(kid, &[material; 32], &[b"a", b"b"])
    }

    #[test]
    fn a_seal_opens_for_its_purpose_only() {
        let sealed = seal(&key(1, 1), "page of images", b"where it goes on", [7; 12]);

        assert_eq!(open(&[key(2, 2), key(1, 1)], "page of images", &sealed).unwrap(), b"where it goes on");
        assert_eq!(open(&[key(1, 1)], "layer", &sealed), None);
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = seal(&key(1, 1), "", b"x", [7; 12]);

        assert_eq!(open(&[key(1, 2)], "", &sealed), None);
        assert_eq!(open(&[key(2, 1)], "", &sealed), None);
        assert_eq!(open(&[SealingKey::derive(1, &[1; 32], &[b"ab"])], "", &sealed), None);
    }

    #[test]
    fn what_is_sealed_cannot_be_read() {
        let sealed = seal(&key(1, 1), "", b"secret/repository", [7; 12]);

        let bytes = URL_SAFE_NO_PAD.decode(sealed).unwrap();

        assert!(!bytes.windows(6).any(|window| window == b"secret"));
    }

    proptest! {
        #[test]
        fn a_seal_that_was_changed_opens_nothing(content in prop::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let sealed = seal(&key(1, 1), "p", &content, [3; 12]);
            let at = at.index(sealed.len());
            let mut changed = sealed.clone();
            changed.replace_range(at..=at, &to);

            prop_assert_eq!(open(&[key(1, 1)], "p", &sealed), Some(content));
            prop_assert_eq!(open(&[key(1, 1)], "p", &changed).is_some(), changed == sealed);
        }

        #[test]
        fn any_text_is_opened_without_panic(text in "\\PC{0,200}") {
            prop_assert_eq!(open(&[key(1, 1)], "p", &text), None);
        }
    }
}
