use crate::scans::Scans;
use gantry_fault::Fault;
use gantry_metadata::scans::{self, ScanState};
use gantry_registry::ScanKind;
use gantry_scan::{Severity, count_by_severity};
use gantry_words::{AccountId, Cx};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// How many findings an image has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageCounts {
    /// Whose it is.
    pub account: String,
    /// Its repository.
    pub repository: String,
    /// Its digest.
    pub digest: String,
    /// By severity; suppressed ones are not counted.
    pub counts: BTreeMap<Severity, usize>,
}

/// Scans that ended in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanTotals {
    /// What they hold is known.
    pub complete: u64,
    /// They could not be read.
    pub failed: u64,
    /// They were nothing that can be scanned.
    pub unsupported: u64,
    /// How often a worker died that was reading a layer.
    pub worker_deaths: u64,
    /// How long they took together.
    pub time: Duration,
}

/// What is counted.
#[derive(Default)]
pub(crate) struct Counters {
    complete: AtomicU64,
    failed: AtomicU64,
    unsupported: AtomicU64,
    worker_deaths: AtomicU64,
    micros: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, state: ScanState, took: Duration) {
        let counter = match state {
            ScanState::Complete => &self.complete,
            ScanState::Failed | ScanState::Pending => &self.failed,
            ScanState::Unsupported => &self.unsupported,
        };
        counter.fetch_add(1, Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn count_worker_death(&self) {
        self.worker_deaths.fetch_add(1, Relaxed);
    }
}

impl Scans {
    /// Returns what ended in this process.
    pub fn totals(&self) -> ScanTotals {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let Counters { complete, failed, unsupported, worker_deaths, micros } = &*self.counters;
        ScanTotals {
            complete: read(complete),
            failed: read(failed),
            unsupported: read(unsupported),
            worker_deaths: read(worker_deaths),
            time: Duration::from_micros(read(micros)),
        }
    }

    /// Returns how many scans wait or are under way.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn waiting(&self) -> Result<u64, Fault> {
        self.metadata.read(scans::waiting).await
    }

    /// Returns how many findings the newest scanned image of each repository has, for up to `count` repositories of all
    /// accounts, by account and name; none while there are no advisories.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn newest_counts(&self, cx: &Cx, count: usize) -> Result<Vec<ImageCounts>, Fault> {
        if self.advisories().now().0.is_none() {
            return Ok(Vec::new());
        }
        let region = self.region.clone();
        let newest = self.metadata.read_long(move |rows| scans::newest(rows, &region, count)).await?;
        let mut kinds = HashMap::<AccountId, ScanKind>::new();
        let mut counted = Vec::new();
        for scan in newest {
            let kind = match kinds.entry(scan.account) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => *place.insert(self.kind(&Cx { account: scan.account, ..cx.clone() }).await?),
            };
            let Some(found) = self.findings_of(scan.repository, &scan.digest, scan.finished_at).await? else {
                continue;
            };
            let counts = count_by_severity(found.shown(kind));
            let (account, repository) = (scan.account.to_string(), scan.name);
            counted.push(ImageCounts { account, repository, digest: scan.digest, counts });
        }
        Ok(counted)
    }
}
