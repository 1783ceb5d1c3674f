use crate::layers::SharedLayer;
use gantry_fault::Fault;
use gantry_metadata::{
    Event, Trail, Tx, Write, attached,
    gates::{self, VerdictRow},
    quarantine::{self, PlacedRow},
    scans::{self, DueRow, ScanEnd},
    site_settings,
};
use gantry_scan::GateMode;
use gantry_words::Timestamp;
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// Up to which event pushes were looked at, in the settings that a site remembers.
pub(crate) const CURSOR: &str = "findings.pushes_seen";

/// How far the walk over stored images has come, there too: servers of two versions, which run beside each other for a while, have each
/// their own.
const STORED: &str = "findings.stored_seen";
/// For how long a walk is remembered on which nobody goes on: by then there is no server of its version any more.
const STORED_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Under which name it stands how far the walk for readers of a revision has come.
pub(crate) fn stored_name(revision: u32) -> String {
    format!("{STORED}.{revision}")
}

const ROW_BY_ROW: &str = "each statement says itself what must hold, and a row is all it touches";

/// Asks for a scan, also of what was scanned before.
pub(crate) struct AskScan {
    pub(crate) repository: i64,
    pub(crate) digest: String,
}

impl Write for AskScan {
    type Answer = ();
    const NAME: &'static str = "findings.ask_scan";
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        scans::ask(tx, self.repository, &self.digest, now)
    }
}

/// Asks for scans of what was pushed, and of what is to be read again, and writes down up to which event that is done.
pub(crate) struct SeePushes {
    pub(crate) images: Vec<(i64, String)>,
    pub(crate) again: Vec<(i64, String)>,
    pub(crate) until: i64,
}

impl Write for SeePushes {
    type Answer = ();
    const NAME: &'static str = "findings.see_pushes";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        for (repository, digest) in &self.images {
            scans::ask_once(tx, *repository, digest, now)?;
        }
        for (repository, digest) in &self.again {
            attached::read_again(tx, *repository, digest, now)?;
        }
        site_settings::put(tx, CURSOR, &self.until.to_string(), now)
    }
}

/// Asks for the scan of an image that is there, where none was ever asked for.
pub(crate) struct AskMissing {
    pub(crate) repository: i64,
    pub(crate) digest: String,
}

impl Write for AskMissing {
    type Answer = ();
    const NAME: &'static str = "findings.ask_missing";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        scans::ask_once(tx, self.repository, &self.digest, now)
    }
}

/// Asks for scans of stored images, never scanned ones and others again, and writes down how far the walk over all has come.
#[derive(Default)]
pub(crate) struct StepThroughStored {
    pub(crate) ask: Vec<(i64, String)>,
    pub(crate) again: Vec<(i64, String)>,
    /// The walk, as JSON.
    pub(crate) walk: String,
    /// The readers for which it goes.
    pub(crate) revision: u32,
}

impl Write for StepThroughStored {
    type Answer = ();
    const NAME: &'static str = "findings.step_through_stored";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        for (repository, digest) in &self.ask {
            scans::ask_once(tx, *repository, digest, now)?;
        }
        for (repository, digest) in &self.again {
            attached::read_again(tx, *repository, digest, now)?;
        }
        let name = stored_name(self.revision);
        site_settings::forget_before(tx, STORED, &name, now.minus(STORED_KEPT))?;
        site_settings::put(tx, &name, &self.walk, now)
    }
}

/// Keeps what a scan policy says of an image, and tells it where that is news.
pub(crate) struct KeepVerdict {
    /// The repository's number and name, and the image.
    pub(crate) place: (i64, String, String),
    pub(crate) row: VerdictRow,
    /// What it came to before.
    pub(crate) before: Option<String>,
    pub(crate) mode: GateMode,
}

impl Write for KeepVerdict {
    type Answer = ();
    const NAME: &'static str = "findings.keep_verdict";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let (repository, name, digest) = &self.place;
        if self.before.as_ref() != Some(&self.row.outcome) {
            let body = json!({
                "repository": name, "digest": digest, "outcome": self.row.outcome, "before": self.before, "mode": self.mode,
            });
            tx.event(Event { kind: "image.judged", repository: Some(*repository), body })?;
        }
        gates::put(tx, *repository, digest, &self.row)
    }
}

