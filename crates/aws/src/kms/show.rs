//! How keys look in this API, and what of it is not done here.

use super::model::{
    AliasListEntry, Blob, CreateKeyRequest, CustomerMasterKeySpec, DataKeySpec, EncryptionAlgorithmSpec, Epoch,
    KeyManagerType, KeyMetadata, KeySpec, KeyState, KeyUsageType, OriginType, RecipientInfo, RotationType,
    RotationsListEntry, Tag,
};
use gantry_accounts as accounts;
use gantry_accounts::{Alias, Key, KeyManager, KeyTags, Rotation};
use gantry_fault::{Fault, FaultKind};
use gantry_words::AccountId;

/// How keys encrypt.
pub(crate) const ALGORITHM: EncryptionAlgorithmSpec = EncryptionAlgorithmSpec::SymmetricDefault;

/// Shows a key.
pub(crate) fn key(key: &Key, account: AccountId) -> KeyMetadata {
    KeyMetadata {
        aws_account_id: Some(account.to_string()),
        arn: Some(key.arn.clone()),
        creation_date: Some(Epoch(key.created_at)),
        customer_master_key_spec: Some(CustomerMasterKeySpec::SymmetricDefault),
        deletion_date: key.deletion_at.map(Epoch),
        description: Some(key.description.clone()),
        enabled: Some(key.state == accounts::KeyState::Enabled),
        encryption_algorithms: Some(vec![ALGORITHM]),
        key_id: key.id.clone(),
        key_manager: Some(match key.manager {
            KeyManager::Customer => KeyManagerType::Customer,
            KeyManager::Aws => KeyManagerType::Aws,
        }),
        key_spec: Some(KeySpec::SymmetricDefault),
        key_state: Some(state(key.state)),
        key_usage: Some(KeyUsageType::EncryptDecrypt),
        multi_region: Some(false),
        origin: Some(OriginType::AwsKms),
        cloud_hsm_cluster_id: None,
        current_key_material_id: None,
        custom_key_store_id: None,
        encapsulation_algorithms: None,
        expiration_model: None,
        key_agreement_algorithms: None,
        mac_algorithms: None,
        multi_region_configuration: None,
        pending_deletion_window_in_days: None,
        signing_algorithms: None,
        valid_to: None,
        xks_key_configuration: None,
    }
}

/// Shows the state of a key.
pub(crate) const fn state(state: accounts::KeyState) -> KeyState {
    match state {
        accounts::KeyState::Enabled => KeyState::Enabled,
        accounts::KeyState::Disabled => KeyState::Disabled,
        accounts::KeyState::PendingDeletion => KeyState::PendingDeletion,
    }
}

/// Shows an alias.
pub(crate) fn alias(alias: Alias) -> AliasListEntry {
    AliasListEntry {
        alias_arn: Some(alias.arn),
        alias_name: Some(alias.name),
        creation_date: Some(Epoch(alias.created_at)),
        last_updated_date: Some(Epoch(alias.changed_at)),
        target_key_id: Some(alias.key_id),
    }
}

/// Shows a rotation of the key of an id.
pub(crate) fn rotation(id: &str, rotation: &Rotation) -> RotationsListEntry {
    RotationsListEntry {
        key_id: Some(id.into()),
        rotation_date: Some(Epoch(rotation.at)),
        rotation_type: Some(if rotation.is_on_demand { RotationType::OnDemand } else { RotationType::Automatic }),
        ..RotationsListEntry::default()
    }
}

/// Shows tags.
pub(crate) fn tags(tags: &KeyTags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { tag_key: key.into(), tag_value: value.into() }).collect()
}

/// Shows bytes.
pub(crate) fn bytes(bytes: &[u8]) -> Blob {
    Blob(bytes.to_vec().into())
}

/// Reads tags that a request brings.
///
/// # Errors
/// [`FaultKind::KmsTagInvalid`], [`FaultKind::KmsLimitExceeded`].
pub(crate) fn read_tags(tags: &[Tag]) -> Result<KeyTags, Fault> {
    KeyTags::parse(tags.iter().map(|tag| (tag.tag_key.as_str(), tag.tag_value.as_str())))
}

