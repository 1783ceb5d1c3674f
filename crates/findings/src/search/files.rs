use super::{
    index::Index,
    questions::{FoundImages, Holders, IMAGES_SHOWN_MAX, Visible},
};
use crate::{packing, scans::Scans};
use bytes::Bytes;
use gantry_fault::Fault;
use gantry_metadata::{Reader, scans};
use gantry_scan::{Inventory, LooseFiles, LooseLayer, PathFilter, PathPattern};
use gantry_words::Page;
use quick_cache::{Weighter, sync::Cache};
use serde::Deserialize;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Layers whose files are looked through for one answer at most: a pattern that more of them may have is too wide.
const LAYERS_LOOKED_AT_MAX: usize = 2_000;
/// Layers whose files are read in one go.
const READ_AT_ONCE: usize = 32;
/// Layers whose filters are read in one go.
const FILTERS_AT_ONCE: usize = 500;
/// Bytes of lists of files that are remembered.
const REMEMBERED_BYTES_MAX: u64 = 32 << 20;
/// Lists that are expected to be remembered.
const REMEMBERED: usize = 4_000;

/// Files that belong to no package.
#[derive(Clone, Debug)]
pub struct FoundFiles {
    /// Those of a page, by path.
    pub page: Page<FoundFile>,
    /// Images of which it is not known which files they have: an earlier version read them, or a layer of theirs was read again since.
    pub unknown_images: usize,
    /// Whether there may be more than are found: an image has more files than are kept, or the pattern is too wide.
    pub is_truncated: bool,
}

/// A file that belongs to no package, and the images that hold it.
#[derive(Clone, Debug)]
pub struct FoundFile {
    /// Its path, as its layer names it.
    pub path: String,
    /// Who holds it, each with the layer that brought it.
    pub images: FoundImages,
}

impl AsMut<FoundImages> for FoundFile {
    fn as_mut(&mut self) -> &mut FoundImages {
        &mut self.images
    }
}

/// A layer and a list of its files: its digest, and [`LooseFiles::fingerprint`]. A later version may know other files of it.
type Key = (Arc<str>, Arc<str>);
/// The files of a layer; `None` where there is no such list any more.
type List = (Key, Option<Arc<LooseFiles>>);

/// Which images have which layers, and by what a layer is known not to have a file.
#[derive(Default)]
pub(super) struct HeldFiles {
    layers: HashMap<Key, HeldLayer>,
    of: HashMap<u32, BTreeSet<Key>>,
    /// Images of which it is not known which files they have.
    unknown: HashSet<u32>,
    /// Images that have more files than are kept.
    truncated: HashSet<u32>,
    /// What images hide of a layer: those that are made from the same ones hide the same.
    hidings: HashSet<Arc<LooseLayer>>,
}

#[derive(Default)]
struct HeldLayer {
    filter: Filter,
    images: BTreeMap<u32, Arc<LooseLayer>>,
}

/// By what it is known that a layer has no such file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Filter {
    /// It was not asked for yet.
    #[default]
    Wanted,
    Known(PathFilter),
    /// The layer was not kept, or by an earlier version.
    Missing,
}

impl HeldFiles {
    /// Takes the files of an image of which nothing is known.
    pub(super) fn put(&mut self, image: u32, inventory: &Inventory) {
        let (digests, loose) = (&inventory.layer_digests, inventory.loose.as_deref());
        let Some(loose) = loose.filter(|loose| loose.len() == digests.len()) else {
            self.unknown.insert(image);
            return;
        };
        let mut keys = BTreeSet::new();
        for (digest, layer) in digests.iter().zip(loose) {
            if layer.is_truncated {
                self.truncated.insert(image);
            }
            if layer.list.is_empty() {
                continue;
            }
            let key: Key = (digest.as_str().into(), layer.list.as_str().into());
            let key = self.layers.get_key_value(&key).map_or(key, |(known, _)| known.clone());
            let hiding = self.hiding(layer);
            // The same layer once more, above, hides what it has below.
            let below = self.layers.entry(key.clone()).or_default().images.insert(image, hiding);
            below.into_iter().for_each(|hiding| self.let_go(hiding));
            keys.insert(key);
        }
        if !keys.is_empty() {
            self.of.insert(image, keys);
        }
    }

