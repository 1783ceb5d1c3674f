use crate::quotas::{self, Adds, Blob, Reached};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Event, Reader, Tx, lifecycle as lifecycle_rows, manifests,
    quotas::QuotaRow,
    repositories as repository_rows, tags,
    trash::{self, TrashRow},
};
use gantry_words::{RepositoryName, RequestId, Timestamp};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// Images that one restoration brings back; where more hang together it is refused.
const IMAGES_MAX: usize = 10_000;

/// The act that takes an image out of the trash, with its children and what refers to it: a child always, a referrer if
/// it went to the trash with the image or after it. What somebody removed while the image lived stays removed.
#[derive(Clone, Debug)]
pub(crate) struct RestoreImage {
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: String,
    /// Whether the tags come back that are free.
    pub(crate) with_tags: bool,
    pub(crate) actor: Arc<str>,
    pub(crate) request_id: RequestId,
}

/// An image that would come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageSeen {
    digest: String,
    children: BTreeSet<String>,
    /// Whether it comes back into the archive: then its children have no parent in it.
    is_archived: bool,
    /// Its tags, and where each points now.
    tags: Vec<(String, Option<String>)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The image that is asked for, and what hangs on it.
    images: Vec<ImageSeen>,
    /// Children that live.
    living: BTreeSet<String>,
    /// Living images that refer to those.
    referrers: i64,
    /// The quotas that count them again.
    quotas: Vec<QuotaRow>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    images: Vec<Restoration>,
    /// Living images that lose their independence.
    referrers: i64,
    /// What is to be told of quotas.
    reached: Vec<Reached>,
    at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Restoration {
    image: RestoredImage,
    children: BTreeSet<String>,
}

/// An image that came back from the trash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoredImage {
    /// Its digest.
    pub digest: String,
    /// The tags that it has again.
    pub tags: Vec<String>,
    /// The tags that it had, and that point to other images now: each with its image.
    pub taken: BTreeMap<String, String>,
}

