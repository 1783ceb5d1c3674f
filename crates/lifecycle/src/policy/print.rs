use super::{Action, Count, Policy, Rule, TagSelection};
use crate::Pattern;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::fmt;

/// The JSON that [`Policy::parse`] reads as the same policy.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[derive(Serialize)]
        struct Text<'p> {
            rules: &'p [Rule],
        }
        let text = serde_json::to_string(&Text { rules: &self.rules }).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rule = serializer.serialize_map(None)?;
        rule.serialize_entry("rulePriority", &self.priority)?;
        if let Some(description) = &self.description {
            rule.serialize_entry("description", description)?;
        }
        rule.serialize_entry("selection", &Selection(self))?;
        rule.serialize_entry("action", &self.action)?;
        rule.end()
    }
}

struct Selection<'r>(&'r Rule);

impl Serialize for Selection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rule = self.0;
        let mut selection = serializer.serialize_map(None)?;
        selection.serialize_entry("tagStatus", rule.tags.status())?;
        match &rule.tags {
            TagSelection::Patterns(patterns) => selection.serialize_entry("tagPatternList", &texts(patterns))?,
            TagSelection::Prefixes(prefixes) => selection.serialize_entry("tagPrefixList", &texts(prefixes))?,
            TagSelection::Untagged | TagSelection::Any => {}
        }
        if let Some(class) = rule.storage_class {
            selection.serialize_entry("storageClass", class.as_str())?;
        }
        selection.serialize_entry("countType", rule.count.as_str())?;
        if !matches!(rule.count, Count::MoreThan(_)) {
            selection.serialize_entry("countUnit", "days")?;
        }
        selection.serialize_entry("countNumber", &rule.count.number())?;
        selection.end()
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut action = serializer.serialize_map(None)?;
        action.serialize_entry("type", self.as_str())?;
        if *self == Action::Transition {
            action.serialize_entry("targetStorageClass", "archive")?;
        }
        action.end()
    }
}

fn texts(patterns: &[Pattern]) -> Vec<&str> {
    patterns.iter().map(Pattern::as_str).collect()
}