    fn hiding(&mut self, layer: &LooseLayer) -> Arc<LooseLayer> {
        if let Some(known) = self.hidings.get(layer) {
            return known.clone();
        }
        let new = Arc::new(layer.clone());
        self.hidings.insert(new.clone());
        new
    }

    /// Forgets what an image hid of a layer, unless another hides the same.
    fn let_go(&mut self, hiding: Arc<LooseLayer>) {
        // Besides this one there is that of the set.
        if Arc::strong_count(&hiding) == 2 {
            self.hidings.remove(&*hiding);
        }
    }

    /// Forgets those of an image.
    pub(super) fn remove(&mut self, image: u32) {
        self.unknown.remove(&image);
        self.truncated.remove(&image);
        for key in self.of.remove(&image).unwrap_or_default() {
            let Some(held) = self.layers.get_mut(&key) else { continue };
            let hiding = held.images.remove(&image);
            if held.images.is_empty() {
                self.layers.remove(&key);
            }
            hiding.into_iter().for_each(|hiding| self.let_go(hiding));
        }
    }

    /// The digests of layers whose filters are wanted.
    fn wanted(&self) -> Vec<String> {
        let wanted = self.layers.iter().filter(|(_, held)| held.filter == Filter::Wanted);
        wanted.map(|((digest, _), _)| digest.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Takes the filters of layers that were wanted: of those that are not among them there are none.
    fn set_filters(&mut self, wanted: &[String], kept: Vec<(String, Bytes)>) {
        let wanted: HashSet<&str> = wanted.iter().map(String::as_str).collect();
        let kept: HashMap<String, Bytes> = kept.into_iter().collect();
        let new = self
            .layers
            .iter_mut()
            .filter(|((digest, _), held)| held.filter == Filter::Wanted && wanted.contains(&**digest));
        for ((digest, list), held) in new {
            let known = kept.get(&**digest).and_then(|bytes| kept_filter(bytes, list));
            held.filter = known.map_or(Filter::Missing, Filter::Known);
        }
    }
}

/// What is kept of a layer's filter: which list it is of, and the filter.
pub(crate) fn filter_to_keep(files: &LooseFiles) -> Option<Vec<u8>> {
    files.filter().map(|filter| [files.fingerprint().as_bytes(), filter.as_bytes()].concat())
}

/// Reads it; `None` where it is of another list, or none.
fn kept_filter(bytes: &[u8], list: &str) -> Option<PathFilter> {
    PathFilter::read(bytes.strip_prefix(list.as_bytes())?)
}

/// What a layer holds, as far as it matters here.
#[derive(Deserialize)]
struct FilesOfLayer {
    #[serde(default)]
    loose: LooseFiles,
}

/// Lists of files that were looked through lately.
pub(super) struct RememberedLists(Cache<Key, Arc<LooseFiles>, ByBytes>);

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<LooseFiles>> for ByBytes {
    fn weight(&self, (digest, list): &Key, files: &Arc<LooseFiles>) -> u64 {
        (digest.len() + list.len() + files.byte_count()) as u64 + 128
    }
}

impl Default for RememberedLists {
    fn default() -> Self {
        RememberedLists(Cache::with_weighter(REMEMBERED, REMEMBERED_BYTES_MAX, ByBytes))
    }
}

/// The layers to be looked through for a pattern.
struct Candidates {
    keys: Vec<Key>,
    unknown_images: HashSet<u32>,
    is_truncated: bool,
}

impl Candidates {
    /// Those that may have such a file, and that an image has which may be seen.
    fn of(index: &Index, visible: &Visible, pattern: &PathPattern) -> Candidates {
        let files = index.files();
        let is_visible = |image: &u32| is_visible(index, visible, *image);
        let mut unknown_images: HashSet<u32> =
            files.unknown.iter().copied().filter(|image| is_visible(image)).collect();
        let mut keys = Vec::new();
        for (key, held) in &files.layers {
            match &held.filter {
                Filter::Known(filter) if filter.may_have(pattern) && held.images.keys().any(is_visible) => {
                    keys.push((Reverse(held.images.len()), key.clone()));
                }
                Filter::Known(_) => {}
                Filter::Wanted | Filter::Missing => {
                    unknown_images.extend(held.images.keys().copied().filter(|image| is_visible(image)));
                }
            }
        }
        // Those first that most images have.
        keys.sort_unstable();
        let is_truncated = keys.len() > LAYERS_LOOKED_AT_MAX || files.truncated.iter().any(is_visible);
        keys.truncate(LAYERS_LOOKED_AT_MAX);
        Candidates { keys: keys.into_iter().map(|(_, key)| key).collect(), unknown_images, is_truncated }
    }
}

/// The first paths after a place that fit, while layer by layer is looked through: never more than a page of them.
struct Gathered {
    pattern: PathPattern,
    after: Option<String>,
    count: usize,
    /// Each with the layers that have it, and its place in their lists.
    found: BTreeMap<String, Vec<(Key, u32)>>,
    has_more: bool,
}

impl Gathered {
    /// Looks through the files of layers; returns the images of those that have been read again by a later version meanwhile, or are
    /// gone.
    fn look_through_all(&mut self, index: &Index, visible: &Visible, lists: Vec<List>) -> Vec<u32> {
        let mut unread = Vec::new();
        for (key, files) in lists {
            match (files, index.files().layers.get(&key)) {
                (Some(files), Some(held)) => {
                    self.look_through(&hidings(index, visible, held), &key, files.iter());
                }
                (None, Some(held)) => {
                    unread.extend(held.images.keys().filter(|image| is_visible(index, visible, **image)))
                }
                (_, None) => {}
            }
        }
        unread
    }

    /// Looks through the files of a layer, by path, of which images hide these.
    fn look_through<'a>(&mut self, hidings: &[&LooseLayer], key: &Key, files: impl Iterator<Item = &'a str>) {
        for (place, path) in (0_u32..).zip(files) {
            // So is all that follows.
            if self.has_more && self.is_behind(path) {
                return;
            }
            let is_asked = self.after.as_deref().is_none_or(|after| path > after) && self.pattern.fits(path);
            if is_asked && hidings.iter().any(|layer| layer.shows(place)) {
                self.take(path, key, place);
            }
        }
    }

    /// Whether a path has no place on the page any more.
    fn is_behind(&self, path: &str) -> bool {
        self.found.len() >= self.count && self.found.last_key_value().is_some_and(|(last, _)| path > last.as_str())
    }

    fn take(&mut self, path: &str, key: &Key, place: u32) {
        if let Some(layers) = self.found.get_mut(path) {
            layers.push((key.clone(), place));
            return;
        }
        if self.is_behind(path) {
            self.has_more = true;
            return;
        }
        self.found.insert(path.to_owned(), vec![(key.clone(), place)]);
        if self.found.len() > self.count {
            self.found.pop_last();
            self.has_more = true;
        }
    }

    /// Shows what was found with the images that hold it now.
    fn show(self, index: &Index, visible: &Visible) -> Page<FoundFile> {
        let show = |(path, layers): (String, Vec<(Key, u32)>)| {
            let mut images: BTreeMap<u32, u32> = BTreeMap::new();
            for (mark, (key, place)) in (0_u32..).zip(&layers) {
                let held = index.files().layers.get(key);
                let holders = held.into_iter().flat_map(|held| holders(index, visible, held, *place));
                images.extend(holders.map(|image| (image, mark)));
            }
            let holders = Holders::among(index, visible, images.into_iter())?;
            let marks: Vec<u32> = holders.marks().take(IMAGES_SHOWN_MAX).copied().collect();
            let mut images = holders.show(|_| vec![path.clone()], |_| None);
            for (image, mark) in images.shown.iter_mut().zip(marks) {
                image.layer = layers.get(mark as usize).map(|((digest, _), _)| digest.to_string());
            }
            Some(FoundFile { path, images })
        };
        Page { items: self.found.into_iter().filter_map(show).collect(), has_more: self.has_more }
    }
}

/// What the images that may be seen hide of a layer, each once: many hide the same.
fn hidings<'a>(index: &Index, visible: &Visible, held: &'a HeldLayer) -> Vec<&'a LooseLayer> {
    let mut known = HashSet::new();
    let shown = held.images.iter().filter(|(image, _)| is_visible(index, visible, **image));
    shown.map(|(_, layer)| layer).filter(|layer| known.insert(Arc::as_ptr(layer))).map(Arc::as_ref).collect()
}

