//! How secrets look in this API, and what of it is not done here.

use super::model::{
    Blob, DescribeSecretResponse, Epoch, Filter, FilterNameStringType, GetRandomPasswordRequest, ReplicaRegionType,
    SecretListEntry, SecretVersionsListEntry, Tag, ValidationErrorsEntry,
};
use gantry_access::policy::{Policy, PolicyPlace};
use gantry_accounts::{KeptSecret, KeptVersion, KeyTags, PasswordRules, RECOVERY_DAYS_DEFAULT, SecretValue, Secrets};
use gantry_fault::{Fault, FaultKind};
use gantry_words::Secret;
use std::collections::BTreeMap;

/// Items of a page where the request does not say how many.
const COUNT: usize = 100;

/// Shows a secret.
pub(crate) fn secret(secret: KeptSecret) -> DescribeSecretResponse {
    DescribeSecretResponse {
        created_date: Some(Epoch(secret.created_at)),
        deleted_date: secret.deleted_at.map(Epoch),
        last_changed_date: Some(Epoch(secret.changed_at)),
        version_ids_to_stages: stages(&secret.versions),
        tags: Some(tags(&secret.tags)),
        arn: Some(secret.arn),
        description: told(secret.description),
        kms_key_id: secret.kms_key,
        name: Some(secret.name),
        ..DescribeSecretResponse::default()
    }
}

/// Shows a secret in a list.
pub(crate) fn entry(secret: KeptSecret) -> SecretListEntry {
    SecretListEntry {
        created_date: Some(Epoch(secret.created_at)),
        deleted_date: secret.deleted_at.map(Epoch),
        last_changed_date: Some(Epoch(secret.changed_at)),
        secret_versions_to_stages: stages(&secret.versions),
        tags: Some(tags(&secret.tags)),
        arn: Some(secret.arn),
        description: told(secret.description),
        kms_key_id: secret.kms_key,
        name: Some(secret.name),
        ..SecretListEntry::default()
    }
}

/// A text that is left out where it says nothing.
fn told(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The versions that have a stage.
fn stages(versions: &[KeptVersion]) -> Option<BTreeMap<String, Vec<String>>> {
    let staged = versions.iter().filter(|version| !version.stages.is_empty());
    let found: BTreeMap<_, _> = staged.map(|version| (version.id.clone(), version.stages.clone())).collect();
    Some(found).filter(|found| !found.is_empty())
}

/// Shows versions, the newest first, from behind the one that a token names.
///
/// # Errors
/// [`FaultKind::SecretInvalidToken`].
pub(crate) fn versions(
    secret: &KeptSecret,
    with_deprecated: Option<bool>,
    max_results: Option<i32>,
    token: Option<&str>,
) -> Result<(Vec<SecretVersionsListEntry>, Option<String>), Fault> {
    let is_wanted = |version: &&KeptVersion| with_deprecated == Some(true) || !version.stages.is_empty();
    let mut wanted: Vec<_> = secret.versions.iter().rev().filter(is_wanted).collect();
    if let Some(token) = token {
        let refused =
            || Fault::new(FaultKind::SecretInvalidToken, "NextToken must be that of an answer to the same request");
        let at = wanted.iter().position(|version| version.id == token).ok_or_else(refused)?;
        wanted.drain(..=at);
    }
    let count = count(max_results);
    let next = wanted.get(count).and(wanted.get(count - 1)).map(|last| last.id.clone());
    let show = |version: &KeptVersion| SecretVersionsListEntry {
        created_date: Some(Epoch(version.created_at)),
        kms_key_ids: Some(vec![version.key_arn.clone()]),
        version_id: Some(version.id.clone()),
        version_stages: Some(version.stages.clone()),
        last_accessed_date: None,
    };
    Ok((wanted.into_iter().take(count).map(show).collect(), next))
}

/// How many items a page has, at least one.
pub(crate) fn count(max_results: Option<i32>) -> usize {
    max_results.and_then(|count| usize::try_from(count).ok()).unwrap_or(COUNT).max(1)
}

/// Shows tags.
fn tags(tags: &KeyTags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.into()), value: Some(value.into()) }).collect()
}

