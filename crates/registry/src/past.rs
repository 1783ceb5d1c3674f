//! What was before an import: who pushed and tagged in another system, and when; written onto images and tags that are here.

mod decide;

use crate::{
    documents::{Change, DocumentKind, DocumentSeen, Documents},
    images::Images,
    labels::{LabelChange, labelled},
    repositories::{self, Repositories, Repository},
    resource_tags::{ResourceTagError, ResourceTags},
    rules::{Mutability, RepositoryRules, TagRule},
};
use decide::{Known, Plan, decide};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Reader, Tx, image_labels, past as rows_of_past, repositories as repository_rows, usage};
use gantry_oci::{Digest, Tag};
use gantry_words::{AccountId, Cx, Moment, RepositoryName, RequestId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

/// Images that one call may tell of.
pub const PAST_IMAGES_MAX: usize = 1_000;
/// Tags that one call may tell of.
pub const PAST_TAGS_MAX: usize = 200;
/// Earlier places of all its tags that one call may tell of.
pub const PAST_MOVES_MAX: usize = 10_000;
/// The longest name of who did something elsewhere, in bytes.
pub const PAST_ACTOR_BYTES_MAX: usize = 200;
/// Moves from elsewhere that the history of one tag takes.
const MOVES_OF_TAG_MAX: usize = 1_000;
/// What the names of others begin with here, which no principal of Gantry's own does.
const MARK: &str = "imported:";

/// What a system is that images come from, such as `harbor`: 1 to 32 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastSource(Box<str>);

/// Who did something there, in the words of that system: 1 to 200 bytes of text on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastActor(Box<str>);

/// Why a text is neither a source nor an actor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// A source.
    #[error("a source is 1 to 32 of a-z, 0-9 and '-', such as \"harbor\"")]
    Source,
    /// An actor.
    #[error("who did something is 1 to {PAST_ACTOR_BYTES_MAX} bytes of text on one line, such as \"alice\"")]
    Actor,
}

impl FromStr for PastSource {
    type Err = PastError;
    fn from_str(text: &str) -> Result<Self, PastError> {
        let is_of_it = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=32).contains(&text.len()) && text.bytes().all(is_of_it);
        if fits { Ok(PastSource(text.into())) } else { Err(PastError::Source) }
    }
}

impl FromStr for PastActor {
    type Err = PastError;
    fn from_str(text: &str) -> Result<Self, PastError> {
        let text = text.trim();
        let fits = (1..=PAST_ACTOR_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(PastActor(text.into())) } else { Err(PastError::Actor) }
    }
}

impl fmt::Display for PastSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is told of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastImage {
    /// Its digest.
    pub digest: Digest,
    /// When it was pushed there.
    pub pushed: Option<Moment>,
    /// By whom.
    pub pushed_by: Option<PastActor>,
    /// When it was pulled there last.
    pub pulled: Option<Moment>,
    /// Labels that it has there, if any.
    pub labels: Option<LabelChange>,
}

/// What is told of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTag {
    /// The tag.
    pub tag: Tag,
    /// Where it points there.
    pub digest: Digest,
    /// Since when.
    pub set: Option<Moment>,
    /// Who set it.
    pub set_by: Option<PastActor>,
    /// Where it pointed before, in any order.
    pub earlier: Vec<PastMove>,
}

/// Where a tag pointed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastMove {
    /// To this, which need not be here.
    pub digest: Digest,
    /// Since then.
    pub at: Moment,
    /// Who set it so.
    pub by: Option<PastActor>,
}

/// What is told of the images and tags of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The system that tells it.
    pub source: PastSource,
    /// Of images: up to [`PAST_IMAGES_MAX`].
    pub images: Vec<PastImage>,
    /// Of tags: up to [`PAST_TAGS_MAX`], with up to [`PAST_MOVES_MAX`] earlier places together.
    pub tags: Vec<PastTag>,
}

/// What holds for a repository elsewhere, and is to hold here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastRules {
    /// Whether tags may not be moved. Only that they may not is taken: what is immutable here is not loosened by another system.
    pub is_immutable: Option<bool>,
    /// Tags of the repository itself, which are added.
    pub resource_tags: ResourceTags,
}

