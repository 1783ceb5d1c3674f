//! Who pulls and pushes what, when and from where: counted in memory, written down once a minute (`Traffic::write_down`), and
//! told by repository, image, principal, network or day (`table`).

mod table;

pub use table::{TrafficBy, TrafficEntry, TrafficOrder, TrafficOrderError, TrafficPlace, traffic_page};

use crate::{documents::DocumentKind, ports::Ports, repositories::Repository, usage::day_of};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Reader, Trail, Tx, documents, manifests,
    traffic::{self, TrafficCount, TrafficDay, TrafficOf},
    usage,
};
use gantry_oci::Digest;
use gantry_words::{AccountId, Cx, Network, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
};

/// Pulls and pushes that wait to be written down, told apart by image, principal and network; what comes beyond is not counted, and
/// the pull of an image is written down with its next one.
const WAITING_MAX: usize = 100_000;
/// Images whose pulls are written down in one transaction.
const BATCH: usize = 500;
/// As many exclusions as are looked at; a registry has no more.
const EXCLUSIONS_MAX: usize = 1_000;
/// For how many days pulls and pushes are kept, today included.
pub const TRAFFIC_DAYS_MAX: u16 = 30;
/// Beyond so many rows, only repositories and days are told apart until some are forgotten.
const ROWS_MAX: u64 = 5_000_000;
/// Rows that are forgotten in one act: few enough to let pushes pass in between.
const FORGOTTEN_BATCH: usize = 5_000;
/// Repositories that are added up at a time.
const SUMMED_BATCH: usize = 500;
/// Lines that an answer may be made of.
const LINES_MAX: usize = 200_000;

/// The room for who pulls and pushes what: counted in memory, and written down now and then, so that a pull writes nothing.
///
/// After a crash the pulls and pushes of the last minute are not known; they show in no decision about an image that is shorter
/// than a day.
#[derive(Clone)]
pub struct Traffic {
    ports: Arc<Ports>,
    waiting: Arc<Mutex<HashMap<Subject, TrafficCount>>>,
    room: Arc<Room>,
}

/// Of what alone it is told what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrafficFilter {
    /// Of one image; of all where there is none.
    pub digest: Option<Digest>,
    /// By one principal, as the audit names it; by all where there is none.
    pub principal: Option<String>,
}

/// Whether there is room for more rows, looked at once an hour.
#[derive(Default)]
struct Room {
    hour: AtomicI64,
    is_full: AtomicBool,
}

/// An image, who pulled or pushed it, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subject {
    /// Whose registry it is in.
    account: AccountId,
    repository: i64,
    digest: Digest,
    by: Arc<str>,
    /// The first address of its network.
    network: Option<IpAddr>,
}

