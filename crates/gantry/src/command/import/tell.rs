//! What was before is told where images went: who pushed and tagged them, and when. What cannot be told, or may not be switched on by
//! an import, becomes a note.

use super::past::{ImagePast, Past, RepositoryPast, TagPast};
use crate::{
    moving::{PastTaker, Trouble},
    output::Failure,
};
use gantry_oci::{Digest, Tag};
use gantry_registry::{
    IMAGE_LABEL_NAME_BYTES_MAX, IMAGE_LABEL_VALUE_BYTES_MAX, IMAGE_LABELS_MAX, PAST_ACTOR_BYTES_MAX, PAST_IMAGES_MAX,
    PAST_MOVES_MAX, PAST_TAGS_MAX,
};
use gantry_rest::{
    LifecyclePreviewDocument, PastDocument, PastImageDocument, PastMomentDocument, PastMoveDocument, PastRulesDocument,
    PastTagDocument,
};
use gantry_words::{Moment, Precision, RepositoryName};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Earlier places of one tag that are told: the youngest.
const MOVES_OF_TAG_MAX: usize = 1_000;

/// What was told of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PastDone {
    /// Images that were dated by it.
    pub(super) images_dated: usize,
    /// Tags that were dated by it.
    pub(super) tags_dated: usize,
    /// Moves that histories of tags have now besides.
    pub(super) moves_added: usize,
    /// What its lifecycle policy would do, which is not switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lifecycle: Option<LifecyclePreviewDocument>,
    /// What did not travel, or was changed, a sentence each.
    pub(super) notes: Vec<String>,
}

/// How a past is told.
pub(super) struct Telling<'a> {
    /// What the source is called.
    pub(super) source: &'a str,
    /// A folder for policies that are not switched on.
    pub(super) policies_dir: Option<&'a Path>,
    /// Whether nothing is to be changed.
    pub(super) is_dry_run: bool,
}

