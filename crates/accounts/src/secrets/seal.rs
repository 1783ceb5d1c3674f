use super::{
    SERVICE, Secrets,
    faults::{decryption, encryption, invalid},
};
use crate::{EncryptionContext, KeyProvider};
use gantry_access::material::WrappingKey;
use gantry_fault::Fault;
use gantry_metadata::secrets::VersionRow;
use gantry_words::{Cx, Secret};
use zeroize::Zeroizing;

/// The longest value, in bytes (Secrets Manager API, `SecretStringType`).
pub const VALUE_BYTES_MAX: usize = 65_536;
const TEXT: u8 = 0;
const BYTES: u8 = 1;

/// What is secret: a text or bytes, up to 65,536 bytes of them.
#[derive(Clone, Debug)]
pub enum SecretValue {
    /// A text.
    Text(Secret<String>),
    /// Bytes.
    Bytes(Secret<Vec<u8>>),
}

impl SecretValue {
    /// Checks how much it is.
    ///
    /// # Errors
    /// [`gantry_fault::FaultKind::InvalidParameter`].
    pub(super) fn check(&self) -> Result<(), Fault> {
        let (name, bytes) = match self {
            SecretValue::Text(text) => ("SecretString", text.reveal().len()),
            SecretValue::Bytes(bytes) => ("SecretBinary", bytes.reveal().len()),
        };
        if (1..=VALUE_BYTES_MAX).contains(&bytes) {
            return Ok(());
        }
        Err(invalid(format!("{name} must have 1 to {VALUE_BYTES_MAX} bytes")))
    }

    fn print(&self) -> Zeroizing<Vec<u8>> {
        let (kind, bytes) = match self {
            SecretValue::Text(text) => (TEXT, text.reveal().as_bytes()),
            SecretValue::Bytes(bytes) => (BYTES, bytes.reveal().as_slice()),
        };
        let mut printed = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
        printed.push(kind);
        printed.extend_from_slice(bytes);
        printed
    }

    fn read(printed: &[u8]) -> Option<Self> {
        match printed.split_first()? {
            (&TEXT, text) => Some(SecretValue::Text(Secret::new(String::from_utf8(text.to_vec()).ok()?))),
            (&BYTES, bytes) => Some(SecretValue::Bytes(Secret::new(bytes.to_vec()))),
            _ => None,
        }
    }

    /// Whether both are the same, in a time that tells nothing.
    pub(super) fn is_same(&self, other: &SecretValue) -> bool {
        gantry_access::equal_secrets(&self.print(), &other.print())
    }
}

/// What the data key of a value is bound to: what AWS binds it to (Secrets Manager User Guide, "Encryption context").
fn context(arn: &str, version: &str) -> Result<EncryptionContext, Fault> {
    EncryptionContext::parse([("SecretARN".into(), arn.into()), ("SecretVersionId".into(), version.into())])
}

fn associated(arn: &str, version: &str) -> Vec<u8> {
    [b"gantry secret\0", arn.as_bytes(), b"\0", version.as_bytes()].concat()
}

impl Secrets {
    /// Encrypts a value for a version of a secret, under the key of a name or the service's own.
    pub(super) async fn seal(
        &self,
        cx: &Cx,
        (arn, version): (&str, &str),
        key: Option<&str>,
        value: &SecretValue,
    ) -> Result<VersionRow, Fault> {
        let keyring = &self.0.keyring;
        let key = match key {
            Some(key) => key.to_string(),
            None => keyring.service_key(cx, SERVICE).await?.arn,
        };
        let data_key = keyring.data_key(cx, &key, &context(arn, version)?).await.map_err(encryption)?;
        let wrapping = WrappingKey::new(&data_key.plaintext);
        let sealed = wrapping.wrap(self.0.env.random(), &associated(arn, version), &value.print());
        Ok(VersionRow {
            id: version.into(),
            stages: "[]".into(),
            wrapped_key: data_key.wrapped.ciphertext,
            key_arn: data_key.wrapped.key_arn,
            sealed,
            created_at: cx.now,
        })
    }

    /// Decrypts the value of a version.
    pub(super) async fn open(&self, cx: &Cx, arn: &str, row: &VersionRow) -> Result<SecretValue, Fault> {
        let data_key = self.0.keyring.unwrap(cx, &context(arn, &row.id)?, &row.wrapped_key).await;
        let wrapping = WrappingKey::new(&data_key.map_err(decryption)?);
        let opened = wrapping.unwrap(&associated(arn, &row.id), &row.sealed);
        opened.and_then(|printed| SecretValue::read(&printed)).ok_or_else(|| {
            Fault::internal(format!(
                "version {} of {arn} does not open: its row in secret_version was changed, or belongs to another secret; \
                 restore it from a backup",
                row.id
            ))
        })
    }
}
