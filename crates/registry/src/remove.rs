use crate::{
    images::parse_digest,
    protection::{self, Held, ProtectedTags},
};
use gantry_fault::{Detail, Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx, archive as archive_rows, blobs, manifests, manifests::EdgeRow, manifests::ManifestRow,
    quotas, repositories as repository_rows, tags, trash, usage,
};
use gantry_oci::{Digest, Tag};
use gantry_words::{RepositoryName, RequestId, Timestamp};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

/// Tags of one image that are removed with it in one act; an image with more is refused.
const TAGS_MAX: usize = 10_000;

/// The act that removes a manifest and its tags: into the trash, or for good. Then its blobs become candidates for the
/// collection where nothing else names them. Its children lose a parent and stay.
#[derive(Clone, Debug)]
pub(crate) struct RemoveImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    /// Whether it goes to the trash. What an index in the trash names does so in any case.
    pub(crate) is_kept: bool,
    /// The priority of the rule that removes it, where a lifecycle policy does.
    pub(crate) rule: Option<u32>,
    pub(crate) actor: Arc<str>,
    pub(crate) request_id: RequestId,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ImageSeen {
    manifest: Option<ManifestRow>,
    parents: Vec<String>,
    trashed_parents: Vec<String>,
    edges: Vec<EdgeRow>,
    /// Digests linked among those the manifest names.
    links: BTreeSet<String>,
    children: BTreeSet<String>,
    tags: Vec<String>,
    /// What is on hold of the image and all that stands above it.
    held: Option<Held>,
    protected: ProtectedTags,
}

#[cfg(test)]
impl ImageSeen {
    /// An image that can be removed, and names nothing.
    pub(crate) fn of(manifest: ManifestRow) -> Self {
        ImageSeen { manifest: Some(manifest), ..ImageSeen::default() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImagePlan {
    tags: Vec<String>,
    blobs: Vec<String>,
    children: Vec<String>,
    is_kept: bool,
    /// Whether it was in the archive: then its children had lost it as a parent already.
    was_archived: bool,
    /// What it referred to.
    subject: Option<String>,
    at: Timestamp,
}

/// What a removal took with it, for the caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) tags: Vec<String>,
    pub(crate) blobs: Vec<String>,
}

impl Act for RemoveImage {
    type Seen = ImageSeen;
    type Plan = ImagePlan;
    type Answer = Removed;
    const NAME: &'static str = "registry.remove_image";

    fn gather(&self, rows: &mut Reader) -> Result<ImageSeen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let digest = self.digest.as_str();
        let manifest = manifests::find(rows, self.repository, digest)?;
        if manifest.is_none() {
            return Ok(ImageSeen::default());
        }
        let edges = manifests::edges(rows, self.repository, digest)?;
        let of_kind = |wanted: &'static [&'static str]| {
            edges.iter().filter(move |edge| wanted.contains(&edge.kind.as_str())).map(|edge| edge.child.as_str())
        };
        let links = blobs::links(rows, self.repository, of_kind(&["config", "layer"]))?;
        let children = manifests::held(rows, self.repository, of_kind(&["child"]))?;
        Ok(ImageSeen {
            parents: manifests::parents(rows, self.repository, digest, 3)?,
            trashed_parents: trash::parents(rows, self.repository, digest)?,
            links: links.into_iter().map(|link| link.digest).collect(),
            children: children.into_iter().map(|child| child.digest).collect(),
            tags: tags::of_image(rows, self.repository, digest, TAGS_MAX + 1)?,
            held: protection::held(rows, self.repository, digest)?,
            protected: protection::protected_tags(rows, self.repository)?,
            manifest,
            edges,
        })
    }

    fn decide(&self, seen: ImageSeen, now: Timestamp) -> Result<ImagePlan, Fault> {
        if seen.manifest.is_none() {
            return Err(image_not_found(&self.name, self.digest.as_str()));
        }
        if let Some(held) = seen.held.as_ref().filter(|held| held.digest == self.digest.as_str()) {
            return Err(held.refuses(&self.name, self.digest.as_str()));
        }
        if let Some(parent) = seen.parents.first() {
            let message = format!(
                "{} is a child of the index {parent} in the repository '{}' and cannot be removed while that lives; remove the index first",
                self.digest, self.name
            );
            let parents = seen.parents.iter().map(|parent| ("referencedBy", Detail::Text(parent.clone())));
            return Err(parents.fold(Fault::new(FaultKind::ImageReferenced, message), |fault, (name, parent)| {
                fault.with(name, parent)
            }));
        }
        if let Some(held) = &seen.held {
            return Err(held.refuses(&self.name, self.digest.as_str()));
        }
        seen.protected.refuse(&self.name, seen.tags.iter().map(String::as_str))?;
        if seen.tags.len() > TAGS_MAX {
            let message = format!("{} has more than {TAGS_MAX} tags; remove some of them first", self.digest);
            return Err(Fault::new(FaultKind::InvalidParameter, message));
        }
        let is_kept = self.is_kept || !seen.trashed_parents.is_empty();
        let was_archived = seen.manifest.as_ref().is_some_and(|manifest| manifest.is_archived());
        let subject = seen.manifest.and_then(|manifest| manifest.subject);
        // An edge without a link names a nondistributable layer that was never pushed: it was never counted.
        Ok(ImagePlan {
            is_kept,
            was_archived,
            subject,
            tags: seen.tags,
            blobs: seen
                .edges
                .iter()
                .map(|edge| &edge.child)
                .filter(|child| seen.links.contains(*child))
                .cloned()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            children: seen.children.into_iter().collect(),
            at: now,
        })
    }

