use crate::{
    archive::ImageStatus,
    quotas::{self, Adds, Blob, Reached},
    repositories,
    rules::RepositoryRules,
    trash,
    trash::Trashed,
};
use bytes::Bytes;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx, archive as archive_rows, blobs, manifests, manifests::EdgeRow, quarantine,
    quarantine::QuarantinedRow, quotas as quota_rows, repositories as repository_rows, tags,
};
use gantry_oci::{Descriptor, Digest, Kind, Manifest, Tag, media_type};
use gantry_words::{AccountId, Moment, RepositoryName, RequestId, Timestamp};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The act that stores a manifest and points tags at it: manifest, edges, counts, tags, history and event in one commit.
#[derive(Clone, Debug)]
pub struct PutImage {
    pub(crate) account: AccountId,
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) manifest: Manifest,
    pub(crate) body: Bytes,
    /// Tags to set, without duplicates.
    pub(crate) tags: Vec<Tag>,
    /// Whether it is an error that everything is as it is to be already.
    pub(crate) refuses_repeat: bool,
    /// Whether tags that would move wait in quarantine instead.
    pub(crate) is_quarantined: bool,
    /// When all this was done before, elsewhere; `None` where it is done now.
    pub(crate) dates: Option<ImageDates>,
    pub(crate) actor: Arc<str>,
    pub(crate) request_id: RequestId,
}

/// When an image came to the registry that it is imported from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDates {
    /// When it was pushed.
    pub pushed: Moment,
    /// When each of its tags was set; those that are missing are set now.
    pub tagged: BTreeMap<Tag, Moment>,
}

/// What was there before a push.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub(crate) repository_exists: bool,
    pub(crate) rules: RepositoryRules,
    pub(crate) is_held: bool,
    /// Whether it can be pulled, where it is held.
    pub(crate) status: ImageStatus,
    /// The image, where it is in the trash.
    pub(crate) trashed: Option<Trashed>,
    /// Blobs held, among those the manifest names, by digest.
    pub(crate) links: BTreeMap<String, blobs::HeldRow>,
    /// Manifests held, among those the index names, by digest.
    pub(crate) children: BTreeMap<String, manifests::HeldRow>,
    /// Where each tag points, in the order of [`PutImage::tags`].
    pub(crate) tags: Vec<Option<String>>,
    /// Since when, in the same order; nothing where no tag waits in quarantine.
    pub(crate) tagged_at: Vec<Option<Timestamp>>,
    /// The quotas that a new image has to be within.
    pub(crate) quotas: Vec<quota_rows::QuotaRow>,
}

/// What a push will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The manifest's edges and bytes; `None` where it is held already.
    pub(crate) store: Option<NewImage>,
    /// The same, where it comes back from the archive: what was pushed can be pulled.
    pub(crate) revived: Option<(NewImage, ImageStatus)>,
    /// The same image in the trash, whose place it takes.
    pub(crate) trashed: Option<Trashed>,
    pub(crate) moves: Vec<TagMove>,
    /// Tags that wait in quarantine, with where they pointed and since when.
    pub(crate) held: Vec<(TagMove, Option<Timestamp>)>,
    /// What is to be told of quotas.
    pub(crate) reached: Vec<Reached>,
    pub(crate) at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NewImage {
    pub(crate) edges: Vec<EdgeRow>,
    pub(crate) bytes: i64,
    /// Blobs that get one more manifest naming them.
    pub(crate) blobs: BTreeSet<String>,
    /// Manifests that get one more parent.
    pub(crate) children: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagMove {
    pub(crate) name: String,
    pub(crate) previous: Option<String>,
}

/// What a push answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutImageAnswer {
    /// Digest of the stored manifest.
    pub digest: Digest,
    /// The subject it refers to: the registry lists it as a referrer.
    pub subject: Option<Digest>,
    /// Whether the manifest is new here.
    pub is_new: bool,
    /// Tags that are not set: they wait in quarantine for a verdict of the image.
    pub quarantined: Vec<Tag>,
}

