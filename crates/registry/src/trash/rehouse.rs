use super::{
    purge::{self, Trashed, destroy, destructible},
    restore::{hanging_together, refuse_too_many},
};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, blobs, manifests, quotas, repositories as repository_rows, trash, usage};
use gantry_words::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The act that moves an image, with what hangs on it, from the trash of a deleted repository into that of the one that
/// bears its name now. It stays in the trash, as long as it would have.
///
/// The blobs are linked as by a mount. What an index that stays behind names stays there too, besides.
#[derive(Clone, Debug)]
pub(crate) struct MoveTrash {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) digest: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    is_there: bool,
    images: Vec<Trashed>,
    /// Of the images, those that the other repository has already, and whether in its trash.
    known: BTreeMap<String, bool>,
    /// The links of the deleted repository.
    links: BTreeMap<String, blobs::LinkRow>,
    /// Blobs that the other one links.
    linked: BTreeSet<String>,
    /// How many manifests there name a blob that it does not link.
    named_by: BTreeMap<String, manifests::Naming>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The images that are written there.
    copied: Vec<Copied>,
    /// The images that are in the trash there already: they get the tags that they had here.
    tagged: Vec<String>,
    new_links: Vec<blobs::LinkRow>,
    destroyed: Vec<Trashed>,
    at: Timestamp,
}

/// An image that is written elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Copied {
    digest: String,
    /// Its blobs that are linked there then.
    blobs: Vec<String>,
    is_archived: bool,
}

impl Act for MoveTrash {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = ();
    const NAME: &'static str = "registry.move_trash";

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        for repository in BTreeSet::from([self.from, self.to]) {
            rows.lock(&format!("repository {repository}"))?;
        }
        let mut seen = Seen { is_there: repository_rows::by_id(rows, self.to)?.is_some(), ..Seen::default() };
        for row in hanging_together(rows, self.from, &self.digest)? {
            let (lives, is_trash) =
                (manifests::find(rows, self.to, &row.digest)?, trash::find(rows, self.to, &row.digest)?);
            if lives.is_some() || is_trash.is_some() {
                seen.known.insert(row.digest.clone(), is_trash.is_some());
            }
            seen.images.extend(purge::find(rows, self.from, &row.digest)?);
        }
        let named: BTreeSet<String> = seen.images.iter().flat_map(|image| image.named.iter().cloned()).collect();
        for blob in &named {
            rows.lock(&format!("blob {blob}"))?;
        }
        let links = blobs::links(rows, self.from, named.iter().map(String::as_str))?;
        seen.links = links.into_iter().map(|link| (link.digest.clone(), link)).collect();
        let linked = blobs::links(rows, self.to, named.iter().map(String::as_str))?;
        seen.linked = linked.into_iter().map(|link| link.digest).collect();
        for blob in named.into_iter().filter(|blob| !seen.linked.contains(blob)) {
            let count = manifests::naming(rows, self.to, &blob)?;
            seen.named_by.insert(blob, count);
        }
        Ok(seen)
    }

    fn decide(&self, seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        if !seen.is_there {
            return Ok(Plan::default());
        }
        refuse_too_many(seen.images.len(), &self.digest)?;
        let copied: Vec<&Trashed> =
            seen.images.iter().filter(|image| !seen.known.contains_key(&image.digest)).collect();
        let named: BTreeSet<&String> = copied.iter().flat_map(|image| &image.named).collect();
        let missing = named.into_iter().filter(|blob| !seen.linked.contains(*blob));
        let new_link = |link: &blobs::LinkRow| {
            let named_by = seen.named_by.get(&link.digest).copied().unwrap_or_default();
            blobs::LinkRow {
                manifest_count: named_by.manifests,
                archived_count: named_by.archived,
                candidate_since: (named_by.manifests == 0).then_some(now),
                ..link.clone()
            }
        };
        let new_links: Vec<_> = missing.filter_map(|blob| seen.links.get(blob)).map(new_link).collect();
        let is_linked = |blob: &&String| seen.linked.contains(*blob) || seen.links.contains_key(*blob);
        let copy = |image: &Trashed| Copied {
            digest: image.digest.clone(),
            blobs: image.named.iter().filter(is_linked).cloned().collect(),
            is_archived: image.was_archived,
        };
        Ok(Plan {
            copied: copied.into_iter().map(copy).collect(),
            tagged: seen.known.into_iter().filter_map(|(digest, is_trash)| is_trash.then_some(digest)).collect(),
            new_links,
            destroyed: destructible(seen.images),
            at: now,
        })
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<(), Fault> {
        let mut counts = repository_rows::Counts::default();
        let copies = || plan.new_links.iter().map(|link| link.copy);
        if !plan.new_links.is_empty() {
            usage::count_unique(tx, copies(), -1)?;
        }
        for link in &plan.new_links {
            blobs::insert_link(tx, self.to, link)?;
            blobs::count_copy(tx, link.copy, 1)?;
            counts.blob_bytes += link.size;
        }
        if !plan.new_links.is_empty() {
            usage::count_unique(tx, copies(), 1)?;
        }
        for Copied { digest, blobs, is_archived } in &plan.copied {
            trash::copy(tx, self.from, self.to, digest)?;
            if !blobs.is_empty() {
                blobs::name(tx, self.to, blobs.iter().map(String::as_str))?;
            }
            if *is_archived {
                blobs::count_archived(tx, self.to, blobs.iter().map(String::as_str), 1)?;
            }
        }
        for digest in &plan.tagged {
            trash::copy_tags(tx, self.from, self.to, digest)?;
        }
        repository_rows::count(tx, self.to, counts)?;
        quotas::count_linked(tx, self.to, counts.blob_bytes, copies())?;
        for image in &plan.destroyed {
            destroy(tx, self.from, image, plan.at)?;
        }
        Ok(())
    }
}