/// Refuses to make a key of a kind that is not there.
///
/// # Errors
/// [`FaultKind::KmsUnsupportedOperation`].
pub(crate) fn check_kind(asked: &CreateKeyRequest) -> Result<(), Fault> {
    let is_plain = asked.key_spec.is_none_or(|spec| spec == KeySpec::SymmetricDefault)
        && asked.customer_master_key_spec.is_none_or(|spec| spec == CustomerMasterKeySpec::SymmetricDefault)
        && asked.key_usage.is_none_or(|usage| usage == KeyUsageType::EncryptDecrypt);
    if !is_plain {
        return Err(unsupported("Keys here are SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT; leave KeySpec and KeyUsage out"));
    }
    let is_own = asked.origin.is_none_or(|origin| origin == OriginType::AwsKms)
        && asked.custom_key_store_id.is_none()
        && asked.xks_key_id.is_none();
    if !is_own {
        return Err(unsupported("Keys here are made of material of their own (AWS_KMS); leave Origin out"));
    }
    match asked.multi_region {
        None | Some(false) => Ok(()),
        Some(true) => Err(unsupported("Keys here are of one region; leave MultiRegion out")),
    }
}

/// Refuses an algorithm that no key here has.
///
/// # Errors
/// [`FaultKind::KmsInvalidKeyUsage`].
pub(crate) fn check_algorithm(asked: Option<EncryptionAlgorithmSpec>) -> Result<(), Fault> {
    match asked {
        None | Some(EncryptionAlgorithmSpec::SymmetricDefault) => Ok(()),
        Some(other) => {
            let message = format!("The key encrypts with SYMMETRIC_DEFAULT, not with {}", other.as_str());
            Err(Fault::new(FaultKind::KmsInvalidKeyUsage, message))
        }
    }
}

/// How many bytes a data key has.
///
/// # Errors
/// [`FaultKind::ValidationFailed`]: it is said twice, or not at all.
pub(crate) fn data_key_bytes(spec: Option<DataKeySpec>, number: Option<i32>) -> Result<usize, Fault> {
    match (spec, number) {
        (Some(DataKeySpec::Aes256), None) => Ok(32),
        (Some(DataKeySpec::Aes128), None) => Ok(16),
        (None, Some(_)) => bytes_asked(number),
        (Some(_), Some(_)) | (None, None) => {
            Err(Fault::new(FaultKind::ValidationFailed, "Please specify either number of bytes or key spec."))
        }
    }
}

/// How many bytes are asked for. Whether that is too many, the keyring says.
///
/// # Errors
/// [`FaultKind::ValidationFailed`]: it is not said.
pub(crate) fn bytes_asked(number: Option<i32>) -> Result<usize, Fault> {
    let missing = || Fault::new(FaultKind::ValidationFailed, "NumberOfBytes is missing");
    number.and_then(|number| usize::try_from(number).ok()).ok_or_else(missing)
}

/// Refuses to only try.
///
/// # Errors
/// [`FaultKind::KmsUnsupportedOperation`].
pub(crate) fn refuse_dry_run(dry_run: Option<bool>) -> Result<(), Fault> {
    match dry_run {
        None | Some(false) => Ok(()),
        Some(true) => Err(unsupported("DryRun is not done here; leave it out")),
    }
}

/// Refuses to encrypt an answer for an enclave.
///
/// # Errors
/// [`FaultKind::KmsUnsupportedOperation`].
pub(crate) fn refuse_recipient(recipient: Option<&RecipientInfo>) -> Result<(), Fault> {
    match recipient {
        None => Ok(()),
        Some(_) => Err(unsupported("Attestation documents are not looked at here; leave Recipient out")),
    }
}

/// There is no grant of this id.
pub(crate) fn no_grant(id: &str) -> Fault {
    let id: String = id.chars().take(64).collect();
    Fault::new(FaultKind::KmsInvalidGrant, format!("There is no grant {id:?}: grants are not kept here"))
}

/// This is not done here.
pub(crate) fn unsupported(message: &str) -> Fault {
    Fault::new(FaultKind::KmsUnsupportedOperation, message)
}