impl Telling<'_> {
    /// Tells what was before of a repository whose images are in; `tags` says where its tags point in the source, and `is_new`
    /// whether the import made the repository.
    ///
    /// # Errors
    /// What ends everything: the server is gone.
    pub(super) fn tell(
        &self,
        taker: &dyn PastTaker,
        repository: &RepositoryName,
        past: &Past,
        tags: &BTreeMap<Tag, Digest>,
        is_new: bool,
    ) -> Result<PastDone, Failure> {
        let mut done = PastDone { notes: past.repository.remarks.clone(), ..PastDone::default() };
        if self.is_dry_run {
            done.notes.extend(self.plan_rules(repository, &past.repository, is_new));
            return Ok(done);
        }
        let mut problem = None;
        for part in parts(&word_of(self.source), past, tags) {
            match apart(taker.take_past(repository.as_str(), &part))? {
                Ok(Some(taken)) => {
                    done.images_dated += taken.images;
                    done.tags_dated += taken.tags;
                    done.moves_added += taken.moves;
                }
                Ok(None) => problem = Some("the server is an older one, which takes no times of elsewhere".to_owned()),
                Err(refused) => problem = Some(refused),
            }
            if let Some(problem) = &problem {
                done.notes.push(format!("who pushed and tagged, and when, did not travel: {problem}"));
                break;
            }
        }
        self.tell_rules(taker, repository, &past.repository, is_new && problem.is_none(), &mut done)?;
        self.preview(taker, repository, &past.repository, &mut done)?;
        if let Some(policy) = &past.repository.policy {
            let kept = self.keep(repository, "repository-policy.json", policy);
            done.notes.push(format!("who may pull and push there is not set here: {kept}"));
        }
        Ok(done)
    }

    /// Sets what holds for a repository that the import made; for another one it is said.
    fn tell_rules(
        &self,
        taker: &dyn PastTaker,
        repository: &RepositoryName,
        rules: &RepositoryPast,
        is_new: bool,
        done: &mut PastDone,
    ) -> Result<(), Failure> {
        if !rules.has_rules() {
            return Ok(());
        }
        if !is_new {
            done.notes.extend(unset_rules(rules));
            return Ok(());
        }
        let document =
            PastRulesDocument { is_immutable: rules.is_immutable, resource_tags: rules.resource_tags.clone() };
        let part = PastDocument { source: word_of(self.source), repository: Some(document), ..PastDocument::default() };
        match apart(taker.take_past(repository.as_str(), &part))? {
            Ok(Some(_)) => {}
            Ok(None) => done.notes.extend(unset_rules(rules)),
            Err(problem) => {
                done.notes.extend(unset_rules(rules));
                done.notes.push(format!("they were refused: {problem}"));
            }
        }
        Ok(())
    }

    /// Asks what a lifecycle policy would do here; nothing switches it on.
    fn preview(
        &self,
        taker: &dyn PastTaker,
        repository: &RepositoryName,
        rules: &RepositoryPast,
        done: &mut PastDone,
    ) -> Result<(), Failure> {
        let Some(policy) = &rules.lifecycle else { return Ok(()) };
        let kept = self.keep(repository, "lifecycle-policy.json", policy);
        let would = match apart(taker.preview_lifecycle(repository.as_str(), policy))? {
            Ok(Some(counts)) => {
                done.lifecycle = Some(counts);
                let LifecyclePreviewDocument { images, expiring, archiving } = counts;
                let archived = if archiving > 0 { format!(", and archive {archiving}") } else { String::new() };
                format!("it would delete {expiring} of {images} images{archived}")
            }
            Ok(None) => "the server is an older one, and does not say what it would do".to_owned(),
            Err(problem) => format!("what it would do is not known: {problem}"),
        };
        done.notes.push(format!(
            "lifecycle policy: not switched on; {would}; {kept}; switch it on with: aws ecr put-lifecycle-policy \
             --repository-name {repository} --lifecycle-policy-text file://FILE"
        ));
        Ok(())
    }

    /// What would come of rules and policies: a dry run sets, asks and writes nothing.
    fn plan_rules(&self, repository: &RepositoryName, rules: &RepositoryPast, is_new: bool) -> Vec<String> {
        let mut notes = if is_new { rules_to_set(rules) } else { unset_rules(rules) };
        let kept = |name: &str| match self.policies_dir {
            Some(folder) => {
                let file = folder.join(repository.as_str()).join(name);
                format!("it would be written to {}, and a dry run writes nothing", file.display())
            }
            None => "have it written with --policies-dir DIR".to_owned(),
        };
        if rules.lifecycle.is_some() {
            let kept = kept("lifecycle-policy.json");
            notes.push(format!("lifecycle policy: it would be tried, and not switched on; {kept}"));
        }
        if rules.policy.is_some() {
            let kept = kept("repository-policy.json");
            notes.push(format!("who may pull and push there would not be set here: {kept}"));
        }
        notes
    }

    /// Writes a policy into the folder for those, and says where it is.
    fn keep(&self, repository: &RepositoryName, name: &str, policy: &str) -> String {
        let Some(folder) = self.policies_dir else { return "have it written with --policies-dir DIR".to_owned() };
        let folder: PathBuf = folder.join(repository.as_str());
        let file = folder.join(name);
        match fs::create_dir_all(&folder).and_then(|()| fs::write(&file, policy)) {
            Ok(()) => format!("it is in {}", file.display()),
            Err(error) => format!("it could not be written to {}: {error}", file.display()),
        }
    }
}

/// Tells whether a repository is there; where nobody can say, it is.
///
/// # Errors
/// What ends everything.
pub(super) fn is_there(taker: &dyn PastTaker, repository: &RepositoryName) -> Result<bool, Failure> {
    Ok(apart(taker.has_repository(repository.as_str()))?.unwrap_or(true))
}

/// Takes what concerns this repository alone apart from what ends all.
fn apart<T>(answer: Result<T, Trouble>) -> Result<Result<T, String>, Failure> {
    answer.map(Ok).or_else(|trouble| trouble.of_one().map(Err))
}

/// What holds there for the repository, and is not set here.
fn unset_rules(rules: &RepositoryPast) -> Vec<String> {
    let mut notes = Vec::new();
    if rules.is_immutable == Some(true) {
        notes.push(
            "its tags may not be moved there; that is not set here (aws ecr put-image-tag-mutability)".to_owned(),
        );
    }
    if !rules.resource_tags.is_empty() {
        let tags = resource_tags(rules);
        notes.push(format!("its own tags are not set here (aws ecr tag-resource): {tags}"));
    }
    notes
}

/// What holds there for the repository, and would be set on one that the import makes.
fn rules_to_set(rules: &RepositoryPast) -> Vec<String> {
    let is_immutable = rules.is_immutable == Some(true);
    let immutable = is_immutable.then(|| "its tags may not be moved there; that would be set here".to_owned());
    let has_tags = !rules.resource_tags.is_empty();
    let tags = has_tags.then(|| format!("its own tags would be set here: {}", resource_tags(rules)));
    immutable.into_iter().chain(tags).collect()
}

