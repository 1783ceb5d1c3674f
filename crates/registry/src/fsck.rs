mod copies;

use crate::{
    admit::store_fault,
    images::{fitting, parse_digest, store_algorithm},
    orphans::PENDING_MAX,
    ports::Ports,
};
use futures_util::StreamExt;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Tx, blobs,
    consistency::{self, Counted, Dangling, Named, WrongCount},
    manifests, quotas, repositories, trash, uploads, usage,
};
use gantry_oci::{Algorithm, Digest};
use gantry_words::{Cx, Timestamp};
use std::sync::Arc;

/// Findings that are named in full; more are only counted.
const NAMED_MAX: usize = 1_000;
/// Rows read at a time.
const BATCH: usize = 500;
/// Bytes of manifests read at a time; of a larger one, that alone.
const BATCH_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The room of repair: compares metadata and store both ways, and mends.
#[derive(Clone)]
pub struct Fsck {
    ports: Arc<Ports>,
}

/// How to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FsckOptions {
    /// Compare lengths only; else every blob is read and hashed.
    pub quick: bool,
    /// Move what is corrupt into quarantine, serve again what was found corrupt but is whole, set counts right, remove what
    /// a crash left. What is corrupt is taken out of service in any case.
    pub repair: bool,
    /// No other process is at this database and folder: what has no row can have none coming.
    pub is_alone: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FsckReport {
    /// Blobs whose bytes were compared.
    pub blobs: u64,
    /// Bytes that were read, or only counted with `quick`.
    pub bytes: u64,
    /// Blobs whose lengths alone were compared, since their key is off or not at hand.
    pub unverified: u64,
    /// Blobs that the disk did not give out: nobody knows whether they are whole.
    pub unreadable: u64,
    /// Manifests whose digest was computed again.
    pub manifests: u64,
    /// How much is damaged.
    pub damage: u64,
    /// How much a crash left behind; not damage.
    pub leftovers: u64,
    /// How much was mended.
    pub repaired: u64,
    /// The findings, at most a thousand.
    pub findings: Vec<FsckFinding>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FsckFinding {
    /// Whether it is damage; else a leftover, or what could not be read.
    pub is_damage: bool,
    /// Whether it could not be read.
    pub is_unreadable: bool,
    /// What it is, for a person.
    pub message: String,
    /// Whether it was mended.
    pub is_repaired: bool,
}

/// How far a check has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FsckProgress {
    /// Bytes checked.
    pub bytes: u64,
    /// Blobs checked.
    pub blobs: u64,
    /// Bytes there are to be checked.
    pub bytes_total: u64,
}

impl FsckReport {
    fn note(&mut self, is_damage: bool, message: String, is_repaired: bool) {
        match is_damage {
            true => self.damage += 1,
            false => self.leftovers += 1,
        }
        self.repaired += u64::from(is_repaired);
        self.name(FsckFinding { is_damage, is_unreadable: false, message, is_repaired });
    }

    fn note_unreadable(&mut self, message: String) {
        self.unreadable += 1;
        self.name(FsckFinding { is_damage: false, is_unreadable: true, message, is_repaired: false });
    }

    fn name(&mut self, finding: FsckFinding) {
        if self.findings.len() < NAMED_MAX {
            self.findings.push(finding);
        }
    }
}

