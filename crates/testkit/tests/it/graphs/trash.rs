//! What should be in the trash, and come back from it.

use super::model::{Model, Names, Outcome, Shelf};
use gantry_fault::FaultKind;
use gantry_oci::{Digest, Tag};
use gantry_words::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A manifest in the trash.
#[derive(Clone)]
pub(crate) struct Trashed {
    pub(crate) names: Names,
    pub(crate) tags: BTreeSet<Tag>,
    pub(crate) since: Timestamp,
}

impl Model {
    fn shelves(&mut self) -> impl Iterator<Item = &mut Shelf> {
        self.repositories.values_mut().chain(self.gone.iter_mut().map(|(_, shelf)| shelf))
    }

    /// Each image in the trash with the tags it had.
    pub(crate) fn trash(&self) -> Vec<(Digest, Vec<Tag>)> {
        let shelves = self.repositories.values().chain(self.gone.iter().map(|(_, shelf)| shelf));
        let trash = shelves.flat_map(|shelf| &shelf.trash);
        let mut trash: Vec<_> =
            trash.map(|(digest, trashed)| (digest.clone(), trashed.tags.iter().cloned().collect())).collect();
        trash.sort();
        trash
    }

    /// The images in the trash that were in repositories of this name.
    pub(crate) fn trash_of(&self, at: u8) -> Vec<Digest> {
        let gone = self.gone.iter().filter(|(name, _)| *name == at).map(|(_, shelf)| shelf);
        self.repositories.get(&at).into_iter().chain(gone).flat_map(|shelf| shelf.trash.keys()).cloned().collect()
    }

    /// Takes the image out that went last to the trash of a repository of this name.
    pub(crate) fn restore(&mut self, at: u8, digest: &Digest, now: Timestamp) -> Outcome {
        let since = |shelf: &Shelf| shelf.trash.get(digest).map(|trashed| trashed.since);
        let own = self.repositories.get(&at).and_then(since);
        let of_name = |(place, (name, shelf)): (usize, &(u8, Shelf))| {
            since(shelf).filter(|_| *name == at).map(|since| (since, place))
        };
        let other = self.gone.iter().enumerate().filter_map(of_name).max();
        if own.is_none() && other.is_none() {
            return Err(FaultKind::ImageNotFound);
        }
        let Some(shelf) = self.repositories.get_mut(&at) else { return Err(FaultKind::RepositoryNotFound) };
        if let Some((since, place)) = other
            && own.is_none_or(|own| own < since)
        {
            if shelf.manifests.contains_key(digest) {
                return Err(FaultKind::InvalidParameter);
            }
            shelf.take_over(&mut self.gone[place].1, digest, now);
        }
        shelf.restore(digest);
        Ok(())
    }

    /// Destroys what went to the trash at `until` or before.
    pub(crate) fn destroy(&mut self, until: Timestamp, now: Timestamp) {
        for shelf in self.shelves() {
            let due = shelf.trash.iter().filter(|(_, trashed)| trashed.since <= until);
            let due = due.map(|(digest, _)| digest.clone()).collect();
            shelf.destroy(due, now);
        }
    }
}

impl Shelf {
    /// Puts a manifest into the trash, with its tags.
    pub(crate) fn throw_away(&mut self, digest: &Digest, now: Timestamp) {
        let names = self.manifests.remove(digest).expect("it is held");
        let tags = self.tags.iter().filter(|(_, image)| *image == digest).map(|(tag, _)| tag.clone()).collect();
        self.tags.retain(|_, image| image != digest);
        self.trash.insert(digest.clone(), Trashed { names, tags, since: now });
    }

    /// An image in the trash, and what comes back with it, in that order.
    fn hanging_together(&self, digest: &Digest) -> Vec<Digest> {
        let (mut found, mut waiting) = (vec![digest.clone()], VecDeque::from([digest.clone()]));
        while let Some(digest) = waiting.pop_front() {
            let image = &self.trash[&digest];
            let children = image.names.children.iter().filter(|child| self.trash.contains_key(*child));
            let refers = |other: &Trashed| other.names.subject.as_ref() == Some(&digest) && other.since >= image.since;
            let referrers = self.trash.iter().filter(|(_, other)| refers(other)).map(|(digest, _)| digest);
            for digest in children.chain(referrers) {
                if !found.contains(digest) {
                    found.push(digest.clone());
                    waiting.push_back(digest.clone());
                }
            }
        }
        found
    }

    fn restore(&mut self, digest: &Digest) {
        for digest in self.hanging_together(digest) {
            let Trashed { names, tags, .. } = self.trash.remove(&digest).expect("it is in the trash");
            for tag in tags {
                self.tags.entry(tag).or_insert(digest.clone());
            }
            self.manifests.insert(digest, names);
        }
    }

    /// Moves an image, and what comes back with it, from the trash of a deleted repository into the own one.
    fn take_over(&mut self, from: &mut Shelf, digest: &Digest, now: Timestamp) {
        let together = from.hanging_together(digest);
        for digest in &together {
            let image = &from.trash[digest];
            if let Some(own) = self.trash.get_mut(digest) {
                own.tags.extend(image.tags.iter().cloned());
            } else if !self.manifests.contains_key(digest) {
                for blob in image.names.blobs.iter().filter(|blob| from.blobs.contains_key(*blob)) {
                    self.blobs.entry(blob.clone()).or_insert(now);
                }
                self.trash.insert(digest.clone(), image.clone());
            }
        }
        from.destroy(together.into_iter().collect(), now);
    }

    /// Destroys images in the trash, but not what an index names that stays there.
    fn destroy(&mut self, digests: BTreeSet<Digest>, now: Timestamp) {
        let mut going = digests;
        loop {
            let stays = self.trash.iter().filter(|(digest, _)| !going.contains(*digest));
            let needed: BTreeSet<Digest> = stays.flat_map(|(_, image)| image.names.children.iter().cloned()).collect();
            let count = going.len();
            going.retain(|digest| !needed.contains(digest));
            if going.len() == count {
                break;
            }
        }
        let gone: BTreeMap<Digest, Trashed> =
            going.into_iter().filter_map(|digest| self.trash.remove_entry(&digest)).collect();
        for image in gone.values() {
            self.unname(&image.names, now);
        }
    }
}
