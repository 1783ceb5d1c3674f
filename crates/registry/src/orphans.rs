use crate::{admit::store_fault, collection::Collected, ports::Ports};
use futures_util::StreamExt;
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Trail, Tx, blobs, site_settings};
use gantry_words::{Cx, Timestamp};
use std::{sync::Arc, time::Duration};

/// Where others may push to the same database and folder, bytes without a row are left alone for this long.
///
/// A push may be about to make them visible. They are dated by the renaming that published them; what follows is the
/// sync of their folder and the act that links them, which is given up after [`crate::admit::LINK_WITHIN`], ten minutes.
/// The rest of the hour is for clocks that differ and disks that stall.
pub(crate) const PENDING_MAX: Duration = Duration::from_secs(3600);
/// Beside others every file is looked at this often: a walk through all of them is not free.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Whether a server runs, or ended without saying so.
const SERVING: &str = "serving";
/// Whether a crash may have left bytes that no row knows.
const SUSPECTED: &str = "orphans-suspected";
/// Up to which moment, in milliseconds since 1970, everything was swept beside others.
const SWEPT_UNTIL: &str = "orphans-swept-until";

/// Bytes that were made durable and never became visible, because the process died in between.
///
/// Finding them means looking at every file, so it is done only where a server ended without saying so; where several
/// share a database nobody can know that, and it is done now and then.
#[derive(Clone)]
pub struct Orphans {
    ports: Arc<Ports>,
}

impl Orphans {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Orphans { ports }
    }

    /// Notes that a server begins. One that began before and did not say that it ended has crashed.
    pub async fn begin(&self, cx: &Cx) -> Result<(), Fault> {
        self.ports.metadata.perform(cx, Note::Begin).await
    }

    /// Notes that a server ends in order.
    pub async fn end(&self, cx: &Cx) -> Result<(), Fault> {
        self.ports.metadata.perform(cx, Note::End).await
    }

    /// Whether there may be any. `is_alone` says that no server runs: one that is noted as running has crashed.
    pub async fn are_suspected(&self, is_alone: bool) -> Result<bool, Fault> {
        let look = move |rows: &mut Reader| {
            let is_set = |text: Option<String>| text.as_deref() == Some("1");
            let suspected = is_set(site_settings::find(rows, SUSPECTED)?);
            Ok(suspected || (is_alone && is_set(site_settings::find(rows, SERVING)?)))
        };
        self.ports.metadata.read(look).await
    }

    /// Removes what has no row and was last touched before `before`. Only for who is alone with database and folder since
    /// then: nobody can be about to make it visible.
    pub async fn sweep(&self, cx: &Cx, before: Timestamp) -> Result<Collected, Fault> {
        let sum = self.sweep_between(Timestamp::default(), before).await?;
        self.ports.metadata.perform(cx, Note::Swept).await?;
        Ok(sum)
    }

    /// Removes what has no row, beside others that may push: only what is too old to have a push behind it.
    ///
    /// What was old enough at the last such sweep has its row and is not looked up again; within an hour of it nothing is
    /// done at all.
    pub async fn sweep_beside_others(&self, cx: &Cx) -> Result<Collected, Fault> {
        let found = self.ports.metadata.read(|rows| site_settings::find(rows, SWEPT_UNTIL)).await?;
        let until = found.and_then(|text| text.parse().ok()).map(Timestamp::from_millis);
        let before = cx.now.minus(PENDING_MAX);
        if until.is_some_and(|until| before.since(until) < SWEEP_EVERY) {
            return Ok(Collected::default());
        }
        let sum = self.sweep_between(until.unwrap_or_default(), before).await?;
        self.ports.metadata.perform(cx, Note::SweptUntil(before)).await?;
        Ok(sum)
    }

    async fn sweep_between(&self, from: Timestamp, before: Timestamp) -> Result<Collected, Fault> {
        let mut sum = Collected::default();
        let mut files = std::pin::pin!(self.ports.store.list());
        while let Some(file) = files.next().await {
            let file = file.map_err(store_fault)?;
            if file.modified < from || file.modified >= before {
                continue;
            }
            let location = file.key.to_string();
            if self.ports.metadata.read(move |rows| blobs::copy_at(rows, &location)).await?.is_none() {
                self.ports.store.delete(std::slice::from_ref(&file.key)).await.map_err(store_fault)?;
                sum.blobs += 1;
                sum.bytes += file.length;
            }
        }
        Ok(sum)
    }
}

/// The act that notes how a server began or ended.
enum Note {
    Begin,
    End,
    Swept,
    SweptUntil(Timestamp),
}

impl Act for Note {
    type Seen = bool;
    type Plan = ((&'static str, String), Timestamp);
    type Answer = ();
    const NAME: &'static str = "registry.note_serving";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        rows.lock("serving")?;
        Ok(site_settings::find(rows, SERVING)?.as_deref() == Some("1"))
    }

    fn decide(&self, is_serving: bool, now: Timestamp) -> Result<Self::Plan, Fault> {
        let note = match self {
            Note::Begin if is_serving => (SUSPECTED, "1".to_string()),
            Note::Begin => (SERVING, "1".to_string()),
            Note::End => (SERVING, "0".to_string()),
            Note::Swept => (SUSPECTED, "0".to_string()),
            Note::SweptUntil(before) => (SWEPT_UNTIL, before.millis().to_string()),
        };
        Ok((note, now))
    }

    fn apply(&self, tx: &mut Tx, ((name, value), now): Self::Plan) -> Result<(), Fault> {
        site_settings::put(tx, name, &value, now)
    }
}