impl Fsck {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Fsck { ports }
    }

    /// Checks everything. `progress` hears how far it has come.
    pub async fn run(
        &self,
        cx: &Cx,
        options: FsckOptions,
        progress: impl Fn(FsckProgress) + Send + Sync,
    ) -> Result<FsckReport, Fault> {
        let mut report = FsckReport::default();
        self.check_copies(cx, options, &mut report, &progress).await?;
        self.check_store(options, cx.now, &mut report).await?;
        self.check_uploads(&mut report).await?;
        self.check_manifests(&mut report).await?;
        self.check_counts(cx, options, &mut report).await?;
        self.check_names(&mut report).await?;
        Ok(report)
    }

    /// Each file of the store has its row.
    async fn check_store(&self, options: FsckOptions, now: Timestamp, report: &mut FsckReport) -> Result<(), Fault> {
        let mut files = std::pin::pin!(self.ports.store.list());
        while let Some(file) = files.next().await {
            let file = file.map_err(store_fault)?;
            let location = file.key.to_string();
            if self.ports.metadata.read(move |rows| blobs::copy_at(rows, &location)).await?.is_some() {
                continue;
            }
            // Beside others a push may be about to link it, or a collection may just have removed it.
            let is_pending = !options.is_alone && now.since(file.modified) <= PENDING_MAX;
            if is_pending || self.ports.store.exists(&file.key).await.map_err(store_fault)?.is_none() {
                continue;
            }
            let removes = options.repair;
            if removes {
                self.ports.store.delete(std::slice::from_ref(&file.key)).await.map_err(store_fault)?;
            }
            report.note(
                false,
                format!("{} ({} bytes) belongs to no blob: a push was interrupted", file.key, file.length),
                removes,
            );
        }
        Ok(())
    }

    async fn check_uploads(&self, report: &mut FsckReport) -> Result<(), Fault> {
        for file in self.ports.store.uploads().await.map_err(store_fault)? {
            let id = file.id.to_string();
            let known = self.ports.metadata.read(move |rows| uploads::find(rows, &id)).await?.is_some();
            let what = if known { "an open upload" } else { "a temporary file without an upload" };
            report.note(
                false,
                format!("{what}, {} ({} bytes): the collection takes it after its time", file.id, file.bytes),
                false,
            );
        }
        Ok(())
    }

    /// Each manifest's bytes have its digest.
    async fn check_manifests(&self, report: &mut FsckReport) -> Result<(), Fault> {
        let mut repository = 0;
        loop {
            let found = self.ports.metadata.read_long(move |rows| repositories::each(rows, repository, BATCH)).await?;
            let Some((last, _)) = found.last() else { break };
            repository = *last;
            for (id, name) in found {
                self.check_manifests_of(id, &name, report).await?;
            }
        }
        self.check_trash(report).await
    }

    /// The same of what deleted repositories have in the trash.
    async fn check_trash(&self, report: &mut FsckReport) -> Result<(), Fault> {
        let mut repository = 0;
        loop {
            let look = move |rows: &mut Reader| trash::gone_repositories(rows, repository, BATCH);
            let found = self.ports.metadata.read_long(look).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            repository = *last;
            for (id, name) in found {
                self.check_manifests_of(id, &name, report).await?;
            }
        }
    }

    async fn check_manifests_of(&self, repository: i64, name: &str, report: &mut FsckReport) -> Result<(), Fault> {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let look = move |rows: &mut Reader| {
                let mut page = manifests::each(rows, repository, &from, BATCH)?;
                let sizes = page.iter().map(|row| u64::try_from(row.size).unwrap_or(0));
                page.truncate(fitting(sizes, BATCH_BYTES_MAX));
                let with_body = |row: manifests::ManifestRow| {
                    Ok((manifests::stored_body(rows, repository, &row.digest)?, row.digest))
                };
                page.into_iter().map(with_body).collect::<Result<Vec<_>, Fault>>()
            };
            let page = self.ports.metadata.read_long(look).await?;
            let Some((_, last)) = page.last() else { return Ok(()) };
            after = last.clone();
            for (body, digest) in page {
                report.manifests += 1;
                let Some(body) = body else { continue };
                let algorithm = parse_digest(&digest).map_or(Algorithm::Sha256, |digest| digest.algorithm());
                let found =
                    Digest::from_hash(algorithm, &gantry_store::hash_bytes(store_algorithm(algorithm), &body.body));
                if found.as_str() != digest {
                    report.note(true, format!("manifest {digest} of {name}: its bytes have the digest {found}; remove it and push it again"), false);
                }
            }
        }
    }

    /// Each maintained count is what a recount gives.
    async fn check_counts(&self, cx: &Cx, options: FsckOptions, report: &mut FsckReport) -> Result<(), Fault> {
        for counted in Counted::ALL {
            let wrong =
                self.ports.metadata.read_long(move |rows| consistency::wrong_counts(rows, counted, NAMED_MAX)).await?;
            for wrong in wrong {
                let message =
                    format!("{counted:?} of {}: {} is stored, {} is right", wrong.what, wrong.stored, wrong.right);
                // A server that believes to own the database remembers counts; where several share it none does.
                let mends = options.repair && (options.is_alone || !self.ports.metadata.owns_alone());
                let mends = mends && self.ports.metadata.perform(cx, MendCount { counted, wrong }).await?;
                report.note(true, message, mends);
            }
        }
        Ok(())
    }

    /// Each name leads somewhere.
    async fn check_names(&self, report: &mut FsckReport) -> Result<(), Fault> {
        for named in Named::ALL {
            let lost = self.ports.metadata.read_long(move |rows| consistency::dangling(rows, named, NAMED_MAX)).await?;
            for Dangling { repository, from, to } in lost {
                let name = self.ports.metadata.read(move |rows| repositories::by_id(rows, repository)).await?;
                let name = name.map_or_else(|| format!("repository {repository}"), |row| row.name);
                let message = match named {
                    Named::TagImage => {
                        format!("{name}:{from} points to {to}, which is not there; push it again or remove the tag")
                    }
                    Named::ManifestBlob => {
                        format!("{name}@{from} names the blob {to}, which the repository does not hold; push it again")
                    }
                    Named::IndexChild => {
                        format!("{name}@{from} names the manifest {to}, which is not there; push it again")
                    }
                    Named::TrashImage => {
                        format!("{name}: what is known of the trash and what is in it differ for {to}; push it again")
                    }
                    Named::LinkCopy => format!("{name} holds the blob {to}, but no copy of it is known; push it again"),
                    Named::LinkWholeCopy => {
                        format!("{name} holds the blob {to}, whose bytes are damaged; push it again to heal it")
                    }
                };
                report.note(true, message, false);
            }
        }
        Ok(())
    }
}

