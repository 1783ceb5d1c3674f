//! What decisions know of the keys of an account: their names, their tags and what stands at them.

use crate::library::NamedPolicy;
use gantry_access::{Access, Action, Resource, action};
use std::{borrow::Cow, collections::HashMap};

/// The service of keys in ARNs.
const KMS: &str = "kms";
/// What stands before the name of an alias where the key behind it is meant, whatever is done to the alias.
pub const KEY_BEHIND: &str = "key-behind/";
/// What policies call the alias that a request names a key by.
const REQUEST_ALIAS: &str = "kms:RequestAlias";

/// The keys of an account.
#[derive(Default)]
pub(crate) struct KeyPolicies {
    /// What their ARNs begin with: `arn:aws:kms:us-east-1:000000000000:`.
    arn_start: String,
    /// By their ids.
    keys: HashMap<Box<str>, AtKey>,
    /// The ids of keys by their aliases.
    aliases: HashMap<Box<str>, Box<str>>,
}

/// What stands at a key.
pub(crate) struct AtKey {
    pub(crate) policy: NamedPolicy,
    pub(crate) tags: Vec<(Box<str>, Box<str>)>,
    pub(crate) aliases: Vec<Box<str>>,
}

impl KeyPolicies {
    /// None yet, of an account whose keys' ARNs begin so.
    pub(crate) fn new(arn_start: String) -> Self {
        KeyPolicies { arn_start, ..KeyPolicies::default() }
    }

    /// Adds a key with its policy and its tags: a JSON object.
    pub(crate) fn add(&mut self, id: &str, policy: NamedPolicy, tags: &str) {
        let tags: HashMap<Box<str>, Box<str>> = serde_json::from_str(tags).unwrap_or_else(|error| {
            tracing::error!(key = id, "the tags of a key cannot be read: {error}");
            HashMap::new()
        });
        self.keys.insert(id.into(), AtKey { policy, tags: tags.into_iter().collect(), aliases: Vec::new() });
    }

    /// Gives a key that was added a name.
    pub(crate) fn name(&mut self, alias: &str, id: &str) {
        self.aliases.insert(alias.into(), id.into());
        if let Some(key) = self.keys.get_mut(id) {
            key.aliases.push(alias.into());
        }
    }

    /// The same access, on the key that is meant, where it is on one: requests name keys by id, ARN, alias or the ARN of an
    /// alias. Nothing where it is on none of this account, or already so.
    pub(crate) fn settled<'a>(&self, access: &'a Access) -> Cow<'a, Access> {
        let path = match &access.resource {
            Resource::Owned { service, path } if *service == KMS => path.as_str(),
            Resource::Arn(arn) => match arn.strip_prefix(&self.arn_start) {
                Some(path) => path,
                None => return Cow::Borrowed(access),
            },
            Resource::Owned { .. } | Resource::Repository(_) | Resource::Registry | Resource::Repositories => {
                return Cow::Borrowed(access);
            }
        };
        let on = |path: String| Access { resource: Resource::Owned { service: KMS, path }, ..access.clone() };
        let (alias, means_key) = match path.strip_prefix(KEY_BEHIND) {
            Some(alias) => (alias, true),
            None => (path, !is_of_aliases(access.action)),
        };
        match self.aliases.get(alias).filter(|_| means_key) {
            Some(id) => Cow::Owned(on(format!("key/{id}")).with(REQUEST_ALIAS, [alias])),
            None => Cow::Owned(on(alias.into())),
        }
    }

    /// Whether a settled access is on a key, or by an alias, that is not known here: it may have been made a moment ago, on
    /// another server.
    pub(crate) fn misses(&self, access: &Access) -> bool {
        match &access.resource {
            Resource::Owned { service, path } if *service == KMS => match path.strip_prefix("key/") {
                Some(id) => !self.keys.contains_key(id),
                // Those that lead to a key were put in its place.
                None => !is_of_aliases(access.action) || path.starts_with(KEY_BEHIND),
            },
            Resource::Owned { .. }
            | Resource::Repository(_)
            | Resource::Registry
            | Resource::Repositories
            | Resource::Arn(_) => false,
        }
    }

    /// Returns what stands at the key that a settled access is on.
    pub(crate) fn at(&self, access: &Access) -> Option<&AtKey> {
        match &access.resource {
            Resource::Owned { service, path } if *service == KMS => self.keys.get(path.strip_prefix("key/")?),
            Resource::Owned { .. }
            | Resource::Repository(_)
            | Resource::Registry
            | Resource::Repositories
            | Resource::Arn(_) => None,
        }
    }
}