    fn apply(&self, tx: &mut Tx, plan: ImagePlan) -> Result<Removed, Fault> {
        let digest = self.digest.as_str();
        if plan.is_kept {
            trash::put(tx, self.repository, digest, plan.at, &self.actor)?;
        }
        for tag in &plan.tags {
            tags::remove(tx, self.repository, tag)?;
            let moved = tags::Moved { name: tag, digest: None, previous: Some(digest) };
            tags::remember(tx, self.repository, &moved, plan.at.into(), &self.actor, &self.request_id.to_string())?;
        }
        if !plan.is_kept {
            manifests::delete(tx, self.repository, digest)?;
            if !plan.blobs.is_empty() {
                let blobs = || plan.blobs.iter().map(String::as_str);
                blobs::unname(tx, self.repository, blobs(), plan.was_archived, plan.at)?;
                archive_rows::ask_archived(tx, blobs(), plan.at)?;
            }
        }
        if !plan.children.is_empty() && !plan.was_archived {
            manifests::count_parents(tx, self.repository, plan.children.iter().map(String::as_str), -1)?;
        }
        let counts =
            repository_rows::Counts { images: -1, tags: -(plan.tags.len() as i64), losses: 1, ..Default::default() };
        repository_rows::count(tx, self.repository, counts)?;
        let mut body = json!({"repository": self.name, "digest": digest, "tags": plan.tags, "trash": plan.is_kept});
        if let Some(subject) = plan.subject {
            body["subject"] = subject.into();
        }
        if !plan.children.is_empty() {
            body["children"] = plan.children.into();
        }
        if let Some(rule) = self.rule {
            body["rulePriority"] = rule.into();
        }
        tx.event(Event { kind: "image.removed", repository: Some(self.repository), body })?;
        Ok(Removed { tags: plan.tags, blobs: plan.blobs })
    }
}

/// The act that removes a tag, and the image with its last tag.
#[derive(Clone, Debug)]
pub(crate) struct RemoveTagged {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) tag: Tag,
    /// Whether the image goes to the trash.
    pub(crate) is_kept: bool,
    pub(crate) actor: Arc<str>,
    pub(crate) request_id: RequestId,
}

#[derive(Clone, Debug)]
pub(crate) struct TaggedSeen {
    digest: Digest,
    /// The image, where no other tag names it.
    last: Option<ImageSeen>,
    protected: ProtectedTags,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TaggedPlan {
    /// The tag goes, the image stays.
    Untag(Digest, Timestamp),
    /// Both go.
    Remove(Digest, ImagePlan),
}

impl RemoveTagged {
    fn image(&self, digest: &Digest) -> RemoveImage {
        let RemoveTagged { repository, name, is_kept, actor, request_id, .. } = self.clone();
        RemoveImage { repository, name, digest: digest.clone(), is_kept, rule: None, actor, request_id }
    }
}

impl Act for RemoveTagged {
    type Seen = Option<TaggedSeen>;
    type Plan = TaggedPlan;
    type Answer = (String, Option<Removed>);
    const NAME: &'static str = "registry.remove_tagged";

    fn gather(&self, rows: &mut Reader) -> Result<Option<TaggedSeen>, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let Some(digest) = tags::digest(rows, self.repository, self.tag.as_str())? else { return Ok(None) };
        let others = tags::of_image(rows, self.repository, &digest, 2)?;
        let digest = parse_digest(&digest)?;
        let last = if others.len() < 2 { Some(self.image(&digest).gather(rows)?) } else { None };
        Ok(Some(TaggedSeen { digest, last, protected: protection::protected_tags(rows, self.repository)? }))
    }

    fn decide(&self, seen: Option<TaggedSeen>, now: Timestamp) -> Result<TaggedPlan, Fault> {
        let seen = seen.ok_or_else(|| image_not_found(&self.name, self.tag.as_str()))?;
        let TaggedSeen { digest, last, protected } = seen;
        match last {
            None => {
                protected.refuse(&self.name, [self.tag.as_str()])?;
                Ok(TaggedPlan::Untag(digest, now))
            }
            Some(image) => Ok(TaggedPlan::Remove(digest.clone(), self.image(&digest).decide(image, now)?)),
        }
    }

