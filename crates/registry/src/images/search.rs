//! Images by a query, in all repositories that the asker may see.

mod plan;
#[cfg(test)]
mod tests;
mod walk;

use super::{ImageSummary, Images, list::summaries};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, manifests};
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
    /// What the list is sorted by, within the repository where that is its name.
    key: Option<i64>,
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
    /// Images that are read at a time.
    batch: usize,
}

impl Default for SearchLimits {
    fn default() -> Self {
        SearchLimits { looked_at_max: 20_000, candidates_max: 2_000, batch: 500 }
    }
}

impl Images {
    /// Finds the images of `repositories`, which are in the order of their names, that a query means.
    ///
    /// In the order of repositories, and of time within one, a page looks at no more than it may and says where it ended. Any other
    /// order wants all that is meant to be looked at for each page.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where that is more than a page may look at.
    pub async fn search(
        &self,
        repositories: Vec<SearchedRepository>,
        search: ImageSearch,
    ) -> Result<SearchPage, Fault> {
        self.search_within(repositories, search, SearchLimits::default()).await
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
    let grounds: Vec<Ground> =
        repositories.into_iter().filter_map(|one| plan::ground(&search.query, search.now, one)).collect();
    let plan = plan::plan(search.order, grounds.len());
    let mut walk = Walk::new(rows, search, limits, plan);
    let ended = match plan {
        Plan::Walk { .. } => walk.until(&grounds, search.after.as_ref(), search.count.saturating_add(1))?,
        Plan::Gather => {
            if walk.until(&grounds, None, usize::MAX)?.is_some() {
                return Err(too_many(search.order, limits));
            }
            None
        }
    };
    let (mut found, looked_at) = walk.found();
    if plan == Plan::Gather {
        found.sort_unstable_by(|a, b| compare(search.order, &a.place, &b.place));
        if let Some(after) = &search.after {
            found.retain(|one| compare(search.order, &one.place, after) == Ordering::Greater);
        }
    }
    let is_full = found.len() > search.count;
    found.truncate(search.count);
    let next = if is_full { found.last().map(|last| last.place.clone()) } else { ended };
    let is_cut_short = next.is_some() && !is_full;
    let images = shown(rows, found, search.now)?;
    Ok(SearchPage { images, next, looked_at, is_cut_short })
}

fn too_many(order: Order, limits: SearchLimits) -> Fault {
    let message = format!(
        "For sort={order} every image that may be meant is looked at, and that is more than one search may do: {} images, where a \
         repository counts as ten. Narrow the query, with repository:, tag:, digest: or pushed; or leave the order out, or sort \
         one repository by pushed",
        limits.looked_at_max
    );
    Fault::new(FaultKind::InvalidParameter, message)
}

/// How two places of a list lie to each other.
fn compare(order: Order, one: &SearchPlace, other: &SearchPlace) -> Ordering {
    let turned = |ordering: Ordering| if order.is_descending { ordering.reverse() } else { ordering };
    let by_name = one.repository.cmp(&other.repository);
    let first = match order.column {
        // Within a repository the newest come first.
        SortColumn::Repository => turned(by_name).then_with(|| other.key.cmp(&one.key)),
        SortColumn::Pushed | SortColumn::Tagged | SortColumn::Pulled | SortColumn::Size | SortColumn::Tags => {
            turned(one.key.cmp(&other.key)).then(by_name)
        }
    };
    first.then_with(|| one.digest.cmp(&other.digest))
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
