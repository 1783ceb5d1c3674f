use crate::{
    admit::{parse_key, store_fault},
    ports::Ports,
    uploads::ExpireUpload,
    uploads::Uploads,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Trail, Tx, archive as archive_rows, blobs, leases, quotas, repositories as repository_rows, uploads,
    usage,
};
use gantry_store::{Key, UploadId};
use gantry_words::{Cx, Timestamp};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Links taken in one act: a group that is short enough to let pushes pass in between.
const LINKS_MAX: usize = 256;
/// For how long a replica that collects keeps the others from it, unless it goes on.
const LEASE: Duration = Duration::from_secs(60);

/// The room of the collection: takes what no manifest names, and uploads that got no new byte.
///
/// It costs in proportion to the garbage, and runs beside pushes, mounts and existence checks, here and on other
/// replicas: a link is taken only by an act that finds it still unnamed and still old; the bytes go when the last link
/// has gone, and no new link can point to that copy any more.
#[derive(Clone)]
pub struct Collection {
    ports: Arc<Ports>,
    uploads: Uploads,
    total: Arc<Mutex<Collected>>,
}

/// What a collection took, or would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Links of blobs that nothing names.
    pub links: u64,
    /// Blobs whose bytes went.
    pub blobs: u64,
    /// Uploads given up.
    pub uploads: u64,
    /// Bytes that are free now.
    pub bytes: u64,
}

impl Collected {
    /// Adds what another collection took.
    pub fn add(&mut self, more: &Collected) {
        self.links += more.links;
        self.blobs += more.blobs;
        self.uploads += more.uploads;
        self.bytes += more.bytes;
    }
}

impl Collection {
    pub(crate) fn new(ports: Arc<Ports>, uploads: Uploads) -> Self {
        Collection { ports, uploads, total: Arc::default() }
    }

    /// How long the background collection rests between two rounds.
    pub fn every(&self) -> Duration {
        self.ports.settings.collection.every.duration()
    }

    /// Whether the server collects in the background.
    pub fn is_enabled(&self) -> bool {
        self.ports.settings.collection.enabled
    }

    /// Collects what is older than the configured grace times, if no other replica does so just now.
    pub async fn round(&self, cx: &Cx, holder: &str) -> Result<Collected, Fault> {
        let lease =
            TakeLease { name: "collection", holder: holder.into(), until: cx.now.plus(LEASE.max(self.every() / 2)) };
        if !self.ports.metadata.perform(cx, lease).await? {
            return Ok(Collected::default());
        }
        let grace = self.ports.settings.collection.grace.duration();
        let expire = self.ports.settings.uploads.expire.duration();
        let sum = self.run(cx, grace, expire, |_| {}).await?;
        self.total.lock().expect("nothing panics while it holds the sums").add(&sum);
        Ok(sum)
    }

    /// What the background collection of this process took so far.
    pub fn total(&self) -> Collected {
        *self.total.lock().expect("nothing panics while it holds the sums")
    }

    /// Collects everything unnamed for `grace` and every upload without a new byte for `expire`. When it returns, the
    /// bytes are gone. `progress` hears the sums so far.
    pub async fn run(
        &self,
        cx: &Cx,
        grace: Duration,
        expire: Duration,
        mut progress: impl FnMut(&Collected),
    ) -> Result<Collected, Fault> {
        let mut sum = Collected::default();
        self.free_copies(cx, &mut sum, &mut progress).await?;
        let (until, mut last) = (cx.now.minus(grace), None);
        loop {
            let after = last.take();
            let look = move |rows: &mut Reader| blobs::candidates(rows, until, after.as_ref(), LINKS_MAX);
            let found = self.ports.metadata.read_long(look).await?;
            // What is passed once is not looked at again: a link may be no candidate any more, or be counted wrongly.
            let Some(end) = found.last() else { break };
            last = Some(end.clone());
            let mut by_repository: BTreeMap<i64, Vec<String>> = BTreeMap::new();
            for link in found {
                by_repository.entry(link.repository).or_default().push(link.digest);
            }
            for (repository, digests) in by_repository {
                sum.links += self.ports.metadata.perform(cx, TakeLinks { repository, digests, until }).await?;
            }
            self.free_copies(cx, &mut sum, &mut progress).await?;
        }
        self.expire_uploads(cx, expire, &mut sum, &mut progress).await?;
        Ok(sum)
    }

