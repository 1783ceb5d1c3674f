//! What a policy says, rule by rule.

mod check;
mod error;
mod print;
mod read;
mod warning;

#[cfg(test)]
mod tests;

pub use error::PolicyError;
pub use warning::Warning;

use crate::{Pattern, Settings};
use std::fmt;

/// The longest text of a policy, in characters (ECR service model, `LifecyclePolicyText`). Its shortest, 100, needs no
/// check: no text below it holds a rule.
pub const POLICY_CHARS_MAX: usize = 30_720;
/// The most rules of a policy (ECR, "Service quotas").
pub const RULES_MAX: usize = 50;
/// How many days archived images stay at least (ECR, "Examples of lifecycle policies").
pub const ARCHIVE_DAYS_MIN: u32 = 90;

/// A lifecycle policy: 1 to [`RULES_MAX`] rules that fit each other.
///
/// Printed as one line of JSON, its rules and members in the order in which ECR writes them, what was left out left out
/// again; the action that people write as `archive` becomes `transition`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// As they stand in the text.
    rules: Vec<Rule>,
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    priority: u32,
    description: Option<String>,
    tags: TagSelection,
    /// As it was written.
    storage_class: Option<StorageClass>,
    count: Count,
    action: Action,
}

/// Which images a rule selects, by their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagSelection {
    /// Those that have, for each of these patterns, a tag it matches. One tag may do for several.
    Patterns(Vec<Pattern>),
    /// The same with prefixes.
    Prefixes(Vec<Pattern>),
    /// Those without a tag.
    Untagged,
    /// All.
    Any,
}

/// Which of the images it selects a rule acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// All but the newest so many.
    MoreThan(u32),
    /// Those pushed more than so many days ago.
    DaysSincePushed(u32),
    /// Those pulled last (or, where nobody ever pulled them, pushed) more than so many days ago.
    DaysSincePulled(u32),
    /// Those archived more than so many days ago.
    DaysSinceTransitioned(u32),
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It removes the image.
    Expire,
    /// It moves the image to the archive.
    Transition,
}

/// Where the bytes of an image lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StorageClass {
    /// Where they can be pulled.
    #[default]
    Standard,
    /// In the archive.
    Archive,
}

impl Policy {
    /// Reads a policy and checks it as ECR does (ECR, "Lifecycle policy properties").
    ///
    /// # Errors
    /// For the first thing in it that is wrong; the sentence names rule and member.
    pub fn parse(text: &str, settings: &Settings) -> Result<Policy, PolicyError> {
        let rules = read::read(text, settings)?;
        check::check(&rules)?;
        Ok(Policy { rules })
    }

    /// Returns its rules as they stand in the text.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns its rules in the order in which they are applied.
    pub fn rules_by_priority(&self) -> Vec<&Rule> {
        let mut rules: Vec<&Rule> = self.rules.iter().collect();
        rules.sort_unstable_by_key(|rule| rule.priority);
        rules
    }

    /// Returns what its author may not have meant, though it is a policy.
    pub fn warnings(&self) -> Vec<Warning> {
        warning::find(&self.rules_by_priority())
    }
}

impl Rule {
    /// Returns its priority: the lowest number is applied first.
    pub fn priority(&self) -> u32 {
        self.priority
    }

    /// Returns its description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns which images it selects by their tags.
    pub fn tags(&self) -> &TagSelection {
        &self.tags
    }

    /// Returns the storage class of the images it sees.
    pub fn storage_class(&self) -> StorageClass {
        self.storage_class.unwrap_or_default()
    }

    /// Returns which of the images that it selects it acts on.
    pub fn count(&self) -> Count {
        self.count
    }

    /// Returns what it does.
    pub fn action(&self) -> Action {
        self.action
    }
}

impl TagSelection {
    /// Returns whether an image with these tags is selected.
    pub fn selects<'t>(&self, tags: impl ExactSizeIterator<Item = &'t str> + Clone) -> bool {
        match self {
            TagSelection::Patterns(patterns) | TagSelection::Prefixes(patterns) => {
                patterns.iter().all(|pattern| tags.clone().any(|tag| pattern.matches(tag)))
            }
            TagSelection::Untagged => tags.len() == 0,
            TagSelection::Any => true,
        }
    }

    /// Returns its word in a policy: `tagged`, `untagged` or `any`.
    pub const fn status(&self) -> &'static str {
        match self {
            TagSelection::Patterns(_) | TagSelection::Prefixes(_) => "tagged",
            TagSelection::Untagged => "untagged",
            TagSelection::Any => "any",
        }
    }
}

impl Count {
    /// Returns its word in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Count::MoreThan(_) => "imageCountMoreThan",
            Count::DaysSincePushed(_) => "sinceImagePushed",
            Count::DaysSincePulled(_) => "sinceImagePulled",
            Count::DaysSinceTransitioned(_) => "sinceImageTransitioned",
        }
    }

    /// Returns how many: images, or days.
    pub const fn number(self) -> u32 {
        match self {
            Count::MoreThan(number)
            | Count::DaysSincePushed(number)
            | Count::DaysSincePulled(number)
            | Count::DaysSinceTransitioned(number) => number,
        }
    }
}

impl Action {
    /// Returns its word in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Expire => "expire",
            Action::Transition => "transition",
        }
    }
}

impl StorageClass {
    /// Returns its word in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            StorageClass::Standard => "standard",
            StorageClass::Archive => "archive",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StorageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
