use crate::{
    acts::{AskScan, ReleaseScans},
    advisories::Advisories,
    figures::Counters,
    gates::HeldRules,
    layers::LayersUnderWay,
    packing,
    printed::Printed,
    search::Search,
    vex::{HeldDocuments, Statements},
    worker::LayerWorkers,
};
use futures_util::future::select;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Metadata,
    scans::{self, ScanRow, ScanState},
};
use gantry_registry::{Registry, Repository, ScanFrequency, ScanKind};
use gantry_scan::{Finding, Inventory, Knowledge, Matched, Options, Severity, vex::Lookup};
use gantry_words::{AccountId, Cx, Region, Timestamp};
use quick_cache::sync::Cache;
use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Images whose findings are remembered.
const REMEMBERED: usize = 2_000;
/// Scans that have ended and were not looked at.
const ENDED_MAX: usize = 10_000;
/// How often it is looked whether something was pushed to another replica, or asked for by it.
pub(crate) const EVERY: Duration = Duration::from_millis(250);
/// What is pushed within this time is looked at together: each look that finds something is a commit.
const TOGETHER: Duration = Duration::from_millis(10);

/// The room of scans: asks for them, and says what they found.
#[derive(Clone)]
pub struct Scans {
    pub(crate) metadata: Metadata,
    pub(crate) registry: Registry,
    pub(crate) env: Env,
    pub(crate) region: Region,
    pub(crate) counters: Arc<Counters>,
    pub(crate) statements: Arc<Statements>,
    pub(crate) documents: Arc<HeldDocuments>,
    /// Who reads layers; without them this process does.
    pub(crate) workers: Option<LayerWorkers>,
    advisories: Advisories,
    remembered: Arc<Cache<Key, Arc<ImageFindings>>>,
    pub(crate) printed: Arc<Printed>,
    pub(crate) asked: Arc<Notify>,
    /// By which images are let through.
    pub(crate) rules: HeldRules,
    ended: Arc<Mutex<Vec<EndedScan>>>,
    /// Layers that are being read, and those of images whose scan has not ended.
    pub(crate) layers: Arc<LayersUnderWay>,
    pub(crate) search: Arc<Search>,
}

/// An image whose scan has ended: whose, its repository's number and name, and its digest.
pub(crate) type EndedScan = (AccountId, i64, String, String);

/// What findings are of: an image as it was read at a moment, under a generation of advisories and of VEX documents.
type Key = (i64, Arc<str>, Timestamp, u64, Arc<[i64]>);

/// How a scan stands, for who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanStatus {
    /// It was asked for, and has not ended.
    Pending,
    /// It is known what the image holds.
    Complete,
    /// The image could not be read.
    Failed,
    /// It is nothing that can be scanned.
    Unsupported,
}

/// A scan of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// How it stands.
    pub status: ScanStatus,
    /// Why, in a sentence, where it failed or cannot be.
    pub reason: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether it was done by readers of another version, which may have found less than those of now.
    pub is_outdated: bool,
}

/// What is wrong with an image, by the advisories of this moment.
#[derive(Clone, Debug, Default)]
pub struct ImageFindings {
    /// What the image holds.
    pub inventory: Inventory,
    /// What is wrong with it.
    pub matched: Matched,
    /// When the advisories were brought up to date, RFC 3339; `None` where there are none.
    pub advisories_at: Option<String>,
}

impl Scans {
    /// Opens the room.
    pub fn open(metadata: Metadata, registry: Registry, env: Env, advisories: Advisories) -> Scans {
        let (remembered, asked, search) = (Arc::new(Cache::new(REMEMBERED)), Arc::default(), Arc::default());
        let (rules, ended) = (HeldRules::default(), Arc::default());
        let (region, counters) = (registry.region().clone(), Arc::default());
        let (statements, documents, layers) = (Arc::default(), Arc::default(), Arc::default());
        Scans {
            metadata,
            registry,
            env,
            region,
            counters,
            statements,
            documents,
            workers: None,
            advisories,
            remembered,
            printed: Arc::default(),
            asked,
            rules,
            ended,
            layers,
            search,
        }
    }

    /// Has layers read by workers, so that one that is more than the scanner can bear takes nothing else down.
    pub fn with_workers(self, workers: LayerWorkers) -> Scans {
        Scans { workers: Some(workers), ..self }
    }

    /// The advisories that hold now.
    pub fn advisories(&self) -> &Advisories {
        &self.advisories
    }