    /// What [`Collection::run`] would take: an upper bound of the bytes, since a blob may be linked elsewhere.
    pub async fn preview(&self, cx: &Cx, grace: Duration, expire: Duration) -> Result<Collected, Fault> {
        let until = cx.now.minus(grace);
        let look = move |rows: &mut Reader| {
            let mut sum = Collected::default();
            let mut counted = HashSet::new();
            for link in blobs::candidates(rows, until, None, 1_000_000)? {
                sum.links += 1;
                if counted.insert(link.digest) {
                    sum.blobs += 1;
                    sum.bytes += u64::try_from(link.size).unwrap_or(0);
                }
            }
            Ok(sum)
        };
        let mut sum = self.ports.metadata.read_long(look).await?;
        self.preview_copies(&mut sum).await?;
        self.preview_uploads(cx, expire, &mut sum).await?;
        Ok(sum)
    }

    /// Adds the copies that have no link left already: a removal or an interrupted run left them.
    async fn preview_copies(&self, sum: &mut Collected) -> Result<(), Fault> {
        let mut after = 0;
        loop {
            let dying =
                self.ports.metadata.read_long(move |rows| blobs::deleting_copies(rows, after, LINKS_MAX)).await?;
            let Some(last) = dying.last() else { return Ok(()) };
            after = last.id;
            sum.blobs += dying.len() as u64;
            sum.bytes += dying.iter().map(|copy| u64::try_from(copy.size).unwrap_or(0)).sum::<u64>();
        }
    }

    /// Adds the uploads that [`Collection::expire_uploads`] would give up, and temporary files without an upload.
    async fn preview_uploads(&self, cx: &Cx, expire: Duration, sum: &mut Collected) -> Result<(), Fault> {
        let (until, now) = (cx.now.minus(expire), self.ports.env.now());
        let files = self.ports.store.uploads().await.map_err(store_fault)?;
        let is_fresh: HashMap<String, bool> =
            files.iter().map(|file| (file.id.to_string(), file.modified > until)).collect();
        let rows = self.ports.metadata.read_long(move |rows| uploads::expired(rows, until, "", 1_000_000)).await?;
        let goes = |row: &&uploads::UploadRow| {
            !is_fresh.get(&row.id).copied().unwrap_or(false) && !row.is_held(now) && !self.uploads.is_busy(&row.id)
        };
        let going: HashSet<String> = rows.iter().filter(goes).map(|row| row.id.clone()).collect();
        sum.uploads += going.len() as u64;
        for file in files.into_iter().filter(|file| file.modified <= until) {
            let id = file.id.to_string();
            let is_known =
                !going.contains(&id) && self.ports.metadata.read(move |rows| uploads::find(rows, &id)).await?.is_some();
            if !is_known && !self.uploads.is_busy(file.id.as_str()) {
                sum.bytes += file.bytes;
            }
        }
        Ok(())
    }

    /// Removes the bytes of copies that have no link left, those of an interrupted run included.
    pub(crate) async fn free_copies(
        &self,
        cx: &Cx,
        sum: &mut Collected,
        progress: &mut impl FnMut(&Collected),
    ) -> Result<(), Fault> {
        let mut after = 0;
        loop {
            let dying =
                self.ports.metadata.read_long(move |rows| blobs::deleting_copies(rows, after, LINKS_MAX)).await?;
            let Some(last) = dying.last() else { return Ok(()) };
            after = last.id;
            let keys: Vec<Key> = dying.iter().map(|copy| parse_key(&copy.location)).collect::<Result<_, _>>()?;
            self.ports.store.delete(&keys).await.map_err(store_fault)?;
            self.ports
                .metadata
                .perform(cx, ForgetCopies { copies: dying.iter().map(|copy| copy.id).collect() })
                .await?;
            sum.blobs += dying.len() as u64;
            sum.bytes += dying.iter().map(|copy| u64::try_from(copy.size).unwrap_or(0)).sum::<u64>();
            progress(sum);
        }
    }