impl Act for PutImage {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = PutImageAnswer;
    const NAME: &'static str = "registry.put_image";

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let Some(repository) = repository_rows::by_id(rows, self.repository)? else { return Ok(Seen::default()) };
        let rules = RepositoryRules::read(&repository.settings)?;
        let standing = manifests::standing(rows, self.repository, self.digest.as_str())?;
        let is_held = standing.is_some_and(|found| found.is_live);
        let status = standing.map_or(ImageStatus::Active, ImageStatus::from);
        let mut seen = Seen { repository_exists: true, rules, is_held, status, ..Seen::default() };
        if standing.is_some_and(|found| !found.is_live) {
            seen.trashed = trash::find(rows, self.repository, self.digest.as_str())?;
        }
        let named = self.manifest.blobs().chain(&self.manifest.manifests).map(|named| named.digest.as_str());
        let links = blobs::held(rows, self.repository, named)?;
        seen.links = links.into_iter().map(|link| (link.digest.clone(), link)).collect();
        if !self.manifest.manifests.is_empty() {
            let named = self.manifest.manifests.iter().map(|child| child.digest.as_str());
            let children = manifests::held(rows, self.repository, named)?;
            seen.children = children.into_iter().map(|child| (child.digest.clone(), child)).collect();
        }
        for tag in &self.tags {
            if self.is_quarantined {
                let found = tags::find(rows, self.repository, tag.as_str())?;
                seen.tagged_at.push(found.as_ref().map(|found| found.tagged_at));
                seen.tags.push(found.map(|found| found.digest));
            } else {
                seen.tags.push(tags::digest(rows, self.repository, tag.as_str())?);
            }
        }
        if !is_held {
            seen.quotas = quotas::gather(rows, &repository, Blob::UNKNOWN)?;
        }
        Ok(seen)
    }

    fn decide(&self, seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        if !seen.repository_exists {
            return Err(repositories::not_found(&self.name, self.account));
        }
        if self.refuses_repeat && seen.is_held && seen.status == ImageStatus::Active && self.moves_nothing(&seen) {
            return Err(self.repeated());
        }
        self.decide_tags(&seen)?;
        // What was stored before is asked for its parts again: 201 says that the image can be pulled.
        let image = self.decide_image(&seen)?;
        if !seen.is_held {
            self.check_sizes(&seen)?;
        }
        let reached = quotas::decide(&seen.quotas, Adds { images: u64::from(!seen.is_held), ..Adds::default() })?;
        let (store, revived) = match (seen.is_held, seen.status) {
            (false, _) => (Some(image), None),
            (true, ImageStatus::Active) => (None, None),
            (true, from) => (None, Some((image, from))),
        };
        let (moves, held) = self.decide_moves(seen.tags, &seen.tagged_at);
        Ok(Plan { store, revived, trashed: seen.trashed, moves, held, reached, at: now })
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<PutImageAnswer, Fault> {
        let is_new = plan.store.is_some();
        let adopting = plan.store.as_ref().or(plan.revived.as_ref().map(|(image, _)| image));
        let children = adopting.map_or(0, |image| image.children.len());
        if let Some(trashed) = &plan.trashed {
            trash::destroy(tx, self.repository, trashed, plan.at)?;
        }
        if let Some(image) = plan.store {
            self.apply_image(tx, image, &plan.moves, plan.at)?;
        }
        if let Some((image, from)) = &plan.revived {
            self.revive(tx, image, *from, plan.at)?;
        }
        let mut counts =
            repository_rows::Counts { images: is_new.into(), losses: children as i64, ..Default::default() };
        for tag in &plan.moves {
            counts.tags += i64::from(tag.previous.is_none());
            counts.losses += i64::from(tag.previous.as_deref().is_some_and(|image| image != self.digest.as_str()));
            let by = MovedBy { actor: &self.actor, request_id: &self.request_id.to_string() };
            let when = self.tagged(&tag.name, plan.at);
            move_tag(tx, (self.repository, &self.name), tag, &self.digest, is_new, when, &by)?;
        }
        repository_rows::count(tx, self.repository, counts)?;
        if is_new {
            let names: Vec<&str> = plan.moves.iter().map(|tag| tag.name.as_str()).collect();
            let body = json!({
                "repository": self.name, "digest": self.digest.as_str(), "tags": names,
                "mediaType": self.manifest.media_type, "artifactType": self.manifest.listed_artifact_type(),
                "subject": self.manifest.subject.as_ref().map(|subject| subject.digest.as_str()),
            });
            tx.event(Event { kind: "image.pushed", repository: Some(self.repository), body })?;
        }
        for reached in &plan.reached {
            tx.event(reached.event(self.repository))?;
        }
        for (tag, previous_at) in &plan.held {
            self.apply_quarantine(tx, tag, *previous_at, plan.at)?;
        }
        let is_held = |tag: &&Tag| plan.held.iter().any(|(held, _)| held.name == tag.as_str());
        let quarantined = self.tags.iter().filter(is_held).cloned().collect();
        let subject = self.manifest.subject.as_ref().map(|subject| subject.digest.clone());
        Ok(PutImageAnswer { digest: self.digest.clone(), subject, is_new, quarantined })
    }
}

