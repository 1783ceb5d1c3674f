//! What actions on keys are asked on.
//!
//! A request names a key by its id, its ARN, an alias or the ARN of one. The accounts put the key that is meant in its place
//! before they decide, and ask the key's policy.

use super::model::{Blob, Tag};
use gantry_access::{Access, Action, Principal, action};
use gantry_accounts::{Accounts, EncryptionContext, KEY_BEHIND, key_of_ciphertext};
use gantry_fault::{Fault, FaultKind};
use std::collections::BTreeMap;

/// What stands in ARNs for the service.
const KMS: &str = "kms";
/// The one policy of a key.
pub(crate) const POLICY_NAME: &str = "default";

/// A key or alias that a request names.
pub(crate) fn key(action: Action, name: &str) -> Access {
    match name {
        arn if arn.starts_with("arn:") => Access::on_arn(action, arn),
        alias if alias.starts_with("alias/") => Access::of(action, KMS, alias),
        id => Access::of(action, KMS, format!("key/{id}")),
    }
}

/// The key behind an alias that is changed.
pub(crate) fn key_behind(action: Action, alias: &str) -> Access {
    Access::of(action, KMS, format!("{KEY_BEHIND}{alias}"))
}

/// The key that an encrypted text needs; where that cannot be read, the one that the request names.
pub(crate) fn key_of(action: Action, ciphertext: Option<&Blob>, named: Option<&str>) -> Access {
    match (ciphertext.and_then(|ciphertext| key_of_ciphertext(&ciphertext.0)), named) {
        (Some(id), _) => Access::of(action, KMS, format!("key/{id}")),
        (None, Some(named)) => key(action, named),
        (None, None) => Access::to(action),
    }
}

/// The same, with the tags that the request sets.
pub(crate) fn with_tags(access: Access, tags: &[Tag]) -> Access {
    access.with_tags(tags.iter().map(|tag| (tag.tag_key.as_str(), tag.tag_value.as_str())))
}

/// The same, with what the text is bound to: `kms:EncryptionContext:…`, `kms:EncryptionContextKeys`.
pub(crate) fn with_context(access: Access, context: Option<&BTreeMap<String, String>>) -> Access {
    let Some(context) = context else { return access };
    let keys = access.with("kms:EncryptionContextKeys", context.keys().map(String::as_str));
    let add = |access: Access, (key, value): (&String, &String)| {
        access.with(format!("kms:EncryptionContext:{key}"), [value.as_str()])
    };
    context.iter().fold(keys, add)
}

/// Reads what a text is bound to.
///
/// # Errors
/// [`FaultKind::ValidationFailed`].
pub(crate) fn context(pairs: Option<BTreeMap<String, String>>) -> Result<EncryptionContext, Fault> {
    EncryptionContext::parse(pairs.unwrap_or_default())
}

/// Returns the encrypted text of a request.
///
/// # Errors
/// [`FaultKind::ValidationFailed`]: there is none.
pub(crate) fn ciphertext(blob: Option<&Blob>) -> Result<&[u8], Fault> {
    let missing = || Fault::new(FaultKind::ValidationFailed, "CiphertextBlob is missing");
    blob.map(|blob| &*blob.0).ok_or_else(missing)
}

/// Refuses the name of a policy that no key has.
///
/// # Errors
/// [`FaultKind::KmsNotFound`].
pub(crate) fn check_policy_name(name: Option<&str>) -> Result<(), Fault> {
    match name {
        None | Some(POLICY_NAME) => Ok(()),
        Some(_) => {
            Err(Fault::new(FaultKind::KmsNotFound, "No such policy exists; a key has one, which is called default"))
        }
    }
}

/// Refuses a policy under which whoever writes it could not write another.
///
/// # Errors
/// [`FaultKind::MalformedPolicyDocument`]. What is no policy passes: it is refused with the reason elsewhere.
pub(crate) fn keeps_its_writer(accounts: &Accounts, principal: &Principal, policy: &str) -> Result<(), Fault> {
    let is_policy = gantry_access::check_policy_text(policy, gantry_access::PolicyPlace::Key).is_ok();
    let put = Access::of(action::KMS_PUT_KEY_POLICY, KMS, "key/*");
    if !is_policy || accounts.would_let(principal, &put, policy) {
        return Ok(());
    }
    let message = "The new key policy will not allow you to update the key policy in the future. Let it allow \
        kms:PutKeyPolicy to you or to the account, or set BypassPolicyLockoutSafetyCheck";
    Err(Fault::new(FaultKind::MalformedPolicyDocument, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::{AccountId, Region};

    fn arn(access: &Access) -> String {
        access.arn(&Region::default(), AccountId::DEFAULT)
    }

    #[test]
    fn a_key_is_asked_on_as_it_is_named() {
        let start = "arn:aws:kms:us-east-1:000000000000:";

        assert_eq!(arn(&key(action::KMS_ENCRYPT, "1234")), format!("{start}key/1234"));
        assert_eq!(arn(&key(action::KMS_ENCRYPT, "alias/app")), format!("{start}alias/app"));
        assert_eq!(arn(&key(action::KMS_ENCRYPT, "arn:aws:kms:x")), "arn:aws:kms:x");
    }

    #[test]
    fn a_text_that_cannot_be_read_needs_the_key_that_is_named() {
        let text = Blob(bytes::Bytes::from_static(b"no such text"));

        assert_eq!(arn(&key_of(action::KMS_DECRYPT, Some(&text), None)), "*");
        assert!(arn(&key_of(action::KMS_DECRYPT, Some(&text), Some("1234"))).ends_with("key/1234"));
    }
}
