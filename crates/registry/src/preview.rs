use crate::{images::Images, repositories::Repository};
use gantry_fault::Fault;
use gantry_lifecycle::{Action, Decision, Facts, Pattern, Policy, evaluate};
use gantry_metadata::{Reader, inventory, manifests, manifests::Tagged, tags};
use gantry_words::Timestamp;
use std::collections::{HashMap, HashSet};

/// Images that are read at once.
const PAGE: usize = 5_000;

/// What a lifecycle policy would do to a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// The images it would act on, the oldest first.
    pub images: Vec<PreviewedImage>,
}

/// An image that a lifecycle policy would act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewedImage {
    /// Its digest.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// The priority of the rule that acts.
    pub rule: u32,
    /// What the rule does.
    pub action: Action,
}

impl Images {
    /// Says what a policy would do at the time `at` to the images that were there then. Changes nothing.
    ///
    /// Costs by the images of the repository: about a second and 500 bytes each for a million.
    pub async fn preview(&self, repository: &Repository, policy: Policy, at: Timestamp) -> Result<Preview, Fault> {
        let (id, rules) = (repository.id, repository.rules.clone());
        let look =
            move |rows: &mut Reader| Ok(decide(&policy, &gather(rows, id, at)?, at, rules.protected_tags.patterns()));
        self.ports.metadata.read_long(look).await
    }
}

/// Reads what policies see of a repository, as far as it was pushed until a time.
fn gather(rows: &mut Reader, repository: i64, until: Timestamp) -> Result<gantry_lifecycle::Images, Fault> {
    let mut images = gantry_lifecycle::Images::default();
    let used: HashSet<String> = inventory::used(rows, repository, until)?.into_iter().collect();
    let (mut before, mut after) = (until, String::new());
    loop {
        let page = manifests::list(rows, repository, Tagged::Any, before, &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(images) };
        (before, after) = (last.pushed_at, last.digest.clone());
        let tagged = page.iter().filter(|row| row.tag_count > 0).map(|row| row.digest.as_str());
        let count = page.iter().map(|row| usize::try_from(row.tag_count).unwrap_or(0)).sum();
        let tags = by_digest(tags::of_images(rows, repository, tagged, count)?);
        let children = page.iter().filter(|row| row.parent_count > 0).map(|row| row.digest.as_str());
        let parents = by_digest(manifests::parents_of(rows, repository, children)?);
        let none = Vec::new();
        for row in &page {
            let facts = Facts {
                pushed_at: Some(row.pushed_at),
                last_pulled_at: row.last_pulled_at,
                size_bytes: u64::try_from(row.bytes).unwrap_or(0),
                is_in_use: used.contains(&row.digest),
                is_held: row.hold.is_some(),
                ..Facts::default()
            };
            let reached_by = parents.get(&row.digest).unwrap_or(&none).iter().chain(&row.subject).map(String::as_str);
            let tags = tags.get(&row.digest).unwrap_or(&none).iter().map(String::as_str);
            images.push(&row.digest, facts, tags, reached_by);
        }
    }
}

fn by_digest(found: Vec<(String, String)>) -> HashMap<String, Vec<String>> {
    let mut sorted: HashMap<String, Vec<String>> = HashMap::new();
    for (digest, value) in found {
        sorted.entry(digest).or_default().push(value);
    }
    sorted
}

/// Says what a policy would do.
fn decide(policy: &Policy, images: &gantry_lifecycle::Images, at: Timestamp, protected_tags: &[Pattern]) -> Preview {
    let decisions = evaluate(policy, images, at, protected_tags);
    let acts = decisions.oldest_first().filter_map(|(place, decision)| match decision {
        Decision::Act { rule, action, .. } => Some(PreviewedImage {
            digest: images.digest(place).into(),
            tags: images.tags(place).map(str::to_string).collect(),
            pushed_at: images.facts(place).pushed_at.unwrap_or(at),
            rule,
            action,
        }),
        Decision::Keep(_) => None,
    });
    Preview { images: acts.collect() }
}
