use crate::{
    Settings,
    chain::{Answer, ChainRecords},
    pending::{Batch, Pending, Taken},
    trim,
};
use gantry_audit::{Entry, Full, GENESIS, Signed, SigningKey, writer_of};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Metadata, audit, audit::WriterRow};
use gantry_words::{AccountId, Cx, Region, Timestamp};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

/// How long facts gather before they go to the database, where nobody waits for them.
const GATHER: Duration = Duration::from_millis(250);
/// How long a search waits for what is on its way.
const CATCH_UP_WAIT: Duration = Duration::from_secs(2);
/// How often it is looked whether there are rows of the change trail to take, and records whose minute is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of the database's time the audit takes one part in so many while much is changed: what it has not taken yet is durable in
/// the change trail.
const TIME_SHARE: u32 = 5;
/// How often it is looked whether records are too old.
const TRIM_EVERY: Duration = Duration::from_secs(3600);

/// Where records and checkpoints go besides the database. Called once they are durable, in order.
pub trait Outlet: Send + Sync + 'static {
    /// Takes records as they were chained, each a line of JSON.
    fn records(&self, lines: &[String]);
    /// Takes a signed checkpoint.
    fn checkpoint(&self, signed: &Signed);
}

/// The room that keeps the audit. Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    keeper: Arc<Keeper>,
    metadata: Metadata,
    env: Env,
    pending: Mutex<Pending>,
    /// A batch whose writing failed, with who waits for it: it is tried again before any other.
    stuck: Mutex<Option<Awaited>>,
    /// Something is there.
    wake: Notify,
    /// Somebody waits for it.
    urge: Notify,
    outlet: Option<Box<dyn Outlet>>,
    state: Mutex<State>,
    is_running: AtomicBool,
    is_ending: AtomicBool,
    lost: AtomicU64,
    chained: AtomicU64,
    held: AtomicU64,
    undelivered: AtomicU64,
}

/// A batch, and who waits for it.
type Awaited = (Arc<Batch>, Vec<oneshot::Sender<()>>);

/// What does not change about a writer.
pub(crate) struct Keeper {
    pub(crate) key: SigningKey,
    pub(crate) writer: i64,
    pub(crate) region: Region,
    pub(crate) account: AccountId,
    pub(crate) settings: Settings,
}

#[derive(Clone, Copy, Default)]
struct State {
    has_begun: bool,
    seq: u64,
    checkpoint_seq: u64,
    checkpoint_at: Timestamp,
}

/// Figures for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records this process has chained.
    pub records: u64,
    /// Different facts that wait or still count.
    pub waiting: u64,
    /// Facts that found no room.
    pub lost: u64,
    /// Records that are older than they are kept, and stay until the webhook has them.
    pub held: u64,
    /// Records this process has removed that the webhook never had.
    pub undelivered: u64,
}

impl Keeper {
    pub(crate) fn first_row(&self) -> WriterRow {
        WriterRow {
            writer: self.writer,
            public_key: gantry_audit::print_hash(&self.key.public()),
            seq: 0,
            hash: GENESIS,
            root: 0,
            batch: 0,
            checkpoint_seq: 0,
            checkpoint_at: Timestamp::default(),
            checkpoint_hash: GENESIS,
        }
    }
}

