use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Act, Event, Reader, Tx, archive as archive_rows, blobs, manifests, trash};
use gantry_words::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

/// An image in the trash, with what has to be known to destroy it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trashed {
    pub(crate) digest: String,
    /// The name that its repository had.
    name: String,
    /// Since when it has been there.
    trashed_at: Timestamp,
    /// Bytes of what it names.
    bytes: u64,
    /// The blobs that it names, those included that it can do without.
    pub(crate) named: BTreeSet<String>,
    /// Those of them that are linked.
    pub(crate) blobs: Vec<String>,
    /// The indexes in the trash that name it.
    parents: Vec<String>,
    /// Whether it was in the archive.
    pub(crate) was_archived: bool,
}

/// Looks an image up in the trash; the repository is locked.
pub(crate) fn find(rows: &mut Reader, repository: i64, digest: &str) -> Result<Option<Trashed>, Fault> {
    let Some(row) = trash::find(rows, repository, digest)? else { return Ok(None) };
    let edges = manifests::edges(rows, repository, digest)?;
    let named = edges.into_iter().filter(|edge| matches!(edge.kind.as_str(), "config" | "layer"));
    let named: BTreeSet<String> = named.map(|edge| edge.child).collect();
    let links = blobs::links(rows, repository, named.iter().map(String::as_str))?;
    Ok(Some(Trashed {
        digest: row.digest,
        name: row.name,
        trashed_at: row.trashed_at,
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        blobs: links.into_iter().map(|link| link.digest).collect(),
        named,
        parents: trash::parents(rows, repository, digest)?,
        was_archived: manifests::standing(rows, repository, digest)?.is_some_and(|found| found.is_archived),
    }))
}

/// Destroys an image in the trash. Its blobs become candidates for the collection where nothing else names them. No
/// manifest loses a parent: an index in the trash is none.
pub(crate) fn destroy(tx: &mut Tx, repository: i64, image: &Trashed, at: Timestamp) -> Result<(), Fault> {
    trash::forget(tx, repository, &image.digest)?;
    manifests::delete(tx, repository, &image.digest)?;
    if !image.blobs.is_empty() {
        blobs::unname(tx, repository, image.blobs.iter().map(String::as_str), image.was_archived, at)?;
        archive_rows::ask_archived(tx, image.blobs.iter().map(String::as_str), at)?;
    }
    Ok(())
}

/// Returns those of `images` that may go: not what an index names that stays in the trash, or it could not be restored whole.
pub(crate) fn destructible(images: Vec<Trashed>) -> Vec<Trashed> {
    let mut going = images;
    loop {
        let digests: BTreeSet<String> = going.iter().map(|image| image.digest.clone()).collect();
        let count = going.len();
        going.retain(|image| image.parents.iter().all(|parent| digests.contains(parent)));
        if going.len() == count {
            return going;
        }
    }
}

/// The act that destroys images in the trash of one repository, which may be deleted.
#[derive(Clone, Debug)]
pub(crate) struct PurgeImages {
    pub(crate) repository: i64,
    pub(crate) digests: Vec<String>,
    /// Only what went to the trash then or before.
    pub(crate) until: Timestamp,
    /// Whether it is a refusal that one of them cannot go.
    pub(crate) must_all_go: bool,
}

/// What was destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) images: u64,
    pub(crate) bytes: u64,
    /// Blobs that may be named by nothing now, for the caches.
    pub(crate) blobs: Vec<String>,
}

impl Act for PurgeImages {
    type Seen = Vec<Trashed>;
    type Plan = (Vec<Trashed>, Timestamp);
    type Answer = Purged;
    const NAME: &'static str = "registry.purge_images";

    fn gather(&self, rows: &mut Reader) -> Result<Vec<Trashed>, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let mut seen = Vec::new();
        for digest in &self.digests {
            seen.extend(find(rows, self.repository, digest)?);
        }
        Ok(seen)
    }

    fn decide(&self, seen: Vec<Trashed>, now: Timestamp) -> Result<Self::Plan, Fault> {
        let due: Vec<_> = seen.into_iter().filter(|image| image.trashed_at <= self.until).collect();
        let all = due.clone();
        let going = destructible(due);
        if let Some(kept) = all.into_iter().find(|image| self.must_all_go && !going.contains(image)) {
            let parent = kept.parents.first().map_or("", String::as_str);
            let message = format!(
                "{} is a child of the index {parent}, which is in the trash of the repository '{}' too and could not be restored \
                 without it; remove the index from the trash first",
                kept.digest, kept.name
            );
            return Err(Fault::new(FaultKind::ImageReferenced, message));
        }
        Ok((going, now))
    }

    fn apply(&self, tx: &mut Tx, (going, at): Self::Plan) -> Result<Purged, Fault> {
        let mut purged = Purged::default();
        for image in going {
            destroy(tx, self.repository, &image, at)?;
            let body = json!({"repository": image.name, "digest": image.digest});
            tx.event(Event { kind: "image.purged", repository: Some(self.repository), body })?;
            purged.images += 1;
            purged.bytes = purged.bytes.saturating_add(image.bytes);
            purged.blobs.extend(image.blobs);
        }
        Ok(purged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(digest: &str, parents: &[&str]) -> Trashed {
        Trashed {
            digest: digest.into(),
            name: "team/app".into(),
            trashed_at: Timestamp::from_millis(10),
            bytes: 0,
            named: BTreeSet::new(),
            blobs: vec![],
            parents: parents.iter().map(ToString::to_string).collect(),
            was_archived: false,
        }
    }

    fn digests(images: Vec<Trashed>) -> Vec<String> {
        images.into_iter().map(|image| image.digest).collect()
    }

    fn purge(until: i64, must_all_go: bool) -> PurgeImages {
        PurgeImages { repository: 1, digests: vec![], until: Timestamp::from_millis(until), must_all_go }
    }

    #[test]
    fn a_child_goes_with_its_index_and_stays_with_it() {
        let nested = || vec![image("leaf", &["middle"]), image("middle", &["root"]), image("alone", &[])];

        let without_root = destructible(nested());
        let with_root = destructible([nested(), vec![image("root", &[])]].concat());

        assert_eq!(digests(without_root), ["alone"]);
        assert_eq!(digests(with_root), ["leaf", "middle", "alone", "root"]);
    }

    #[test]
    fn what_went_to_the_trash_later_is_not_due() {
        let now = Timestamp::from_millis(20);

        let (early, _) = purge(9, false).decide(vec![image("one", &[])], now).unwrap();
        let (due, at) = purge(10, false).decide(vec![image("one", &[])], now).unwrap();

        assert_eq!((early, digests(due), at), (vec![], vec!["one".to_string()], now));
    }

    #[test]
    fn who_asks_for_a_child_alone_is_told_of_its_index() {
        let refused = purge(10, true).decide(vec![image("leaf", &["root"])], Timestamp::from_millis(20)).unwrap_err();

        assert_eq!(refused.kind, FaultKind::ImageReferenced);
        assert!(refused.message.contains("the index root"), "{}", refused.message);
    }
}
