//! What an encrypted text looks like: one byte for the form, the key's id, the version of its material in 4 bytes, then what
//! [`WrappingKey`] makes.

use super::EncryptionContext;
use gantry_access::material::{NONCE_BYTES, WrappingKey};
use gantry_words::AccountId;
use zeroize::Zeroizing;

const FORM: u8 = 1;
const ID_BYTES: usize = 36;
const HEADER_BYTES: usize = 1 + ID_BYTES + 4;

/// The longest encrypted text that is looked at, in bytes (KMS API, `CiphertextType`).
pub(super) const CIPHERTEXT_BYTES_MAX: usize = 6144;

/// What an encrypted text says of itself, before anything proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ciphertext {
    pub(super) key_id: String,
    pub(super) version: u32,
    pub(super) wrapped: Vec<u8>,
}

impl Ciphertext {
    /// Encrypts `plaintext` for a key and a version of it.
    pub(super) fn seal(
        place: (AccountId, &str, u32),
        wrapping: &WrappingKey,
        nonce: [u8; NONCE_BYTES],
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Vec<u8> {
        let (account, key_id, version) = place;
        let associated = associated(account, key_id, version, context);
        let wrapped = wrapping.wrap(nonce, &associated, plaintext);
        [header(key_id, version), wrapped].concat()
    }

    /// Reads one; none where it is of no form that is known.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > CIPHERTEXT_BYTES_MAX {
            return None;
        }
        let (header, wrapped) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (form, rest) = header.split_first()?;
        let (id, version) = rest.split_last_chunk::<4>()?;
        let is_id = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f' | b'-');
        if *form != FORM || !id.iter().all(is_id) {
            return None;
        }
        let key_id = String::from_utf8(id.to_vec()).ok()?;
        Some(Ciphertext { key_id, version: u32::from_be_bytes(*version), wrapped: wrapped.to_vec() })
    }

    /// Decrypts it; none where it was changed, or encrypted for another account or in another context.
    pub(super) fn open(
        &self,
        account: AccountId,
        wrapping: &WrappingKey,
        context: &EncryptionContext,
    ) -> Option<Zeroizing<Vec<u8>>> {
        wrapping.unwrap(&associated(account, &self.key_id, self.version, context), &self.wrapped)
    }
}

/// Returns the id of the key that an encrypted text says it needs; none where it is of no form that is known.
pub fn key_of_ciphertext(bytes: &[u8]) -> Option<String> {
    Ciphertext::read(bytes).map(|text| text.key_id)
}

fn header(key_id: &str, version: u32) -> Vec<u8> {
    [&[FORM], key_id.as_bytes(), &version.to_be_bytes()].concat()
}

fn associated(account: AccountId, key_id: &str, version: u32, context: &EncryptionContext) -> Vec<u8> {
    [b"gantry kms text\0", account.as_str().as_bytes(), &header(key_id, version), &context.canonical()].concat()
}

/// What a version of a key's material is bound to, so that rows cannot be swapped.
pub(super) fn of_material(account: AccountId, key_id: &str, version: u32) -> Vec<u8> {
    [b"gantry kms material\0", account.as_str().as_bytes(), &header(key_id, version)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_access::material::KeyBytes;
    use proptest::prelude::*;

    const ID: &str = "01234567-89ab-4def-8123-456789abcdef";

    fn sealed(context: &EncryptionContext, plaintext: &[u8]) -> Vec<u8> {
        let wrapping = WrappingKey::new(&KeyBytes::new([1; 32]));
        Ciphertext::seal((AccountId::DEFAULT, ID, 3), &wrapping, [2; NONCE_BYTES], context, plaintext)
    }

    fn opened(bytes: &[u8], context: &EncryptionContext) -> Option<Vec<u8>> {
        let wrapping = WrappingKey::new(&KeyBytes::new([1; 32]));
        Ciphertext::read(bytes)?.open(AccountId::DEFAULT, &wrapping, context).map(|plaintext| plaintext.to_vec())
    }

    fn context(pairs: &[(String, String)]) -> EncryptionContext {
        EncryptionContext::parse(pairs.iter().cloned()).unwrap()
    }

    #[test]
    fn a_text_says_which_key_it_needs() {
        let text = Ciphertext::read(&sealed(&EncryptionContext::default(), b"text")).unwrap();

        assert_eq!((text.key_id.as_str(), text.version), (ID, 3));
        assert_eq!(key_of_ciphertext(b"no such text"), None);
    }

    #[test]
    fn a_text_of_another_account_does_not_open() {
        let bytes = sealed(&EncryptionContext::default(), b"text");
        let wrapping = WrappingKey::new(&KeyBytes::new([1; 32]));
        let other = "111111111111".parse().unwrap();

        let text = Ciphertext::read(&bytes).unwrap();

        assert!(text.open(other, &wrapping, &EncryptionContext::default()).is_none());
        assert_eq!(opened(&bytes, &EncryptionContext::default()).unwrap(), b"text");
    }

    #[test]
    fn pairs_that_read_alike_in_a_row_are_told_apart() {
        let pair = |key: &str, value: &str| (key.to_string(), value.to_string());

        assert_ne!(context(&[pair("ab", "c")]).canonical(), context(&[pair("a", "bc")]).canonical());
        assert_ne!(context(&[pair("a", "b"), pair("c", "d")]).canonical(), context(&[pair("a", "bcd")]).canonical());
    }

    proptest! {
        #[test]
        fn a_text_opens_in_its_context_in_any_order_and_in_no_other(
            pairs in proptest::collection::btree_map("[a-z]{1,4}", "[a-z]{0,4}", 1..5),
            plaintext: Vec<u8>,
        ) {
            let pairs: Vec<_> = pairs.into_iter().collect();
            let backwards: Vec<_> = pairs.iter().rev().cloned().collect();

            let bytes = sealed(&context(&pairs), &plaintext);

            prop_assert_eq!(opened(&bytes, &context(&backwards)), Some(plaintext));
            prop_assert_eq!(opened(&bytes, &context(&pairs[1..])), None);
            let mut other = pairs.clone();
            other[0].1.push('!');
            prop_assert_eq!(opened(&bytes, &context(&other)), None);
        }

        #[test]
        fn a_changed_text_does_not_open(at: usize, cut: usize) {
            let bytes = sealed(&EncryptionContext::default(), b"some text");
            let mut changed = bytes.clone();
            changed[at % bytes.len()] ^= 1;

            prop_assert_eq!(opened(&changed, &EncryptionContext::default()), None);
            prop_assert_eq!(opened(&bytes[..cut % bytes.len()], &EncryptionContext::default()), None);
        }

        #[test]
        fn no_bytes_are_too_odd_to_be_refused(bytes: Vec<u8>) {
            prop_assert_eq!(opened(&bytes, &EncryptionContext::default()), None);
        }
    }
}