/// The act that sets a maintained count to what a recount gives. Answers whether it did: beside others the count may have
/// become right, and is no longer what it was when the damage was found.
struct MendCount {
    counted: Counted,
    wrong: WrongCount,
}

impl Act for MendCount {
    type Seen = Option<WrongCount>;
    type Plan = Option<(WrongCount, Timestamp)>;
    type Answer = bool;
    const NAME: &'static str = "registry.mend_count";

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        match self.counted {
            Counted::CopyLinks => {
                let Some(copy) = blobs::copy(rows, copy_number(&self.wrong)?)? else { return Ok(None) };
                rows.lock(&format!("blob {}", copy.digest))?;
            }
            Counted::QuotaBytes | Counted::QuotaPhysical | Counted::QuotaImages | Counted::QuotaReserved => {
                rows.lock(&quotas::lock_of(self.wrong.repository))?;
            }
            _ => rows.lock(&format!("repository {}", self.wrong.repository))?,
        }
        let is_this = |found: &WrongCount| found.repository == self.wrong.repository && found.what == self.wrong.what;
        Ok(consistency::wrong_counts(rows, self.counted, NAMED_MAX)?.into_iter().find(is_this))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        Ok(seen.map(|wrong| (wrong, now)))
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<bool, Fault> {
        let Some((wrong, now)) = plan else { return Ok(false) };
        let WrongCount { repository, what, right, .. } = &wrong;
        match self.counted {
            Counted::LinkManifests | Counted::LinkStates => {
                let since = (*right == 0).then_some(now);
                blobs::set_link(tx, *repository, what, *right, since)?;
            }
            Counted::LinkArchived => blobs::set_archived(tx, *repository, what, *right)?,
            Counted::CopyLinks => blobs::set_copy_count(tx, copy_number(&wrong)?, *right)?,
            Counted::ImageTags => {
                if let Some(row) = manifests::find(tx, *repository, what)? {
                    manifests::set_counts(tx, *repository, what, *right, row.parent_count)?;
                }
            }
            Counted::ImageParents => {
                if let Some(row) = manifests::find(tx, *repository, what)? {
                    manifests::set_counts(tx, *repository, what, row.tag_count, *right)?;
                }
            }
            // The difference alone: a push to another repository may change the count of this one meanwhile.
            Counted::RepositoryUnique => usage::add_unique(tx, *repository, right - wrong.stored)?,
            Counted::QuotaBytes | Counted::QuotaPhysical | Counted::QuotaImages | Counted::QuotaReserved => {
                quotas::recount(tx, *repository)?;
            }
            Counted::RepositoryImages | Counted::RepositoryTags | Counted::RepositoryBytes => {
                self.mend_repository(tx, &wrong)?;
            }
        }
        Ok(true)
    }
}

impl MendCount {
    fn mend_repository(&self, tx: &mut Tx, wrong: &WrongCount) -> Result<(), Fault> {
        let Some(row) = repositories::by_id(tx, wrong.repository)? else { return Ok(()) };
        let (images, tags, blob_bytes) = (row.image_count, row.tag_count, row.blob_bytes);
        let mut counts = repositories::Counts { images, tags, blob_bytes, ..Default::default() };
        match self.counted {
            Counted::RepositoryImages => counts.images = wrong.right,
            Counted::RepositoryTags => counts.tags = wrong.right,
            _ => counts.blob_bytes = wrong.right,
        }
        repositories::set_counts(tx, row.id, counts)
    }
}

fn copy_number(wrong: &WrongCount) -> Result<i64, Fault> {
    wrong.what.parse().map_err(Fault::internal)
}

#[cfg(test)]
mod tests;
