use crate::{admit::store_fault, collection::Collected, ports::Ports};
use futures_util::StreamExt;
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Trail, Tx, blobs, site_settings};
use gantry_words::{Cx, Timestamp};
use std::sync::Arc;

/// Whether a server runs, or ended without saying so.
const SERVING: &str = "serving";
/// Whether a crash may have left bytes that no row knows.
const SUSPECTED: &str = "orphans-suspected";

/// Bytes that were made durable and never became visible, because the process died in between.
///
/// Finding them means looking at every file, so it is done only where a server ended without saying so.
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

    /// Removes what has no row and was last touched before `before`: nobody can be about to make it visible.
    pub async fn sweep(&self, cx: &Cx, before: Timestamp) -> Result<Collected, Fault> {
        let mut sum = Collected::default();
        let mut files = std::pin::pin!(self.ports.store.list());
        while let Some(file) = files.next().await {
            let file = file.map_err(store_fault)?;
            if file.modified >= before {
                continue;
            }
            let location = file.key.to_string();
            if self.ports.metadata.read(move |rows| blobs::copy_at(rows, &location)).await?.is_none() {
                self.ports.store.delete(std::slice::from_ref(&file.key)).await.map_err(store_fault)?;
                sum.blobs += 1;
                sum.bytes += file.length;
            }
        }
        self.ports.metadata.perform(cx, Note::Swept).await?;
        Ok(sum)
    }
}

/// The act that notes how a server began or ended.
enum Note {
    Begin,
    End,
    Swept,
}

impl Act for Note {
    type Seen = bool;
    type Plan = (Vec<(&'static str, &'static str)>, Timestamp);
    type Answer = ();
    const NAME: &'static str = "registry.note_serving";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<bool, Fault> {
        rows.lock("serving")?;
        Ok(site_settings::find(rows, SERVING)?.as_deref() == Some("1"))
    }

    fn decide(&self, is_serving: bool, now: Timestamp) -> Result<Self::Plan, Fault> {
        let notes = match self {
            Note::Begin if is_serving => vec![(SUSPECTED, "1")],
            Note::Begin => vec![(SERVING, "1")],
            Note::End => vec![(SERVING, "0")],
            Note::Swept => vec![(SUSPECTED, "0")],
        };
        Ok((notes, now))
    }

    fn apply(&self, tx: &mut Tx, (notes, now): Self::Plan) -> Result<(), Fault> {
        notes.into_iter().try_for_each(|(name, value)| site_settings::put(tx, name, value, now))
    }
}