/// Writes down how a tag in quarantine stands, and tells that it is refused where that is news.
pub(crate) struct KeepStanding {
    pub(crate) placed: PlacedRow,
    pub(crate) state: &'static str,
    /// Why, as JSON.
    pub(crate) reasons: String,
}

impl Write for KeepStanding {
    type Answer = ();
    const NAME: &'static str = "findings.keep_standing";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let PlacedRow { repository, name, row, current, .. } = &self.placed;
        let is_news = quarantine::keep(tx, *repository, &row.tag, row.id, self.state, &self.reasons)?;
        if is_news && self.state == quarantine::REFUSED && row.state != self.state {
            let reasons: serde_json::Value = serde_json::from_str(&self.reasons).map_err(Fault::internal)?;
            let body = json!({
                "repository": name, "tag": row.tag, "digest": row.digest, "previous": current, "state": self.state,
                "reasons": reasons,
            });
            tx.event(Event { kind: "tag.quarantined", repository: Some(*repository), body })?;
        }
        Ok(())
    }
}

/// Takes a scan that is due, so that nobody else does.
pub(crate) struct TakeScan {
    pub(crate) due: DueRow,
    pub(crate) until: Timestamp,
}

impl Write for TakeScan {
    type Answer = Option<u64>;
    const NAME: &'static str = "findings.take_scan";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<Option<u64>, Fault> {
        let now = tx.now();
        scans::take(tx, &self.due, now, self.until)
    }
}

/// Writes down how a scan ended, and what its layers hold that were not known.
pub(crate) struct EndScan {
    pub(crate) repository: i64,
    pub(crate) digest: String,
    pub(crate) end: ScanEnd,
    pub(crate) layers: Vec<Arc<SharedLayer>>,
    pub(crate) at: Timestamp,
    /// What is told of it.
    pub(crate) event: Option<Event>,
}

impl Write for EndScan {
    type Answer = ();
    const NAME: &'static str = "findings.end_scan";
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        keep_layers(tx, &self.layers, self.end.revision)?;
        if let Some(event) = &self.event {
            tx.event(event.clone())?;
        }
        scans::end(tx, self.repository, &self.digest, &self.end, self.at)
    }
}

/// Writes down what layers hold that no image names yet.
pub(crate) struct KeepLayers {
    pub(crate) layers: Vec<Arc<SharedLayer>>,
    /// Of the readers.
    pub(crate) revision: u32,
}

impl Write for KeepLayers {
    type Answer = ();
    const NAME: &'static str = "findings.keep_layers";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        keep_layers(tx, &self.layers, self.revision)
    }
}

fn keep_layers(tx: &mut Tx, layers: &[Arc<SharedLayer>], revision: u32) -> Result<(), Fault> {
    for (layer, content) in layers.iter().filter_map(|layer| Some((layer, layer.packed()?))) {
        scans::put_layer(tx, layer.digest(), revision, content, layer.path_filter())?;
    }
    Ok(())
}

/// Lets scans be taken again that a process had begun which is gone.
pub(crate) struct ReleaseScans;

impl Write for ReleaseScans {
    type Answer = ();
    const NAME: &'static str = "findings.release_scans";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        let now = tx.now();
        scans::release(tx, now)
    }
}

/// Forgets scans of images, and contents of layers, that are gone.
pub(crate) struct Forget {
    pub(crate) scans: Vec<(i64, String)>,
    pub(crate) layers: Vec<String>,
}

impl Write for Forget {
    type Answer = ();
    const NAME: &'static str = "findings.forget";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        self.scans.iter().try_for_each(|(repository, digest)| scans::forget_scan(tx, *repository, digest))?;
        self.layers.iter().try_for_each(|digest| scans::forget_layer(tx, digest))
    }
}

/// Forgets what scan policies said of images that are gone.
pub(crate) struct ForgetVerdicts;

impl Write for ForgetVerdicts {
    type Answer = ();
    const NAME: &'static str = "findings.forget_verdicts";
    const TRAIL: Trail = Trail::Housekeeping;
    const UNLOCKED: &'static str = ROW_BY_ROW;

    fn write(&self, tx: &mut Tx) -> Result<(), Fault> {
        gates::forget_gone(tx)
    }
}
