//! The key that a repository is to be encrypted under.

use crate::model::{EncryptionConfiguration, EncryptionType};
use gantry_accounts::Keyring;
use gantry_fault::Fault;
use gantry_registry::refused_key;
use gantry_words::Cx;

/// The alias of the account's own key for ECR, which is made when it is first needed.
const OWN: &str = "alias/aws/ecr";

/// The key that is named, where one is and it is not the account's own.
pub(crate) fn named_key(asked: &EncryptionConfiguration) -> Option<&str> {
    let key = asked.kms_key.as_deref().filter(|key| *key != OWN);
    key.filter(|_| asked.encryption_type != EncryptionType::Aes256)
}

/// Puts the ARN of the key in the place of whichever of its names was given: what the name leads to later changes nothing.
///
/// # Errors
/// [`gantry_fault::FaultKind::RepositoryKeyRefused`]: there is no such key, or it does not encrypt now.
pub(crate) async fn settle(
    keyring: &Keyring,
    cx: &Cx,
    asked: EncryptionConfiguration,
) -> Result<EncryptionConfiguration, Fault> {
    let Some(name) = named_key(&asked) else { return Ok(asked) };
    let key = keyring.load_enabled(cx, name).await.map_err(refused_key)?;
    Ok(EncryptionConfiguration { kms_key: Some(key.arn), ..asked })
}
