use super::Images;
use crate::{
    archive::ImageStatus, inventory::ImageUse, protection::Hold, remove::image_not_found, repositories::Repository,
};
use gantry_fault::Fault;
use gantry_metadata::{Reader, image_labels, inventory, manifests, manifests::Tagged, tags};
use gantry_oci::Reference;
use gantry_words::{Page, Precision, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Tags of one image that a listing shows.
const TAGS_SHOWN_MAX: usize = 1_000;

/// Where a list of images goes on: after the one pushed then, of this digest. They come newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePlace {
    /// When the last image seen was pushed.
    pub pushed_at: Timestamp,
    /// Its digest.
    pub digest: String,
}

impl ImagePlace {
    /// Before the newest.
    pub const START: ImagePlace = ImagePlace { pushed_at: Timestamp::from_millis(i64::MAX), digest: String::new() };
}

/// Which images a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagFilter {
    /// All.
    #[default]
    Any,
    /// Those with a tag.
    Tagged,
    /// Those without.
    Untagged,
}

/// Which images a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// By their tags.
    pub tags: TagFilter,
    /// By whether they can be pulled; `None` for all.
    pub status: Option<ImageStatus>,
}

/// What a listing shows of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its digest.
    pub digest: String,
    /// Media type it was pushed with.
    pub media_type: String,
    /// Artifact type, or the config's media type standing for it.
    pub artifact_type: Option<String>,
    /// The manifest it refers to.
    pub subject: Option<String>,
    /// Its tags, at most a thousand.
    pub tags: Vec<String>,
    /// Bytes of what it names.
    pub bytes: u64,
    /// Bytes that whoever pulls it gets: for an index, those of its largest child.
    pub pull_bytes: u64,
    /// Living indexes that name it.
    pub parent_count: i64,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// How well that is known.
    pub pushed_at_precision: Precision,
    /// Who pushed it.
    pub pushed_by: String,
    /// When it was last pulled, as far as that was noted.
    pub last_pulled_at: Option<Timestamp>,
    /// Who holds it, if anybody does.
    pub hold: Option<Hold>,
    /// Who runs it, by the reports that count now.
    pub uses: Vec<ImageUse>,
    /// Labels that people gave it here; those of its configuration are others.
    pub labels: BTreeMap<String, String>,
    /// Whether it can be pulled.
    pub status: ImageStatus,
    /// When it went to the archive last.
    pub archived_at: Option<Timestamp>,
    /// When it came back from there last, or was asked to.
    pub activated_at: Option<Timestamp>,
}

impl Images {
    /// Returns up to `count` images after a place in the list, newest first.
    pub async fn list(
        &self,
        repository: &Repository,
        filter: ImageFilter,
        after: &ImagePlace,
        count: usize,
    ) -> Result<Page<ImageSummary>, Fault> {
        let (id, after, now) = (repository.id, after.clone(), self.ports.env.now());
        let storage_class = filter.status.map_or("", ImageStatus::storage_class);
        let tagged = match filter.tags {
            TagFilter::Any => Tagged::Any,
            TagFilter::Tagged => Tagged::Yes,
            TagFilter::Untagged => Tagged::No,
        };
        let list = move |rows: &mut Reader| {
            let found = manifests::list(rows, id, tagged, storage_class, after.pushed_at, &after.digest, count + 1)?;
            summaries(rows, id, found, now)
        };
        Ok(Page::cut(self.ports.metadata.read_long(list).await?, count))
    }

    /// Returns up to `count` tags after `after`, in the order of their bytes, each with the image it names; only those of images
    /// of one status where it is given.
    pub async fn tagged(
        &self,
        repository: &Repository,
        status: Option<ImageStatus>,
        after: &str,
        count: usize,
    ) -> Result<Page<(String, String)>, Fault> {
        let (id, after) = (repository.id, after.to_string());
        let list = move |rows: &mut Reader| match status {
            None => tags::list(rows, id, &after, count + 1),
            Some(status) => tags::list_of_class(rows, id, status.storage_class(), &after, count + 1),
        };
        let rows = self.ports.metadata.read_long(list).await?;
        Ok(Page::cut(rows, count).map(|row| (row.name, row.digest)))
    }