/// The images in which the file at a place of a layer's list is to be seen, of those that may be seen.
fn holders<'a>(index: &'a Index, visible: &'a Visible, held: &'a HeldLayer, place: u32) -> impl Iterator<Item = u32> {
    let shown = held.images.iter().filter(move |(_, layer)| layer.shows(place)).map(|(image, _)| *image);
    shown.filter(move |image| is_visible(index, visible, *image))
}

fn is_visible(index: &Index, visible: &Visible, image: u32) -> bool {
    index.image(image).is_some_and(|image| visible.contains_key(&image.place.0))
}

impl Scans {
    /// Finds files that belong to no package in the images of the repositories in `visible`, by path: up to `count` after one.
    ///
    /// Only layers are read whose filters say that they may have such a file; of a pattern that too many may have, the answer is cut.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn find_files(
        &self,
        visible: Visible,
        pattern: PathPattern,
        after: Option<String>,
        count: usize,
    ) -> Result<FoundFiles, Fault> {
        self.refresh().await?;
        let (search, visible) = (self.search.clone(), Arc::new(visible));
        let mut gathered = Gathered { pattern, after, count, found: BTreeMap::new(), has_more: false };
        let (asked, seen) = (gathered.pattern.clone(), visible.clone());
        let look = move || search.read(|index| Candidates::of(index, &seen, &asked));
        let candidates = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)?;
        let Candidates { keys, mut unknown_images, is_truncated } = candidates;
        for some in keys.chunks(READ_AT_ONCE) {
            let lists = self.lists(some).await?;
            let (search, visible) = (self.search.clone(), visible.clone());
            let look = move || {
                let unread = search.read(|index| gathered.look_through_all(index, &visible, lists));
                (gathered, unread)
            };
            let (looked_at, unread) = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)?;
            gathered = looked_at;
            unknown_images.extend(unread);
        }
        let search = self.search.clone();
        let show = move || search.read(|index| gathered.show(index, &visible));
        let mut page = tokio::task::spawn_blocking(show).await.map_err(Fault::internal)?;
        self.complete(page.items.iter_mut().flat_map(|found| &mut found.images.shown).collect()).await?;
        Ok(FoundFiles { page, unknown_images: unknown_images.len(), is_truncated })
    }

    /// Returns the files of layers: those that are remembered, and others from the database.
    async fn lists(&self, keys: &[Key]) -> Result<Vec<List>, Fault> {
        let remembered = |key: &Key| (key.clone(), self.search.lists.0.get(key));
        let mut lists: Vec<List> = keys.iter().map(remembered).collect();
        let missing = lists.iter().filter(|(_, files)| files.is_none());
        let digests: Vec<String> = missing.map(|((digest, _), _)| digest.to_string()).collect();
        if digests.is_empty() {
            return Ok(lists);
        }
        let look = move |rows: &mut Reader| scans::layer_contents(rows, &digests);
        let packed = self.metadata.read_long(look).await?;
        let unpack = move || {
            let unpack = |(digest, packed): (String, Bytes)| {
                let files = packing::unpack::<FilesOfLayer>(&packed)?.loose;
                Some(((Arc::from(digest), Arc::from(files.fingerprint())), Arc::new(files)))
            };
            packed.into_iter().filter_map(unpack).collect::<HashMap<Key, Arc<LooseFiles>>>()
        };
        let read = tokio::task::spawn_blocking(unpack).await.map_err(Fault::internal)?;
        for (key, files) in lists.iter_mut().filter(|(_, files)| files.is_none()) {
            *files = read.get(&*key).cloned();
            if let Some(files) = files {
                self.search.lists.0.insert(key.clone(), files.clone());
            }
        }
        Ok(lists)
    }

    /// Reads the filters of layers that are new to the index.
    pub(super) async fn read_filters(&self) -> Result<(), Fault> {
        let search = self.search.clone();
        let look = move || search.read(|index| index.files().wanted());
        let wanted = tokio::task::spawn_blocking(look).await.map_err(Fault::internal)?;
        for some in wanted.chunks(FILTERS_AT_ONCE) {
            let (digests, search) = (some.to_vec(), self.search.clone());
            let kept = self.metadata.read_long(move |rows: &mut Reader| {
                let kept = scans::path_filters(rows, &digests)?;
                Ok((digests, kept))
            });
            let (digests, kept) = kept.await?;
            // Who writes the index waits for all who read it.
            let put = move || search.write(|index| index.files_mut().set_filters(&digests, kept));
            tokio::task::spawn_blocking(put).await.map_err(Fault::internal)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
