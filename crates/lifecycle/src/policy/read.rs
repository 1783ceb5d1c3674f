//! A policy's text becomes rules, each well formed in itself.

use super::{
    ARCHIVE_DAYS_MIN, Action, Count, POLICY_CHARS_MAX, PolicyError, RULES_MAX, Rule, StorageClass, TagSelection,
};
use crate::{
    Pattern, Settings,
    json::{self, Object, Value},
    pattern::PatternError,
};

const RULE_MEMBERS: &[&str] = &["rulePriority", "description", "selection", "action"];
const SELECTION_MEMBERS: &[&str] =
    &["tagStatus", "tagPatternList", "tagPrefixList", "storageClass", "countType", "countUnit", "countNumber"];

#[derive(Clone, Copy)]
enum Status {
    Tagged,
    Untagged,
    Any,
}

/// Reads the rules of a policy, in the order of the text.
pub(super) fn read(text: &str, settings: &Settings) -> Result<Vec<Rule>, PolicyError> {
    // A character has a byte at least: most texts need not be counted.
    if text.len() > POLICY_CHARS_MAX {
        let chars = text.chars().count();
        if chars > POLICY_CHARS_MAX {
            return Err(PolicyError::TooLong { chars });
        }
    }
    let value = json::read(text)?;
    let policy = match Object::open(&value, "", &["rules"]) {
        Err(PolicyError::Shape { expected, found, .. }) => {
            return Err(PolicyError::Shape { place: "the policy".into(), expected, found });
        }
        opened => opened?,
    };
    let rules = match policy.load("rules", "a policy is {\"rules\": [...]}")? {
        Value::List(rules) => rules,
        other => {
            let (place, expected) = ("rules".into(), "a list of rules");
            return Err(PolicyError::Shape { place, expected, found: other.describe() });
        }
    };
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(PolicyError::RuleCount { count: rules.len() });
    }
    rules.iter().enumerate().map(|(at, rule)| read_rule(at, rule, settings)).collect()
}

fn read_rule(at: usize, value: &Value, settings: &Settings) -> Result<Rule, PolicyError> {
    let rule = Object::open(value, &name_rule(at, value), RULE_MEMBERS)?;
    let priority = rule.load_count("rulePriority", "give the rule a number; the lowest is applied first")?;
    let description = rule.find_text("description")?.map(str::to_owned);
    let selection = rule.load("selection", "say which images: tagStatus, countType and countNumber at least")?;
    let selection = Object::open(selection, &rule.place_of("selection"), SELECTION_MEMBERS)?;
    let tags = read_tags(priority, &selection)?;
    let storage_class = selection.find_word("storageClass", CLASSES)?;
    let count = read_count(priority, &selection)?;
    let action = read_action(priority, &rule)?;
    check_together(priority, storage_class, count, action, settings)?;
    Ok(Rule { priority, description, tags, storage_class, count, action })
}

/// Returns what a rule is called in refusals: by its priority, or where it has none, by its position.
fn name_rule(at: usize, value: &Value) -> String {
    let Value::Object(members) = value else { return format!("rules[{at}]") };
    let mut priorities = members.iter().filter(|(name, _)| name == "rulePriority").map(|(_, value)| value);
    match (priorities.next(), priorities.next()) {
        (Some(Value::Integer(priority @ 1..)), None) => format!("rule {priority}"),
        _ => format!("rules[{at}]"),
    }
}

const CLASSES: &[(&str, StorageClass)] = &[("standard", StorageClass::Standard), ("archive", StorageClass::Archive)];

fn read_tags(rule: u32, selection: &Object<'_>) -> Result<TagSelection, PolicyError> {
    const STATUSES: &[(&str, Status)] =
        &[("tagged", Status::Tagged), ("untagged", Status::Untagged), ("any", Status::Any)];
    let status = selection.load_word("tagStatus", "write tagged, untagged or any", STATUSES)?;
    let patterns = read_patterns(selection, "tagPatternList", Pattern::glob)?;
    let prefixes = read_patterns(selection, "tagPrefixList", Pattern::prefix)?;
    let without_tags = |tags: TagSelection| {
        let status = tags.status();
        match (patterns.is_empty(), prefixes.is_empty()) {
            (true, true) => Ok(tags),
            (false, _) => Err(PolicyError::TagsUnwanted { rule, member: "tagPatternList", status }),
            (true, false) => Err(PolicyError::TagsUnwanted { rule, member: "tagPrefixList", status }),
        }
    };
    match (status, patterns.is_empty(), prefixes.is_empty()) {
        (Status::Untagged, ..) => without_tags(TagSelection::Untagged),
        (Status::Any, ..) => without_tags(TagSelection::Any),
        (Status::Tagged, true, true) => Err(PolicyError::TagsMissing { rule }),
        (Status::Tagged, false, false) => Err(PolicyError::TagsTwice { rule }),
        (Status::Tagged, false, true) => Ok(TagSelection::Patterns(patterns)),
        (Status::Tagged, true, false) => Ok(TagSelection::Prefixes(prefixes)),
    }
}