/// Reads tags that a request brings.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn read_tags(tags: &[Tag]) -> Result<KeyTags, Fault> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let pairs: Vec<_> = tags.iter().map(|tag| (text(&tag.key), text(&tag.value))).collect();
    let read = KeyTags::parse(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    read.map_err(|fault| Fault { kind: FaultKind::InvalidParameter, ..fault })
}

/// Reads the value of a request; none where it brings none.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: it brings two.
pub(crate) fn value(text: Option<String>, bytes: Option<Blob>) -> Result<Option<SecretValue>, Fault> {
    match (text, bytes) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some(SecretValue::Text(Secret::new(text)))),
        (None, Some(bytes)) => Ok(Some(SecretValue::Bytes(Secret::new(bytes.0.to_vec())))),
        (Some(_), Some(_)) => {
            let message = "You can't specify both a binary secret value and a string secret value in the same secret.";
            Err(Fault::new(FaultKind::InvalidParameter, message))
        }
    }
}

/// A request that must bring a value brings none.
pub(crate) fn no_value() -> Fault {
    let message = "You must provide either SecretString or SecretBinary.";
    Fault::new(FaultKind::SecretInvalidRequest, message)
}

/// Shows a value, as text or as bytes.
pub(crate) fn reveal(value: &SecretValue) -> (Option<String>, Option<Blob>) {
    match value {
        SecretValue::Text(text) => (Some(text.reveal().clone()), None),
        SecretValue::Bytes(bytes) => (None, Some(Blob(bytes.reveal().clone().into()))),
    }
}

/// The id of a version: what the request brings, or else a new one.
pub(crate) fn token(secrets: &Secrets, asked: Option<String>) -> String {
    asked.unwrap_or_else(|| secrets.fresh_token())
}

/// After how many days a secret is erased; none where that is at once.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: both are said.
pub(crate) fn recovery_days(days: Option<i64>, force: Option<bool>) -> Result<Option<u32>, Fault> {
    match (days, force) {
        (Some(_), Some(true)) => {
            let message = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
            Err(Fault::new(FaultKind::InvalidParameter, message))
        }
        (None, Some(true)) => Ok(None),
        // What is no number of days is refused as too long a wait.
        (Some(days), _) => Ok(Some(u32::try_from(days).unwrap_or(u32::MAX))),
        (None, _) => Ok(Some(RECOVERY_DAYS_DEFAULT)),
    }
}

/// What a password is to be like.
///
/// # Errors
/// [`FaultKind::InvalidParameter`]: no length.
pub(crate) fn rules(asked: GetRandomPasswordRequest) -> Result<PasswordRules, Fault> {
    let usual = PasswordRules::default();
    let length = asked.password_length.map_or(Ok(usual.length), usize::try_from);
    let refused = |_| Fault::new(FaultKind::InvalidParameter, "PasswordLength must be 1 to 4096");
    let is_in = |excluded: Option<bool>| excluded != Some(true);
    Ok(PasswordRules {
        length: length.map_err(refused)?,
        without: asked.exclude_characters.unwrap_or_default(),
        lower: is_in(asked.exclude_lowercase),
        upper: is_in(asked.exclude_uppercase),
        digits: is_in(asked.exclude_numbers),
        punctuation: is_in(asked.exclude_punctuation),
        space: asked.include_space == Some(true),
        each: asked.require_each_included_type != Some(false),
    })
}

/// Refuses copies in other regions and accounts.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn refuse_elsewhere(regions: Option<&[ReplicaRegionType]>, primary: Option<&str>) -> Result<(), Fault> {
    if regions.is_none_or(<[_]>::is_empty) && primary.is_none() {
        return Ok(());
    }
    let message = "Secrets are not copied to other regions or accounts here; leave AddReplicaRegions out";
    Err(Fault::new(FaultKind::InvalidParameter, message))
}

