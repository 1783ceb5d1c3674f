//! The rules of a project: which images its retention keeps (`/retentions/{id}`), and which tags may not be moved
//! (`/projects/{name}/immutabletagrules`).

use super::doublestar;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Rules of a policy at most; Harbor's own limit is 15 of a project.
const RULES_MAX: usize = 100;
/// Characters of a pattern or a name that are shown.
const SHOWN_CHARS_MAX: usize = 60;

#[derive(Deserialize)]
struct PolicyDocument {
    #[serde(default)]
    rules: Option<Vec<RuleDocument>>,
    #[serde(default)]
    trigger: Option<TriggerDocument>,
}

#[derive(Deserialize)]
struct TriggerDocument {
    #[serde(default)]
    settings: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct RuleDocument {
    #[serde(default)]
    id: Option<i64>,
    #[serde(default)]
    disabled: Option<bool>,
    #[serde(default)]
    template: Option<String>,
    #[serde(default)]
    params: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    tag_selectors: Option<Vec<SelectorDocument>>,
    #[serde(default)]
    scope_selectors: Option<BTreeMap<String, Vec<SelectorDocument>>>,
}

#[derive(Deserialize)]
struct SelectorDocument {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    decoration: Option<String>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    extras: Option<String>,
}

#[derive(Deserialize)]
struct Extras {
    #[serde(default)]
    untagged: bool,
}

/// What keeps images of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Those that are in force.
    pub(super) rules: Vec<Rule>,
    /// Whether it runs by itself.
    pub(super) is_scheduled: bool,
}

/// A rule of a project that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Its number.
    pub(super) id: i64,
    /// What it does: `latestPushedK`, `immutable_template`.
    pub(super) template: String,
    /// How many images, or days: the parameter that is called as the template.
    pub(super) number: Option<u32>,
    /// Which images, by their tags: all of these select them.
    pub(super) tags: Vec<Selector>,
    /// In which repositories: all of these select them.
    pub(super) repositories: Vec<Selector>,
}

/// What selects images, or repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    /// How: `matches`, `excludes`, `repoMatches`, `repoExcludes`.
    pub(super) decoration: String,
    /// A pattern of doublestar; another kind of selector has none that is understood here.
    pub(super) pattern: Option<String>,
    /// Whether images without a tag are selected too.
    pub(super) has_untagged: bool,
}

/// Reads the answer of `/retentions/{id}`. Members that are not known are passed over.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_retention(bytes: &[u8]) -> Result<Retention, String> {
    let document: PolicyDocument = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let settings = document.trigger.and_then(|trigger| trigger.settings).unwrap_or_default();
    let is_scheduled = settings.get("cron").and_then(Value::as_str).is_some_and(|cron| !cron.is_empty());
    Ok(Retention { rules: in_force(document.rules.unwrap_or_default())?, is_scheduled })
}

/// Reads a page of `/projects/{name}/immutabletagrules`; returns the rules that are in force, and how many there are.
///
/// # Errors
/// Why it is none.
pub(crate) fn read_immutable_rules(bytes: &[u8]) -> Result<(Vec<Rule>, usize), String> {
    let documents: Option<Vec<RuleDocument>> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let documents = documents.unwrap_or_default();
    let count = documents.len();
    Ok((in_force(documents)?, count))
}

fn in_force(documents: Vec<RuleDocument>) -> Result<Vec<Rule>, String> {
    if documents.len() > RULES_MAX {
        return Err(format!("it has more than {RULES_MAX} rules"));
    }
    Ok(documents.into_iter().filter(|rule| rule.disabled != Some(true)).map(read_rule).collect())
}

fn read_rule(document: RuleDocument) -> Rule {
    let template = document.template.unwrap_or_default();
    let number = document.params.unwrap_or_default().get(&template).and_then(read_number);
    let mut scopes = document.scope_selectors.unwrap_or_default();
    Rule {
        id: document.id.unwrap_or_default(),
        number,
        template,
        tags: document.tag_selectors.unwrap_or_default().into_iter().map(read_selector).collect(),
        repositories: scopes.remove("repository").unwrap_or_default().into_iter().map(read_selector).collect(),
    }
}

/// A whole number, which some versions write as text or with a point.
fn read_number(value: &Value) -> Option<u32> {
    let whole =
        |number: f64| (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32);
    match value {
        Value::Number(number) => number.as_f64().and_then(whole),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn read_selector(document: SelectorDocument) -> Selector {
    let decoration = document.decoration.unwrap_or_default();
    // Where nothing is said, untagged images are kept; where what is said is no JSON, nothing is.
    let told = document.extras.filter(|extras| !extras.is_empty());
    let told: Option<Extras> = told.and_then(|extras| serde_json::from_str(&extras).ok());
    let is_known = matches!(document.kind.as_deref(), None | Some("" | "doublestar"));
    Selector {
        has_untagged: told.map_or(decoration != "excludes", |extras| extras.untagged),
        pattern: is_known.then(|| document.pattern.unwrap_or_default()),
        decoration,
    }
}

impl Rule {
    /// Returns whether it is meant for a repository, by its name within the project; `None` where that cannot be told.
    pub(super) fn is_for(&self, repository: &str) -> Option<bool> {
        let selects = |selector: &Selector| {
            let is_matched = doublestar::matches(selector.pattern.as_deref()?, repository)?;
            match selector.decoration.as_str() {
                "repoMatches" => Some(is_matched),
                "repoExcludes" => Some(!is_matched),
                _ => None,
            }
        };
        let told = self.repositories.iter().map(selects).collect::<Vec<_>>();
        // One that certainly does not select it is enough.
        if told.contains(&Some(false)) {
            return Some(false);
        }
        told.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
    }
}

impl fmt::Display for Rule {
    /// As people read it: `rule 3, latestPushedK 10, tags matching release-*, with untagged images`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, {}", self.id, shown(&self.template))?;
        if let Some(number) = self.number {
            write!(f, " {number}")?;
        }
        for selector in &self.tags {
            let verb = match selector.decoration.as_str() {
                "matches" => "matching".to_owned(),
                "excludes" => "excluding".to_owned(),
                other => shown(other),
            };
            let pattern = selector.pattern.as_deref().unwrap_or("what only Harbor knows");
            let pattern = if pattern.is_empty() { "**" } else { pattern };
            write!(f, ", tags {verb} {}", shown(pattern))?;
            f.write_str(if selector.has_untagged { ", with untagged images" } else { "" })?;
        }
        Ok(())
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}