impl Act for RestoreImage {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = Vec<RestoredImage>;
    const NAME: &'static str = "registry.restore_image";

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        // A deleted one takes nothing back; its trash is moved first.
        let Some(repository) = repository_rows::by_id(rows, self.repository)? else { return Ok(Seen::default()) };
        let mut seen = Seen::default();
        for row in hanging_together(rows, self.repository, &self.digest)? {
            let children = children(rows, self.repository, &row.digest)?;
            let is_archived =
                manifests::standing(rows, self.repository, &row.digest)?.is_some_and(|found| found.is_archived);
            let living = manifests::held(rows, self.repository, children.iter().map(String::as_str))?;
            let living = living.into_iter().filter(|child| child.is_active || is_archived);
            seen.living.extend(living.map(|child| child.digest));
            let names = if self.with_tags { trash::tags(rows, self.repository, &row.digest)? } else { vec![] };
            let mut tags = Vec::new();
            for name in names {
                let digest = tags::digest(rows, self.repository, &name)?;
                tags.push((name, digest));
            }
            seen.images.push(ImageSeen { digest: row.digest, children, is_archived, tags });
        }
        let digests = seen.images.iter().map(|image| image.digest.as_str());
        seen.referrers = lifecycle_rows::referring(rows, self.repository, digests)?;
        seen.quotas = quotas::gather(rows, &repository, Blob::UNKNOWN)?;
        Ok(seen)
    }

    fn decide(&self, seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        if seen.images.is_empty() {
            return Err(not_in_trash(&self.name, &self.digest));
        }
        refuse_too_many(seen.images.len(), &self.digest)?;
        let coming: BTreeSet<&str> = seen.images.iter().map(|image| image.digest.as_str()).collect();
        let mut set = BTreeSet::new();
        // What comes back was there before: no quota keeps it out.
        let reached = quotas::reached(&seen.quotas, Adds { images: seen.images.len() as u64, ..Adds::default() });
        let mut plan = Plan { images: Vec::new(), referrers: seen.referrers, reached, at: now };
        for image in &seen.images {
            let is_there = |child: &&String| seen.living.contains(*child) || coming.contains(child.as_str());
            if let Some(gone) = image.children.iter().find(|child| !is_there(child)) {
                let message = format!(
                    "The index {} cannot be restored whole: its child {gone} is neither in the repository '{}' nor in the trash, or is in the archive; push that first",
                    image.digest, self.name
                );
                return Err(Fault::new(FaultKind::ReferencedImagesNotFound, message));
            }
            let mut restored = RestoredImage { digest: image.digest.clone(), ..RestoredImage::default() };
            for (tag, points_to) in &image.tags {
                match points_to {
                    Some(other) => drop(restored.taken.insert(tag.clone(), other.clone())),
                    // Of two that come back together the first gets it: the one that was asked for, if it had it.
                    None if set.insert(tag.clone()) => restored.tags.push(tag.clone()),
                    None => drop(restored.taken.insert(tag.clone(), owner_of(&plan, tag))),
                }
            }
            let children = if image.is_archived { BTreeSet::new() } else { image.children.clone() };
            plan.images.push(Restoration { image: restored, children });
        }
        Ok(plan)
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<Vec<RestoredImage>, Fault> {
        let mut counts = repository_rows::Counts { losses: plan.referrers, ..Default::default() };
        for Restoration { image, .. } in &plan.images {
            trash::revive(tx, self.repository, &image.digest)?;
        }
        for Restoration { image, children } in &plan.images {
            if !children.is_empty() {
                manifests::count_parents(tx, self.repository, children.iter().map(String::as_str), 1)?;
            }
            for tag in &image.tags {
                self.apply_tag(tx, tag, &image.digest, plan.at)?;
            }
            counts.images += 1;
            counts.losses += children.len() as i64;
            counts.tags += image.tags.len() as i64;
            let body = json!({"repository": self.name, "digest": image.digest, "tags": image.tags});
            tx.event(Event { kind: "image.restored", repository: Some(self.repository), body })?;
        }
        repository_rows::count(tx, self.repository, counts)?;
        for reached in &plan.reached {
            tx.event(reached.event(self.repository))?;
        }
        Ok(plan.images.into_iter().map(|restoration| restoration.image).collect())
    }
}

impl RestoreImage {
    fn apply_tag(&self, tx: &mut Tx, tag: &str, digest: &str, at: Timestamp) -> Result<(), Fault> {
        tags::set(tx, self.repository, tag, digest, at.into(), &self.actor)?;
        manifests::tagged(tx, self.repository, digest, 1, at.into())?;
        let moved = tags::Moved { name: tag, digest: Some(digest), previous: None };
        tags::remember(tx, self.repository, &moved, at.into(), &self.actor, &self.request_id.to_string())?;
        let body = json!({"repository": self.name, "tag": tag, "digest": digest, "previous": null});
        tx.event(Event { kind: "tag.moved", repository: Some(self.repository), body })
    }
}

/// Returns the digests that an index names as its children.
fn children(rows: &mut Reader, repository: i64, digest: &str) -> Result<BTreeSet<String>, Fault> {
    let edges = manifests::edges(rows, repository, digest)?;
    Ok(edges.into_iter().filter(|edge| edge.kind == "child").map(|edge| edge.child).collect())
}

/// Returns an image in the trash and what comes back with it: its children, and what refers to it and went when it did, or
/// later; of each of those the same. One more than may be, where they are too many; none, where the image is not there.
pub(crate) fn hanging_together(rows: &mut Reader, repository: i64, digest: &str) -> Result<Vec<TrashRow>, Fault> {
    let (mut found, mut known) = (Vec::new(), BTreeSet::from([digest.to_string()]));
    let mut waiting = VecDeque::from([digest.to_string()]);
    while let Some(digest) = waiting.pop_front() {
        let Some(row) = trash::find(rows, repository, &digest)? else { continue };
        let named = children(rows, repository, &digest)?;
        let mut more = trash::among(rows, repository, named.iter().map(String::as_str))?;
        let mut referrers = trash::referrers(rows, repository, &digest, row.trashed_at)?;
        // In an order of their own, whatever the database's: it decides which of two gets a tag.
        more.sort_unstable();
        referrers.sort_unstable();
        more.extend(referrers);
        waiting.extend(more.into_iter().filter(|digest| known.insert(digest.clone())));
        found.push(row);
        if found.len() > IMAGES_MAX {
            break;
        }
    }
    Ok(found)
}

