use crate::{Repositories, Repository, rules::RepositoryRules};
use gantry_fault::{Fault, FaultKind};
use gantry_lifecycle::{Pattern, PatternError};
use gantry_metadata::{Reader, holds, holds::HoldRow, manifests, repositories as repository_rows, tags};
use gantry_words::{Cx, RepositoryName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Patterns of protected tags that a repository may have.
pub const PROTECTED_TAGS_MAX: usize = 50;
const PATTERN_BYTES_MAX: usize = 128;
/// Images above one that are searched for a hold.
const ABOVE_MAX: usize = 10_000;
/// Tags read at a time.
const TAGS_BATCH: usize = 1_000;

/// Which tags of a repository are protected: patterns as lifecycle policies have them, each once, in the order of their
/// bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ProtectedTags(Vec<Pattern>);

/// Why a text is no pattern of protected tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtectedTagError {
    /// Its length, or a character.
    #[error("a pattern of protected tags is 1 to 128 of A-Z, a-z, 0-9, '.', '_', '-' and '*'")]
    Grammar,
    /// What no pattern may be.
    #[error("the pattern of protected tags {0}")]
    Pattern(#[from] PatternError),
    /// More than [`PROTECTED_TAGS_MAX`].
    #[error("a repository has at most {PROTECTED_TAGS_MAX} patterns of protected tags; remove one first")]
    TooMany,
}

/// That an image may not be deleted, by anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// Who put it on hold.
    pub by: String,
    /// Why, in his words.
    pub reason: String,
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Hold { since: row.at, by: row.by, reason: row.reason }
    }
}

/// An image that is on hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) digest: String,
    pub(crate) hold: Hold,
}

impl Held {
    /// Refuses to delete an image: this one, or one that belongs to it.
    pub(crate) fn refuses(&self, name: &RepositoryName, digest: &str) -> Fault {
        let Held { digest: held, hold: Hold { since, by, reason } } = self;
        let what = if held == digest { "is".to_string() } else { format!("belongs to {held}, which is") };
        let message = format!(
            "{digest} in the repository '{name}' {what} on hold since {since} by {by} ({reason}), and nobody can delete it. Lift the \
             hold with: gantry image release {name}@{held}"
        );
        Fault::new(FaultKind::ImageHeld, message)
    }
}

impl ProtectedTags {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is no pattern, or has characters that no tag has.
    pub fn parse(text: &str) -> Result<Pattern, ProtectedTagError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
        if !(1..=PATTERN_BYTES_MAX).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(ProtectedTagError::Grammar);
        }
        Ok(Pattern::glob(text)?)
    }

    /// Returns the patterns.
    pub fn patterns(&self) -> &[Pattern] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the first pattern that protects a tag.
    pub fn protecting(&self, tag: &str) -> Option<&Pattern> {
        self.0.iter().find(|pattern| pattern.matches(tag))
    }

    /// Adds a pattern; one that is there already stays there once.
    ///
    /// # Errors
    /// [`ProtectedTagError::TooMany`].
    pub fn add(&mut self, pattern: &Pattern) -> Result<(), ProtectedTagError> {
        let Err(place) = self.0.binary_search_by(|known| known.as_str().cmp(pattern.as_str())) else { return Ok(()) };
        if self.0.len() >= PROTECTED_TAGS_MAX {
            return Err(ProtectedTagError::TooMany);
        }
        self.0.insert(place, pattern.clone());
        Ok(())
    }

    /// Removes a pattern; returns whether it was there.
    pub fn remove(&mut self, pattern: &str) -> bool {
        let count = self.0.len();
        self.0.retain(|known| known.as_str() != pattern);
        self.0.len() < count
    }

    /// Refuses to remove any of these tags that is protected.
    pub(crate) fn refuse<'t>(
        &self,
        name: &RepositoryName,
        tags: impl IntoIterator<Item = &'t str>,
    ) -> Result<(), Fault> {
        let found = tags.into_iter().find_map(|tag| Some((tag, self.protecting(tag)?)));
        let Some((tag, pattern)) = found else { return Ok(()) };
        let message = format!(
            "The tag '{tag}' of the repository '{name}' is protected by the pattern '{pattern}': neither it nor its image can be \
             deleted. Lift the protection with: gantry repo unprotect {name} --tag '{pattern}'"
        );
        Err(Fault::new(FaultKind::TagProtected, message))
    }

    #[cfg(test)]
    pub(crate) fn of(patterns: &[&str]) -> ProtectedTags {
        Vec::from_iter(patterns.iter().map(ToString::to_string)).try_into().unwrap()
    }
}

