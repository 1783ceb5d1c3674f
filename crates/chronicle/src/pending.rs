use crate::{OnOverflow, Settings};
use gantry_audit::{Entry, Fold, Full, Kind, Open, Record};
use gantry_words::Timestamp;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Facts that go to the database together: few enough to let pushes pass in between.
const BATCH_MAX: usize = 256;

/// Facts on their way to the chain.
pub(crate) struct Pending {
    fold: Fold,
    singles: VecDeque<Record>,
    waiters: Vec<oneshot::Sender<()>>,
    gap: Option<Gap>,
    /// Whether it is known that something is there.
    is_known: bool,
    settings: Settings,
}

/// Facts that found no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) count: u64,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
}

/// What goes to the database at once.
pub(crate) struct Batch {
    /// By which it is known again where the answer to its commit got lost.
    pub(crate) id: i64,
    pub(crate) now: Timestamp,
    /// Records of one fact.
    pub(crate) singles: Vec<Record>,
    /// Records that have counted to the end.
    pub(crate) over: Vec<Open>,
    /// Records that still count.
    pub(crate) changed: Vec<(i64, Record)>,
    pub(crate) gap: Option<Gap>,
    /// Whether the chain is signed whatever the time.
    pub(crate) is_last: bool,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.over.is_empty() && self.changed.is_empty() && self.gap.is_none()
    }
}

impl Pending {
    pub(crate) fn new(first_id: i64, settings: Settings) -> Self {
        let fold = Fold::new(first_id, settings.queue_max);
        Pending { fold, singles: VecDeque::new(), waiters: vec![], gap: None, is_known: false, settings }
    }

    /// Takes a fact; an error where it is not and may not be missing.
    pub(crate) fn add(&mut self, entry: &Entry<'_>) -> Result<Taken, Full> {
        let is_single = !entry.kind.folds() || (self.settings.single_records && entry.kind == Kind::Pull);
        let added = match is_single {
            false => self.fold.add(entry),
            true if self.singles.len() >= self.settings.queue_max => Err(Full),
            true => {
                self.singles.push_back(Record::of(entry));
                Ok(())
            }
        };
        match (added, self.settings.on_overflow) {
            (Ok(()), _) => Ok(Taken::Noted),
            (Err(full), OnOverflow::Refuse) => Err(full),
            (Err(Full), OnOverflow::Gap) => {
                let gap = self.gap.get_or_insert(Gap { count: 0, first_at: entry.at, last_at: entry.at });
                gap.count += 1;
                (gap.first_at, gap.last_at) = (gap.first_at.min(entry.at), gap.last_at.max(entry.at));
                Ok(Taken::Lost)
            }
        }
    }

    /// Whether one more record of a single fact has room, or may be missing.
    pub(crate) fn has_room(&self) -> bool {
        self.settings.on_overflow == OnOverflow::Gap || self.singles.len() < self.settings.queue_max
    }

    /// Whether nobody has been told yet that something is there; it is taken for told now.
    pub(crate) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.is_known, true)
    }

    /// Says when what has been taken so far is durable.
    pub(crate) fn wait(&mut self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        self.waiters.push(tell);
        told
    }

    /// Takes out what goes to the database next; who waits, waits for it where it is all.
    pub(crate) fn take(&mut self, id: i64, now: Timestamp, is_last: bool) -> (Batch, Vec<oneshot::Sender<()>>) {
        self.is_known = false;
        let over = self.fold.take_over(if is_last { None } else { Some(now) }, BATCH_MAX);
        let changed = self.fold.changed(BATCH_MAX);
        let singles: Vec<Record> = self.singles.drain(..self.singles.len().min(BATCH_MAX)).collect();
        let is_all = self.singles.is_empty() && changed.len() < BATCH_MAX;
        let waiters = if is_all { std::mem::take(&mut self.waiters) } else { vec![] };
        (Batch { id, now, singles, over, changed, gap: self.gap.take(), is_last }, waiters)
    }

    pub(crate) fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// How many different facts wait or count.
    pub(crate) fn len(&self) -> usize {
        self.fold.len() + self.singles.len()
    }
}

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Noted,
    Lost,
}