    /// Asks for a scan of an image, also where one has ended.
    ///
    /// # Errors
    /// The metadata cannot be written.
    pub async fn ask(&self, cx: &Cx, repository: &Repository, digest: &str) -> Result<(), Fault> {
        self.metadata.perform(cx, AskScan { repository: repository.id, digest: digest.into() }).await?;
        self.asked.notify_one();
        Ok(())
    }

    /// Returns how the scan of an image stands; `None` where none was ever asked for.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn find(&self, repository: &Repository, digest: &str) -> Result<Option<Scan>, Fault> {
        let (id, wanted) = (repository.id, digest.to_string());
        Ok(self.metadata.read(move |rows| scans::find(rows, id, &wanted)).await?.map(Scan::from))
    }

    /// Returns the scans of those of these images for which one was ever asked, by digest.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn of_images(
        &self,
        repository: &Repository,
        digests: Vec<String>,
    ) -> Result<BTreeMap<String, Scan>, Fault> {
        let id = repository.id;
        let found = self.metadata.read(move |rows| scans::of_images(rows, id, &digests)).await?;
        Ok(found.into_iter().map(|(digest, row)| (digest, row.into())).collect())
    }

    /// Returns what is wrong with an image that was scanned; `None` where it is not known what it holds.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn findings(
        &self,
        repository: &Repository,
        digest: &str,
        scan: &Scan,
    ) -> Result<Option<Arc<ImageFindings>>, Fault> {
        self.findings_of(repository.id, digest, scan.finished_at.unwrap_or_default()).await
    }

    /// The same of an image whose scan ended at a moment.
    pub(crate) async fn findings_of(
        &self,
        repository: i64,
        digest: &str,
        finished_at: Timestamp,
    ) -> Result<Option<Arc<ImageFindings>>, Fault> {
        let (knowledge, generation) = self.advisories.now();
        let documents = self.documents_of(&[repository]).await?.remove(&repository).unwrap_or_default();
        let key: Key = (repository, digest.into(), finished_at, generation, documents.clone());
        if let Some(known) = self.remembered.get(&key) {
            return Ok(Some(known));
        }
        let (id, wanted) = (repository, digest.to_string());
        let packed = self.metadata.read(move |rows| scans::inventory(rows, id, &wanted)).await?;
        let Some(packed) = packed else { return Ok(None) };
        let unpack = move || packing::unpack::<Inventory>(&packed);
        let inventory = tokio::task::spawn_blocking(unpack).await.map_err(Fault::internal)?;
        let Some(inventory) = inventory else { return Ok(None) };
        let found = Arc::new(self.match_with(knowledge, &documents, digest, inventory).await?);
        self.remembered.insert(key, found.clone());
        Ok(Some(found))
    }

    /// Returns what is wrong with an image of a repository that holds this, as of now.
    pub(crate) async fn match_inventory(
        &self,
        repository: i64,
        digest: &str,
        inventory: Inventory,
    ) -> Result<ImageFindings, Fault> {
        let documents = self.documents_of(&[repository]).await?.remove(&repository).unwrap_or_default();
        self.match_with(self.advisories.now().0, &documents, digest, inventory).await
    }

    async fn match_with(
        &self,
        knowledge: Option<Arc<Knowledge>>,
        documents: &Arc<[i64]>,
        digest: &str,
        inventory: Inventory,
    ) -> Result<ImageFindings, Fault> {
        let Some(knowledge) = knowledge else { return Ok(ImageFindings { inventory, ..ImageFindings::default() }) };
        let statements = self.statements_of(documents).await?;
        let (image, counts_borne) = (digest.to_string(), self.registry.images.counts_vex_referrers());
        let matched = tokio::task::spawn_blocking(move || {
            let mut matched =
                gantry_scan::find(&inventory, &knowledge, &Options::default()).map_err(Fault::internal)?;
            let borne = if counts_borne { vec![Arc::new(inventory.statements.clone())] } else { vec![] };
            Lookup::new(statements).apply_beside(&Lookup::new(borne), &mut matched.findings, &image);
            Ok(ImageFindings { inventory, matched, advisories_at: newest(&knowledge) })
        });
        matched.await.map_err(Fault::internal)?
    }

    /// Returns the severity, in ECR's words, of the worst that was found in an image and that nothing suppresses, or `NONE`; of all
    /// packages, whatever kind of scanning the account has. `None` where it is not known what the image holds, or there are no
    /// advisories.
    ///
    /// # Errors
    /// The metadata cannot be read, or the advisories are damaged.
    pub async fn worst(&self, repository: &Repository, digest: &str) -> Result<Option<&'static str>, Fault> {
        if self.advisories.now().0.is_none() {
            return Ok(None);
        }
        let scan = self.find(repository, digest).await?;
        let Some(scan) = scan.filter(|scan| scan.finished_at.is_some()) else { return Ok(None) };
        let found = self.findings(repository, digest, &scan).await?;
        Ok(found.map(|found| found.worst().map_or("NONE", Severity::name)))
    }

    /// The region whose images these are.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// What kind of scanning an account has, and when images of a repository are scanned.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn scanning(&self, cx: &Cx, repository: &Repository) -> Result<(ScanKind, ScanFrequency), Fault> {
        let configuration = self.configuration(cx).await?;
        let applied = configuration.applied(repository.name.as_str(), repository.rules.scans_on_push);
        Ok((configuration.scan_type, applied.frequency))
    }

    /// What kind of scanning an account has: packages of the operating system only, or all.
    ///
    /// # Errors
    /// The metadata cannot be read.
    pub async fn kind(&self, cx: &Cx) -> Result<ScanKind, Fault> {
        Ok(self.configuration(cx).await?.scan_type)
    }

    /// Lets scans be begun again that ended with a process. For the start.
    ///
    /// # Errors
    /// The metadata cannot be written.
    pub async fn begin(&self, cx: &Cx) -> Result<(), Fault> {
        match self.metadata.owns_alone() {
            true => self.metadata.perform(cx, ReleaseScans).await,
            false => Ok(()),
        }
    }

    /// Has what was asked for looked at soon.
    pub(crate) fn nudge(&self) {
        self.asked.notify_one();
    }

    /// Notes that a scan has ended; where too many are noted, the next walk over all images finds the others.
    pub(crate) fn note_ended(&self, scan: EndedScan) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() < ENDED_MAX {
            ended.push(scan);
        }
    }

    /// Takes the scans that have ended since it was looked last.
    pub(crate) fn take_ended(&self) -> Vec<EndedScan> {
        std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until there may be something to scan.
    pub async fn wait(&self) {
        let _ = self.env.within(EVERY, self.news()).await;
    }

    /// Waits until there is something new in this process: an image was pushed, or a scan asked for.
    pub(crate) async fn news(&self) {
        let pushed = async {
            self.registry.images.pushed().await;
            self.env.sleep(TOGETHER).await;
        };
        select(pin!(self.asked.notified()), pin!(pushed)).await;
    }

    /// How many images are scanned at once.
    pub(crate) fn at_once(&self) -> usize {
        self.workers.as_ref().map_or(1, LayerWorkers::count_max)
    }
}

