//! Images by a query, in all repositories that the asker may see.

mod narrow;
mod plan;
mod properties;
#[cfg(test)]
mod tests;
mod walk;

use super::{ImageSummary, Images, list::summaries};
use crate::{repositories::Repository, search_index};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Reader,
    image_search::{SortKey, Way},
    manifests,
};
use gantry_query::{Order, Query, SortColumn};
use gantry_words::{RepositoryName, Timestamp};
use plan::{Ground, Plan};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};
use walk::{Found, Walk};

/// A repository whose images may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchedRepository {
    /// Its number in the metadata.
    pub id: i64,
    /// Its name.
    pub name: RepositoryName,
    /// How many images it holds.
    pub image_count: usize,
}

impl From<Repository> for SearchedRepository {
    fn from(Repository { id, name, image_count, .. }: Repository) -> Self {
        SearchedRepository { id, name, image_count: usize::try_from(image_count).unwrap_or(0) }
    }
}

/// What is searched for, and which page of it.
#[derive(Clone, Debug)]
pub struct ImageSearch {
    /// Which images are meant.
    pub query: Query,
    /// What comes first.
    pub order: Order,
    /// The page before ended here.
    pub after: Option<SearchPlace>,
    /// How many images a page may have.
    pub count: usize,
    /// What ages are counted from.
    pub now: Timestamp,
}

/// A place in a list of images: at an image, or between two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPlace {
    repository: String,
    /// The repository's number in the metadata.
    number: i64,
    /// What the list is sorted by, within the repository where that is its name.
    key: Option<i64>,
    /// The same where that is a text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    digest: String,
}

impl SearchPlace {
    /// In which repository it lies.
    pub fn repository(&self) -> &str {
        &self.repository
    }
}

/// An image that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchedImage {
    /// Its repository.
    pub repository: RepositoryName,
    /// When a tag was last set on it.
    pub tagged_at: Option<Timestamp>,
    /// What a listing shows of it.
    pub image: ImageSummary,
}

/// A page of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// The images, in the order that was asked for.
    pub images: Vec<SearchedImage>,
    /// Where the next page begins; none at the end.
    pub next: Option<SearchPlace>,
    /// How many images were looked at for this page.
    pub looked_at: u64,
    /// Whether it ended since no more may be looked at in one go: the next page goes on there.
    pub is_cut_short: bool,
}

/// What one search may cost.
#[derive(Clone, Copy, Debug)]
struct SearchLimits {
    /// Images that are looked at; a statement counts as ten.
    looked_at_max: usize,
    /// Images among which all of a repository are that have a digest, or a tag, that begins so; where there are more, they are not
    /// looked up but passed by in the order of time.
    candidates_max: usize,
    /// Images among which all are, of all repositories, that have a label or a platform; where there are more, these do not say where
    /// to look: many of those that are looked at have it.
    narrowed_max: usize,
    /// Images that are read at a time.
    batch: usize,
}

impl Default for SearchLimits {
    fn default() -> Self {
        SearchLimits { looked_at_max: 20_000, candidates_max: 2_000, narrowed_max: 5_000, batch: 500 }
    }
}

impl Images {
    /// Finds the images of `repositories`, which are in the order of their names, that a query means.
    ///
    /// A page looks at no more than it may and says where it ended: images are read in the order of repositories and of time within one,
    /// or, of all repositories, in that of a column. Where few can be meant all of them are looked at, and sorted; of tag
    /// counts, digests, types, statuses, pushers and classes there is no other way.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where, for that, more would be looked at than a page may.
    pub async fn search(
        &self,
        repositories: Vec<SearchedRepository>,
        search: ImageSearch,
    ) -> Result<SearchPage, Fault> {
        self.search_within(repositories, search, SearchLimits::default()).await
    }

    /// Returns the repositories, of any account, in which all images are that a query can mean; `None` where nothing says so beforehand.
    pub async fn repositories_of(&self, query: &Query, now: Timestamp) -> Result<Option<Vec<i64>>, Fault> {
        let (query, limits) = (query.clone(), SearchLimits::default());
        let look = move |rows: &mut Reader| narrow::narrow(rows, &query, now, limits);
        Ok(self.ports.metadata.read(look).await?.map(|narrowed| narrowed.into_keys().collect()))
    }

    async fn search_within(
        &self,
        repositories: Vec<SearchedRepository>,
        search: ImageSearch,
        limits: SearchLimits,
    ) -> Result<SearchPage, Fault> {
        let look = move |rows: &mut Reader| look(rows, repositories, &search, limits);
        self.ports.metadata.read_long(look).await
    }
}

/// Finds a page.
fn look(
    rows: &mut Reader,
    repositories: Vec<SearchedRepository>,
    search: &ImageSearch,
    limits: SearchLimits,
) -> Result<SearchPage, Fault> {
    let narrowed = narrow::narrow(rows, &search.query, search.now, limits)?;
    let mut grounds: Vec<Ground> = repositories
        .into_iter()
        .filter_map(|one| plan::ground(&search.query, search.now, one, narrowed.as_ref(), limits))
        .collect();
    if search.order.column == SortColumn::Repository && search.order.is_descending {
        grounds.reverse();
    }
    let (mut found, looked_at, ended) = go(rows, search, limits, &grounds)?;
    let is_full = found.len() > search.count;
    found.truncate(search.count);
    let next = if is_full { found.last().map(|last| last.place.clone()) } else { ended };
    let is_cut_short = next.is_some() && !is_full;
    let images = shown(rows, found, search.now)?;
    Ok(SearchPage { images, next, looked_at, is_cut_short })
}

