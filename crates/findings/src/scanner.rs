use crate::{
    acts::{EndScan, TakeScan},
    attached::{ReadAgain, hanging},
    layers::SharedLayer,
    reading::{ImageRead, NotRead},
    scans::{EVERY, Scans},
    worker::LayerWorkers,
};
use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Reader, accounts, repositories,
    scans::{self, DueRow, ScanEnd, ScanState},
};
use gantry_scan::Inventory;
use gantry_words::Cx;
use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

/// For how long nothing is begun after something has failed that is not of an image.
const PAUSE: Duration = Duration::from_secs(5);
/// For how long a scan that was begun is nobody else's. A longer one is begun twice, and one of them in vain.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// How often a scan is begun that does not end: a process that fell over it is not to fall over it for ever.
const ATTEMPTS_MAX: u64 = 3;

impl Scans {
    /// Scans what is due, and what becomes due meanwhile, as many images at a time as there are to be workers; says how many they were
    /// once there is nothing left.
    ///
    /// # Errors
    /// The metadata cannot be read or written; what was begun has ended by then. An image that cannot be read is marked as failed, and
    /// no error.
    pub async fn round(&self, cx: &Cx) -> Result<usize, Fault> {
        let (mut under_way, mut images) = (FuturesUnordered::new(), BTreeSet::new());
        let (mut count, mut trouble) = (0, None::<Trouble>);
        loop {
            // What is wrong at a moment is not tried again and again, and holds up nothing that was begun.
            trouble = trouble.and_then(|trouble| trouble.after(self.env.elapsed()));
            if trouble.is_none() {
                match self.look(cx, &images).await {
                    Ok(due) => under_way.extend(due.into_iter().map(|row| {
                        let (image, now) = ((row.repository, row.digest.clone()), self.env.now());
                        images.insert(image.clone());
                        async move { (image, self.scan(&Cx { now, ..cx.clone() }, row).await) }
                    })),
                    Err(fault) => trouble = Some(Trouble::at(self.env.elapsed(), fault)),
                }
            }
            self.workers.iter().for_each(LayerWorkers::end_idle);
            if under_way.is_empty() {
                return trouble.map_or(Ok(count), |trouble| Err(trouble.fault));
            }
            let news = pin!(self.news());
            let next = select(under_way.next(), news);
            let Some(Either::Left((Some((image, scanned)), _))) = self.env.within(EVERY, next).await else { continue };
            images.remove(&image);
            match scanned {
                Ok(is_scanned) => count += usize::from(is_scanned),
                Err(fault) => {
                    let earlier = trouble.replace(Trouble::at(self.env.elapsed(), fault));
                    earlier.iter().for_each(Trouble::tell);
                }
            }
        }
    }

    /// Returns scans to begin beside those of these images, also to fill no place: what was pushed is to be known to wait.
    async fn look(&self, cx: &Cx, under_way: &BTreeSet<(i64, String)>) -> Result<Vec<DueRow>, Fault> {
        self.see_pushes(cx).await?;
        let (now, room) = (self.env.now(), self.at_once().saturating_sub(under_way.len()));
        if room == 0 {
            return Ok(Vec::new());
        }
        // One that outlasts its lease is due again, and yet under way.
        let most = room + under_way.len();
        let due = self.metadata.read(move |rows| scans::due(rows, now, most)).await?;
        let others = due.into_iter().filter(|row| !under_way.contains(&(row.repository, row.digest.clone())));
        Ok(others.take(room).collect())
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
        let Ended { end, layers, inventory } = Ended::of(read)?;
        if end.state == ScanState::Failed {
            tracing::warn!(image.digest = %digest, "{digest} cannot be scanned: {}", end.reason);
        }
        let told = match &name {
            Some(name) => self.scan_event(&cx, (repository, name, &digest), (end.state, &end.reason), inventory).await,
            None => Ok(None),
        };
        let event = told.unwrap_or_else(|fault| {
            // What the image holds is known all the same.
            tracing::warn!(image.digest = %digest, "nobody is told that the scan of {digest} ended: {fault}");
            None
        });
        // They are let go of when they are written down: then others find them in the database.
        let (image, kept, at) = (digest.clone(), layers.clone(), self.env.now());
        let act = EndScan { repository, digest: image, end, layers: kept, at, event };
        let state = act.end.state;
        self.metadata.perform(&cx, act).await?;
        drop(layers);
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

/// Why nothing is begun, and until when.
struct Trouble {
    fault: Fault,
    until: Duration,
}

impl Trouble {
    fn at(now: Duration, fault: Fault) -> Trouble {
        Trouble { fault, until: now + PAUSE }
    }

    fn after(self, now: Duration) -> Option<Trouble> {
        if now < self.until {
            return Some(self);
        }
        self.tell();
        None
    }

    fn tell(&self) {
        tracing::error!(error = ?self.fault, "an image could not be scanned; it is tried again: {}", self.fault);
    }
}

/// A scan that has ended.
struct Ended {
    /// What is written down of it.
    end: ScanEnd,
    /// The layers that were not known.
    layers: Vec<Arc<SharedLayer>>,
    /// What the image holds, where that is known.
    inventory: Option<Inventory>,
}

impl Ended {
    fn of(read: Result<ImageRead, NotRead>) -> Result<Ended, Fault> {
        let revision = gantry_scan::ecosystems_revision();
        let (state, reason) = match read {
            Ok(ImageRead { inventory, new_layers }) => {
                let packed = crate::packing::pack(&inventory)?;
                let end = ScanEnd { state: ScanState::Complete, reason: String::new(), revision, inventory: packed };
                return Ok(Ended { end, layers: new_layers, inventory: Some(inventory) });
            }
            Err(NotRead::Failed(reason)) => (ScanState::Failed, reason),
            Err(NotRead::Unsupported(reason)) => (ScanState::Unsupported, reason),
        };
        let end = ScanEnd { state, reason, revision, inventory: Vec::new() };
        Ok(Ended { end, layers: Vec::new(), inventory: None })
    }
}

#[cfg(test)]
mod tests;
