use crate::{Change, Query, Row, Value, change, engine::Engine, event_kinds, values};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_words::{AccountId, Cx, Timestamp};
use std::ops::{Deref, DerefMut};

static EVENT: Change =
    change("INSERT INTO event(id, account, at, kind, repository, body, handled) VALUES ($1, $2, $3, $4, $5, $6, 0)");
pub(crate) static AUDIT: Change = change(
    "INSERT INTO audit(id, at, account, actor, act, operation, request_id, source, event, chained) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
);

/// Something that changes the metadata, in three beats. It stands whole or not at all.
///
/// The beats may run more than once (another act came first, a connection broke), so they do nothing outside of the
/// rows: bytes are in the store before the act begins, and what follows from it is an [`Event`].
pub trait Act: Send + 'static {
    /// What is there now, as far as the decision needs it.
    type Seen;
    /// What will be done: a value, printed by previews, compared by tests.
    type Plan: Send + 'static;
    /// What the caller is told once it stands.
    type Answer: Send + 'static;
    /// Its name in the audit trail.
    const NAME: &'static str;
    /// Whether it leaves a row there.
    const TRAIL: Trail = Trail::Kept;
    /// Whether it locks before it asks.
    const LOCKS: Locks = Locks::First;

    /// Locks what it decides about, then reads.
    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault>;
    /// Decides: pure, without database or clock.
    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault>;
    /// Writes what the plan says.
    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<Self::Answer, Fault>;
}

/// An act that has nothing to decide: each of its statements says itself what must hold. It asks nothing and locks nothing.
pub trait Write: Send + 'static {
    /// What the caller is told once it stands.
    type Answer: Send + 'static;
    /// Its name in the audit trail.
    const NAME: &'static str;
    /// Whether it leaves a row there.
    const TRAIL: Trail = Trail::Kept;
    /// Why nothing can go wrong without a lock.
    const UNLOCKED: &'static str;

    /// Writes.
    fn write(&self, tx: &mut Tx) -> Result<Self::Answer, Fault>;
}

impl<W: Write> Act for W {
    type Seen = ();
    type Plan = ();
    type Answer = W::Answer;
    const NAME: &'static str = W::NAME;
    const TRAIL: Trail = W::TRAIL;
    const LOCKS: Locks = Locks::Unlocked(W::UNLOCKED);

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }

    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }

    fn apply(&self, tx: &mut Tx, (): ()) -> Result<W::Answer, Fault> {
        self.write(tx)
    }
}

/// Whether an act leaves a row in the change trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trail {
    /// A row, in the same commit, if the act wrote anything.
    Kept,
    /// None: tallies, leases, offsets. Such acts stand in a committed list.
    Housekeeping,
}

/// Whether an act locks what it asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Before its first question: what it decides about stays as it was seen until the commit. In a debug build a
    /// question before the first lock panics, on SQLite too, where nobody else could come between.
    First,
    /// It asks without, or before it knows what to lock. The text says why nothing can go wrong.
    Unlocked(&'static str),
}

/// A fact that others react to: a row of the outbox, in the transaction of the fact.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened, such as `image.pushed`: one of [`EVENT_KINDS`](crate::EVENT_KINDS).
    pub kind: &'static str,
    /// The repository it happened in.
    pub repository: Option<i64>,
    /// What there is to know about it.
    pub body: serde_json::Value,
}

/// Asks questions, all answered from one moment (in an act on PostgreSQL: each from its own, after the lock).
pub struct Reader {
    pub(crate) engine: Engine,
    /// Previews and reads take no locks.
    pub(crate) takes_locks: bool,
    /// The act that has to take a lock before it may ask.
    pub(crate) must_lock: Option<&'static str>,
}