impl TryFrom<Vec<String>> for ProtectedTags {
    type Error = ProtectedTagError;
    fn try_from(texts: Vec<String>) -> Result<Self, ProtectedTagError> {
        let mut protected = ProtectedTags::default();
        for text in texts {
            protected.add(&ProtectedTags::parse(&text)?)?;
        }
        Ok(protected)
    }
}

impl From<ProtectedTags> for Vec<String> {
    fn from(protected: ProtectedTags) -> Self {
        protected.0.iter().map(ToString::to_string).collect()
    }
}

impl Repositories {
    /// Protects the tags that a pattern means; returns the repository as it is then.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`]; [`FaultKind::LimitExceeded`] beyond [`PROTECTED_TAGS_MAX`].
    pub async fn protect_tags(&self, cx: &Cx, name: &RepositoryName, pattern: Pattern) -> Result<Repository, Fault> {
        let change = move |rules: &mut RepositoryRules| {
            let added = rules.protected_tags.add(&pattern);
            added.map_err(|error| Fault::new(FaultKind::LimitExceeded, error.to_string()))
        };
        self.change_rules(cx, name, change).await
    }

    /// Protects tags by a pattern no longer; returns the repository as it is then.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`]; [`FaultKind::InvalidParameter`] where it has no such pattern.
    pub async fn unprotect_tags(&self, cx: &Cx, name: &RepositoryName, pattern: Pattern) -> Result<Repository, Fault> {
        let repository = name.clone();
        let change = move |rules: &mut RepositoryRules| {
            if rules.protected_tags.remove(pattern.as_str()) {
                return Ok(());
            }
            let known = Vec::from(rules.protected_tags.clone()).join(", ");
            let known = if known.is_empty() { "none".into() } else { known };
            let message = format!(
                "The repository '{repository}' protects no tags by the pattern '{pattern}'; its patterns: {known}"
            );
            Err(Fault::new(FaultKind::InvalidParameter, message))
        };
        self.change_rules(cx, name, change).await
    }
}

/// Returns which tags of a repository are protected.
pub(crate) fn protected_tags(rows: &mut Reader, repository: i64) -> Result<ProtectedTags, Fault> {
    match repository_rows::by_id(rows, repository)? {
        Some(row) => Ok(RepositoryRules::read(&row.settings)?.protected_tags),
        None => Ok(ProtectedTags::default()),
    }
}

/// Returns the first tag of a repository that is protected.
pub(crate) fn first_protected(
    rows: &mut Reader,
    repository: i64,
    protected: &ProtectedTags,
) -> Result<Option<String>, Fault> {
    let mut after = String::new();
    while !protected.is_empty() {
        let page = tags::names(rows, repository, &after, TAGS_BATCH)?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        if let Some(tag) = page.into_iter().find(|tag| protected.protecting(tag).is_some()) {
            return Ok(Some(tag));
        }
    }
    Ok(None)
}

/// Returns an image of a repository that is on hold.
pub(crate) fn first_held(rows: &mut Reader, repository: i64) -> Result<Option<Held>, Fault> {
    Ok(holds::first(rows, repository)?.map(|(digest, hold)| Held { digest, hold: hold.into() }))
}