    /// Gives uploads up that got no new byte, and removes temporary files that no upload knows.
    async fn expire_uploads(
        &self,
        cx: &Cx,
        expire: Duration,
        sum: &mut Collected,
        progress: &mut impl FnMut(&Collected),
    ) -> Result<(), Fault> {
        let until = cx.now.minus(expire);
        let files = self.ports.store.uploads().await.map_err(store_fault)?;
        let fresh: HashSet<String> =
            files.iter().filter(|file| file.modified > until).map(|file| file.id.to_string()).collect();
        let mut after = String::new();
        loop {
            let from = after.clone();
            let rows =
                self.ports.metadata.read_long(move |rows| uploads::expired(rows, until, &from, LINKS_MAX)).await?;
            let Some(last) = rows.last() else { break };
            after = last.id.clone();
            // A row is touched once a minute at the most; the file knows the last byte.
            for row in rows.iter().filter(|row| !fresh.contains(&row.id) && !self.uploads.is_busy(&row.id)) {
                let expire = ExpireUpload { id: row.id.clone(), until, now: self.ports.env.now() };
                if !self.ports.metadata.perform(cx, expire).await? {
                    continue;
                }
                self.uploads.forget(&row.id);
                if let Ok(id) = row.id.parse::<UploadId>() {
                    self.ports.store.discard(&id).await.map_err(store_fault)?;
                }
                sum.uploads += 1;
                progress(sum);
            }
        }
        for file in files.into_iter().filter(|file| file.modified <= until) {
            let id = file.id.to_string();
            let known = self.ports.metadata.read(move |rows| uploads::find(rows, &id)).await?.is_some();
            if !known && !self.uploads.is_busy(file.id.as_str()) {
                self.ports.store.discard(&file.id).await.map_err(store_fault)?;
                sum.bytes += file.bytes;
                progress(sum);
            }
        }
        Ok(())
    }
}

/// The act that takes links which are still unnamed and still old.
pub(crate) struct TakeLinks {
    pub(crate) repository: i64,
    pub(crate) digests: Vec<String>,
    pub(crate) until: Timestamp,
}

impl Act for TakeLinks {
    type Seen = Vec<blobs::LinkRow>;
    type Plan = Vec<blobs::LinkRow>;
    type Answer = u64;
    const NAME: &'static str = "registry.take_links";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        let mut digests: Vec<&str> = self.digests.iter().map(String::as_str).collect();
        digests.sort_unstable();
        for digest in &digests {
            rows.lock(&format!("blob {digest}"))?;
        }
        blobs::links(rows, self.repository, digests)
    }

    fn decide(&self, seen: Self::Seen, _: Timestamp) -> Result<Self::Plan, Fault> {
        let is_garbage = |link: &blobs::LinkRow| {
            link.manifest_count == 0 && link.candidate_since.is_some_and(|since| since <= self.until)
        };
        Ok(seen.into_iter().filter(is_garbage).collect())
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<u64, Fault> {
        if plan.is_empty() {
            return Ok(0);
        }
        let digests = || plan.iter().map(|link| link.digest.as_str());
        let copies = || plan.iter().map(|link| link.copy);
        usage::count_unique(tx, copies(), -1)?;
        blobs::unlink(tx, self.repository, digests())?;
        blobs::release_copies(tx, copies())?;
        let now = tx.now();
        archive_rows::ask_archived(tx, digests(), now)?;
        let bytes = plan.iter().map(|link| link.size).sum::<i64>();
        repository_rows::count(
            tx,
            self.repository,
            repository_rows::Counts { blob_bytes: -bytes, ..Default::default() },
        )?;
        usage::count_unique(tx, copies(), 1)?;
        quotas::count_unlinked(tx, self.repository, bytes, copies())?;
        Ok(plan.len() as u64)
    }
}

/// The act that forgets copies whose bytes are gone.
struct ForgetCopies {
    copies: Vec<i64>,
}

impl Act for ForgetCopies {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "registry.forget_copies";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        blobs::forget_copies(tx, self.copies.iter().copied())
    }
}

/// The act that takes a lease, where nobody else holds it.
pub(crate) struct TakeLease {
    pub(crate) name: &'static str,
    pub(crate) holder: String,
    pub(crate) until: Timestamp,
}

impl Act for TakeLease {
    type Seen = Option<(String, Timestamp)>;
    type Plan = bool;
    type Answer = bool;
    const NAME: &'static str = "registry.take_lease";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("lease {}", self.name))?;
        leases::find(rows, self.name)
    }
    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<bool, Fault> {
        Ok(seen.is_none_or(|(holder, until)| holder == self.holder || until <= now))
    }
    fn apply(&self, tx: &mut Tx, is_free: bool) -> Result<bool, Fault> {
        if is_free {
            leases::take(tx, self.name, &self.holder, self.until)?;
        }
        Ok(is_free)
    }
}
