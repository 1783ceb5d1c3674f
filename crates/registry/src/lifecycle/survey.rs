//! What policies see of a repository: the one place where it is gathered, for previews, for runs and, again, for the acts
//! of a run.

use gantry_fault::Fault;
use gantry_lifecycle::{Facts, Images, StorageClass};
use gantry_metadata::{
    Reader, archive, inventory, manifests,
    manifests::{ManifestRow, Tagged},
    quarantine, tags,
};
use gantry_words::Timestamp;
use std::collections::{HashMap, HashSet};

/// Images that are read at once.
const PAGE: usize = 5_000;

/// An image as policies see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shot {
    pub(crate) digest: String,
    pub(crate) facts: Facts,
    pub(crate) tags: Vec<String>,
    /// The living indexes that name it, and its subject, whether that is there or not.
    pub(crate) reached_by: Vec<String>,
}

/// The images of a repository.
pub(crate) struct Surveyed {
    pub(crate) images: Images,
    /// Whether one refers to an image that is not there.
    pub(crate) has_orphans: bool,
}

/// Reads all images of a repository, as far as they were pushed until a time, and as they are used now.
pub(crate) fn gather(rows: &mut Reader, repository: i64, now: Timestamp, until: Timestamp) -> Result<Surveyed, Fault> {
    let (mut images, mut subjects) = (Images::default(), HashSet::new());
    let wanted = wanted(rows, repository, now)?;
    let (mut before, mut after) = (until, String::new());
    loop {
        let page = manifests::list(rows, repository, Tagged::Any, "", before, &after, PAGE)?;
        let Some(last) = page.last() else {
            if !subjects.is_empty() {
                for place in 0..images.len() {
                    subjects.remove(images.digest(place));
                }
            }
            return Ok(Surveyed { images, has_orphans: !subjects.is_empty() });
        };
        (before, after) = (last.pushed_at, last.digest.clone());
        subjects.extend(page.iter().filter_map(|row| row.subject.clone()));
        let page = roots(rows, repository, page)?;
        for shot in shots(rows, repository, page, &wanted)? {
            let (tags, reached_by) = (shot.tags.iter(), shot.reached_by.iter());
            images.push(&shot.digest, shot.facts, tags.map(String::as_str), reached_by.map(String::as_str));
        }
    }
}

/// Leaves out what went to the archive with the image that reaches it, and goes or comes back with that.
fn roots(rows: &mut Reader, repository: i64, page: Vec<ManifestRow>) -> Result<Vec<ManifestRow>, Fault> {
    let digests: Vec<&str> = page.iter().filter(|row| row.is_archived()).map(|row| row.digest.as_str()).collect();
    if digests.is_empty() {
        return Ok(page);
    }
    let hanging: HashSet<String> = archive::hanging(rows, repository, digests)?.into_iter().collect();
    Ok(page.into_iter().filter(|row| !hanging.contains(&row.digest)).collect())
}

/// Images of a repository that somebody wants, by their digests.
pub(crate) struct Wanted {
    /// Somebody runs them.
    used: HashSet<String>,
    /// They were pushed under a tag that is not set yet.
    waiting: HashSet<String>,
}

/// Reads which images of a repository somebody wants at a time.
pub(crate) fn wanted(rows: &mut Reader, repository: i64, at: Timestamp) -> Result<Wanted, Fault> {
    let used = inventory::used(rows, repository, at)?.into_iter().collect();
    Ok(Wanted { used, waiting: quarantine::digests(rows, repository)?.into_iter().collect() })
}

/// Reads what else policies see of these images.
pub(crate) fn shots(
    rows: &mut Reader,
    repository: i64,
    page: Vec<ManifestRow>,
    wanted: &Wanted,
) -> Result<Vec<Shot>, Fault> {
    let tagged = page.iter().filter(|row| row.tag_count > 0).map(|row| row.digest.as_str());
    let count = page.iter().map(|row| usize::try_from(row.tag_count).unwrap_or(0)).sum();
    let mut tags = by_digest(tags::of_images(rows, repository, tagged, count)?);
    let children = page.iter().filter(|row| row.parent_count > 0).map(|row| row.digest.as_str());
    let mut parents = by_digest(manifests::parents_of(rows, repository, children)?);
    let shot = |row: ManifestRow| Shot {
        facts: Facts {
            pushed_at: Some(row.pushed_at),
            last_pulled_at: row.last_pulled_at,
            size_bytes: u64::try_from(row.bytes).unwrap_or(0),
            is_in_use: wanted.used.contains(&row.digest),
            is_held: row.hold.is_some(),
            is_in_quarantine: wanted.waiting.contains(&row.digest),
            activated_at: row.activated_at,
            storage_class: if row.is_archived() { StorageClass::Archive } else { StorageClass::Standard },
            transitioned_at: if row.is_archived() { row.archived_at } else { row.activated_at },
        },
        tags: tags.remove(&row.digest).unwrap_or_default(),
        reached_by: parents.remove(&row.digest).unwrap_or_default().into_iter().chain(row.subject).collect(),
        digest: row.digest,
    };
    Ok(page.into_iter().map(shot).collect())
}

fn by_digest(found: Vec<(String, String)>) -> HashMap<String, Vec<String>> {
    let mut sorted: HashMap<String, Vec<String>> = HashMap::new();
    for (digest, value) in found {
        sorted.entry(digest).or_default().push(value);
    }
    sorted
}