impl PastRules {
    /// Has them hold for a repository, in the place of what is set there, as far as they are not looser.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`]; [`FaultKind::ResourceTagsTooMany`] with those that it has.
    pub async fn put(
        self,
        cx: &Cx,
        repositories: &Repositories,
        documents: &Documents,
        repository: &Repository,
    ) -> Result<(), Fault> {
        if self.is_immutable == Some(true) {
            let change = |rules: &mut RepositoryRules| {
                rules.tags = TagRule { mutability: Mutability::Immutable, exceptions: vec![] };
                Ok(())
            };
            repositories.change_rules(cx, &repository.name, change).await?;
        }
        if self.resource_tags.is_empty() {
            return Ok(());
        }
        let more = self.resource_tags;
        let decide = move |seen: &DocumentSeen| {
            let held = ResourceTags::read(seen.document.as_ref().map_or("", |document| &document.body));
            let too_many = |error: ResourceTagError| Fault::new(FaultKind::ResourceTagsTooMany, error.to_string());
            Ok(Change::Write(held.with(&more).map_err(too_many)?.print()))
        };
        documents.change(cx, Some(repository), DocumentKind::ResourceTags, "", Box::new(decide)).await.map(drop)
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PastTaken {
    /// Images of which something is known now that was not before.
    pub images: usize,
    /// Tags that were set at another time than was known, or by somebody else.
    pub tags: usize,
    /// Lines that histories of tags have now besides.
    pub moves: usize,
    /// Images and tags that are told of, and are not here.
    pub missing: usize,
}

impl Images {
    /// Writes a past onto the images and tags that are here; what is not is passed over. Told twice it changes nothing more.
    ///
    /// What whoever asks has pushed himself was brought by him, and is dated as he says, if that is earlier. What another has pushed
    /// here stays as it was seen. Of what is told by several, exact times go before estimates, and earlier ones before later.
    /// Pulls only become later. A history takes only moves that fit before those that it has.
    ///
    /// # Errors
    /// [`FaultKind::RepositoryNotFound`], [`FaultKind::LimitExceeded`].
    pub async fn put_past(&self, cx: &Cx, repository: &Repository, past: Past) -> Result<PastTaken, Fault> {
        past.check()?;
        let act = PutPast {
            account: cx.account,
            repository: repository.id,
            name: repository.name.clone(),
            past,
            actor: cx.actor.clone(),
            request_id: cx.request_id,
        };
        self.ports.metadata.perform(cx, act).await
    }
}

impl Past {
    /// Whether it is told how images and tags came to be at all.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.tags.is_empty()
    }

    /// Whether it tells of labels that images are to have.
    pub fn has_labels(&self) -> bool {
        self.images.iter().any(|image| image.labels.is_some())
    }

    fn check(&self) -> Result<(), Fault> {
        let moves = self.tags.iter().map(|tag| tag.earlier.len()).sum();
        for (count, max, what) in [
            (self.images.len(), PAST_IMAGES_MAX, "images"),
            (self.tags.len(), PAST_TAGS_MAX, "tags"),
            (moves, PAST_MOVES_MAX, "earlier places of tags"),
        ] {
            if count > max {
                let message = format!("It tells of {count} {what}, and may of {max}; tell it in parts");
                return Err(Fault::new(FaultKind::LimitExceeded, message));
            }
        }
        Ok(())
    }
}

/// The act that writes a past down.
struct PutPast {
    account: AccountId,
    repository: i64,
    name: RepositoryName,
    past: Past,
    actor: Arc<str>,
    request_id: RequestId,
}

impl Act for PutPast {
    /// `None` where the repository is gone.
    type Seen = Option<Known>;
    type Plan = Plan;
    type Answer = PastTaken;
    const NAME: &'static str = "registry.put_past";

    fn gather(&self, rows: &mut Reader) -> Result<Option<Known>, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        if repository_rows::by_id(rows, self.repository)?.is_none() {
            return Ok(None);
        }
        let digests: BTreeSet<&str> = self.past.images.iter().map(|image| image.digest.as_str()).collect();
        let names: BTreeSet<&str> = self.past.tags.iter().map(|told| told.tag.as_str()).collect();
        let moved = self.past.tags.iter().filter(|told| !told.earlier.is_empty()).map(|told| told.tag.as_str());
        let moved: Vec<&str> = moved.collect::<BTreeSet<_>>().into_iter().collect();
        let images = rows_of_past::images(rows, self.repository, digests)?;
        let tags = rows_of_past::tags(rows, self.repository, names)?;
        let moves = rows_of_past::moves(rows, self.repository, &moved)?;
        let last_ids = rows_of_past::last_ids(rows, &decide::ranges_of_ids(&self.past))?;
        let labelled = self.past.images.iter().filter(|image| image.labels.is_some());
        let labelled: BTreeSet<&str> = labelled.map(|image| image.digest.as_str()).collect();
        let mut labels: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        if !labelled.is_empty() {
            for (digest, name, value) in image_labels::of_images(rows, self.repository, labelled)? {
                labels.entry(digest).or_default().insert(name, value);
            }
        }
        Ok(Some(Known { labels, ..Known::new(images, tags, moves, last_ids) }))
    }

    fn decide(&self, known: Option<Known>, now: Timestamp) -> Result<Plan, Fault> {
        let known = known.ok_or_else(|| repositories::not_found(&self.name, self.account))?;
        Ok(decide(&self.past, known, &self.actor, now))
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<PastTaken, Fault> {
        for image in &plan.pushed {
            rows_of_past::date_image(tx, self.repository, image)?;
        }
        for (digest, pulled) in &plan.pulled {
            rows_of_past::pulled(tx, self.repository, digest, *pulled)?;
        }
        if let Some(last) = plan.pulled.iter().map(|(_, pulled)| pulled.at).max() {
            usage::pulled(tx, self.repository, last)?;
        }
        for (digest, labels) in &plan.labels {
            image_labels::put(tx, self.repository, digest, labels)?;
            tx.event(labelled(self.repository, &self.name, digest, labels.clone(), &[]))?;
        }
        // Before the moves: a line that is dated anew is found by how it was.
        for (before, after) in &plan.tags {
            rows_of_past::date_tag(tx, self.repository, before, after)?;
        }
        rows_of_past::insert_moves(tx, self.repository, &plan.moves, &self.request_id.to_string())?;
        for (id, previous) in &plan.links {
            rows_of_past::link_move(tx, *id, previous.as_deref())?;
        }
        Ok(plan.taken())
    }
}

#[cfg(test)]
mod tests;
