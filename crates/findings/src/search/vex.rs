use super::index::{HeldImage, Index, KnownFlaw, Place};
use crate::{scans::Scans, vex::Documents};
use gantry_fault::Fault;
use gantry_scan::{
    Package,
    vex::{Flaw, Lookup, Statement},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
};

/// What VEX documents say of the images of each repository.
#[derive(Default)]
pub(super) struct HeldVex {
    documents: BTreeMap<i64, Documents>,
    of: HashMap<i64, Arc<Lookup>>,
    /// Those of the above, each once.
    lookups: HashMap<Documents, Arc<Lookup>>,
}

impl HeldVex {
    /// Tells whether anything is said about a flaw, of any image: mostly nothing is, and no image need be looked at.
    pub(super) fn speaks_of(&self, index: &Index, flaw: &KnownFlaw) -> bool {
        let ids = || std::iter::once(flaw.id.as_str()).chain(flaw.aliases.iter().map(String::as_str));
        self.lookups.values().any(|lookup| lookup.speaks_of(ids())) || index.borne().speak_of(ids())
    }

    /// The ids of all flaws about which anything is said, some of them more than once.
    pub(super) fn ids<'a>(&'a self, index: &'a Index) -> impl Iterator<Item = &'a str> {
        let borne = index.borne().ids.keys().map(|id| &**id);
        self.lookups.values().flat_map(|lookup| lookup.ids()).chain(borne)
    }

    /// Why a flaw does not count in an image; `None` where it does.
    pub(super) fn suppression(
        &self,
        index: &Index,
        flaw: &KnownFlaw,
        package: &Package,
        image: &HeldImage,
    ) -> Option<String> {
        let flaw = Flaw { id: &flaw.id, aliases: &flaw.aliases, package, source: &flaw.source };
        let digest = &image.place.1;
        match (self.of.get(&image.place.0).map(Arc::as_ref), index.borne().of(&image.place)) {
            (Some(lookup), Some(borne)) => lookup.suppression_beside(borne, flaw, digest),
            (Some(one), None) | (None, Some(one)) => one.suppression(flaw, digest),
            (None, None) => None,
        }
    }

    /// For tests: the same statements for some repositories.
    #[cfg(test)]
    pub(super) fn saying(repositories: &[i64], statements: Vec<gantry_scan::vex::Statement>) -> HeldVex {
        let lookup = Arc::new(Lookup::new(vec![Arc::new(statements)]));
        let of = repositories.iter().map(|repository| (*repository, lookup.clone())).collect();
        HeldVex { of, lookups: HashMap::from([(Documents::from([1]), lookup)]), ..HeldVex::default() }
    }
}

/// What documents say that hang on images, by image.
#[derive(Default)]
pub(super) struct Borne {
    of: HashMap<Place, Lookup>,
    /// How many images have a statement about each id.
    ids: HashMap<Box<str>, u32>,
}

impl Borne {
    /// Takes what hangs on an image of which nothing is known.
    pub(super) fn put(&mut self, place: &Place, statements: &[Statement]) {
        if statements.is_empty() {
            return;
        }
        let lookup = Lookup::new(vec![Arc::new(statements.to_vec())]);
        for id in lookup.ids() {
            *self.ids.entry(id.into()).or_default() += 1;
        }
        self.of.insert(place.clone(), lookup);
    }

    /// Forgets what hangs on an image.
    pub(super) fn remove(&mut self, place: &Place) {
        for id in self.of.remove(place).iter().flat_map(Lookup::ids) {
            let left = self.ids.get_mut(id).map(|count| {
                *count -= 1;
                *count
            });
            if left == Some(0) {
                self.ids.remove(id);
            }
        }
    }

    fn of(&self, place: &Place) -> Option<&Lookup> {
        self.of.get(place)
    }

    fn speak_of<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> bool {
        !self.ids.is_empty() && ids.any(|id| self.ids.contains_key(id))
    }
}

impl Scans {
    /// Brings up to date what VEX documents say of the images of the index.
    pub(super) async fn refresh_vex(&self) -> Result<(), Fault> {
        let repositories: Vec<i64> = self.search.read(Index::repositories).into_iter().collect();
        let mut documents: BTreeMap<i64, Documents> = self.documents_of(&repositories).await?.into_iter().collect();
        documents.retain(|_, documents| !documents.is_empty());
        let known = self.search.vex();
        if known.documents == documents {
            return Ok(());
        }
        let mut lookups = HashMap::<Documents, Arc<Lookup>>::new();
        let mut of = HashMap::new();
        for (repository, documents) in &documents {
            let lookup = match lookups.get(documents).or_else(|| known.lookups.get(documents)) {
                Some(known) => known.clone(),
                None => {
                    let statements = self.statements_of(documents).await?;
                    let build = move || Arc::new(Lookup::new(statements));
                    tokio::task::spawn_blocking(build).await.map_err(Fault::internal)?
                }
            };
            lookups.insert(documents.clone(), lookup.clone());
            of.insert(*repository, lookup);
        }
        let held = Arc::new(HeldVex { documents, of, lookups });
        *self.search.vex.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }
}