    /// Returns what a listing shows of one image.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`].
    pub async fn describe(&self, repository: &Repository, reference: &Reference) -> Result<ImageSummary, Fault> {
        let found = self.describe_all(repository, std::slice::from_ref(reference)).await?.pop().flatten();
        found.ok_or_else(|| image_not_found(&repository.name, &reference.to_string()))
    }

    /// Returns what a listing shows of each of these images, in this order; none for one that is not there.
    pub async fn describe_all(
        &self,
        repository: &Repository,
        references: &[Reference],
    ) -> Result<Vec<Option<ImageSummary>>, Fault> {
        let (id, wanted, now) = (repository.id, references.to_vec(), self.ports.env.now());
        let look = move |rows: &mut Reader| {
            let mut digests = Vec::with_capacity(wanted.len());
            for reference in &wanted {
                digests.push(match reference {
                    Reference::Digest(digest) => Some(digest.as_str().to_string()),
                    Reference::Tag(tag) => tags::digest(rows, id, tag.as_str())?,
                });
            }
            let mut found = Vec::new();
            for digest in digests.iter().flatten().collect::<BTreeSet<_>>() {
                found.extend(manifests::find(rows, id, digest)?);
            }
            let found: BTreeMap<String, ImageSummary> =
                summaries(rows, id, found, now)?.into_iter().map(|image| (image.digest.clone(), image)).collect();
            Ok(digests.iter().map(|digest| found.get(digest.as_ref()?).cloned()).collect())
        };
        self.ports.metadata.read_long(look).await
    }
}

/// Adds to manifests what other tables know of them.
pub(super) fn summaries(
    rows: &mut Reader,
    repository: i64,
    found: Vec<manifests::ManifestRow>,
    now: Timestamp,
) -> Result<Vec<ImageSummary>, Fault> {
    let digests = |wanted: fn(&manifests::ManifestRow) -> bool| {
        found.iter().filter(move |row| wanted(row)).map(|row| row.digest.as_str()).collect::<Vec<_>>()
    };
    let (tagged, indexes) = (digests(|row| row.tag_count > 0), digests(|row| row.kind == "index"));
    let mut tags_of: HashMap<String, Vec<String>> = HashMap::new();
    if !tagged.is_empty() {
        let count = tagged.len() * TAGS_SHOWN_MAX;
        for (digest, tag) in tags::of_images(rows, repository, tagged, count)? {
            let tags = tags_of.entry(digest).or_default();
            if tags.len() < TAGS_SHOWN_MAX {
                tags.push(tag);
            }
        }
    }
    let largest: HashMap<String, i64> = if indexes.is_empty() {
        HashMap::new()
    } else {
        manifests::largest_children(rows, repository, indexes)?.into_iter().collect()
    };
    let mut uses_of: HashMap<String, Vec<ImageUse>> = HashMap::new();
    for used in inventory::uses(rows, repository, now, found.iter().map(|row| row.digest.as_str()))? {
        uses_of.entry(used.digest.clone()).or_default().push(used.into());
    }
    let mut labels_of: HashMap<String, BTreeMap<String, String>> = HashMap::new();
    if !found.is_empty() {
        for (digest, name, value) in image_labels::of_images(rows, repository, digests(|_| true))? {
            labels_of.entry(digest).or_default().insert(name, value);
        }
    }
    let summary = |row: manifests::ManifestRow| {
        let pull_bytes = if row.kind == "index" { largest.get(&row.digest).copied().unwrap_or(0) } else { row.bytes };
        ImageSummary {
            tags: tags_of.remove(&row.digest).unwrap_or_default(),
            uses: uses_of.remove(&row.digest).unwrap_or_default(),
            labels: labels_of.remove(&row.digest).unwrap_or_default(),
            hold: row.hold.map(Hold::from),
            digest: row.digest,
            media_type: row.media_type,
            artifact_type: row.artifact_type,
            subject: row.subject,
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            pull_bytes: u64::try_from(pull_bytes).unwrap_or(0),
            parent_count: row.parent_count,
            pushed_at: row.pushed_at,
            pushed_at_precision: row.pushed_at_precision,
            pushed_by: row.pushed_by,
            last_pulled_at: row.last_pulled_at,
            status: ImageStatus::of(&row.storage_class),
            archived_at: row.archived_at,
            activated_at: row.activated_at,
        }
    };
    Ok(found.into_iter().map(summary).collect())
}
