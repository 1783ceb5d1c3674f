//! Harbor's rules in ECR's words, where those can say the same.
//!
//! Harbor's retention names what is *kept*, by any of its rules, and removes all else at once. A lifecycle policy names what
//! *goes*: of the rules that select an image the first decides, and what none selects stays. They mean the same where one rule
//! of Harbor keeps some of *all* images, and the others keep longer what they select:
//!
//! * an image that several rules of age select goes when the longest is over, and so does it where the longest comes first;
//! * of a rule that keeps the newest *n* of all images, a rule that keeps at least as many of some is the stricter one: whatever
//!   is not among those is not among these.
//!
//! What keeps for ever is written as a hundred years.

use super::{
    doublestar,
    rules::{Retention, Rule, Selector},
};
use gantry_lifecycle::{Policy, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// For ever, in days.
const FOR_EVER_DAYS: u32 = 36_500;

/// What of a repository's rules could be translated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Translated {
    /// A lifecycle policy of ECR.
    pub(crate) lifecycle: Option<String>,
    /// That tags may not be moved; `None` where some or all may, which is no reason to loosen what holds here.
    pub(crate) is_immutable: Option<bool>,
    /// What could not, a sentence each.
    pub(crate) remarks: Vec<String>,
}

/// Translates the rules of a project for one of its repositories, which is named without the project.
pub(crate) fn translate(retention: &Retention, immutable: &[Rule], repository: &str) -> Translated {
    let mut translated = Translated::default();
    let immutable: Vec<&Rule> = immutable.iter().filter(|rule| is_immutable_in(rule, repository)).collect();
    match tags_of(&immutable) {
        Ok(is_immutable) => translated.is_immutable = is_immutable,
        Err(remark) => translated.remarks.push(remark),
    }
    let applying: Vec<&Rule> = retention.rules.iter().filter(|rule| rule.is_for(repository) != Some(false)).collect();
    match lifecycle(&applying, &immutable, repository) {
        Ok(None) => {}
        Ok(Some(policy)) => {
            translated.lifecycle = Some(policy);
            if !retention.is_scheduled {
                let remark = "Harbor runs its retention only when somebody starts it; a lifecycle policy runs each day";
                translated.remarks.push(remark.to_owned());
            }
        }
        Err(reason) => {
            let rules: Vec<String> = applying.iter().map(ToString::to_string).collect();
            let rules = rules.join("; ");
            translated
                .remarks
                .push(format!("the retention of Harbor is not translated, since {reason}: it keeps {rules}"));
        }
    }
    translated
}

/// Harbor looks at the first selector of each kind only, and applies no rule that has none.
fn is_immutable_in(rule: &Rule, repository: &str) -> bool {
    !rule.tags.is_empty() && !rule.repositories.is_empty() && rule.is_for(repository) != Some(false)
}

/// Says whether no tag of a repository may be moved, by the rules that are meant for it; `None` where all may.
///
/// # Errors
/// A sentence of what those say that this cannot.
fn tags_of(rules: &[&Rule]) -> Result<Option<bool>, String> {
    let is_of_all = |rule: &&Rule| {
        let pattern = rule.tags[0].pattern.as_deref();
        rule.tags[0].decoration == "matches"
            && pattern.is_some_and(|pattern| doublestar::is_all(pattern) || pattern == "*")
    };
    match rules {
        [] => Ok(None),
        _ if rules.iter().any(is_of_all) => Ok(Some(true)),
        _ => {
            let told: Vec<String> = rules.iter().map(ToString::to_string).collect();
            Err(format!("only some tags are immutable in Harbor, and so none are made so here: {}", told.join("; ")))
        }
    }
}

/// How long a rule keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Days(u32),
    Newest(u32),
}

/// Which images a rule keeps so.
enum Scope {
    All,
    Some { patterns: Vec<String>, has_untagged: bool },
}

/// Writes a lifecycle policy that removes what is kept by none of the rules; `None` where nothing is removed.
///
/// # Errors
/// Why there is none, as the second half of a sentence.
fn lifecycle(rules: &[&Rule], immutable: &[&Rule], repository: &str) -> Result<Option<String>, String> {
    if rules.is_empty() {
        return Ok(None);
    }
    if let Some(rule) = rules.iter().chain(immutable).find(|rule| rule.is_for(repository).is_none()) {
        return Err(format!("it cannot be told whether rule {} is meant for this repository", rule.id));
    }
    let mut kept = Vec::new();
    for rule in rules {
        kept.push((scope(rule.tags.as_slice())?, keep(rule)?));
    }
    // What may not be moved is not removed either.
    for rule in immutable {
        let selector = Selector { has_untagged: false, ..rule.tags[0].clone() };
        kept.push((scope(&[selector])?, Keep::Days(FOR_EVER_DAYS)));
    }
    // Who keeps none of what he selects adds nothing to what others keep.
    kept.retain(|(_, keep)| !matches!(keep, Keep::Days(0) | Keep::Newest(0)));
    let general = general(&kept)?;
    if general == Keep::Days(FOR_EVER_DAYS) {
        return Ok(None);
    }
    let mut written = specific(&kept, general)?;
    written.push(json!({"tagStatus": "any"}), general);
    written.print().map(Some)
}

