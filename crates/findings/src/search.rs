//! What all images of a registry hold, and what is wrong with it, by package, by flaw and by secret.
//!
//! | file | what |
//! |---|---|
//! | `search/index.rs` | which image holds which package, in memory, each version of a package once |
//! | `search/index/rematch.rs` | which flaws they have, by one generation of advisories and then by the next |
//! | `search/index/order.rs` | the flaws in the orders in which they are listed |
//! | `search/questions.rs` | what is asked for, and what is answered |
//! | `search/questions/walk.rs` | a page of flaws, from where the page before ended |
//! | `search/refresh.rs` | brings the index up to date when somebody asks |
//! | `search/seen.rs` | since when flaws are in repositories: what is new and what is gone |
//! | `search/files.rs` | which image holds which file that belongs to no package |
//! | `search/secrets.rs` | which image holds which secret |
//! | `search/first_seen.rs` | since when flaws of one image are known |
//! | `search/running.rs` | which images somebody runs, by the reports that count |
//! | `search/bases.rs` | from which image another was made |
//! | `search/history.rs` | writes that down, and what is counted each day |
//! | `search/vex.rs` | what VEX documents say of all images |

mod bases;
mod files;
mod first_seen;
mod history;
mod index;
mod questions;
mod refresh;
mod running;
mod secrets;
mod seen;
mod vex;

use crate::scans::Scans;
pub use bases::{BaseImage, SeverityCounts};
use files::RememberedLists;
pub(crate) use files::filter_to_keep;
pub use files::{FoundFile, FoundFiles};
pub use first_seen::FirstSeen;
use gantry_fault::Fault;
use gantry_metadata::{Reader, tags};
use gantry_words::{Cx, Page, Timestamp};
pub(crate) use history::ForgetHistory;
use history::Noted;
pub use history::{GoneFlaw, GonePlace, NotedFindings, TrendDay};
use index::Index;
use questions::Lens;
pub use questions::{
    FlawOrder, FlawPlace, FlawQuestion, FoundFlaw, FoundImage, FoundImages, FoundPackage, IMAGES_SHOWN_MAX,
    PATHS_SHOWN_MAX, PackagePlace, PackageQuestion, Visible,
};
pub use secrets::{FoundSecret, SecretPlace, SecretQuestion};
use seen::Open;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::Mutex;
use vex::HeldVex;

/// Tags of an image that are shown.
const TAGS_SHOWN_MAX: usize = 20;

/// The index, and when it was last brought up to date.
#[derive(Default)]
pub(crate) struct Search {
    index: RwLock<Index>,
    /// Lists of files that were looked through lately.
    lists: RememberedLists,
    /// What VEX documents say of its images.
    vex: RwLock<Arc<HeldVex>>,
    /// Since when flaws are in repositories; read, where both are, within the index.
    open: RwLock<Open>,
    /// Who holds it brings the index up to date; nobody else does meanwhile, nor changes it.
    refreshed: Arc<Mutex<Option<Timestamp>>>,
    /// Who holds it writes down what is new; taken before `refreshed`.
    noted: Mutex<Noted>,
}

impl Search {
    fn read<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn vex(&self) -> Arc<HeldVex> {
        self.vex.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Scans {
    /// Finds flaws in the images of the repositories in `visible`, the worst first: up to `count` after a place. What is
    /// late, and what runs, depends on the time of `cx`.
    ///
    /// However many flaws there are, it looks at those alone that come from the place on until the page is full; those in images that may
    /// not be seen, or that are not asked for, are passed over.
    ///
    /// The first question after a start reads what every image holds, and one after new advisories matches the packages of which they say
    /// something else.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn find_flaws(
        &self,
        cx: &Cx,
        visible: Visible,
        question: FlawQuestion,
        after: Option<FlawPlace>,
        count: usize,
    ) -> Result<Page<FoundFlaw>, Fault> {
        let (search, deadlines, now) = (self.search.clone(), self.registry.images.scan_deadlines().clone(), cx.now);
        let running = if question.is_running { Some(self.running_images(cx).await?) } else { None };
        self.answer(move |index| {
            let mut page = search.with_open(|open| {
                let (vex, running) = (&search.vex(), running.as_ref());
                let lens = Lens { index, visible: &visible, vex, open, deadlines: &deadlines, running, now };
                questions::flaws(&lens, &question, after.as_ref(), count)
            });
            questions::add_titles(index, &mut page.items).map_err(Fault::internal)?;
            Ok(page)
        })
        .await
    }

    /// Finds packages in the images of the repositories in `visible`, by name and version: up to `count` after a place.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn find_packages(
        &self,
        visible: Visible,
        question: PackageQuestion,
        after: Option<PackagePlace>,
        count: usize,
    ) -> Result<Page<FoundPackage>, Fault> {
        self.answer(move |index| Ok(questions::packages(index, &visible, &question, after.as_ref(), count))).await
    }

    /// Finds secrets in the layers of the images of the repositories in `visible`, the worst first: up to `count` after a place.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn find_secrets(
        &self,
        visible: Visible,
        question: SecretQuestion,
        after: Option<SecretPlace>,
        count: usize,
    ) -> Result<Page<FoundSecret>, Fault> {
        self.answer(move |index| Ok(secrets::secrets(index, &visible, &question, after.as_ref(), count))).await
    }

    /// Answers a question by the index as it is now, on a thread that may take its time.
    async fn answer<T: AsMut<FoundImages> + Send + 'static>(
        &self,
        look: impl FnOnce(&Index) -> Result<Page<T>, Fault> + Send + 'static,
    ) -> Result<Page<T>, Fault> {
        self.refresh().await?;
        let search = self.search.clone();
        let look = move || search.read(look);
        let mut page = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)??;
        self.complete(page.items.iter_mut().flat_map(|found| &mut found.as_mut().shown).collect()).await?;
        Ok(page)
    }

    /// Says of images by which tags they are known.
    async fn add_tags(&self, shown: &mut [&mut FoundImage]) -> Result<(), Fault> {
        // Most images are shown more than once.
        let mut wanted: BTreeMap<i64, HashSet<&str>> = BTreeMap::new();
        for image in shown.iter() {
            wanted.entry(image.repository_id).or_default().insert(&image.digest);
        }
        let own = |digests: HashSet<&str>| digests.into_iter().map(String::from).collect::<Vec<_>>();
        let wanted: Vec<(i64, Vec<String>)> =
            wanted.into_iter().map(|(repository, digests)| (repository, own(digests))).collect();
        let look = move |rows: &mut Reader| {
            let mut known: HashMap<i64, HashMap<String, Vec<String>>> = HashMap::new();
            for (repository, digests) in wanted {
                let count = digests.len() * TAGS_SHOWN_MAX;
                let of_repository = known.entry(repository).or_default();
                for (digest, tag) in tags::of_images(rows, repository, digests.iter().map(String::as_str), count)? {
                    of_repository.entry(digest).or_default().push(tag);
                }
            }
            Ok(known)
        };
        let known = self.metadata.read_long(look).await?;
        for image in shown.iter_mut() {
            let tags = known.get(&image.repository_id).and_then(|known| known.get(&image.digest));
            image.tags = tags.into_iter().flatten().take(TAGS_SHOWN_MAX).cloned().collect();
        }
        Ok(())
    }
}
