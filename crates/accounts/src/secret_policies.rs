//! What decisions know of the secrets of an account: their names, their tags, what stands at them, and the keys they lie under.

use crate::library::NamedPolicy;
use gantry_access::{Access, Action, Resource, action};
use std::{borrow::Cow, collections::HashMap};

/// The service of secrets in ARNs.
const SECRETS: &str = "secretsmanager";
/// What stands in ARNs before the name of one.
const KIND: &str = "secret:";
/// What an ARN has behind the name: a hyphen and six characters.
const SUFFIX_BYTES: usize = 7;

/// The secrets of an account.
#[derive(Default)]
pub(crate) struct SecretPolicies {
    /// What their ARNs begin with: `arn:aws:secretsmanager:us-east-1:000000000000:`.
    arn_start: String,
    /// By their names.
    secrets: HashMap<Box<str>, AtSecret>,
}

/// What stands at a secret.
pub(crate) struct AtSecret {
    /// What its ARN ends in.
    pub(crate) suffix: Box<str>,
    pub(crate) policy: Option<NamedPolicy>,
    pub(crate) tags: Vec<(Box<str>, Box<str>)>,
    /// The ARN of the key it lies under, where somebody named one.
    pub(crate) key: Option<Box<str>>,
}

impl SecretPolicies {
    /// None yet, of an account whose secrets' ARNs begin so.
    pub(crate) fn new(arn_start: String) -> Self {
        SecretPolicies { arn_start, ..SecretPolicies::default() }
    }

    /// Adds a secret; `tags` is a JSON object.
    pub(crate) fn add(&mut self, name: &str, suffix: &str, policy: Option<NamedPolicy>, tags: &str, key: Option<&str>) {
        let tags: HashMap<Box<str>, Box<str>> = serde_json::from_str(tags).unwrap_or_else(|error| {
            tracing::error!(secret = name, "the tags of a secret cannot be read: {error}");
            HashMap::new()
        });
        let (suffix, tags, key) = (suffix.into(), tags.into_iter().collect(), key.map(Box::from));
        self.secrets.insert(name.into(), AtSecret { suffix, policy, tags, key });
    }

    /// The same access, on the secret that is meant: requests name secrets by name, ARN, or ARN without its end. Nothing where
    /// it is on no secret of this account.
    pub(crate) fn settled<'a>(&self, access: &'a Access) -> Cow<'a, Access> {
        let path = match &access.resource {
            Resource::Owned { service, path } if *service == SECRETS => Some((path.as_str(), false)),
            Resource::Arn(arn) => arn.strip_prefix(&self.arn_start).map(|path| (path, true)),
            Resource::Owned { .. } | Resource::Repository(_) | Resource::Registry | Resource::Repositories => None,
        };
        let Some((path, is_arn)) = path else { return Cow::Borrowed(access) };
        let path = match path.strip_prefix(KIND).and_then(|named| self.meant(named, is_arn)) {
            Some((name, at)) => format!("{KIND}{name}-{}", at.suffix),
            None => path.into(),
        };
        Cow::Owned(Access { resource: Resource::Owned { service: SECRETS, path }, ..access.clone() })
    }

    /// Returns what stands at the secret that a settled access is on.
    pub(crate) fn at(&self, access: &Access) -> Option<&AtSecret> {
        match &access.resource {
            Resource::Owned { service, path } if *service == SECRETS => {
                self.meant(path.strip_prefix(KIND)?, true).map(|(_, at)| at)
            }
            Resource::Owned { .. }
            | Resource::Repository(_)
            | Resource::Registry
            | Resource::Repositories
            | Resource::Arn(_) => None,
        }
    }

    /// Returns what a settled access takes besides: whoever reads or writes a value uses the key that it lies under, and whoever
    /// may put it under another key could read it there.
    pub(crate) fn besides(&self, access: &Access) -> Vec<Access> {
        let key = self.at(access).and_then(|at| at.key.as_ref());
        let on = |key: &str| use_of_key(access.action).iter().map(|action| Access::on_arn(*action, key)).collect();
        key.map_or_else(Vec::new, |key| on(key))
    }

    fn meant<'s, 'n>(&'s self, named: &'n str, is_arn: bool) -> Option<(&'n str, &'s AtSecret)> {
        let whole = || Some((named, self.secrets.get(named)?));
        let cut = || {
            let (name, end) = named.split_at_checked(named.len().checked_sub(SUFFIX_BYTES)?)?;
            let at = self.secrets.get(name)?;
            (end.strip_prefix('-')? == &*at.suffix).then_some((name, at))
        };
        if is_arn { cut().or_else(whole) } else { whole() }
    }
}

/// What is done to the key of a secret.
fn use_of_key(action: Action) -> &'static [Action] {
    match action {
        action::SECRETS_GET_SECRET_VALUE => &[action::KMS_DECRYPT],
        action::SECRETS_PUT_SECRET_VALUE => &[action::KMS_GENERATE_DATA_KEY],
        action::SECRETS_UPDATE_SECRET => &[action::KMS_GENERATE_DATA_KEY, action::KMS_DECRYPT],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::{AccountId, Region};

    fn secrets() -> SecretPolicies {
        let mut secrets = SecretPolicies::new("arn:aws:secretsmanager:us-east-1:000000000000:".into());
        secrets.add("team/app", "AbC123", None, "{}", Some("arn:aws:kms:us-east-1:000000000000:key/1"));
        secrets
    }

    fn meant(access: &Access) -> String {
        secrets().settled(access).arn(&Region::default(), AccountId::DEFAULT)
    }

    #[test]
    fn a_secret_is_meant_by_each_of_its_names() {
        let start = "arn:aws:secretsmanager:us-east-1:000000000000:secret:team/app";
        let get = action::SECRETS_GET_SECRET_VALUE;

        for access in [
            Access::of(get, "secretsmanager", "secret:team/app"),
            Access::on_arn(get, start),
            Access::on_arn(get, format!("{start}-AbC123")),
        ] {
            assert_eq!(meant(&access), format!("{start}-AbC123"), "{access:?}");
            assert!(secrets().at(&secrets().settled(&access)).is_some());
        }
        assert_eq!(meant(&Access::of(get, "secretsmanager", "secret:team")), start.replace("/app", ""));
        assert_eq!(meant(&Access::on_arn(get, format!("{start}-XXXXXX"))), format!("{start}-XXXXXX"));
        assert_eq!(meant(&Access::on_arn(get, "arn:aws:kms:x")), "arn:aws:kms:x");
    }

    #[test]
    fn whoever_reads_a_value_uses_its_key() {
        let secrets = secrets();
        let of = |action| secrets.besides(&secrets.settled(&Access::of(action, "secretsmanager", "secret:team/app")));

        let of = |action| of(action).into_iter().map(|access| access.action).collect::<Vec<_>>();

        assert_eq!(of(action::SECRETS_GET_SECRET_VALUE), [action::KMS_DECRYPT]);
        assert_eq!(of(action::SECRETS_PUT_SECRET_VALUE), [action::KMS_GENERATE_DATA_KEY]);
        assert_eq!(of(action::SECRETS_UPDATE_SECRET), [action::KMS_GENERATE_DATA_KEY, action::KMS_DECRYPT]);
        assert!(of(action::SECRETS_DESCRIBE_SECRET).is_empty());
    }
}
