//! Tags that wait: who says so at a push, and how they are let out.

use crate::{
    Images, Registry, Repository,
    archive::ImageStatus,
    images::parse_digest,
    push::{MovedBy, TagMove, move_tag},
    rules::RepositoryRules,
};
use gantry_env::BoxFuture;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Event, Reader, Tx, manifests, quarantine, quarantine::QuarantinedRow, repositories as repository_rows, tags,
};
use gantry_oci::{Digest, Manifest, Tag};
use gantry_words::{Cx, RepositoryName, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// Says whether the tags of a push wait for a verdict of the image. It is asked with every push of a tag, so it only looks up
/// what is decided.
pub trait TagJudge: Send + Sync {
    /// Tells whether tags of this image wait; `manifest` is what `digest` is of, and need not be stored yet.
    fn holds<'a>(
        &'a self,
        cx: &'a Cx,
        repository: &'a Repository,
        digest: &'a Digest,
        manifest: &'a Manifest,
    ) -> BoxFuture<'a, Result<bool, Fault>>;
}

impl Registry {
    /// Hands in who says which tags wait, before anything is pushed. Without him none do. The first stays.
    pub fn hand_judge(&self, judge: Arc<dyn TagJudge>) {
        let _ = self.ports.judge.set(judge);
    }
}

/// A push of a tag that is to be let out of quarantine.
#[derive(Clone, Debug)]
pub struct TagRelease {
    /// The repository's number.
    pub repository: i64,
    /// Its name.
    pub name: RepositoryName,
    /// The tag.
    pub tag: Tag,
    /// The number of the push: a later one of the same tag stays where it is.
    pub push: i64,
    /// Why, for the event: `passes`, or what somebody said.
    pub reason: String,
}

/// What came of letting a tag out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagReleased {
    /// It points to the image now.
    Moved,
    /// It is not there any more: another push has taken its place, or somebody was quicker.
    NotThere,
    /// It was moved or removed since that push, and stays as it is: what waited is forgotten.
    Overtaken,
    /// The image was deleted, and what waited is forgotten.
    ImageGone,
    /// The image is in the archive, or not quite back; the tag waits on.
    NotActive(ImageStatus),
    /// The tag points elsewhere and may not be moved; it waits on.
    Immutable,
}

impl Images {
    /// Says whether tags of a push wait.
    pub(crate) async fn are_tags_held(
        &self,
        cx: &Cx,
        repository: &Repository,
        digest: &Digest,
        manifest: &Manifest,
    ) -> Result<bool, Fault> {
        match self.ports.judge.get() {
            Some(judge) => judge.holds(cx, repository, digest, manifest).await,
            None => Ok(false),
        }
    }

    /// Lets a tag out of quarantine: it moves to the image, in the name of who pushed that.
    ///
    /// # Errors
    /// The metadata cannot be written. Whatever keeps the tag from moving is an answer.
    pub async fn release_tag(&self, cx: &Cx, release: TagRelease) -> Result<TagReleased, Fault> {
        let place = (release.repository, release.tag.clone());
        let released = self.ports.metadata.perform(cx, ReleaseTag(release)).await;
        // Even where the answer is a failure the commit may stand: what is remembered of the tag may be old.
        if let Some(caches) = &self.ports.caches {
            caches.tags.remove(&place);
        }
        released
    }
}

/// The act that lets a tag out of quarantine.
pub(crate) struct ReleaseTag(pub(crate) TagRelease);

/// What is there of a tag that is to be let out.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReleaseSeen {
    row: Option<QuarantinedRow>,
    /// Where the tag points, and since when.
    current: Option<(String, Timestamp)>,
    /// How the image stands; `None` where it does not live.
    status: Option<ImageStatus>,
    rules: RepositoryRules,
}

/// What is done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReleasePlan {
    /// The tag is moved.
    Move { row: Box<QuarantinedRow>, at: Timestamp },
    /// What waited is forgotten.
    Forget(TagReleased),
    /// Nothing.
    Leave(TagReleased),
}

impl Act for ReleaseTag {
    type Seen = ReleaseSeen;
    type Plan = ReleasePlan;
    type Answer = TagReleased;
    const NAME: &'static str = "registry.release_tag";

    fn gather(&self, rows: &mut Reader) -> Result<ReleaseSeen, Fault> {
        let TagRelease { repository, tag, .. } = &self.0;
        rows.lock(&format!("repository {repository}"))?;
        let Some(row) = quarantine::find(rows, *repository, tag.as_str())? else { return Ok(ReleaseSeen::default()) };
        let Some(found) = repository_rows::by_id(rows, *repository)? else { return Ok(ReleaseSeen::default()) };
        let standing = manifests::standing(rows, *repository, &row.digest)?;
        Ok(ReleaseSeen {
            current: tags::find(rows, *repository, tag.as_str())?.map(|tag| (tag.digest, tag.tagged_at)),
            status: standing.filter(|found| found.is_live).map(ImageStatus::from),
            rules: RepositoryRules::read(&found.settings)?,
            row: Some(row),
        })
    }

    fn decide(&self, seen: ReleaseSeen, now: Timestamp) -> Result<ReleasePlan, Fault> {
        let ReleaseSeen { row, current, status, rules } = seen;
        let Some(row) = row.filter(|row| row.id == self.0.push) else {
            return Ok(ReleasePlan::Leave(TagReleased::NotThere));
        };
        if row.previous.clone().zip(row.previous_at) != current {
            return Ok(ReleasePlan::Forget(TagReleased::Overtaken));
        }
        Ok(match status {
            None => ReleasePlan::Forget(TagReleased::ImageGone),
            Some(ImageStatus::Active) if current.is_some() && !rules.tags.may_move(&row.tag) => {
                ReleasePlan::Leave(TagReleased::Immutable)
            }
            Some(ImageStatus::Active) => ReleasePlan::Move { row: Box::new(row), at: now },
            Some(status) => ReleasePlan::Leave(TagReleased::NotActive(status)),
        })
    }

    fn apply(&self, tx: &mut Tx, plan: ReleasePlan) -> Result<TagReleased, Fault> {
        let TagRelease { repository, name, tag, reason, .. } = &self.0;
        match plan {
            ReleasePlan::Leave(answer) => Ok(answer),
            ReleasePlan::Forget(answer) => {
                quarantine::remove(tx, *repository, tag.as_str())?;
                Ok(answer)
            }
            ReleasePlan::Move { row, at } => {
                let body = json!({
                    "repository": name, "tag": tag.as_str(), "digest": row.digest, "previous": row.previous,
                    "pushedBy": row.pushed_by, "pushedAt": row.pushed_at, "reason": reason,
                });
                tx.event(Event { kind: "tag.released", repository: Some(*repository), body })?;
                let counts = repository_rows::Counts {
                    tags: row.previous.is_none().into(),
                    losses: row.previous.is_some().into(),
                    ..Default::default()
                };
                let (digest, by) = (parse_digest(&row.digest)?, &row.pushed_by);
                let moved = TagMove { name: row.tag.clone(), previous: row.previous.clone() };
                let by = MovedBy { actor: by, request_id: &row.request_id };
                move_tag(tx, (*repository, name), &moved, &digest, false, at.into(), &by)?;
                repository_rows::count(tx, *repository, counts)?;
                Ok(TagReleased::Moved)
            }
        }
    }
}

#[cfg(test)]
mod tests;