fn resource_tags(rules: &RepositoryPast) -> String {
    let tags: Vec<String> = rules.resource_tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    tags.join(", ")
}

/// The word by which a source's people are told from those of here: the first of its name, as far as it may stand there.
fn word_of(source: &str) -> String {
    let first = source.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let word: String = first.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-').collect();
    if word.is_empty() { "elsewhere".to_owned() } else { word.chars().take(32).collect() }
}

/// Cuts a past into parts that may be told at once.
fn parts(source: &str, past: &Past, tags: &BTreeMap<Tag, Digest>) -> Vec<PastDocument> {
    let part = || PastDocument { source: source.to_owned(), ..PastDocument::default() };
    let images: Vec<PastImageDocument> = past.images.iter().filter_map(image).collect();
    let images = images.chunks(PAST_IMAGES_MAX).map(|some| PastDocument { images: some.to_vec(), ..part() });
    let mut parts: Vec<PastDocument> = images.collect();
    let (mut open, mut moves) = (part(), 0);
    for (name, past) in &past.tags {
        let Some(told) = tags.get(name).and_then(|digest| tag(name, digest, past)) else { continue };
        if open.tags.len() == PAST_TAGS_MAX || moves + told.earlier.len() > PAST_MOVES_MAX {
            parts.push(std::mem::replace(&mut open, part()));
            moves = 0;
        }
        moves += told.earlier.len();
        open.tags.push(told);
    }
    if !open.tags.is_empty() {
        parts.push(open);
    }
    parts
}

/// What is told of an image; nothing where it is neither known when it was pushed or pulled, nor has labels.
fn image((digest, past): (&Digest, &ImagePast)) -> Option<PastImageDocument> {
    let (pushed, pulled) = (past.pushed.and_then(moment), past.pulled.and_then(moment));
    let labels = past.labels.iter().filter(|(name, _)| !name.trim().is_empty()).take(IMAGE_LABELS_MAX);
    let labels: BTreeMap<String, String> = labels.map(|(name, value)| (label_name(name), label_value(value))).collect();
    (pushed.is_some() || pulled.is_some() || !labels.is_empty()).then(|| PastImageDocument {
        digest: digest.to_string(),
        pushed,
        pushed_by: past.pushed_by.as_deref().and_then(actor),
        pulled,
        labels,
    })
}

/// The name of a label as it may be here: what no name has becomes `_`.
fn label_name(label: &str) -> String {
    let fitting = |c: char| if c.is_control() || c == '=' { '_' } else { c };
    let mut name: String = label.trim().chars().map(fitting).collect();
    name.truncate(name.floor_char_boundary(IMAGE_LABEL_NAME_BYTES_MAX));
    let end = name.trim_end().len();
    name.truncate(end);
    if name.ends_with('-') {
        name.pop();
        name.push('_');
    }
    name
}

/// The value of a label as a line that is not too long.
fn label_value(value: &str) -> String {
    let mut value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    value.truncate(value.floor_char_boundary(IMAGE_LABEL_VALUE_BYTES_MAX));
    value
}

/// What is told of a tag; nothing where it is neither known when it was set, nor where it was before.
fn tag(name: &Tag, digest: &Digest, past: &TagPast) -> Option<PastTagDocument> {
    let set = past.set.and_then(moment);
    let youngest = past.earlier.iter().rev().take(MOVES_OF_TAG_MAX).rev();
    let earlier: Vec<PastMoveDocument> = youngest
        .filter_map(|earlier| {
            let (digest, set_by) = (earlier.digest.to_string(), earlier.by.as_deref().and_then(actor));
            moment(earlier.at).map(|set| PastMoveDocument { digest, set, set_by })
        })
        .collect();
    (set.is_some() || !earlier.is_empty()).then(|| PastTagDocument {
        tag: name.to_string(),
        digest: digest.to_string(),
        set,
        set_by: past.set_by.as_deref().and_then(actor),
        earlier,
    })
}

/// A moment that says something.
fn moment(moment: Moment) -> Option<PastMomentDocument> {
    (moment.precision != Precision::Unknown).then(|| moment.into())
}

/// The name of somebody, as a line that is not too long; nothing where there is none.
fn actor(name: &str) -> Option<String> {
    let line: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    let mut end = line.len().min(PAST_ACTOR_BYTES_MAX);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let line = line[..end].trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests;