impl PutImage {
    fn moves_nothing(&self, seen: &Seen) -> bool {
        seen.tags.iter().all(|previous| previous.as_deref() == Some(self.digest.as_str()))
    }

    fn repeated(&self) -> Fault {
        let tag = self.tags.first().map_or("null", Tag::as_str);
        let message = format!(
            "Image with digest '{}' and tag '{tag}' already exists in the repository with name '{}' in registry with id '{}'",
            self.digest, self.name, self.account
        );
        Fault::new(FaultKind::ImageExists, message)
    }

    /// Checks that no tag is moved that may not be. Setting it to the image it names already moves nothing.
    fn decide_tags(&self, seen: &Seen) -> Result<(), Fault> {
        let moves = self
            .tags
            .iter()
            .zip(&seen.tags)
            .filter(|(_, previous)| previous.as_deref().is_some_and(|previous| previous != self.digest.as_str()));
        match moves.map(|(tag, _)| tag).find(|tag| !seen.rules.tags.may_move(tag.as_str())) {
            None => Ok(()),
            Some(tag) => {
                let message = format!(
                    "The image tag '{tag}' already exists in the '{}' repository and cannot be overwritten because the tag is immutable.",
                    self.name
                );
                Err(Fault::new(FaultKind::TagImmutable, message))
            }
        }
    }

    /// Says which tags are set and which wait. One that points to the image already moves nowhere, and need not wait.
    fn decide_moves(
        &self,
        previous: Vec<Option<String>>,
        previous_at: &[Option<Timestamp>],
    ) -> (Vec<TagMove>, Vec<(TagMove, Option<Timestamp>)>) {
        let (mut moves, mut held) = (Vec::new(), Vec::new());
        for (place, (tag, previous)) in self.tags.iter().zip(previous).enumerate() {
            let waits = self.is_quarantined && previous.as_deref() != Some(self.digest.as_str());
            let tag = TagMove { name: tag.as_str().into(), previous };
            match waits {
                true => held.push((tag, previous_at.get(place).copied().flatten())),
                false => moves.push(tag),
            }
        }
        (moves, held)
    }

    /// Checks that everything the manifest names is held, and says what must be counted.
    fn decide_image(&self, seen: &Seen) -> Result<NewImage, Fault> {
        let mut image = NewImage::default();
        for (position, child) in self.manifest.manifests.iter().enumerate() {
            let digest = child.digest.as_str();
            // Build caches are indexes that name layers where manifests stand: those are held as blobs.
            if let Some(held) = seen.children.get(digest).filter(|held| held.is_active) {
                image.edge("child", position, child, true);
                image.child(digest, held.bytes);
            } else if seen.links.get(digest).is_some_and(|link| link.is_present) {
                image.edge("layer", position, child, true);
                image.blob(digest, child.size);
            } else {
                return Err(self.missing(seen, FaultKind::ReferencedImagesNotFound, "manifests", position, child));
            }
        }
        let config = self.manifest.config.iter().map(|config| ("config", 0, config));
        let layers = self.manifest.layers.iter().enumerate().map(|(position, layer)| ("layer", position, layer));
        for (kind, position, named) in config.chain(layers) {
            let is_required = kind == "config" || !media_type::is_nondistributable(&named.media_type);
            let link = seen.links.get(named.digest.as_str());
            if is_required && !link.is_some_and(|link| link.is_present) {
                let member = if kind == "config" { "config" } else { "layers" };
                return Err(self.missing(seen, FaultKind::LayersNotFound, member, position, named));
            }
            image.edge(kind, position, named, is_required);
            // Counted also where its bytes are damaged: the link is there, and a push heals it.
            if link.is_some() {
                image.blob(named.digest.as_str(), named.size);
            }
        }
        if let Some(subject) = &self.manifest.subject {
            image.edge("subject", 0, subject, false);
        }
        Ok(image)
    }