impl Traffic {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Traffic { ports, waiting: Arc::default(), room: Arc::default() }
    }

    /// Notes that an image was pulled.
    pub fn pulled(&self, cx: &Cx, repository: &Repository, digest: &Digest) {
        self.note(cx, repository, digest, TrafficCount { pulls: 1, ..TrafficCount::default() });
    }

    /// Notes that an image was pushed.
    pub fn pushed(&self, cx: &Cx, repository: &Repository, digest: &Digest) {
        self.note(cx, repository, digest, TrafficCount { pushes: 1, ..TrafficCount::default() });
    }

    fn note(&self, cx: &Cx, repository: &Repository, digest: &Digest, count: TrafficCount) {
        let subject = Subject {
            account: cx.account,
            repository: repository.id,
            digest: digest.clone(),
            by: cx.actor.clone(),
            network: cx.source.map(|address| Network::around(address).first()),
        };
        let count = TrafficCount { last_at: Some(cx.now), ..count };
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&subject) {
            waiting.entry(subject).or_default().add(count);
        }
    }

    /// Writes down what was noted; returns how many images were pulled whose pulls count.
    ///
    /// # Errors
    /// The metadata cannot be read or written; what was not written down waits for the next time.
    pub async fn write_down(&self, cx: &Cx) -> Result<usize, Fault> {
        let subjects = std::mem::take(&mut *self.waiting());
        let mut noted = Noted { traffic: self, subjects };
        if noted.subjects.is_empty() {
            return Ok(0);
        }
        self.write(cx, &mut noted.subjects).await
    }

    /// Writes it down, and takes out of `noted` what is counted: that must not be written twice.
    async fn write(&self, cx: &Cx, noted: &mut HashMap<Subject, TrafficCount>) -> Result<usize, Fault> {
        let excluded = self.excluded(noted.keys().map(|subject| subject.account).collect()).await?;
        let counts =
            |subject: &Subject| !excluded.get(&subject.account).is_some_and(|names| names.contains(&*subject.by));
        let mut last: HashMap<(i64, &Digest), Timestamp> = HashMap::new();
        for (subject, count) in noted.iter().filter(|(subject, count)| count.pulls > 0 && counts(subject)) {
            let Some(at) = count.last_at else { continue };
            let known = last.entry((subject.repository, &subject.digest)).or_insert(at);
            *known = (*known).max(at);
        }
        let mut repositories: BTreeMap<i64, Timestamp> = BTreeMap::new();
        for ((id, _), at) in &last {
            let known = repositories.entry(*id).or_insert(*at);
            *known = (*known).max(*at);
        }
        let images: Vec<_> = last.into_iter().map(|((id, digest), at)| (id, digest.to_string(), at)).collect();
        for batch in images.chunks(BATCH) {
            self.ports.metadata.perform(cx, WritePulls { images: batch.to_vec(), repositories: vec![] }).await?;
        }
        let repositories: Vec<_> = repositories.into_iter().collect();
        for batch in repositories.chunks(BATCH) {
            self.ports.metadata.perform(cx, WritePulls { images: vec![], repositories: batch.to_vec() }).await?;
        }
        let pulled = images.len();
        self.count(cx, noted, counts).await?;
        Ok(pulled)
    }

    /// Returns the principals of each account whose pulls do not count.
    async fn excluded(&self, accounts: BTreeSet<AccountId>) -> Result<HashMap<AccountId, BTreeSet<String>>, Fault> {
        let mut excluded = HashMap::new();
        for account in accounts {
            let shelf = DocumentKind::PullTimeExclusion.shelf(account, &self.ports.region, 0);
            let look = move |rows: &mut Reader| documents::list(rows, &shelf, "", EXCLUSIONS_MAX);
            let found = self.ports.metadata.read_long(look).await?;
            excluded.insert(account, found.into_iter().map(|document| document.name).collect());
        }
        Ok(excluded)
    }

    async fn count(
        &self,
        cx: &Cx,
        noted: &mut HashMap<Subject, TrafficCount>,
        counts: impl Fn(&Subject) -> bool,
    ) -> Result<(), Fault> {
        let is_full = self.is_full(cx).await?;
        // In one order, as all lock them who write several.
        let mut days: BTreeMap<TrafficDay, (TrafficCount, Vec<Subject>)> = BTreeMap::new();
        for (subject, count) in noted.iter() {
            let day = day_of_subject(subject, count.last_at.unwrap_or(cx.now), is_full);
            let (sum, subjects) = days.entry(day).or_default();
            sum.add(apart(*count, counts(subject)));
            subjects.push(subject.clone());
        }
        let days: Vec<_> = days.into_iter().collect();
        for batch in days.chunks(BATCH) {
            let rows = batch.iter().map(|(day, (count, _))| TrafficDay { count: *count, ..day.clone() }).collect();
            self.ports.metadata.perform(cx, WriteTraffic { days: rows }).await?;
            for subject in batch.iter().flat_map(|(_, (_, subjects))| subjects) {
                noted.remove(subject);
            }
        }
        Ok(())
    }

    /// Says whether there are as many rows as are kept.
    async fn is_full(&self, cx: &Cx) -> Result<bool, Fault> {
        let hour = cx.now.millis().div_euclid(3_600_000);
        if self.room.hour.swap(hour, Relaxed) != hour {
            let rows = self.ports.metadata.read_long(traffic::rows).await?;
            self.room.is_full.store(rows >= ROWS_MAX, Relaxed);
        }
        Ok(self.room.is_full.load(Relaxed))
    }

    /// Returns what happened in these repositories in the last `days` days, today included, in no order. Of repositories it says
    /// their names, of images `<name>@<digest>`, of days `YYYY-MM-DD`. What is not told apart any more passes no filter.
    ///
    /// # Errors
    /// [`FaultKind::InvalidParameter`] where that were too many lines.
    pub async fn sum(
        &self,
        cx: &Cx,
        by: TrafficBy,
        repositories: &BTreeMap<i64, String>,
        filter: &TrafficFilter,
        days: u16,
    ) -> Result<Vec<TrafficEntry>, Fault> {
        let from = day_of(cx.now) + 1 - i64::from(days);
        let ids: Vec<i64> = repositories.keys().copied().collect();
        let mut sums: BTreeMap<String, TrafficCount> = BTreeMap::new();
        for batch in ids.chunks(SUMMED_BATCH) {
            let (batch, column) = (batch.to_vec(), by.column());
            let filter = filter.clone();
            let look = move |rows: &mut Reader| {
                let digest = filter.digest.as_ref().map_or("", Digest::as_str);
                let of = TrafficOf { digest, actor: filter.principal.as_deref().unwrap_or_default() };
                traffic::sum(rows, column, &batch, of, from, LINES_MAX + 1)
            };
            let found = self.ports.metadata.read_long(look).await?;
            let is_cut = found.len() > LINES_MAX;
            for found in found {
                let Some(repository) = repositories.get(&found.repository) else { continue };
                sums.entry(by.name(repository, &found.key)).or_default().add(found.count);
            }
            if is_cut || sums.len() > LINES_MAX {
                let message = format!("this asks for more than {LINES_MAX} lines; ask for a prefix, or for fewer days");
                return Err(Fault::new(FaultKind::InvalidParameter, message));
            }
        }
        Ok(sums.into_iter().map(|(name, count)| TrafficEntry { name, count }).collect())
    }

    /// Forgets what is older than it is kept; returns how many rows that were.
    pub async fn forget(&self, cx: &Cx) -> Result<usize, Fault> {
        let (env, mut sum) = (&self.ports.env, 0);
        let before = day_of(cx.now) + 1 - i64::from(TRAFFIC_DAYS_MAX);
        loop {
            let began = env.elapsed();
            let count = self.ports.metadata.perform(cx, ForgetTraffic { before }).await?;
            sum += count;
            if count < FORGOTTEN_BATCH {
                return Ok(sum);
            }
            // As long again for everybody else.
            env.sleep(env.elapsed().saturating_sub(began)).await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Subject, TrafficCount>> {
        // A map that is whole between any two steps.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being written down. What was not, because that failed or nobody waits for it any more, waits again.
struct Noted<'t> {
    traffic: &'t Traffic,
    subjects: HashMap<Subject, TrafficCount>,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        if self.subjects.is_empty() {
            return;
        }
        let mut waiting = self.traffic.waiting();
        for (subject, count) in self.subjects.drain() {
            waiting.entry(subject).or_default().add(count);
        }
    }
}

/// Under which day it is counted. What is told apart no more once there are too many rows is left out.
fn day_of_subject(subject: &Subject, at: Timestamp, is_full: bool) -> TrafficDay {
    let network = subject.network.map(|address| Network::around(address).to_string());
    let (digest, actor, network) = match is_full {
        true => Default::default(),
        false => (subject.digest.to_string(), subject.by.to_string(), network.unwrap_or_default()),
    };
    TrafficDay {
        repository: subject.repository,
        day: day_of(at),
        digest,
        actor,
        network,
        count: TrafficCount::default(),
    }
}

/// Tells pulls that count from those that do not.
fn apart(count: TrafficCount, counts: bool) -> TrafficCount {
    match counts {
        true => count,
        false => TrafficCount { pulls: 0, uncounted_pulls: count.pulls, ..count },
    }
}

/// The act that writes down when images, and repositories, were last pulled. What is gone is passed over.
struct WritePulls {
    images: Vec<(i64, String, Timestamp)>,
    /// In the order of their numbers, as all lock them who change several.
    repositories: Vec<(i64, Timestamp)>,
}

impl Act for WritePulls {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.write_pulls";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        for (repository, digest, at) in &self.images {
            manifests::pulled(tx, *repository, digest, *at)?;
        }
        self.repositories.iter().try_for_each(|(repository, at)| usage::pulled(tx, *repository, *at))
    }
}

/// The act that adds to what is known of some days.
struct WriteTraffic {
    days: Vec<TrafficDay>,
}

impl Act for WriteTraffic {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.write_traffic";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        traffic::count(tx, &self.days)
    }
}

/// The act that forgets the oldest rows.
struct ForgetTraffic {
    before: i64,
}

impl Act for ForgetTraffic {
    type Seen = ();
    type Plan = ();
    type Answer = usize;
    const NAME: &'static str = "registry.forget_traffic";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<(), Fault> {
        rows.lock("traffic")
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<usize, Fault> {
        traffic::forget(tx, self.before, FORGOTTEN_BATCH)
    }
}

#[cfg(test)]
mod tests;