/// Finds those of a page, and one more if there is one, in their order; how many were looked at, and where it ended if no more may be.
fn go(
    rows: &mut Reader,
    search: &ImageSearch,
    limits: SearchLimits,
    grounds: &[Ground],
) -> Result<(Vec<Found>, u64, Option<SearchPlace>), Fault> {
    let count = search.count.saturating_add(1);
    let mut key = plan::along(search.order);
    // Until all images are in the index, only those can be sorted that are looked at.
    let is_filling = key.is_some() && !search_index::is_complete(rows)?;
    if is_filling {
        key = None;
    }
    match plan::plan(search.order, key, grounds, limits) {
        Plan::Walk { is_newest_first } => {
            let mut walk = Walk::new(rows, search, limits, is_newest_first);
            let ended = walk.until(grounds, search.after.as_ref(), count)?;
            let (found, looked_at) = walk.found();
            Ok((found, looked_at, ended))
        }
        Plan::Gather { otherwise } => {
            let mut walk = Walk::new(rows, search, limits, true);
            let is_all = walk.until(grounds, None, usize::MAX)?.is_none();
            let (mut found, looked_at) = walk.found();
            match (is_all, otherwise) {
                (true, _) => {}
                (false, None) => return Err(too_many(search.order, limits, is_filling)),
                (false, Some((key, way))) => return along(rows, search, limits, grounds, (key, way)),
            }
            found.sort_unstable_by(|a, b| compare(search.order, &a.place, &b.place));
            if let Some(after) = &search.after {
                found.retain(|one| compare(search.order, &one.place, after) == Ordering::Greater);
            }
            Ok((found, looked_at, None))
        }
        Plan::Along { key, way } => along(rows, search, limits, grounds, (key, way)),
    }
}

fn along(
    rows: &mut Reader,
    search: &ImageSearch,
    limits: SearchLimits,
    grounds: &[Ground],
    order: (SortKey, Way),
) -> Result<(Vec<Found>, u64, Option<SearchPlace>), Fault> {
    let mut walk = Walk::new(rows, search, limits, true);
    let ended = walk.along(grounds, order, search.after.as_ref(), search.count.saturating_add(1))?;
    let (found, looked_at) = walk.found();
    Ok((found, looked_at, ended))
}

fn too_many(order: Order, limits: SearchLimits, is_filling: bool) -> Fault {
    let soon = if is_filling {
        ". Later it needs no more than that: images are still being put into the index of this order"
    } else {
        ""
    };
    let message = format!(
        "For sort={order} every image that may be meant is looked at, and that is more than one search may do: {} images, where a \
         repository counts as ten. Narrow the query, with repository:, tag:, digest:, label:, platform: or pushed, or choose another \
         order{soon}",
        limits.looked_at_max
    );
    Fault::new(FaultKind::InvalidParameter, message)
}

/// How two places of a list lie to each other.
fn compare(order: Order, one: &SearchPlace, other: &SearchPlace) -> Ordering {
    let turned = |ordering: Ordering| if order.is_descending { ordering.reverse() } else { ordering };
    match order.column {
        // Within a repository the newest come first.
        SortColumn::Repository => turned(one.repository.cmp(&other.repository)).then_with(|| by_key(other, one)),
        SortColumn::Pushed
        | SortColumn::Tagged
        | SortColumn::Pulled
        | SortColumn::Size
        | SortColumn::Tags
        | SortColumn::Digest
        | SortColumn::Type
        | SortColumn::Status
        | SortColumn::Pusher
        | SortColumn::Class => turned(by_key(one, other).then(one.number.cmp(&other.number))),
    }
}

/// How two places lie to each other by what is sorted by, and by their digests.
fn by_key(one: &SearchPlace, other: &SearchPlace) -> Ordering {
    one.key.cmp(&other.key).then_with(|| one.text.cmp(&other.text)).then_with(|| one.digest.cmp(&other.digest))
}

/// Adds what a listing shows, in the same order.
fn shown(rows: &mut Reader, found: Vec<Found>, now: Timestamp) -> Result<Vec<SearchedImage>, Fault> {
    let mut wanted: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for one in &found {
        wanted.entry(one.repository.id).or_default().push(&one.place.digest);
    }
    let mut known: HashMap<(i64, String), ImageSummary> = HashMap::new();
    for (id, digests) in wanted {
        let images = manifests::among(rows, id, digests)?;
        known.extend(summaries(rows, id, images, now)?.into_iter().map(|image| ((id, image.digest.clone()), image)));
    }
    let image = |one: Found| {
        let image = known.remove(&(one.repository.id, one.place.digest))?;
        Some(SearchedImage { repository: one.repository.name, tagged_at: one.tagged_at, image })
    };
    Ok(found.into_iter().filter_map(image).collect())
}