/// Whether an action is done to aliases themselves.
fn is_of_aliases(action: Action) -> bool {
    [action::KMS_CREATE_ALIAS, action::KMS_UPDATE_ALIAS, action::KMS_DELETE_ALIAS].contains(&action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;
    use gantry_access::policy::PolicyPlace;
    use gantry_words::{AccountId, Region};

    const ID: &str = "01234567-89ab-4def-8123-456789abcdef";

    fn keys() -> KeyPolicies {
        let policy = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}"#;
        let mut keys = KeyPolicies::new("arn:aws:kms:us-east-1:000000000000:".into());
        keys.add(ID, Library::default().standing("key", policy, PolicyPlace::Key), r#"{"team": "a"}"#);
        keys.name("alias/app", ID);
        keys
    }

    fn meant(access: &Access) -> String {
        keys().settled(access).arn(&Region::default(), AccountId::DEFAULT)
    }

    #[test]
    fn a_key_is_meant_by_each_of_its_names() {
        let arn = format!("arn:aws:kms:us-east-1:000000000000:key/{ID}");

        for access in [
            Access::of(action::KMS_DECRYPT, "kms", format!("key/{ID}")),
            Access::of(action::KMS_DECRYPT, "kms", "alias/app"),
            Access::on_arn(action::KMS_DECRYPT, arn.clone()),
            Access::on_arn(action::KMS_DECRYPT, "arn:aws:kms:us-east-1:000000000000:alias/app"),
            Access::of(action::KMS_DELETE_ALIAS, "kms", format!("{KEY_BEHIND}alias/app")),
        ] {
            assert_eq!(meant(&access), arn, "{access:?}");
            assert!(keys().at(&keys().settled(&access)).is_some());
        }
    }

    #[test]
    fn an_alias_is_meant_itself_where_it_is_changed_or_leads_nowhere() {
        let alias = |name: &str| format!("arn:aws:kms:us-east-1:000000000000:{name}");

        assert_eq!(meant(&Access::of(action::KMS_DELETE_ALIAS, "kms", "alias/app")), alias("alias/app"));
        assert_eq!(meant(&Access::of(action::KMS_DECRYPT, "kms", "alias/no")), alias("alias/no"));
        assert_eq!(
            meant(&Access::of(action::KMS_DELETE_ALIAS, "kms", format!("{KEY_BEHIND}alias/no"))),
            alias("alias/no")
        );
    }

    #[test]
    fn a_key_that_is_not_known_is_missed_and_one_elsewhere_is_not() {
        for (access, is_missed) in [
            (Access::of(action::KMS_DECRYPT, "kms", format!("key/{ID}")), false),
            (Access::of(action::KMS_DECRYPT, "kms", "key/another"), true),
            (Access::of(action::KMS_DECRYPT, "kms", "alias/app"), false),
            (Access::of(action::KMS_DECRYPT, "kms", "alias/no"), true),
            (Access::of(action::KMS_CREATE_ALIAS, "kms", "alias/no"), false),
            (Access::on_arn(action::KMS_DECRYPT, "arn:aws:kms:us-east-1:000000000000:key/another"), true),
            (Access::on_arn(action::KMS_DECRYPT, "arn:aws:kms:us-east-1:111111111111:key/another"), false),
            (Access::to(action::KMS_LIST_KEYS), false),
        ] {
            assert_eq!(keys().misses(&keys().settled(&access)), is_missed, "{access:?}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_left_as_it_is() {
        let elsewhere = "arn:aws:kms:us-east-1:111111111111:alias/app";

        assert_eq!(meant(&Access::on_arn(action::KMS_DECRYPT, elsewhere)), elsewhere);
        assert_eq!(meant(&Access::to(action::KMS_LIST_KEYS)), "*");
    }
}