/// Refuses to take so many images out of the trash at once.
pub(crate) fn refuse_too_many(images: usize, digest: &str) -> Result<(), Fault> {
    if images <= IMAGES_MAX {
        return Ok(());
    }
    let message = format!("More than {IMAGES_MAX} images in the trash hang on {digest}; restore some of those first");
    Err(Fault::new(FaultKind::InvalidParameter, message))
}

fn owner_of(plan: &Plan, tag: &str) -> String {
    let owner = plan.images.iter().find(|restoration| restoration.image.tags.iter().any(|own| own == tag));
    owner.map(|restoration| restoration.image.digest.clone()).unwrap_or_default()
}

pub(crate) fn not_in_trash(name: &RepositoryName, reference: &str) -> Fault {
    let message = format!(
        "The trash holds no image {reference:?} of the repository '{name}'. See what there is with: gantry trash ls {name}"
    );
    Fault::new(FaultKind::ImageNotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restore() -> RestoreImage {
        RestoreImage {
            repository: 1,
            name: "team/app".parse().unwrap(),
            digest: "index".into(),
            with_tags: true,
            actor: "somebody".into(),
            request_id: RequestId::new([7; 16]),
        }
    }

    fn image(digest: &str, children: &[&str], tags: &[(&str, Option<&str>)]) -> ImageSeen {
        ImageSeen {
            digest: digest.into(),
            children: children.iter().map(ToString::to_string).collect(),
            is_archived: false,
            tags: tags.iter().map(|(tag, digest)| (tag.to_string(), digest.map(str::to_string))).collect(),
        }
    }

    fn decide(images: Vec<ImageSeen>, living: &[&str]) -> Result<Vec<RestoredImage>, Fault> {
        let living = living.iter().map(ToString::to_string).collect();
        let plan = restore().decide(Seen { images, living, ..Seen::default() }, Timestamp::from_millis(1))?;
        Ok(plan.images.into_iter().map(|restoration| restoration.image).collect())
    }

    #[test]
    fn free_tags_come_back_and_taken_ones_are_named_with_their_images() {
        let restored = decide(vec![image("index", &[], &[("v1", None), ("latest", Some("other"))])], &[]).unwrap();

        assert_eq!(restored[0].tags, ["v1"]);
        assert_eq!(restored[0].taken, BTreeMap::from([("latest".to_string(), "other".to_string())]));
    }

    #[test]
    fn of_two_that_had_one_tag_the_one_that_was_asked_for_gets_it() {
        let images = vec![image("index", &["child"], &[("v1", None)]), image("child", &[], &[("v1", None)])];

        let restored = decide(images, &[]).unwrap();

        assert_eq!((restored[0].tags.len(), restored[1].tags.len()), (1, 0));
        assert_eq!(restored[1].taken["v1"], "index");
    }

    #[test]
    fn an_index_comes_back_only_with_all_its_children() {
        let index = || image("index", &["living", "trashed"], &[]);

        let whole = decide(vec![index(), image("trashed", &[], &[])], &["living"]);
        let lacking = decide(vec![index()], &["living"]);

        assert_eq!(whole.unwrap().len(), 2);
        assert_eq!(lacking.unwrap_err().kind, FaultKind::ReferencedImagesNotFound);
    }

    #[test]
    fn what_is_not_in_the_trash_is_not_found_and_it_is_said_where_to_look() {
        let refused = decide(vec![], &[]).unwrap_err();

        assert_eq!(refused.kind, FaultKind::ImageNotFound);
        assert!(refused.message.contains("gantry trash ls team/app"), "{}", refused.message);
    }
}
