//! What a registry should hold, told in the plainest way: sets, and walks over all of them.

use super::{GRACE, plan::Layer};
use super::{
    stock::{Content, Stock},
    trash::Trashed,
};
use gantry_fault::FaultKind;
use gantry_oci::{Digest, Tag};
use gantry_words::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The repositories there are, by number.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) repositories: BTreeMap<u8, Shelf>,
    /// What is left of repositories that were deleted, the last one last: their numbers, and what they have in the trash.
    pub(crate) gone: Vec<(u8, Shelf)>,
}

/// What a repository holds.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) manifests: BTreeMap<Digest, Names>,
    pub(crate) tags: BTreeMap<Tag, Digest>,
    /// The blobs, and since when each is kept only for the grace time, where no manifest names it.
    pub(crate) blobs: BTreeMap<Digest, Timestamp>,
    pub(crate) trash: BTreeMap<Digest, Trashed>,
}

/// What a manifest names.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) blobs: BTreeSet<Digest>,
    pub(crate) children: BTreeSet<Digest>,
    pub(crate) subject: Option<Digest>,
}

pub(crate) type Outcome = Result<(), FaultKind>;

impl Model {
    pub(crate) fn shelf(&mut self, at: u8) -> &mut Shelf {
        self.repositories.entry(at).or_default()
    }

    pub(crate) fn delete(&mut self, at: u8, force: bool, now: Timestamp) -> Outcome {
        let shelf = self.repositories.get(&at).ok_or(FaultKind::RepositoryNotFound)?;
        if !shelf.manifests.is_empty() && !force {
            return Err(FaultKind::RepositoryNotEmpty);
        }
        let mut shelf = self.repositories.remove(&at).expect("it has just been found");
        for digest in shelf.manifests.keys().cloned().collect::<Vec<_>>() {
            shelf.throw_away(&digest, now);
        }
        self.gone.push((at, shelf));
        Ok(())
    }

    pub(crate) fn collect(&mut self, now: Timestamp) {
        let is_young = |since: Timestamp| now.since(since) < GRACE;
        for shelf in self.repositories.values_mut().chain(self.gone.iter_mut().map(|(_, shelf)| shelf)) {
            let named = shelf.named();
            shelf.blobs.retain(|digest, since| named.contains(digest) || is_young(*since));
        }
    }

    /// The blobs whose bytes must be there.
    pub(crate) fn kept(&self) -> BTreeSet<Digest> {
        let shelves = self.repositories.values().chain(self.gone.iter().map(|(_, shelf)| shelf));
        shelves.flat_map(|shelf| shelf.blobs.keys()).cloned().collect()
    }
}

impl Shelf {
    /// What names blobs: the manifests, and those in the trash.
    fn naming(&self) -> impl Iterator<Item = &Names> {
        self.manifests.values().chain(self.trash.values().map(|trashed| &trashed.names))
    }

    fn named(&self) -> BTreeSet<Digest> {
        self.naming().flat_map(|names| names.blobs.iter().cloned()).collect()
    }

    fn is_named(&self, digest: &Digest) -> bool {
        self.naming().any(|names| names.blobs.contains(digest))
    }

    /// What was named and is no longer is kept for the grace time from now on.
    pub(crate) fn unname(&mut self, names: &Names, now: Timestamp) {
        for blob in &names.blobs {
            if !self.is_named(blob)
                && let Some(since) = self.blobs.get_mut(blob)
            {
                *since = now;
            }
        }
    }

    pub(crate) fn put(&mut self, stock: &Stock, place: usize, tag: Option<Tag>, now: Timestamp) -> Outcome {
        let manifest = &stock.manifests[place];
        if !self.manifests.contains_key(&manifest.digest) {
            let names = self.read(stock, place)?;
            self.manifests.insert(manifest.digest.clone(), names);
            if let Some(trashed) = self.trash.remove(&manifest.digest) {
                self.unname(&trashed.names, now);
            }
        }
        self.tags.extend(tag.map(|tag| (tag, manifest.digest.clone())));
        Ok(())
    }

    /// A child is a manifest where the repository holds one of this digest, else a blob.
    fn read(&self, stock: &Stock, place: usize) -> Result<Names, FaultKind> {
        let manifest = &stock.manifests[place];
        let mut names = Names { blobs: BTreeSet::new(), children: BTreeSet::new(), subject: manifest.subject.clone() };
        for place in &manifest.children {
            let Content { digest, .. } = &stock.contents[*place];
            if self.manifests.contains_key(digest) {
                names.children.insert(digest.clone());
            } else if self.blobs.contains_key(digest) {
                names.blobs.insert(digest.clone());
            } else {
                return Err(FaultKind::ReferencedImagesNotFound);
            }
        }
        for (place, layer) in &manifest.blobs {
            let Content { digest, .. } = &stock.contents[*place];
            if *layer == Layer::Required && !self.blobs.contains_key(digest) {
                return Err(FaultKind::LayersNotFound);
            }
            names.blobs.insert(digest.clone());
        }
        Ok(names)
    }

    pub(crate) fn keep(&mut self, digest: &Digest, now: Timestamp) {
        self.blobs.insert(digest.clone(), now);
    }

    pub(crate) fn check(&mut self, digest: &Digest, now: Timestamp) -> Outcome {
        *self.blobs.get_mut(digest).ok_or(FaultKind::BlobNotFound)? = now;
        Ok(())
    }

    pub(crate) fn untag(&mut self, tag: &Tag) -> Outcome {
        self.tags.remove(tag).map(drop).ok_or(FaultKind::ImageNotFound)
    }

    pub(crate) fn remove_manifest(&mut self, digest: &Digest, now: Timestamp) -> Outcome {
        if !self.manifests.contains_key(digest) {
            return Err(FaultKind::ImageNotFound);
        }
        if self.manifests.values().any(|names| names.children.contains(digest)) {
            return Err(FaultKind::ImageReferenced);
        }
        self.throw_away(digest, now);
        Ok(())
    }

    pub(crate) fn remove_blob(&mut self, digest: &Digest) -> Outcome {
        if !self.blobs.contains_key(digest) {
            return Err(FaultKind::BlobNotFound);
        }
        if self.is_named(digest) {
            return Err(FaultKind::BlobReferenced);
        }
        self.blobs.remove(digest);
        Ok(())
    }
}
