use super::index::{HeldImage, Index, KnownFlaw};
use crate::{scans::Scans, vex::Documents};
use gantry_fault::Fault;
use gantry_scan::{
    Package,
    vex::{Flaw, Lookup},
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
    pub(super) fn speaks_of(&self, flaw: &KnownFlaw) -> bool {
        let ids = || std::iter::once(flaw.id.as_str()).chain(flaw.aliases.iter().map(String::as_str));
        self.lookups.values().any(|lookup| lookup.speaks_of(ids()))
    }

    /// Why a flaw does not count in an image; `None` where it does.
    pub(super) fn suppression(&self, flaw: &KnownFlaw, package: &Package, image: &HeldImage) -> Option<String> {
        let lookup = self.of.get(&image.place.0)?;
        let flaw = Flaw { id: &flaw.id, aliases: &flaw.aliases, package, source: &flaw.source };
        lookup.suppression(flaw, &image.place.1)
    }

    /// For tests: the same statements for some repositories.
    #[cfg(test)]
    pub(super) fn saying(repositories: &[i64], statements: Vec<gantry_scan::vex::Statement>) -> HeldVex {
        let lookup = Arc::new(Lookup::new(vec![Arc::new(statements)]));
        let of = repositories.iter().map(|repository| (*repository, lookup.clone())).collect();
        HeldVex { of, lookups: HashMap::from([(Documents::from([1]), lookup)]), ..HeldVex::default() }
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
