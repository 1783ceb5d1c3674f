use crate::{configuration::matches_wildcard, protection::ProtectedTags};
use gantry_fault::Fault;
use gantry_words::{AccountId, Region};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What holds for a repository: kept in its row, since every push needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RepositoryRules {
    /// Which tags may be moved.
    pub tags: TagRule,
    /// Whether images are scanned when they are pushed.
    pub scans_on_push: bool,
    /// What was asked for its encryption; none where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Which tags neither people nor policies remove, and with them their images.
    #[serde(skip_serializing_if = "ProtectedTags::is_empty")]
    pub protected_tags: ProtectedTags,
}

/// Which tags may be moved from one image to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagRule {
    /// What holds for all tags.
    pub mutability: Mutability,
    /// The tags for which the contrary holds; none where no tag is an exception.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<TagPattern>,
}

/// Whether a tag may be moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mutability {
    /// It may.
    #[default]
    Mutable,
    /// It may not; it can be removed, and then set anew.
    Immutable,
}

/// A tag with `*` for any characters, also none: 1 to 128 of `[A-Za-z0-9._*-]`, at most two of them `*` (ECR API,
/// `ImageTagMutabilityExclusionFilter`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPattern(Box<str>);

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagPatternError {
    /// Its length, or a character.
    #[error("a tag pattern is 1 to 128 of A-Z, a-z, 0-9, '.', '_', '-' and '*'")]
    Grammar,
    /// More stars than are taken.
    #[error("a tag pattern holds at most 2 stars")]
    Stars,
}

/// How a repository's blobs are asked to be encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Encryption {
    /// `AES256`, `KMS` or `KMS_DSSE`.
    pub kind: EncryptionKind,
    /// The ARN of the key, with KMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Whose key encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EncryptionKind {
    /// The site's.
    #[serde(rename = "AES256")]
    Aes256,
    /// A key of the account.
    #[serde(rename = "KMS")]
    Kms,
    /// Both, one within the other.
    #[serde(rename = "KMS_DSSE")]
    KmsDsse,
}

impl Encryption {
    /// Returns the same with a key, where it needs one and names none: the account's own for ECR.
    #[must_use]
    pub fn with_key(self, account: AccountId, region: &Region) -> Self {
        match (self.kind, self.key) {
            (EncryptionKind::Aes256, _) => Encryption { kind: self.kind, key: None },
            (kind, Some(key)) if !key.is_empty() => Encryption { kind, key: Some(key) },
            (kind, _) => Encryption { kind, key: Some(default_key(account, region)) },
        }
    }
}

impl Encryption {
    /// Returns the key that it names, where that is another than the account's own.
    pub(crate) fn named_key(&self, account: AccountId, region: &Region) -> Option<&str> {
        let names_one = self.kind != EncryptionKind::Aes256 && !self.names_no_key(account, region);
        self.key.as_deref().filter(|_| names_one)
    }

    /// Whether it needs a key and names none, or only stands for the account's own.
    pub(crate) fn names_no_key(&self, account: AccountId, region: &Region) -> bool {
        self.kind != EncryptionKind::Aes256
            && self.key.as_deref().is_none_or(|key| key.is_empty() || key == default_key(account, region))
    }
}

/// The ARN that stands for the account's own key for ECR until that is made: the same whenever it is asked for.
fn default_key(account: AccountId, region: &Region) -> String {
    let prefix = format!("arn:aws:kms:{region}:{account}:key/");
    let hash = gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, format!("{prefix}aws/ecr").as_bytes());
    let mut arn = prefix;
    for (index, byte) in hash.iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            arn.push('-');
        }
        arn.push_str(&format!("{byte:02x}"));
    }
    arn
}

/// The form in which rules are kept. A new form is a new variant.
#[derive(Serialize, Deserialize)]
#[serde(tag = "version")]
enum Stored {
    #[serde(rename = "1")]
    V1(RepositoryRules),
}

const PATTERN_BYTES_MAX: usize = 128;
const STARS_MAX: usize = 2;

impl RepositoryRules {
    /// Reads what [`RepositoryRules::print`] printed; `{}` are the rules of a repository that was given none.
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text == "{}" {
            return Ok(RepositoryRules::default());
        }
        let Stored::V1(rules) =
            serde_json::from_str(text).map_err(|error| Fault::internal(format!("stored rules {text:?}: {error}")))?;
        Ok(rules)
    }

    /// Prints them to be kept.
    pub(crate) fn print(&self) -> String {
        serde_json::to_string(&Stored::V1(self.clone())).expect("texts, lists and truths become JSON")
    }
}