fn read_patterns(
    selection: &Object<'_>,
    member: &str,
    read: fn(&str) -> Result<Pattern, PatternError>,
) -> Result<Vec<Pattern>, PolicyError> {
    let place = |at| selection.place_of(&format!("{member}[{at}]"));
    let texts = selection.find_texts(member)?;
    let refusable = |(at, text)| read(text).map_err(|source| PolicyError::Pattern { place: place(at), source });
    texts.into_iter().enumerate().map(refusable).collect()
}

fn read_count(rule: u32, selection: &Object<'_>) -> Result<Count, PolicyError> {
    type OfNumber = fn(u32) -> Count;
    const TYPES: &[(&str, OfNumber)] = &[
        ("imageCountMoreThan", Count::MoreThan),
        ("sinceImagePushed", Count::DaysSincePushed),
        ("sinceImagePulled", Count::DaysSincePulled),
        ("sinceImageTransitioned", Count::DaysSinceTransitioned),
    ];
    let remedy = "write imageCountMoreThan, sinceImagePushed, sinceImagePulled or sinceImageTransitioned";
    let count = selection.load_word("countType", remedy, TYPES)?;
    let number = selection.load_count("countNumber", "say how many images (or days) to keep")?;
    let count = count(number);
    let unit = selection.find_word("countUnit", &[("days", ())])?;
    match (count, unit) {
        (Count::MoreThan(_), Some(())) => Err(PolicyError::UnitUnwanted { rule }),
        (Count::MoreThan(_), None) | (_, Some(())) => Ok(count),
        (_, None) => {
            let place = selection.place_of("countUnit");
            Err(PolicyError::Missing { place, remedy: "write days, the only unit there is" })
        }
    }
}

fn read_action(priority: u32, rule: &Object<'_>) -> Result<Action, PolicyError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Written {
        Expire,
        Transition,
        Archive,
    }
    const TYPES: &[(&str, Written)] =
        &[("expire", Written::Expire), ("transition", Written::Transition), ("archive", Written::Archive)];
    let action = rule.load("action", "write {\"type\": \"expire\"}, or a transition to the archive")?;
    let action = Object::open(action, &rule.place_of("action"), &["type", "targetStorageClass"])?;
    let written = action.load_word("type", "write expire or transition", TYPES)?;
    let target = action.find_word("targetStorageClass", &[("archive", ())])?;
    match (written, target) {
        (Written::Expire, None) => Ok(Action::Expire),
        (Written::Expire, Some(())) => Err(PolicyError::TargetUnwanted { rule: priority }),
        // People write the action by its end; what it goes to is said by that.
        (Written::Archive, _) | (Written::Transition, Some(())) => Ok(Action::Transition),
        (Written::Transition, None) => {
            let place = action.place_of("targetStorageClass");
            Err(PolicyError::Missing { place, remedy: "write archive, where a transition goes" })
        }
    }
}

fn check_together(
    rule: u32,
    class: Option<StorageClass>,
    count: Count,
    action: Action,
    settings: &Settings,
) -> Result<(), PolicyError> {
    match count {
        Count::MoreThan(_) | Count::DaysSincePushed(_) | Count::DaysSincePulled(_)
            if class == Some(StorageClass::Archive) =>
        {
            Err(PolicyError::ArchiveUncounted { rule, count_type: count.as_str() })
        }
        Count::DaysSincePulled(_) if action == Action::Expire && !settings.expire_since_pulled => {
            Err(PolicyError::PulledExpires { rule })
        }
        Count::DaysSinceTransitioned(_) if class != Some(StorageClass::Archive) => {
            Err(PolicyError::StandardTransitioned { rule })
        }
        Count::DaysSinceTransitioned(_) if action != Action::Expire => Err(PolicyError::TransitionedTwice { rule }),
        Count::DaysSinceTransitioned(days) if days < ARCHIVE_DAYS_MIN => {
            Err(PolicyError::TransitionedTooSoon { rule, days })
        }
        Count::MoreThan(_)
        | Count::DaysSincePushed(_)
        | Count::DaysSincePulled(_)
        | Count::DaysSinceTransitioned(_) => Ok(()),
    }
}
