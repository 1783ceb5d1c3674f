use crate::{
    acts::{EndScan, TakeScan},
    attached::{ReadAgain, hanging},
    reading::{ImageRead, NotRead, PackedLayer},
    scans::Scans,
    worker::LayerWorkers,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, accounts, repositories,
    scans::{self, DueRow, ScanEnd, ScanState},
};
use gantry_words::Cx;
use std::time::Duration;

/// Scans looked for in one go.
const BATCH: usize = 16;
/// For how long a scan that was begun is nobody else's. A longer one is begun twice, and one of them in vain.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// How often a scan is begun that does not end: a process that fell over it is not to fall over it for ever.
const ATTEMPTS_MAX: u64 = 3;

impl Scans {
    /// Scans what is due; says how many images that were.
    ///
    /// # Errors
    /// The metadata cannot be read or written. An image that cannot be read is marked as failed, and no error.
    pub async fn round(&self, cx: &Cx) -> Result<usize, Fault> {
        self.see_pushes(cx).await?;
        let mut count = 0;
        loop {
            let now = self.env.now();
            let due = self.metadata.read(move |rows| scans::due(rows, now, BATCH)).await?;
            if due.is_empty() {
                self.workers.iter().for_each(LayerWorkers::end_idle);
                return Ok(count);
            }
            for row in due {
                count += usize::from(self.scan(&Cx { now, ..cx.clone() }, row).await?);
            }
        }
    }

    /// Scans one image, if nobody else has begun to.
    async fn scan(&self, cx: &Cx, due: DueRow) -> Result<bool, Fault> {
        let (repository, digest) = (due.repository, due.digest.clone());
        let take = TakeScan { due, until: cx.now.plus(LEASE) };
        let began = self.env.elapsed();
        let Some(attempts) = self.metadata.perform(cx, take).await? else { return Ok(false) };
        let look = move |rows: &mut Reader| {
            Ok((accounts::of_repository(rows, repository)?, repositories::by_id(rows, repository)?))
        };
        let (account, row) = self.metadata.read(look).await?;
        let account = account.unwrap_or(cx.account);
        let cx = Cx { account, ..cx.clone() };
        let name = row.as_ref().map(|row| row.name.clone());
        let read = match row {
            None => Err(NotRead::failed("the repository is gone")),
            Some(_) if attempts > ATTEMPTS_MAX => {
                Err(NotRead::failed(format!("reading it was begun {ATTEMPTS_MAX} times and never ended")))
            }
            Some(row) => self.read_image(&cx, &row.name, &digest).await?,
        };
        let attached = read.as_ref().ok().map(|image| image.inventory.attached.clone());
        let (end, layers) = end(read)?;
        if end.state == ScanState::Failed {
            tracing::warn!(image.digest = %digest, "{digest} cannot be scanned: {}", end.reason);
        }
        let act = EndScan { repository, digest: digest.clone(), end, layers, at: self.env.now() };
        let state = act.end.state;
        self.metadata.perform(&cx, act).await?;
        if let Some(attached) = attached {
            self.look_at_attached(&cx, repository, &digest, attached).await?;
        }
        self.counters.count(state, self.env.elapsed().saturating_sub(began));
        if let Some(name) = name {
            self.note_ended((account, repository, name, digest));
        }
        Ok(true)
    }
}

impl Scans {
    /// Has an image read again where a document came or went while it was being read.
    async fn look_at_attached(
        &self,
        cx: &Cx,
        repository: i64,
        digest: &str,
        attached: Vec<String>,
    ) -> Result<(), Fault> {
        let wanted = digest.to_string();
        let look = move |rows: &mut Reader| hanging(rows, repository, &wanted);
        if self.metadata.read(look).await?.artifacts == attached {
            return Ok(());
        }
        self.metadata.perform(cx, ReadAgain { repository, digest: digest.to_string() }).await
    }
}

/// What is written down of a scan that has ended.
fn end(read: Result<ImageRead, NotRead>) -> Result<(ScanEnd, Vec<PackedLayer>), Fault> {
    let revision = gantry_scan::ecosystems_revision();
    let (state, reason) = match read {
        Ok(image) => {
            let inventory = crate::packing::pack(&image.inventory)?;
            let end = ScanEnd { state: ScanState::Complete, reason: String::new(), revision, inventory };
            return Ok((end, image.new_layers));
        }
        Err(NotRead::Failed(reason)) => (ScanState::Failed, reason),
        Err(NotRead::Unsupported(reason)) => (ScanState::Unsupported, reason),
    };
    Ok((ScanEnd { state, reason, revision, inventory: Vec::new() }, Vec::new()))
}
