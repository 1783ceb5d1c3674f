use super::faults::invalid;
use gantry_fault::Fault;
use std::collections::BTreeMap;

/// The longest context, in bytes of its canonical form (KMS Developer Guide, "Encryption context").
const BYTES_MAX: usize = 8192;

/// What an encryption is bound to: pairs of texts, in no order. Who decrypts must bring the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// Takes the pairs of a request; of a key that comes twice the last one stands.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::ValidationFailed`] for an empty key, or more than 8 KiB.
    pub fn parse(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Fault> {
        let context = EncryptionContext(pairs.into_iter().collect());
        if context.0.keys().any(String::is_empty) {
            return Err(invalid("A key of EncryptionContext is empty"));
        }
        match context.canonical().len() {
            0..=BYTES_MAX => Ok(context),
            bytes => Err(invalid(format!("EncryptionContext has {bytes} bytes; it may have {BYTES_MAX}"))),
        }
    }

    /// Returns the one form that all orders of the same pairs have, and no other pairs: for each, by the bytes of its key, key
    /// and value, each behind its length in 4 bytes.
    pub(super) fn canonical(&self) -> Vec<u8> {
        let texts = self.0.iter().flat_map(|(key, value)| [key, value]);
        let length = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
        texts.flat_map(|text| length(text).into_iter().chain(text.bytes())).collect()
    }
}
