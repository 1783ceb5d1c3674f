//! What must hold between the rules of a policy. All of it holds for each storage class by itself, but the priorities.

use super::{PolicyError, Rule, TagSelection};
use std::collections::BTreeMap;

pub(super) fn check(rules: &[Rule]) -> Result<(), PolicyError> {
    let mut positions = BTreeMap::new();
    for (second, rule) in rules.iter().enumerate() {
        if let Some(first) = positions.insert(rule.priority, second) {
            return Err(PolicyError::SamePriority { priority: rule.priority, first, second });
        }
    }
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_unstable_by_key(|rule| rule.priority);
    for (at, rule) in rules.iter().enumerate() {
        let class = rule.storage_class();
        for earlier in rules[..at].iter().filter(|earlier| earlier.storage_class() == class) {
            check_pair(earlier, rule)?;
        }
    }
    Ok(())
}

/// Checks two rules on images of one class, the first of which is applied before the other.
fn check_pair(first: &Rule, second: &Rule) -> Result<(), PolicyError> {
    let class = first.storage_class();
    match (&first.tags, &second.tags) {
        (TagSelection::Untagged, TagSelection::Untagged) | (TagSelection::Any, TagSelection::Any) => {
            let status = first.tags.status();
            Err(PolicyError::SameStatus { first: first.priority, second: second.priority, status, class })
        }
        (TagSelection::Any, _) => Err(PolicyError::AnyNotLast { any: first.priority, later: second.priority, class }),
        (TagSelection::Patterns(one), TagSelection::Patterns(other))
        | (TagSelection::Prefixes(one), TagSelection::Prefixes(other))
            if texts(one) == texts(other) =>
        {
            let tags = texts(one).join(", ");
            Err(PolicyError::SameTags { first: first.priority, second: second.priority, tags, class })
        }
        _ => Ok(()),
    }
}

/// The same patterns in another order, or one of them twice, are the same.
fn texts(patterns: &[crate::Pattern]) -> Vec<&str> {
    let mut texts: Vec<&str> = patterns.iter().map(|pattern| pattern.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}