    fn apply(&self, tx: &mut Tx, plan: TaggedPlan) -> Result<Self::Answer, Fault> {
        match plan {
            TaggedPlan::Remove(digest, plan) => {
                let removed = self.image(&digest).apply(tx, plan)?;
                Ok((digest.to_string(), Some(removed)))
            }
            TaggedPlan::Untag(digest, at) => {
                let RemoveTagged { repository, name, tag, actor, request_id, .. } = self.clone();
                RemoveTag { repository, name, tag, actor, request_id }.apply(tx, (digest.to_string(), at))?;
                Ok((digest.to_string(), None))
            }
        }
    }
}

/// The act that removes a tag, and leaves its image.
#[derive(Clone, Debug)]
pub(crate) struct RemoveTag {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) tag: Tag,
    pub(crate) actor: Arc<str>,
    pub(crate) request_id: RequestId,
}

#[derive(Clone, Debug)]
pub(crate) struct TagSeen {
    digest: String,
    protected: ProtectedTags,
}

impl Act for RemoveTag {
    type Seen = Option<TagSeen>;
    type Plan = (String, Timestamp);
    type Answer = ();
    const NAME: &'static str = "registry.remove_tag";

    fn gather(&self, rows: &mut Reader) -> Result<Option<TagSeen>, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let Some(digest) = tags::digest(rows, self.repository, self.tag.as_str())? else { return Ok(None) };
        Ok(Some(TagSeen { digest, protected: protection::protected_tags(rows, self.repository)? }))
    }

    fn decide(&self, seen: Option<TagSeen>, now: Timestamp) -> Result<Self::Plan, Fault> {
        let seen = seen.ok_or_else(|| image_not_found(&self.name, self.tag.as_str()))?;
        // One on hold may lose its tag: the image stays.
        seen.protected.refuse(&self.name, [self.tag.as_str()])?;
        Ok((seen.digest, now))
    }

    fn apply(&self, tx: &mut Tx, (digest, at): Self::Plan) -> Result<(), Fault> {
        let tag = self.tag.as_str();
        tags::remove(tx, self.repository, tag)?;
        manifests::count_tags(tx, self.repository, &digest, -1)?;
        let counts = repository_rows::Counts { tags: -1, losses: 1, ..Default::default() };
        repository_rows::count(tx, self.repository, counts)?;
        let moved = tags::Moved { name: tag, digest: None, previous: Some(&digest) };
        tags::remember(tx, self.repository, &moved, at.into(), &self.actor, &self.request_id.to_string())?;
        let body = json!({"repository": self.name, "tag": tag, "previous": digest});
        tx.event(Event { kind: "tag.removed", repository: Some(self.repository), body })
    }
}

/// The act that removes a blob no manifest of the repository names. Answers whether its bytes go too.
#[derive(Clone, Debug)]
pub(crate) struct RemoveBlob {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
}

impl Act for RemoveBlob {
    type Seen = Option<blobs::LinkRow>;
    type Plan = blobs::LinkRow;
    type Answer = ();
    const NAME: &'static str = "registry.remove_blob";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        rows.lock(&format!("blob {}", self.digest))?;
        blobs::link(rows, self.repository, self.digest.as_str())
    }

    fn decide(&self, seen: Self::Seen, _now: Timestamp) -> Result<blobs::LinkRow, Fault> {
        let link = seen.ok_or_else(|| blob_not_found(&self.name, &self.digest))?;
        if link.manifest_count > 0 {
            let message = format!(
                "{} is named by {} manifest(s) of the repository '{}', those in the trash included, and cannot be deleted; delete those \
                 first, the collection then takes it",
                self.digest, link.manifest_count, self.name
            );
            return Err(Fault::new(FaultKind::BlobReferenced, message));
        }
        Ok(link)
    }

    fn apply(&self, tx: &mut Tx, link: blobs::LinkRow) -> Result<(), Fault> {
        usage::count_unique(tx, [link.copy], -1)?;
        blobs::unlink(tx, self.repository, [self.digest.as_str()])?;
        blobs::release_copies(tx, [link.copy])?;
        usage::count_unique(tx, [link.copy], 1)?;
        let now = tx.now();
        archive_rows::ask_archived(tx, [self.digest.as_str()], now)?;
        let counts = repository_rows::Counts { blob_bytes: -link.size, ..Default::default() };
        repository_rows::count(tx, self.repository, counts)?;
        quotas::count_unlinked(tx, self.repository, link.size, [link.copy])
    }
}

pub(crate) fn image_not_found(name: &RepositoryName, reference: &str) -> Fault {
    let message = format!("The image {reference:?} does not exist in the repository '{name}'");
    Fault::new(FaultKind::ImageNotFound, message)
}

pub(crate) fn blob_not_found(name: &RepositoryName, digest: &Digest) -> Fault {
    Fault::new(FaultKind::BlobNotFound, format!("The repository '{name}' holds no blob {digest}"))
}

#[cfg(test)]
mod tests;