    /// Checks that each size given is that of what is held: clients reckon and allocate by it.
    fn check_sizes(&self, seen: &Seen) -> Result<(), Fault> {
        let Manifest { config, layers, manifests, .. } = &self.manifest;
        let config = config.iter().map(|config| ("config", 0, config));
        let layers = layers.iter().enumerate().map(|(position, layer)| ("layers", position, layer));
        let manifests = manifests.iter().enumerate().map(|(position, child)| ("manifests", position, child));
        for (member, position, named) in config.chain(layers).chain(manifests) {
            let digest = named.digest.as_str();
            let of_child = seen.children.get(digest).map(|child| child.size);
            let Some(held) = of_child.or_else(|| seen.links.get(digest).map(|link| link.size)) else { continue };
            if u64::try_from(held) != Ok(named.size) {
                let message = format!(
                    "The manifest gives {digest} as {} a size of {} bytes, but it has {held}; describe it with its own size",
                    place(member, position),
                    named.size
                );
                return Err(Fault::new(FaultKind::ManifestInvalid, message));
            }
        }
        Ok(())
    }

    fn missing(&self, seen: &Seen, kind: FaultKind, member: &str, position: usize, named: &Descriptor) -> Fault {
        let (digest, place, name) = (&named.digest, place(member, position), &self.name);
        let is_archived = seen.children.contains_key(digest.as_str())
            || seen.links.get(digest.as_str()).is_some_and(|link| link.is_archived);
        if is_archived {
            let message = format!(
                "The manifest names {digest} as {place}, which is in the archive of the repository '{name}'; push it again first, or bring the image back with: gantry image restore"
            );
            return Fault::new(kind, message);
        }
        if seen.links.contains_key(digest.as_str()) {
            let message = format!(
                "The manifest names {digest} as {place}, but the bytes of that blob in the repository '{name}' are damaged; push the blob again first"
            );
            return Fault::new(kind, message);
        }
        let what = if kind == FaultKind::LayersNotFound { "blob" } else { "manifest" };
        let message = format!(
            "The manifest names {digest} as {place}, but the repository '{name}' does not hold that {what}; push the {what} first"
        );
        Fault::new(kind, message)
    }

    /// When it was pushed, where that is now.
    fn pushed(&self, now: Timestamp) -> Moment {
        self.dates.as_ref().map_or(now.into(), |dates| dates.pushed)
    }

    /// When a tag was set, where that is now.
    fn tagged(&self, tag: &str, now: Timestamp) -> Moment {
        let dated = self.dates.iter().flat_map(|dates| &dates.tagged).find(|(name, _)| name.as_str() == tag);
        dated.map_or(now.into(), |(_, when)| *when)
    }

    fn apply_image(&self, tx: &mut Tx, image: NewImage, tags: &[TagMove], now: Timestamp) -> Result<(), Fault> {
        let annotations = serde_json::to_string(&self.manifest.annotations).map_err(Fault::internal)?;
        let new = manifests::NewManifest {
            digest: self.digest.as_str(),
            kind: match self.manifest.kind {
                Kind::Image => "image",
                Kind::Index => "index",
            },
            media_type: &self.manifest.media_type,
            artifact_type: self.manifest.listed_artifact_type(),
            subject: self.manifest.subject.as_ref().map(|subject| subject.digest.as_str()),
            bytes: image.bytes,
            tag_count: tags.len() as i64,
            parent_count: 0,
            annotations: &annotations,
            body: self.body.clone(),
            pushed: self.pushed(now),
            tagged: tags.iter().map(|tag| self.tagged(&tag.name, now)).max_by_key(|tagged| tagged.at),
        };
        manifests::insert(tx, self.repository, &new, &image.edges, &self.actor)?;
        if !image.blobs.is_empty() {
            blobs::name(tx, self.repository, image.blobs.iter().map(String::as_str))?;
        }
        if !image.children.is_empty() {
            manifests::count_parents(tx, self.repository, image.children.iter().map(String::as_str), 1)?;
        }
        Ok(())
    }