impl Reader {
    /// Waits until nobody else holds `subject`, and holds it until the commit: the first thing a `gather` does.
    ///
    /// What is read after it is what the last holder wrote. Free on SQLite, whose acts run one after the other.
    pub fn lock(&mut self, subject: &str) -> Result<(), Fault> {
        self.must_lock = None;
        if self.takes_locks { self.engine.lock(subject) } else { Ok(()) }
    }
    /// The first row of the answer.
    pub fn one(&mut self, query: &'static Query, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        Ok(self.all(query, values)?.into_iter().next())
    }
    /// All rows of the answer.
    pub fn all(&mut self, query: &'static Query, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        if cfg!(debug_assertions)
            && let Some(act) = self.must_lock
        {
            panic!("{act} asks before it has locked anything; lock first, or say in LOCKS why it need not");
        }
        self.engine.rows(&query.0, values)
    }
}

/// The transaction of an act: a [`Reader`] that also writes.
pub struct Tx {
    reader: Reader,
    env: Env,
    now: Timestamp,
    account: AccountId,
    has_written: bool,
    /// Whether what decisions about access know has changed.
    pub(crate) changes_access: bool,
    /// The first event of the act under way.
    event: Option<i64>,
}

impl Deref for Tx {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

impl Tx {
    pub(crate) fn new(engine: Engine, env: Env) -> Self {
        let reader = Reader { engine, takes_locks: true, must_lock: None };
        Tx {
            reader,
            env,
            now: Timestamp::default(),
            account: AccountId::DEFAULT,
            has_written: false,
            changes_access: false,
            event: None,
        }
    }

    /// Writes, and awaits no answer: PostgreSQL may get it with its neighbours, so a fault may show up at the next
    /// question or at the commit. It names the statement in any case.
    pub fn write(&mut self, change: &'static Change, values: Vec<Value>) -> Result<(), Fault> {
        self.has_written = true;
        self.reader.engine.write(&change.0, values)
    }
    /// Writes and awaits the first row of its `RETURNING`.
    pub fn returning(&mut self, change: &'static Change, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        Ok(self.returning_all(change, values)?.into_iter().next())
    }
    /// Writes and awaits all rows of its `RETURNING`.
    pub fn returning_all(&mut self, change: &'static Change, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        self.has_written = true;
        self.reader.engine.rows(&change.0, values)
    }
    /// Puts a fact into the outbox.
    pub fn event(&mut self, event: Event) -> Result<(), Fault> {
        debug_assert!(event_kinds::is_known(event.kind), "{} is no kind of event; add it to EVENT_KINDS", event.kind);
        let id = self.fresh_id();
        self.event.get_or_insert(id);
        let values = values![id, self.account, self.now, event.kind, event.repository, event.body.to_string()];
        self.write(&EVENT, values)
    }
    /// A number for a new row.
    pub fn fresh_id(&self) -> i64 {
        self.env.fresh_id()
    }
    /// When the request or job began that this act is part of.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Begins an act for `cx`.
    fn dress(&mut self, cx: &Cx) {
        self.now = cx.now;
        self.account = cx.account;
        self.has_written = false;
        self.changes_access = false;
        self.event = None;
    }
}

/// Runs the three beats and writes the audit row. Returns the answer, and the row's id if there is one.
pub(crate) fn play<A: Act>(cx: &Cx, act: &A, tx: &mut Tx) -> Result<(A::Answer, Option<i64>), Fault> {
    tx.dress(cx);
    tx.must_lock = (A::LOCKS == Locks::First).then_some(A::NAME);
    let seen = act.gather(tx)?;
    let plan = act.decide(seen, cx.now)?;
    let answer = act.apply(tx, plan)?;
    tx.must_lock = None;
    if A::TRAIL == Trail::Housekeeping || !tx.has_written {
        return Ok((answer, None));
    }
    let id = tx.fresh_id();
    let source = cx.source.map(|address| address.to_string());
    let values = values![id, cx.now, cx.account, &*cx.actor, A::NAME, cx.operation, cx.request_id, source, tx.event];
    tx.write(&AUDIT, values)?;
    Ok((answer, Some(id)))
}
