//! Since when flaws of one image are known.

use crate::scans::Scans;
use gantry_fault::Fault;
use gantry_metadata::{
    Reader,
    finding_history::{self, FlawPlaceRow},
};
use gantry_registry::Repository;
use gantry_scan::Finding;
use gantry_words::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Since when flaws of an image are known.
#[derive(Clone, Debug)]
pub struct FirstSeen {
    repository: i64,
    pushed_at: Timestamp,
    of: BTreeMap<FlawPlaceRow, Timestamp>,
}

impl FirstSeen {
    /// Since when a finding is known of the image: since its push, or since it is known of the repository. `None` for some seconds
    /// after it is found.
    pub fn of(&self, finding: &Finding) -> Option<Timestamp> {
        self.of.get(&place(self.repository, finding)).map(|at| (*at).max(self.pushed_at))
    }

    /// A number that changes when more is known of the same findings.
    pub fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.of.values().for_each(|at| at.millis().hash(&mut hasher));
        hasher.finish()
    }
}

fn place(repository: i64, finding: &Finding) -> FlawPlaceRow {
    let package = &finding.package;
    FlawPlaceRow {
        repository,
        flaw: finding.id.clone(),
        kind: package.kind.name().into(),
        package: package.name.clone(),
    }
}

impl Scans {
    /// Says since when findings of an image are known that was pushed at a time.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn first_seen(
        &self,
        repository: &Repository,
        pushed_at: Timestamp,
        findings: &[&Finding],
    ) -> Result<FirstSeen, Fault> {
        let id = repository.id;
        let places: BTreeSet<FlawPlaceRow> = findings.iter().map(|finding| place(id, finding)).collect();
        let places = Vec::from_iter(places);
        let look = move |rows: &mut Reader| finding_history::first_seen(rows, &places);
        let of = self.metadata.read_long(look).await?;
        Ok(FirstSeen { repository: id, pushed_at, of })
    }
}