/// What is kept of all images.
fn general(kept: &[(Scope, Keep)]) -> Result<Keep, String> {
    let of_all = || kept.iter().filter(|(scope, _)| matches!(scope, Scope::All)).map(|(_, keep)| *keep);
    let days = of_all().filter_map(|keep| if let Keep::Days(days) = keep { Some(days) } else { None }).max();
    let newest = of_all().filter_map(|keep| if let Keep::Newest(count) = keep { Some(count) } else { None }).max();
    match (days, newest) {
        (Some(FOR_EVER_DAYS), _) => Ok(Keep::Days(FOR_EVER_DAYS)),
        (Some(days), None) => Ok(Keep::Days(days)),
        (None, Some(count)) => Ok(Keep::Newest(count)),
        (Some(_), Some(_)) => Err("what either the one or the other of two rules keeps cannot be said there".into()),
        (None, None) => {
            Err("Harbor removes at once what no rule selects, and a lifecycle policy leaves that alone".into())
        }
    }
}

/// What is kept longer than all else.
fn specific(kept: &[(Scope, Keep)], general: Keep) -> Result<Written, String> {
    let (mut days_of, mut untagged_days, mut newest) = (BTreeMap::<&str, u32>::new(), 0, None);
    for (scope, keep) in kept {
        let Scope::Some { patterns, has_untagged } = scope else { continue };
        match (keep, general) {
            // The rule of all images keeps these longer.
            (Keep::Days(days), Keep::Days(least)) if *days <= least => {}
            (Keep::Days(days), _) if *days == FOR_EVER_DAYS || matches!(general, Keep::Days(_)) => {
                for pattern in patterns {
                    let known = days_of.entry(pattern).or_default();
                    *known = (*known).max(*days);
                }
                untagged_days = if *has_untagged { untagged_days.max(*days) } else { untagged_days };
            }
            (Keep::Newest(count), Keep::Newest(least)) if *count >= least => match patterns.as_slice() {
                [pattern] if !has_untagged && newest.is_none() => newest = Some((pattern, *count)),
                _ => return Err("a count of images with any of several tags cannot be said there".into()),
            },
            (Keep::Days(_) | Keep::Newest(_), _) => {
                return Err("what either the one or the other of two rules keeps cannot be said there".into());
            }
        }
    }
    let mut ordered: Vec<(&str, u32)> = days_of.into_iter().collect();
    ordered.sort_by_key(|(_, days)| std::cmp::Reverse(*days));
    let mut written = Written::default();
    for (pattern, days) in ordered {
        written.push(json!({"tagStatus": "tagged", "tagPatternList": [pattern]}), Keep::Days(days));
    }
    if untagged_days > 0 {
        written.push(json!({"tagStatus": "untagged"}), Keep::Days(untagged_days));
    }
    if let Some((pattern, count)) = newest {
        written.push(json!({"tagStatus": "tagged", "tagPatternList": [pattern]}), Keep::Newest(count));
    }
    Ok(written)
}

fn keep(rule: &Rule) -> Result<Keep, String> {
    let unsaid = |what: &str| Err(format!("rule {} keeps {what}, which a lifecycle policy does not", rule.id));
    match (rule.template.as_str(), rule.number) {
        ("always", _) => Ok(Keep::Days(FOR_EVER_DAYS)),
        ("latestPushedK", Some(count)) => Ok(Keep::Newest(count)),
        ("nDaysSinceLastPush" | "lastXDays", Some(days)) => Ok(Keep::Days(days.min(FOR_EVER_DAYS))),
        ("latestPulledN", _) => unsaid("what was pulled last, by number"),
        ("latestActiveK", _) => unsaid("what was pushed or pulled last, by number"),
        ("nDaysSinceLastPull", _) => unsaid("what was pulled lately, and not what nobody has pulled yet"),
        _ => Err(format!("rule {} is not understood", rule.id)),
    }
}

fn scope(selectors: &[Selector]) -> Result<Scope, String> {
    let [selector] = selectors else {
        return Err("a rule has not one selector of tags".into());
    };
    let pattern = selector.pattern.as_deref().filter(|_| selector.decoration == "matches");
    let pattern = pattern.ok_or("a rule selects images otherwise than by what their tags match")?;
    let patterns = doublestar::tag_patterns(pattern);
    let patterns = patterns.ok_or("a rule has a pattern that patterns of a lifecycle policy cannot say")?;
    if selector.has_untagged && patterns.iter().any(|pattern| pattern == "*") {
        return Ok(Scope::All);
    }
    Ok(Scope::Some { patterns, has_untagged: selector.has_untagged })
}

/// A lifecycle policy as it is written, rule by rule.
#[derive(Default)]
struct Written {
    rules: Vec<Value>,
}

impl Written {
    fn push(&mut self, mut selection: Value, keep: Keep) {
        match keep {
            Keep::Days(days) => {
                selection["countType"] = "sinceImagePushed".into();
                selection["countUnit"] = "days".into();
                selection["countNumber"] = days.into();
            }
            Keep::Newest(count) => {
                selection["countType"] = "imageCountMoreThan".into();
                selection["countNumber"] = count.into();
            }
        }
        let priority = self.rules.len() + 1;
        self.rules.push(json!({"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}));
    }

    /// Prints it as Gantry prints policies, once it is one.
    fn print(self) -> Result<String, String> {
        let text = json!({"rules": self.rules}).to_string();
        let policy =
            Policy::parse(&text, &Settings::default()).map_err(|error| format!("it would be none: {error}"))?;
        Ok(policy.to_string())
    }
}

#[cfg(test)]
mod tests;
