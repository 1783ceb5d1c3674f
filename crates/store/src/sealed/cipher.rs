//! AES-256-GCM is ring's, and nothing else is: it uses the wide AES instructions of processors that lack AVX-512 (VAES with AVX2),
//! which aws-lc does not. There it opens 5.5 GB/s, and aws-lc 2.7, where opening is a third of what an encrypted pull costs.

use super::{
    DataKey, TAG_BYTES,
    header::{Header, Kind},
};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};

/// Seals and opens the chunks behind one header.
pub(crate) struct Cipher {
    header: Header,
    /// In the order in which they seal.
    layers: Vec<LessSafeKey>,
}

impl Cipher {
    /// Derives the keys that belong to a header.
    pub(crate) fn new(key: &DataKey, header: Header, kind: Kind) -> Cipher {
        let label: &[u8] = match kind {
            Kind::Segment => b"gantry-blob-v1",
            Kind::Directory => b"gantry-blob-directory-v1",
        };
        let derived = key.parts().zip(header.salts()).map(|(key, salt)| {
            let secret = Salt::new(HKDF_SHA256, salt).extract(key);
            let okm = secret.expand(&[label], &AES_256_GCM).map(UnboundKey::from);
            LessSafeKey::new(okm.expect("a key of AES-256 is not longer than HKDF-SHA256 can make"))
        });
        Cipher { layers: derived.collect(), header }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Seals what `bytes` has from `start` on as the chunk of this number; the tags are added.
    ///
    /// Called once for each number and `is_last`: the same nonce for other bytes would give the key away.
    pub(crate) fn seal(&self, number: u32, is_last: bool, bytes: &mut Vec<u8>, start: usize) {
        for layer in &self.layers {
            let aad = Aad::from(self.header.bytes());
            let sealed = layer.seal_in_place_separate_tag(nonce(number, is_last), aad, &mut bytes[start..]);
            let tag = sealed.expect("a chunk is far below what AES-GCM can seal");
            bytes.extend_from_slice(tag.as_ref());
        }
    }

    /// Opens a chunk in place; returns how many plain bytes there are, which come first. `None` where it is not what was
    /// sealed: then nothing of it may be looked at.
    #[must_use]
    pub(crate) fn open(&self, number: u32, is_last: bool, bytes: &mut [u8]) -> Option<usize> {
        let mut length = bytes.len();
        for layer in self.layers.iter().rev() {
            let aad = Aad::from(self.header.bytes());
            layer.open_in_place(nonce(number, is_last), aad, &mut bytes[..length]).ok()?;
            length -= TAG_BYTES;
        }
        Some(length)
    }
}

fn nonce(number: u32, is_last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[7..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(is_last);
    Nonce::assume_unique_for_key(bytes)
}