/// Returns what is on hold of an image and what it belongs to: the image that it refers to, the indexes that list it, and
/// so on.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] where that are too many to look through.
pub(crate) fn held(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<Held>, Fault> {
    // Nearly always nothing is.
    if holds::first(rows, repository)?.is_none() {
        return Ok(None);
    }
    let mut waiting = VecDeque::from([digest.to_string()]);
    let mut known: BTreeSet<String> = waiting.iter().cloned().collect();
    while let Some(digest) = waiting.pop_front() {
        let Some(row) = manifests::find(rows, repository, &digest)? else { continue };
        if let Some(hold) = row.hold {
            return Ok(Some(Held { digest, hold: hold.into() }));
        }
        let mut above: Vec<String> = row.subject.into_iter().collect();
        if row.parent_count > 0 {
            above.extend(manifests::parents(rows, repository, &digest, ABOVE_MAX)?);
        }
        waiting.extend(above.into_iter().filter(|digest| known.insert(digest.clone())));
        if known.len() > ABOVE_MAX {
            let message = format!(
                "{digest} belongs to more than {ABOVE_MAX} images: too many to see whether one of them is on hold; delete some of those first"
            );
            return Err(Fault::new(FaultKind::InvalidParameter, message));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> RepositoryName {
        "team/app".parse().unwrap()
    }

    #[test]
    fn a_pattern_protects_the_tags_that_it_means_and_the_refusal_names_it() {
        let protected = ProtectedTags::of(&["release-*", "stable"]);

        for (tags, refused) in [
            (&["v1", "release"][..], None),
            (&["v1", "release-1"], Some("'release-*'")),
            (&["stable"], Some("'stable'")),
            (&["stable2"], None),
            (&[], None),
        ] {
            let said = protected.refuse(&name(), tags.iter().copied()).map_err(|fault| fault.message);

            assert_eq!(said.is_err(), refused.is_some(), "{tags:?}");
            assert!(said.is_ok() || said.unwrap_err().contains(refused.unwrap()), "{tags:?}");
        }
    }

    #[test]
    fn patterns_stand_once_each_in_order_and_no_more_than_may() {
        let mut protected = ProtectedTags::of(&["b", "a*", "b"]);
        let more = (0..PROTECTED_TAGS_MAX).map(|number| ProtectedTags::parse(&format!("v{number}")).unwrap());
        let refused: Vec<_> = more.filter_map(|pattern| protected.add(&pattern).err()).collect();

        assert_eq!(protected.patterns()[..2].iter().map(Pattern::as_str).collect::<Vec<_>>(), ["a*", "b"]);
        assert_eq!(refused, [ProtectedTagError::TooMany, ProtectedTagError::TooMany]);
        assert!(protected.add(&ProtectedTags::parse("b").unwrap()).is_ok(), "it is there already");
        assert!(protected.remove("b") && !protected.remove("b"));
    }

    #[test]
    fn what_no_tag_can_be_like_is_no_pattern() {
        let long = "a".repeat(129);
        for text in ["", "a b", "a/b", "ä", "a'b", &long] {
            assert_eq!(ProtectedTags::parse(text), Err(ProtectedTagError::Grammar), "{text}");
        }
        assert!(matches!(ProtectedTags::parse("*a*b*c*d*"), Err(ProtectedTagError::Pattern(_))));
        assert!(ProtectedTags::parse("*").is_ok());
    }

    #[test]
    fn a_hold_says_since_when_by_whom_why_and_how_it_is_lifted() {
        let hold = Hold { since: Timestamp::from_millis(0), by: "alice".into(), reason: "case 7".into() };
        let held = Held { digest: "sha256:a".into(), hold };

        let (own, other) = (held.refuses(&name(), "sha256:a"), held.refuses(&name(), "sha256:b"));

        assert_eq!(own.kind, FaultKind::ImageHeld);
        for part in ["1970-01-01T00:00:00.000Z", "alice", "case 7", "gantry image release team/app@sha256:a"] {
            assert!(own.message.contains(part), "{}", own.message);
            assert!(other.message.contains(part), "{}", other.message);
        }
        assert!(other.message.starts_with("sha256:b") && other.message.contains("belongs to sha256:a"), "{other}");
    }
}
