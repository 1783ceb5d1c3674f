//! Built-in roles as managed policies that can be attached: `arn:aws:iam::aws:policy/gantry/push` for all repositories, and
//! `arn:aws:iam::aws:policy/gantry/team/app/push` for those below `team/app`. Nobody writes or removes them.

use super::{IdentityTags, ManagedPolicy};
use gantry_access::policy::{BUILT_IN_ROLES, BuiltInRole};
use gantry_words::{AccountId, Timestamp};

const PATH: &str = "/gantry/";
const START: &str = "arn:aws:iam::aws:policy/";
/// As long as a name of a repository.
const PREFIX_BYTES_MAX: usize = 256;

/// A built-in role over the repositories below a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuiltIn<'a> {
    role: &'static BuiltInRole,
    /// Empty for all repositories.
    prefix: &'a str,
}

/// Returns the text of the built-in policy of an ARN, as it is for the users and roles of an account.
pub(crate) fn text(account: AccountId, arn: &str) -> Option<String> {
    BuiltIn::find(arn).map(|policy| policy.text(account))
}

impl<'a> BuiltIn<'a> {
    /// Finds the policy of an ARN. Names are told apart by case, so that each policy has one ARN.
    pub(super) fn find(arn: &'a str) -> Option<Self> {
        let rest = arn.strip_prefix(START)?.strip_prefix(&PATH[1..])?;
        let (prefix, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(allowed);
        let is_prefix =
            prefix.len() <= PREFIX_BYTES_MAX && (rest.len() == name.len() || prefix.split('/').all(is_part));
        let role = BuiltInRole::find(name).filter(|role| role.name == name && is_prefix)?;
        Some(BuiltIn { role, prefix })
    }

    /// All of them, over all repositories, by name.
    pub(super) fn all() -> Vec<BuiltIn<'static>> {
        let mut all: Vec<_> = BUILT_IN_ROLES.iter().map(|role| BuiltIn { role, prefix: "" }).collect();
        all.sort_unstable_by_key(|policy| policy.role.name.to_ascii_lowercase());
        all
    }

    pub(super) fn text(&self, account: AccountId) -> String {
        self.role.policy_text(account, self.prefix)
    }

    /// As a policy that `attachment_count` have.
    pub(super) fn policy(&self, attachment_count: u64) -> ManagedPolicy {
        let path = if self.prefix.is_empty() { PATH.to_string() } else { format!("{PATH}{}/", self.prefix) };
        ManagedPolicy {
            arn: format!("arn:aws:iam::aws:policy{path}{}", self.role.name),
            // Made of its name, so that it is the same everywhere and stays.
            id: format!("ANPAGANTRY{:A<11}", self.role.name.to_ascii_uppercase().replace('-', "")),
            name: self.role.name.into(),
            path,
            description: self.role.summary.into(),
            tags: IdentityTags::default(),
            default_version: 1,
            attachment_count,
            created_at: Timestamp::default(),
            changed_at: Timestamp::default(),
            is_built_in: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_access::policy::{Policy, PolicyPlace};

    #[test]
    fn each_built_in_role_is_a_policy_that_its_arn_finds() {
        for built_in in BuiltIn::all() {
            let policy = built_in.policy(0);
            let found = BuiltIn::find(&policy.arn).unwrap();
            assert_eq!(found.policy(0), policy);
            assert!(Policy::parse(&found.text(AccountId::DEFAULT), PolicyPlace::Identity).is_ok());
        }
    }

    #[test]
    fn a_prefix_in_the_arn_narrows_the_role_to_it() {
        let arn = "arn:aws:iam::aws:policy/gantry/team/app/push";
        let policy = BuiltIn::find(arn).unwrap();

        assert_eq!(policy.policy(0).arn, arn);
        assert!(policy.text(AccountId::DEFAULT).contains(":000000000000:repository/team/app/*"));
        for wrong in [
            "arn:aws:iam::aws:policy/gantry//push",
            "arn:aws:iam::aws:policy/gantry/te*m/push",
            "arn:aws:iam::aws:policy/gantry/Push",
            "arn:aws:iam::aws:policy/push",
            "arn:aws:iam::aws:policy/gantry/nothing",
            "arn:aws:iam::000000000000:policy/gantry/push",
        ] {
            assert!(BuiltIn::find(wrong).is_none(), "{wrong}");
        }
    }
}