impl ImageFindings {
    /// The severity of the worst of them that nothing suppresses.
    pub fn worst(&self) -> Option<Severity> {
        let counts = self.matched.findings.iter().filter(|finding| finding.suppressed.is_none());
        counts.map(|finding| finding.severity).max()
    }

    /// The findings that an account's kind of scanning shows.
    pub fn shown(&self, kind: ScanKind) -> impl Iterator<Item = &Finding> {
        let shows_all = kind == ScanKind::Enhanced;
        self.matched.findings.iter().filter(move |finding| shows_all || finding.package.kind.is_distribution())
    }
}

/// When the youngest of the feeds was read.
fn newest(knowledge: &Knowledge) -> Option<String> {
    let feeds = knowledge.sources().iter().filter(|(source, _)| source.kind().is_some());
    let times = feeds.map(|(_, source)| &source.read_at);
    times.filter(|time| !time.is_empty()).max().cloned()
}

impl Scan {
    /// One that was asked for, and of which nothing is known.
    pub(crate) fn asked(asked_at: Timestamp) -> Scan {
        Scan { status: ScanStatus::Pending, reason: String::new(), asked_at, finished_at: None, is_outdated: false }
    }
}

impl From<ScanRow> for Scan {
    fn from(row: ScanRow) -> Scan {
        let status = match row.state {
            ScanState::Pending => ScanStatus::Pending,
            ScanState::Complete => ScanStatus::Complete,
            ScanState::Failed => ScanStatus::Failed,
            ScanState::Unsupported => ScanStatus::Unsupported,
        };
        let is_outdated = row.finished_at.is_some() && row.revision != gantry_scan::ecosystems_revision();
        Scan { status, reason: row.reason, asked_at: row.asked_at, finished_at: row.finished_at, is_outdated }
    }
}