impl TagRule {
    /// Whether a tag may be moved.
    pub fn may_move(&self, tag: &str) -> bool {
        let is_exception = self.exceptions.iter().any(|pattern| pattern.matches(tag));
        (self.mutability == Mutability::Mutable) != is_exception
    }
}

impl TagPattern {
    /// Returns the pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a tag is of this form, from its first character to its last.
    pub fn matches(&self, tag: &str) -> bool {
        matches_wildcard(&self.0, tag)
    }
}

impl FromStr for TagPattern {
    type Err = TagPatternError;
    fn from_str(text: &str) -> Result<Self, TagPatternError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
        if !(1..=PATTERN_BYTES_MAX).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(TagPatternError::Grammar);
        }
        if text.bytes().filter(|byte| *byte == b'*').count() > STARS_MAX {
            return Err(TagPatternError::Stars);
        }
        Ok(TagPattern(text.into()))
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TagPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TagPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(mutability: Mutability, exceptions: &[&str]) -> TagRule {
        TagRule { mutability, exceptions: exceptions.iter().map(|text| text.parse().unwrap()).collect() }
    }

    #[test]
    fn exceptions_turn_the_rule_round() {
        use Mutability::{Immutable, Mutable};
        for (mutability, exceptions, tag, may_move) in [
            (Mutable, &[][..], "v1", true),
            (Immutable, &[], "v1", false),
            (Immutable, &["dev-*", "latest"], "v1", false),
            (Immutable, &["dev-*", "latest"], "dev-1", true),
            (Immutable, &["dev-*", "latest"], "latest", true),
            (Immutable, &["latest"], "latest2", false),
            (Mutable, &["v*"], "v1", false),
            (Mutable, &["v*"], "dev", true),
        ] {
            assert_eq!(rule(mutability, exceptions).may_move(tag), may_move, "{mutability:?} {exceptions:?} {tag}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, tag, is_match) in [
            ("*", "", true),
            ("*", "anything", true),
            ("v1", "v1", true),
            ("v1", "v10", false),
            ("v1", "av1", false),
            ("v*", "v", true),
            ("*rc", "1.0-rc", true),
            ("*rc", "1.0-rc2", false),
            ("a*b", "ab", true),
            ("a*b", "a", false),
            ("ab*ba", "aba", false),
            ("ab*ba", "abba", true),
            ("*-*", "a-b-c", true),
            ("*-*", "abc", false),
            ("a*b*c", "abcbc", true),
            ("a*bc*c", "abc", false),
            ("**", "x", true),
        ] {
            assert_eq!(pattern.parse::<TagPattern>().unwrap().matches(tag), is_match, "{pattern} {tag}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let longest = "a".repeat(128);

        assert!(longest.parse::<TagPattern>().is_ok());
        for wrong in ["", "a b", "a/b", "ä", &format!("{longest}a")] {
            assert_eq!(wrong.parse::<TagPattern>(), Err(TagPatternError::Grammar), "{wrong}");
        }
        assert_eq!("*a*b*".parse::<TagPattern>(), Err(TagPatternError::Stars));
    }

    #[test]
    fn rules_that_are_kept_are_read_again() {
        let rules = RepositoryRules {
            tags: rule(Mutability::Immutable, &["dev-*"]),
            scans_on_push: true,
            encryption: Some(Encryption { kind: EncryptionKind::Kms, key: Some("arn:aws:kms:…".into()) }),
            protected_tags: ProtectedTags::of(&["release-*"]),
        };

        assert_eq!(RepositoryRules::read(&rules.print()).unwrap(), rules);
        assert_eq!(RepositoryRules::read("{}").unwrap(), RepositoryRules::default());
        assert!(RepositoryRules::read(r#"{"version": "2"}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_pattern_without_a_star_matches_itself_alone(pattern in "[a-z._-]{1,8}", tag in "[a-z._-]{0,8}") {
            prop_assert_eq!(pattern.parse::<TagPattern>().unwrap().matches(&tag), pattern == tag);
        }

        #[test]
        fn what_a_star_stands_for_may_be_anything(before in "[a-c]{0,3}", star in "[a-c]{0,4}", after in "[a-c]{0,3}") {
            let pattern: TagPattern = format!("{before}*{after}").parse().unwrap();

            let tag = format!("{before}{star}{after}");

            prop_assert!(pattern.matches(&tag));
        }
    }
}
