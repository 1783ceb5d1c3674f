use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_access::{
    material::{KEY_BYTES, KeyBytes},
    sealed::SealingKey,
};
use gantry_env::Env;
use gantry_fault::Fault;
use zeroize::Zeroizing;

/// The longest text of a master key, in bytes; with what editors leave behind it.
const TEXT_BYTES_MAX: usize = 1024;

/// The key that everything kept encrypted in the database hangs on. It never lies there itself.
///
/// Nothing is encrypted under it directly: each purpose has a key of its own, derived from it.
#[derive(Clone, Debug)]
pub struct MasterKey(KeyBytes);

/// Why a text is no master key. It is not repeated: it may be most of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 random bytes in base64, such as `head -c 32 /dev/urandom | base64` prints; this is none")]
pub struct MasterKeyError;

impl MasterKey {
    /// Draws a new one.
    pub fn generate(env: &Env) -> Self {
        MasterKey(KeyBytes::new(env.random()))
    }

    /// Reads 32 bytes in base64 (RFC 4648, section 4), with white space around them.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(MasterKeyError);
        }
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).map_err(|_| MasterKeyError)?;
        KeyBytes::read(&bytes).map(MasterKey).ok_or(MasterKeyError)
    }

    /// Prints it to be kept: whoever reads that has everything.
    pub fn print(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.reveal()) + "\n")
    }

    /// Returns the key for one purpose, such as `iam-secrets`, to seal texts with.
    pub fn sealing_key(&self, purpose: &str) -> SealingKey {
        let kid = self.0.check_value().first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        SealingKey::derive(kid, self.0.derive(purpose).reveal(), &[])
    }

    /// Returns the key for one purpose, such as `kms-material`.
    pub fn subkey(&self, purpose: &str) -> KeyBytes {
        self.0.derive(purpose)
    }

    /// Returns what is kept in the database to notice another master key: 44 characters that tell nothing about this one.
    pub fn check_value(&self) -> String {
        STANDARD.encode(self.0.check_value())
    }
}

/// Where a master key is kept that nobody gave: a file beside the database.
///
/// The built-in keyring asks for one when something is first to be encrypted, never before, and never where something
/// already is.
pub trait MasterKeyPlace: Send + Sync + 'static {
    /// Keeps a new key so that it survives a power cut. Returns the key that lies there now: another's, if he was faster.
    ///
    /// # Errors
    /// It cannot be kept.
    fn keep(&self, key: MasterKey) -> Result<MasterKey, Fault>;
}

/// Why the keyring does not open.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Something is encrypted under a master key, and there is none.
    #[error(
        "the database holds keys that are encrypted under a master key, and there is none. Set encryption.master_key, \
         or put the file master-key back into the data folder; without it nothing encrypted can ever be read again"
    )]
    MasterKeyMissing,
    /// Something is encrypted under another master key.
    #[error(
        "the database holds keys that are encrypted under another master key than the one given. Give the one that this \
         database was first started with (encryption.master_key, or the file master-key of its data folder)"
    )]
    MasterKeyOther,
    /// The database cannot be asked.
    #[error("cannot read from the database which master key its keys are encrypted under: {0}")]
    Metadata(#[from] Fault),
}

const _: () = assert!(KEY_BYTES == 32);

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_access::sealed;

    #[test]
    fn a_master_key_is_read_as_it_was_printed() {
        let key = MasterKey::generate(&Env::real());

        let read = MasterKey::parse(&key.print()).unwrap();

        assert_eq!(read.check_value(), key.check_value());
        assert_ne!(MasterKey::generate(&Env::real()).check_value(), key.check_value());
    }

    #[test]
    fn what_is_no_master_key_is_not_repeated() {
        for text in ["", "c2hvcnQ=", "hunter2hunter2hunter2hunter2hunter2", &"A".repeat(2000)] {
            let error = MasterKey::parse(text).unwrap_err().to_string();
            assert!(error.contains("32 random bytes") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn each_purpose_seals_for_itself() {
        let key = MasterKey::generate(&Env::real());
        let sealed = sealed::seal(&key.sealing_key("one"), "for", b"it", [1; 12]);

        assert_eq!(sealed::open(&[key.sealing_key("one")], "for", &sealed).unwrap(), b"it");
        assert_eq!(sealed::open(&[key.sealing_key("other")], "for", &sealed), None);
    }
}
