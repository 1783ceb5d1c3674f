use super::{Action, Count, Rule, TagSelection};
use crate::Pattern;

/// What the author of a policy may not have meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A rule that leaves one image of all.
    #[error("rule {rule} expires every image that no rule before it selects, but the newest one")]
    LeavesOne {
        /// Its priority.
        rule: u32,
    },
    /// A rule that comes too late for every image it selects.
    #[error("rule {rule} never acts: rule {by} comes first, and selects every image that it selects")]
    NeverActs {
        /// Its priority.
        rule: u32,
        /// The priority of the rule before it.
        by: u32,
    },
    /// Several patterns, of which people often think that one would do.
    #[error(
        "rule {rule} selects only images that have a tag for each of {}; where one is enough, write a rule for each", .tags.join(" and ")
    )]
    AllOfThem {
        /// Its priority.
        rule: u32,
        /// The patterns or prefixes.
        tags: Vec<String>,
    },
    /// A prefix that no tag begins with.
    #[error(
        "rule {rule} selects nothing: no tag holds a '*' as the prefix {prefix:?} does; write it in a tagPatternList"
    )]
    WildcardInPrefix {
        /// Its priority.
        rule: u32,
        /// The prefix.
        prefix: String,
    },
}

/// Looks through rules in the order of their priority.
pub(super) fn find(rules: &[&Rule]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        let priority = rule.priority;
        let shading = rules[..at].iter().find(|earlier| is_shaded(rule, earlier));
        if let Some(by) = shading {
            warnings.push(Warning::NeverActs { rule: priority, by: by.priority });
        }
        match &rule.tags {
            TagSelection::Any if rule.count == Count::MoreThan(1) && rule.action == Action::Expire => {
                warnings.push(Warning::LeavesOne { rule: priority });
            }
            TagSelection::Any | TagSelection::Untagged => {}
            TagSelection::Patterns(patterns) | TagSelection::Prefixes(patterns) => {
                warnings.extend(look_at_patterns(priority, patterns));
            }
        }
    }
    warnings
}

fn look_at_patterns(rule: u32, patterns: &[Pattern]) -> Option<Warning> {
    if let Some(mistaken) = patterns.iter().find(|pattern| pattern.is_mistaken_prefix()) {
        return Some(Warning::WildcardInPrefix { rule, prefix: mistaken.to_string() });
    }
    (patterns.len() > 1).then(|| Warning::AllOfThem { rule, tags: patterns.iter().map(Pattern::to_string).collect() })
}

/// Returns whether whatever `rule` selects is certainly selected by `earlier` too.
fn is_shaded(rule: &Rule, earlier: &Rule) -> bool {
    let (TagSelection::Patterns(wide) | TagSelection::Prefixes(wide)) = &earlier.tags else { return false };
    let (TagSelection::Patterns(narrow) | TagSelection::Prefixes(narrow)) = &rule.tags else { return false };
    rule.storage_class() == earlier.storage_class()
        && wide.iter().all(|pattern| narrow.iter().any(|narrow| pattern.covers(narrow)))
}
