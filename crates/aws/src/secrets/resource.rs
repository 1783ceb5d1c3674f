//! What actions on secrets are asked on.
//!
//! A request names a secret by its name, its ARN, or its ARN without the six characters at its end. The accounts put the
//! secret that is meant in its place before they decide, ask its policy, and ask for the use of its key where it names one.

use super::model::{CreateSecretRequest, Tag, UpdateSecretRequest};
use crate::kms;
use gantry_access::{Access, Action, action};

/// What stands in ARNs for the service.
const SECRETS: &str = "secretsmanager";

/// A secret that a request names.
pub(crate) fn secret(action: Action, name: &str) -> Access {
    match name {
        arn if arn.starts_with("arn:") => Access::on_arn(action, arn),
        name => Access::of(action, SECRETS, format!("secret:{name}")),
    }
}

/// A secret that is to be made: also with its tags, and the use of the key that it names.
pub(crate) fn made(asked: &CreateSecretRequest) -> Vec<Access> {
    let create = secret(action::SECRETS_CREATE_SECRET, &asked.name).with("secretsmanager:Name", [asked.name.as_str()]);
    let mut accesses = match asked.tags.as_deref() {
        None | Some([]) => vec![create],
        Some(tags) => {
            let tag = secret(action::SECRETS_TAG_RESOURCE, &asked.name);
            [create, tag].map(|access| with_tags(access, tags)).into()
        }
    };
    accesses.extend(use_of_key(asked.kms_key_id.as_deref()));
    accesses
}

/// A secret that is changed: also the use of the key that it is to lie under.
pub(crate) fn updated(asked: &UpdateSecretRequest) -> Vec<Access> {
    let mut accesses = vec![secret(action::SECRETS_UPDATE_SECRET, &asked.secret_id)];
    accesses.extend(use_of_key(asked.kms_key_id.as_deref()));
    accesses
}

/// The same, with the tags that the request sets.
pub(crate) fn with_tags(access: Access, tags: &[Tag]) -> Access {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let pairs: Vec<_> = tags.iter().map(|tag| (text(&tag.key), text(&tag.value))).collect();
    access.with_tags(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

fn use_of_key(key: Option<&str>) -> Vec<Access> {
    let key = key.filter(|key| *key != "alias/aws/secretsmanager");
    let actions = [action::KMS_GENERATE_DATA_KEY, action::KMS_DECRYPT];
    key.map_or(vec![], |key| actions.map(|action| kms::key_access(action, key)).into())
}
