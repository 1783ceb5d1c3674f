use crate::{
    documents::DocumentKind,
    repositories::NewRepository,
    resource_tags::ResourceTags,
    rules::{Encryption, RepositoryRules, TagRule},
};
use gantry_words::{AccountId, Region, RepositoryName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Templates of a registry (Amazon ECR User Guide, "Service quotas").
pub const TEMPLATES_MAX: u64 = 50;
/// The prefix of the template for repositories that no other one is for.
const ROOT: &str = "ROOT";

/// What a repository is made as that comes into being by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationTemplate {
    /// How the names of its repositories begin, as it was given.
    pub prefix: String,
    /// On which occasions.
    pub applied_for: Vec<Occasion>,
    /// What it is for, in people's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whose key encrypts; none where that is the site's business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Which tags may be moved.
    #[serde(default)]
    pub tags: TagRule,
    /// Tags of the repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_tags: Option<BTreeMap<String, String>>,
    /// Their policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_policy: Option<String>,
    /// Their lifecycle policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy: Option<String>,
    /// The ARN of the role by which they are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_role_arn: Option<String>,
}

/// How a repository comes into being by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Occasion {
    /// An image is copied from another registry of ours.
    Replication,
    /// An image is fetched from an upstream.
    PullThroughCache,
    /// An image is pushed.
    CreateOnPush,
}

impl CreationTemplate {
    /// Returns the name under which the template of a prefix is kept: a slash at its end makes no difference.
    pub fn name(prefix: &str) -> &str {
        prefix.strip_suffix('/').unwrap_or(prefix)
    }

    /// Returns the names of the templates a repository could be made of, the one that counts first.
    pub fn names_for(repository: &RepositoryName) -> Vec<String> {
        let name = repository.as_str();
        let mut names: Vec<String> = name.rmatch_indices('/').map(|(at, _)| name[..at].to_string()).collect();
        names.push(ROOT.into());
        names
    }

    /// Returns the repository to be made.
    pub fn repository(&self, name: &RepositoryName, account: AccountId, region: &Region) -> NewRepository {
        let encryption = self.encryption.clone().map(|encryption| encryption.with_key(account, region));
        let rules = RepositoryRules { tags: self.tags.clone(), encryption, ..RepositoryRules::default() };
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let tags = self.resource_tags.as_ref().map(|tags| {
            let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            ResourceTags::parse(pairs).unwrap_or_default().print()
        });
        let documents = [
            (DocumentKind::ResourceTags, tags),
            (DocumentKind::RepositoryPolicy, text(&self.repository_policy)),
            (DocumentKind::LifecyclePolicy, text(&self.lifecycle_policy)),
        ];
        let documents = documents.into_iter().filter_map(|(kind, text)| Some((kind, text?))).collect();
        NewRepository { name: name.clone(), rules, documents }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::EncryptionKind;

    #[test]
    fn the_longest_prefix_counts_and_the_root_last() {
        let names = |name: &str| CreationTemplate::names_for(&name.parse().unwrap());

        assert_eq!(names("a/b/c"), ["a/b", "a", "ROOT"]);
        assert_eq!(names("app"), ["ROOT"]);
        assert_eq!(CreationTemplate::name("prod/"), CreationTemplate::name("prod"));
    }

    #[test]
    fn a_repository_is_made_as_its_template_says() {
        let template = CreationTemplate {
            prefix: "prod".into(),
            applied_for: vec![Occasion::CreateOnPush],
            description: None,
            encryption: Some(Encryption { kind: EncryptionKind::Kms, key: None }),
            tags: TagRule { mutability: crate::rules::Mutability::Immutable, exceptions: vec![] },
            resource_tags: Some(BTreeMap::from([("team".into(), "blue".into())])),
            repository_policy: Some(String::new()),
            lifecycle_policy: Some("{}".into()),
            custom_role_arn: None,
        };

        let made = template.repository(&"prod/app".parse().unwrap(), AccountId::DEFAULT, &Region::default());

        assert!(!made.rules.tags.may_move("v1"));
        assert!(made.rules.encryption.unwrap().key.unwrap().starts_with("arn:aws:kms:us-east-1:000000000000:key/"));
        let kinds: Vec<_> = made.documents.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
        assert_eq!(kinds, [(DocumentKind::ResourceTags, r#"{"team":"blue"}"#), (DocumentKind::LifecyclePolicy, "{}")]);
    }
}