    /// Takes the image out of the archive: all that it names is at hand.
    fn revive(&self, tx: &mut Tx, image: &NewImage, from: ImageStatus, at: Timestamp) -> Result<(), Fault> {
        archive_rows::take(tx, self.repository, [self.digest.as_str()], true, at)?;
        if from == ImageStatus::Archived {
            blobs::count_archived(tx, self.repository, image.blobs.iter().map(String::as_str), -1)?;
            manifests::count_parents(tx, self.repository, image.children.iter().map(String::as_str), 1)?;
        }
        let body = json!({"digests": [self.digest.as_str()]});
        tx.event(Event { kind: "image.activated", repository: Some(self.repository), body })
    }

    /// Lets a tag wait, in the place of what waited under it.
    fn apply_quarantine(
        &self,
        tx: &mut Tx,
        tag: &TagMove,
        previous_at: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let row = QuarantinedRow {
            id: tx.fresh_id(),
            tag: tag.name.clone(),
            digest: self.digest.to_string(),
            previous: tag.previous.clone(),
            previous_at,
            pushed_by: self.actor.to_string(),
            pushed_at: at,
            request_id: self.request_id.to_string(),
            state: quarantine::WAITING.into(),
            reasons: "[]".into(),
        };
        quarantine::put(tx, self.repository, &row)?;
        let body = json!({
            "repository": self.name, "tag": tag.name, "digest": self.digest.as_str(), "previous": tag.previous,
            "state": row.state,
        });
        tx.event(Event { kind: "tag.quarantined", repository: Some(self.repository), body })
    }
}

/// Who moves a tag, and with which request.
pub(crate) struct MovedBy<'a> {
    pub(crate) actor: &'a str,
    pub(crate) request_id: &'a str,
}

/// Sets a tag, and forgets what waited under it. `is_new` says that the image was written in this act, with its tags counted.
pub(crate) fn move_tag(
    tx: &mut Tx,
    (repository, name): (i64, &RepositoryName),
    tag: &TagMove,
    digest: &Digest,
    is_new: bool,
    when: Moment,
    by: &MovedBy<'_>,
) -> Result<(), Fault> {
    let digest = digest.as_str();
    let stays = tag.previous.as_deref() == Some(digest);
    tags::set(tx, repository, &tag.name, digest, when, by.actor)?;
    quarantine::remove(tx, repository, &tag.name)?;
    if !is_new {
        manifests::tagged(tx, repository, digest, i64::from(!stays), when)?;
    }
    if stays {
        return Ok(());
    }
    if let Some(previous) = &tag.previous {
        manifests::count_tags(tx, repository, previous, -1)?;
    }
    let moved = tags::Moved { name: &tag.name, digest: Some(digest), previous: tag.previous.as_deref() };
    tags::remember(tx, repository, &moved, when, by.actor, by.request_id)?;
    let body = json!({"repository": name, "tag": tag.name, "digest": digest, "previous": tag.previous});
    tx.event(Event { kind: "tag.moved", repository: Some(repository), body })
}

/// Where in a manifest a descriptor stands.
fn place(member: &str, position: usize) -> String {
    if member == "config" { member.into() } else { format!("{member}[{position}]") }
}

impl NewImage {
    fn edge(&mut self, kind: &str, position: usize, named: &Descriptor, is_required: bool) {
        self.edges.push(EdgeRow {
            kind: kind.into(),
            position: position as i64,
            child: named.digest.as_str().into(),
            size: named.size as i64,
            is_required,
        });
    }

    /// A blob is counted once, however often the manifest names it.
    fn blob(&mut self, digest: &str, size: u64) {
        if self.blobs.insert(digest.into()) {
            self.bytes = self.bytes.saturating_add(size as i64);
        }
    }

    fn child(&mut self, digest: &str, bytes: i64) {
        if self.children.insert(digest.into()) {
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }
}

#[cfg(test)]
mod tests;
