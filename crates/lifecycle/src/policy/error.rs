use super::StorageClass;
use crate::pattern::PatternError;
use crate::settings::EXPIRE_SINCE_PULLED;

/// Why a text is no lifecycle policy.
///
/// `place` names the rule, by its priority where that can be read and by its position (from 0) otherwise, and the member:
/// `rule 1: selection.countNumber`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More characters than [`POLICY_CHARS_MAX`](crate::POLICY_CHARS_MAX).
    #[error(
        "the policy has {chars} characters, and {} are allowed; shorten its descriptions, or join rules",
        crate::POLICY_CHARS_MAX
    )]
    TooLong {
        /// How many.
        chars: usize,
    },
    /// It is not one JSON value.
    #[error("the policy is no JSON: {problem}")]
    Json {
        /// What is wrong, with line and column.
        problem: String,
    },
    /// No rule, or more than [`RULES_MAX`](crate::RULES_MAX).
    #[error("the policy has {count} rules; write 1 to {}", crate::RULES_MAX)]
    RuleCount {
        /// How many.
        count: usize,
    },
    /// A member that must be there is not.
    #[error("{place} is missing; {remedy}")]
    Missing {
        /// The member.
        place: String,
        /// What to write.
        remedy: &'static str,
    },
    /// A member that nobody knows.
    #[error("{place} is not known; known are {}", .known.join(", "))]
    Unknown {
        /// The member.
        place: String,
        /// Those that are known there.
        known: &'static [&'static str],
    },
    /// A member twice.
    #[error("{place} stands there twice, and programs differ in which they read; keep one")]
    Repeated {
        /// The member.
        place: String,
    },
    /// A value of the wrong kind, or a number outside its range.
    #[error("{place} is {found}; it must be {expected}")]
    Shape {
        /// The member.
        place: String,
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A text that is none of the words that may stand there.
    #[error("{place} is {found:?}; write {}", list(.words))]
    Word {
        /// The member.
        place: String,
        /// What stands there.
        found: String,
        /// The words.
        words: Vec<&'static str>,
    },
    /// A pattern that is none.
    #[error("{place} {source}")]
    Pattern {
        /// The pattern.
        place: String,
        /// Why it is none.
        source: PatternError,
    },
    /// A rule on tagged images that does not say which.
    #[error(
        "rule {rule}: selection.tagPatternList is missing; where tagStatus is tagged, say which tags, such as \
         [\"prod*\"] (or [\"*\"] for every tag), or write a tagPrefixList"
    )]
    TagsMissing {
        /// Its priority.
        rule: u32,
    },
    /// A rule with patterns and prefixes.
    #[error("rule {rule}: selection has both a tagPatternList and a tagPrefixList; keep one, or write two rules")]
    TagsTwice {
        /// Its priority.
        rule: u32,
    },
    /// A list of tags in a rule on other images.
    #[error("rule {rule}: selection.{member} may only stand where tagStatus is tagged; here it is {status}")]
    TagsUnwanted {
        /// Its priority.
        rule: u32,
        /// The list.
        member: &'static str,
        /// Its tag status.
        status: &'static str,
    },
    /// A unit where no time is counted.
    #[error("rule {rule}: selection.countUnit may not stand where countType is imageCountMoreThan; take it out")]
    UnitUnwanted {
        /// Its priority.
        rule: u32,
    },
    /// Archived images are counted otherwise than by the time since they were archived.
    #[error(
        "rule {rule}: selection.storageClass is archive, but countType {count_type} knows standard images only; archived \
         ones are counted by sinceImageTransitioned"
    )]
    ArchiveUncounted {
        /// Its priority.
        rule: u32,
        /// Its count type.
        count_type: &'static str,
    },
    /// The time since archiving is counted for standard images.
    #[error(
        "rule {rule}: selection.storageClass must be written as archive where countType is sinceImageTransitioned, since \
         only archived images were ever archived"
    )]
    StandardTransitioned {
        /// Its priority.
        rule: u32,
    },
    /// Archived images are to be archived.
    #[error(
        "rule {rule}: action.type must be expire where countType is sinceImageTransitioned: such images are archived already"
    )]
    TransitionedTwice {
        /// Its priority.
        rule: u32,
    },
    /// Archived images would go too soon.
    #[error(
        "rule {rule}: selection.countNumber is {days}; archived images stay at least {} days, so write {0} or more",
        crate::ARCHIVE_DAYS_MIN
    )]
    TransitionedTooSoon {
        /// Its priority.
        rule: u32,
        /// Its count.
        days: u32,
    },
    /// What nobody pulls would be removed at once.
    #[error(
        "rule {rule}: action.type expire may not stand with countType sinceImagePulled, as in ECR: archive such images \
         (transition) and expire them by sinceImageTransitioned, or allow it with the setting {EXPIRE_SINCE_PULLED} = true"
    )]
    PulledExpires {
        /// Its priority.
        rule: u32,
    },
    /// A target where nothing moves.
    #[error("rule {rule}: action.targetStorageClass may not stand where action.type is expire; take it out")]
    TargetUnwanted {
        /// Its priority.
        rule: u32,
    },
    /// Two rules of one priority.
    #[error("rules[{first}] and rules[{second}] both have the rulePriority {priority}; give each its own")]
    SamePriority {
        /// Their priority.
        priority: u32,
        /// The position of one, from 0.
        first: usize,
        /// The position of the other, from 0.
        second: usize,
    },
    /// Two rules of a storage class on untagged images, or on any.
    #[error(
        "rules {first} and {second} both have the tagStatus {status} for {class} images; a policy may have one such rule \
         for each storage class, join them"
    )]
    SameStatus {
        /// The priority of one.
        first: u32,
        /// The priority of the other.
        second: u32,
        /// `untagged` or `any`.
        status: &'static str,
        /// Their storage class.
        class: StorageClass,
    },
    /// Two rules of a storage class on the same tags.
    #[error(
        "rules {first} and {second} name the same tags ({tags}) for {class} images; the second would never act, join them"
    )]
    SameTags {
        /// The priority of one.
        first: u32,
        /// The priority of the other.
        second: u32,
        /// The patterns or prefixes.
        tags: String,
        /// Their storage class.
        class: StorageClass,
    },
    /// A rule on any image before others.
    #[error(
        "rule {any}: tagStatus any must come last among the rules for {class} images, but rule {later} comes after it; \
         give it the highest rulePriority"
    )]
    AnyNotLast {
        /// Its priority.
        any: u32,
        /// The priority of one that comes after.
        later: u32,
        /// Their storage class.
        class: StorageClass,
    },
}

fn list(words: &[&str]) -> String {
    match words {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        words => words.concat(),
    }
}
