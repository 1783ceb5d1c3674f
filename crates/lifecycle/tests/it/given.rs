//! Images and policies, with defaults for what a test does not care about.

use gantry_lifecycle::{Decision, Decisions, Facts, Images, Policy, Settings, StorageClass, evaluate};
use gantry_words::Timestamp;
use std::time::Duration;

/// 2026-11-21T09:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_251_600_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn days_ago(days: u32) -> Timestamp {
    NOW.minus(DAY * days)
}

/// An image, pushed now, without tags.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) digest: String,
    pub(crate) tags: Vec<String>,
    pub(crate) parents: Vec<String>,
    pub(crate) facts: Facts,
}

pub(crate) fn image(digest: &str) -> Image {
    let facts = Facts { pushed_at: Some(NOW), size_bytes: 100, ..Facts::default() };
    Image { digest: digest.into(), tags: vec![], parents: vec![], facts }
}

impl Image {
    pub(crate) fn tags(mut self, tags: &[&str]) -> Image {
        self.tags = tags.iter().map(ToString::to_string).collect();
        self
    }
    pub(crate) fn parents(mut self, parents: &[&str]) -> Image {
        self.parents = parents.iter().map(ToString::to_string).collect();
        self
    }
    pub(crate) fn pushed(mut self, days: u32) -> Image {
        self.facts.pushed_at = Some(days_ago(days));
        self
    }
    pub(crate) fn pulled(mut self, days: u32) -> Image {
        self.facts.last_pulled_at = Some(days_ago(days));
        self
    }
    pub(crate) fn archived(mut self, days: u32) -> Image {
        self.facts.storage_class = StorageClass::Archive;
        self.facts.transitioned_at = Some(days_ago(days));
        self
    }
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Facts)) -> Image {
        change(&mut self.facts);
        self
    }
}

pub(crate) fn list(images: &[Image]) -> Images {
    let mut list = Images::with_capacity(images.len());
    for image in images {
        let tags = image.tags.iter().map(String::as_str);
        list.push(&image.digest, image.facts, tags, image.parents.iter().map(String::as_str));
    }
    list
}

/// A rule, as JSON: its selection without braces, and its action.
pub(crate) fn rule(priority: u32, selection: &str, action: &str) -> String {
    let action = match action {
        "transition" => r#"{"type":"transition","targetStorageClass":"archive"}"#.into(),
        other => format!(r#"{{"type":"{other}"}}"#),
    };
    format!(r#"{{"rulePriority":{priority},"selection":{{{selection}}},"action":{action}}}"#)
}

pub(crate) fn tagged(patterns: &[&str]) -> String {
    format!(r#""tagStatus":"tagged","tagPatternList":{patterns:?}"#)
}

pub(crate) fn more_than(count: u32) -> String {
    format!(r#""countType":"imageCountMoreThan","countNumber":{count}"#)
}

pub(crate) fn since(what: &str, days: u32) -> String {
    format!(r#""countType":"sinceImage{what}","countUnit":"days","countNumber":{days}"#)
}

pub(crate) fn policy(rules: &[String]) -> Policy {
    let text = format!(r#"{{"rules":[{}]}}"#, rules.join(","));
    Policy::parse(&text, &Settings { expire_since_pulled: true }).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What rules act on now: digest and priority, the oldest image first.
pub(crate) fn acted(rules: &[String], images: &[Image]) -> Vec<(String, u32)> {
    let (policy, images) = (policy(rules), list(images));
    acts(&evaluate(&policy, &images, NOW, &[]), &images)
}

pub(crate) fn acts(decisions: &Decisions<'_>, images: &Images) -> Vec<(String, u32)> {
    let act = |(place, decision)| match decision {
        Decision::Act { rule, .. } => Some((images.digest(place).to_string(), rule)),
        Decision::Keep(_) => None,
    };
    decisions.oldest_first().filter_map(act).collect()
}

/// What is said of an image.
pub(crate) fn explained(rules: &[String], images: &[Image], digest: &str) -> String {
    let (policy, images) = (policy(rules), list(images));
    let place = (0..images.len()).find(|place| images.digest(*place) == digest).expect("an image of the list");
    evaluate(&policy, &images, NOW, &[]).explain(place)
}