/// No state behind these locks can be left half-way by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Audit {
    /// A room that writes the chain of `key` into `metadata`.
    pub fn new(
        metadata: Metadata,
        env: Env,
        key: SigningKey,
        (account, region): (AccountId, Region),
        settings: Settings,
        outlet: Option<Box<dyn Outlet>>,
    ) -> Self {
        let pending = Mutex::new(Pending::new(env.fresh_id(), settings.clone()));
        let writer = writer_of(&key.public());
        Audit(Arc::new(Inner {
            keeper: Arc::new(Keeper { key, writer, region, account, settings }),
            metadata,
            env,
            pending,
            stuck: Mutex::default(),
            wake: Notify::new(),
            urge: Notify::new(),
            outlet,
            state: Mutex::default(),
            is_running: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            chained: AtomicU64::new(0),
            held: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
        }))
    }

    /// Takes a fact.
    ///
    /// # Errors
    /// There is no room for it, and nothing may happen unrecorded.
    pub fn note(&self, entry: &Entry<'_>) -> Result<(), Full> {
        let inner = &*self.0;
        let (taken, is_first) = {
            let mut pending = lock(&inner.pending);
            (pending.add(entry), pending.begins())
        };
        if taken != Ok(Taken::Noted) {
            inner.lost.fetch_add(1, Relaxed);
        }
        if is_first {
            inner.wake.notify_one();
        }
        taken.map(|_| ())
    }

    /// The same, and says when it is durable: the receiver hears it, or that it will not be told.
    ///
    /// # Errors
    /// As [`Audit::note`].
    pub fn note_durably(&self, entry: &Entry<'_>) -> Result<oneshot::Receiver<()>, Full> {
        self.note(entry)?;
        let told = lock(&self.0.pending).wait();
        self.0.urge.notify_one();
        Ok(told)
    }

    /// Waits until what has been noted so far is in the database, for a moment at the longest.
    pub(crate) async fn catch_up(&self) {
        let inner = &*self.0;
        if !inner.is_running.load(Relaxed) {
            return;
        }
        let told = lock(&inner.pending).wait();
        inner.wake.notify_one();
        inner.urge.notify_one();
        // Where the database is slow, what it has is better than no answer.
        let _ = inner.env.within(CATCH_UP_WAIT, told).await;
    }

    /// Whether a change may begin: there is room for its record, or it may be missing.
    pub fn has_room(&self) -> bool {
        lock(&self.0.pending).has_room()
    }

    /// Writes facts to the chain as they come, until [`Audit::stop`]. Dropped before that, it may lose what it was writing.
    pub async fn run(&self) {
        self.0.is_running.store(true, Relaxed);
        // Beside each other: whoever waits for his refusal to be durable must not wait for millions of old records to go.
        tokio::select! {
            () = self.write_down() => {}
            () = self.trim_by_and_by() => {}
        }
    }

    async fn trim_by_and_by(&self) {
        self.0.env.sleep(LOOK_EVERY).await;
        loop {
            if let Err(fault) = self.trim().await {
                tracing::error!(error = ?fault, "the audit could not be trimmed: {fault}");
            }
            self.0.env.sleep(TRIM_EVERY).await;
        }
    }

    async fn write_down(&self) {
        let inner = &*self.0;
        while !inner.is_ending.load(Relaxed) {
            let woken = inner.env.within(LOOK_EVERY, inner.wake.notified()).await;
            // Where somebody waits it is written down at once.
            if woken.is_some() && !lock(&inner.pending).has_waiters() {
                inner.env.within(GATHER, inner.urge.notified()).await;
            }
            if let Err(fault) = self.flush(false).await {
                tracing::error!(error = ?fault, "the audit could not be written down; it is tried again: {fault}");
                inner.env.sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Has [`Audit::run`] end after what it does now.
    pub fn stop(&self) {
        self.0.is_ending.store(true, Relaxed);
        self.0.wake.notify_one();
        self.0.urge.notify_one();
    }

    /// Writes down what waits and signs the chain: the last thing before the end.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn end(&self) -> Result<(), Fault> {
        self.flush(true).await
    }

    /// Writes down what waits, batch after batch.
    pub(crate) async fn flush(&self, is_last: bool) -> Result<(), Fault> {
        let inner = &*self.0;
        loop {
            let stuck = lock(&inner.stuck).take();
            let (batch, waiters) = match stuck {
                Some(stuck) => stuck,
                None => {
                    let (batch, waiters) = lock(&inner.pending).take(inner.env.fresh_id(), inner.env.now(), is_last);
                    (Arc::new(batch), waiters)
                }
            };
            let began = inner.env.elapsed();
            match self.write(&batch).await {
                Ok(answer) => {
                    let goes_on = answer.as_ref().is_some_and(|answer| answer.has_more) || !batch.is_empty();
                    answer.into_iter().for_each(|answer| self.settle(answer));
                    // Who does not wait any more need not hear it.
                    waiters.into_iter().for_each(|waiter| waiter.send(()).unwrap_or_default());
                    if !goes_on {
                        return Ok(());
                    }
                    self.make_way(inner.env.elapsed().saturating_sub(began), is_last).await;
                }
                Err(fault) => {
                    *lock(&inner.stuck) = Some((batch, waiters));
                    return Err(fault);
                }
            }
        }
    }

    /// Leaves the database to everybody else for a while, unless somebody waits or so much does that room becomes short.
    async fn make_way(&self, took: Duration, is_last: bool) {
        let inner = &*self.0;
        let is_pressed = {
            let pending = lock(&inner.pending);
            pending.has_waiters() || pending.len() > inner.keeper.settings.queue_max / 2
        };
        if !is_last && !is_pressed {
            inner.env.within(took * (TIME_SHARE - 1), inner.urge.notified()).await;
        }
    }

    /// Writes a batch; nothing where there is nothing to write.
    async fn write(&self, batch: &Arc<Batch>) -> Result<Option<Answer>, Fault> {
        let inner = &*self.0;
        if !self.is_wanted(batch).await? {
            return Ok(None);
        }
        let is_first = !lock(&inner.state).has_begun;
        let act =
            ChainRecords { batch: batch.clone(), keeper: inner.keeper.clone(), is_first, seed: inner.env.random() };
        inner.metadata.perform(&self.cx(batch.now), act).await.map(Some)
    }

    /// Whether there is anything to write: an act that writes nothing need not be.
    async fn is_wanted(&self, batch: &Batch) -> Result<bool, Fault> {
        let inner = &*self.0;
        let state = *lock(&inner.state);
        let every = inner.keeper.settings.checkpoint_every.duration();
        let grown = state.seq > state.checkpoint_seq;
        if !batch.is_empty()
            || !state.has_begun
            || grown && (batch.is_last || batch.now.since(state.checkpoint_at) >= every)
        {
            return Ok(true);
        }
        inner.metadata.read(audit::has_unchained).await
    }

    fn settle(&self, answer: Answer) {
        let inner = &*self.0;
        inner.chained.fetch_add(answer.lines.len() as u64, Relaxed);
        *lock(&inner.state) = State {
            has_begun: true,
            seq: answer.seq,
            checkpoint_seq: answer.checkpoint_seq,
            checkpoint_at: answer.checkpoint_at,
        };
        if let Some(outlet) = &inner.outlet {
            if !answer.lines.is_empty() {
                outlet.records(&answer.lines);
            }
            answer.checkpoint.iter().for_each(|signed| outlet.checkpoint(signed));
        }
        if let Some(signed) = &answer.checkpoint {
            tracing::debug!(checkpoint = signed.bytes, signature = signed.signature, "signed the audit's chain");
        }
    }

    /// Removes records that are older than they are kept, up to a checkpoint, and then the names that no record holds any more.
    /// Records that the webhook does not have yet stay for as long as the settings say. Returns how many were removed.
    ///
    /// # Errors
    /// The database does not take it.
    pub async fn trim(&self) -> Result<u64, Fault> {
        let inner = &*self.0;
        let before = inner.env.now().minus(inner.keeper.settings.keep.duration());
        let begun = trim::begin(&inner.metadata, &inner.keeper, before, &self.cx(inner.env.now())).await?;
        self.tell_undelivered(&begun);
        let removed = trim::remove(&inner.metadata, &inner.env, inner.keeper.writer, begun.root, |now| self.cx(now));
        removed.await
    }

    fn tell_undelivered(&self, begun: &trim::Begun) {
        let trim::Begun { held, undelivered, .. } = *begun;
        self.0.held.store(held, Relaxed);
        self.0.undelivered.fetch_add(undelivered, Relaxed);
        if held > 0 {
            tracing::warn!(
                records = held,
                "{held} records of the audit are older than audit.keep and stay, since audit.webhook.url has not taken them"
            );
        }
        if undelivered > 0 {
            tracing::error!(
                records = undelivered,
                "{undelivered} records of the audit go that audit.webhook.url never took: they are older than audit.keep \
                 and audit.webhook.undelivered_keep together"
            );
        }
    }

    /// What the metrics show.
    pub fn figures(&self) -> Figures {
        let inner = &*self.0;
        let waiting = lock(&inner.pending).len() as u64;
        Figures {
            records: inner.chained.load(Relaxed),
            waiting,
            lost: inner.lost.load(Relaxed),
            held: inner.held.load(Relaxed),
            undelivered: inner.undelivered.load(Relaxed),
        }
    }

    /// The tables it writes to.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    pub(crate) fn env(&self) -> &Env {
        &self.0.env
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.keeper.settings
    }

    /// Whose chain it writes.
    pub(crate) fn writer(&self) -> i64 {
        self.0.keeper.writer
    }

    /// The place of the last record that this process knows of.
    pub(crate) fn end_seq(&self) -> u64 {
        lock(&self.0.state).seq
    }

    pub(crate) fn cx(&self, now: Timestamp) -> Cx {
        let inner = &*self.0;
        Cx {
            actor: "gantry:audit".into(),
            account: inner.keeper.account,
            operation: "audit",
            request_id: inner.env.request_id(),
            now,
            source: None,
        }
    }
}