/// Refuses secrets that others rotate.
///
/// # Errors
/// [`FaultKind::InvalidParameter`].
pub(crate) fn refuse_type(kind: Option<&str>) -> Result<(), Fault> {
    let message = "Secrets of others' types are not kept here; leave Type out";
    kind.map_or(Ok(()), |_| Err(Fault::new(FaultKind::InvalidParameter, message)))
}

/// Refuses a policy that lets in anybody.
///
/// # Errors
/// [`FaultKind::SecretPolicyPublic`].
pub(crate) fn refuse_public(policy: &str) -> Result<(), Fault> {
    let message = "The policy lets in anybody (Principal \"*\" without a Condition), and BlockPublicPolicy is set";
    let is_public = serde_json::from_str::<serde_json::Value>(policy).is_ok_and(|policy| is_public(&policy));
    if is_public { Err(Fault::new(FaultKind::SecretPolicyPublic, message)) } else { Ok(()) }
}

fn is_public(policy: &serde_json::Value) -> bool {
    let statements = match &policy["Statement"] {
        serde_json::Value::Array(statements) => statements.iter().collect(),
        one => vec![one],
    };
    let is_anyone = |principal: &serde_json::Value| match &principal["AWS"] {
        serde_json::Value::Array(names) => names.iter().any(|name| name == "*"),
        name => principal == "*" || name == "*",
    };
    statements.into_iter().any(|statement| {
        statement["Effect"] == "Allow" && is_anyone(&statement["Principal"]) && statement.get("Condition").is_none()
    })
}

/// What is wrong with a policy; nothing where nothing is.
pub(crate) fn policy_errors(policy: &str) -> Vec<ValidationErrorsEntry> {
    let entry = |check: &str, message: String| ValidationErrorsEntry {
        check_name: Some(check.into()),
        error_message: Some(message),
    };
    let syntax = Policy::parse(policy, PolicyPlace::Key).err().map(|error| entry("POLICY_SYNTAX", error.to_string()));
    let public = refuse_public(policy).err().map(|fault| entry("PUBLIC_ACCESS", fault.message));
    syntax.into_iter().chain(public).collect()
}

/// Which secrets a list shows.
pub(crate) struct Wanted {
    filters: Vec<Filter>,
    with_deleted: bool,
}

impl Wanted {
    /// Reads what is asked for.
    pub(crate) fn read(filters: Vec<Filter>, with_deleted: Option<bool>) -> Wanted {
        Wanted { filters, with_deleted: with_deleted == Some(true) }
    }

    /// Whether the list shows this one: each filter must hold, by one of its values.
    pub(crate) fn holds(&self, secret: &KeptSecret) -> bool {
        (self.with_deleted || secret.deleted_at.is_none()) && self.filters.iter().all(|filter| fits(filter, secret))
    }
}

fn fits(filter: &Filter, secret: &KeptSecret) -> bool {
    let values = filter.values.as_deref().unwrap_or_default();
    // A name or tag must begin so as it is written, a description in any case; behind `!` is what must not be.
    let any = |begins: &dyn Fn(&str) -> bool| {
        values.iter().any(|value| value.strip_prefix('!').map_or_else(|| begins(value), |other| !begins(other)))
    };
    let name = |value: &str| secret.name.starts_with(value);
    let description = |value: &str| secret.description.to_lowercase().starts_with(&value.to_lowercase());
    let key = |value: &str| secret.tags.iter().any(|(key, _)| key.starts_with(value));
    let of_tag = |value: &str| secret.tags.iter().any(|(_, held)| held.starts_with(value));
    match filter.key {
        None => true,
        Some(FilterNameStringType::Name) => any(&name),
        Some(FilterNameStringType::Description) => any(&description),
        Some(FilterNameStringType::TagKey) => any(&key),
        Some(FilterNameStringType::TagValue) => any(&of_tag),
        Some(FilterNameStringType::All) => {
            any(&|value| name(value) || description(value) || key(value) || of_tag(value))
        }
        // No secret here is of another region or service.
        Some(FilterNameStringType::PrimaryRegion | FilterNameStringType::OwningService) => any(&|_| false),
    }
}
