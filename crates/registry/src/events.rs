//! The feed of events: what the outbox holds, in one order for everybody who follows it.
//!
//! The ids of events are no such order: each is drawn before its transaction is committed, and by the clock of its server. So events
//! are numbered when somebody asks for them, once they are committed: without gaps, in the feed of their account. Who reads on after a
//! number misses nothing and sees nothing twice; a number that is not there any more tells him that `retention.events` has removed
//! events before he read them.
//!
//! | file | what |
//! |---|---|
//! | `question.rs` | what is asked, and where in the feed somebody is |
//! | `number.rs` | the act that numbers events |
//! | `waiting.rs` | who waits for events |
//! | `format.rs`, `format/` | how events are written for those who read them |

mod format;
mod number;
mod question;
mod waiting;

pub use format::{EVENT_FORMATS, EventFormat};
pub use question::{EventCursor, EventCursorError, EventKinds, EventKindsError, EventQuestion, EventStart};

use crate::ports::Ports;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Reader,
    event_feed::{self, FeedRow},
};
use gantry_words::{AccountId, Cx, Region, Timestamp};
use number::NumberEvents;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use waiting::Waiters;

/// The longest that somebody may wait for an event.
pub const EVENTS_WAIT_MAX: Duration = Duration::from_secs(30);
/// How often it is looked for them.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Events that are read in one go.
const BATCH: usize = 200;
/// Events that are looked at for one answer, those included that it does not show.
const LOOKED_AT_MAX: usize = 5_000;
/// Bytes of the bodies in one answer; the event that goes beyond is its last.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Events that are numbered in one act: few enough to let pushes pass in between.
const NUMBERED_BATCH: usize = 1_000;
/// How many such acts may be needed to find the end of the feed.
const NUMBERED_BATCHES_MAX: usize = 100;

/// An event, as formats write it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedEvent {
    /// Its id, of all accounts and servers that share the database.
    pub id: i64,
    /// When the request or job began in which it happened.
    pub at: Timestamp,
    /// What happened, such as `image.pushed`.
    pub kind: String,
    /// The account it happened in.
    pub account: AccountId,
    /// The region of this registry.
    pub region: Region,
    /// The repository it happened in, where it is about one.
    pub repository: Option<String>,
    /// What there is to know about it.
    pub body: Value,
}

/// A part of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage<T> {
    /// What is shown of the events.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub cursor: EventCursor,
    /// Whether there is more at once: this page was full, or no more might be looked at for it.
    pub has_more: bool,
    /// Whether events after the cursor of the question are gone.
    pub has_missed: bool,
}

/// Where reading has come to.
struct Place {
    cursor: EventCursor,
    /// Whether somebody read up to there, who has to know of what is missing.
    is_followed: bool,
    has_missed: bool,
}

/// What is read in one go.
struct Batch {
    rows: Vec<FeedRow>,
    /// The last number there is.
    last: i64,
}

/// The room for the feed of events.
#[derive(Clone)]
pub struct Events {
    ports: Arc<Ports>,
    waiters: Waiters,
    is_ending: Arc<AtomicBool>,
}

impl Events {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Events { ports, waiters: Waiters::default(), is_ending: Arc::default() }
    }

    /// Lets nobody wait any longer: the server ends.
    pub fn end_waiting(&self) {
        self.is_ending.store(true, Relaxed);
    }

    /// Reads on in the feed of the account, waiting for an event as long as the question says; who waits several times already is
    /// answered at once. `show` makes of an event what the page has of it: nothing where it is not to be seen, and then another
    /// is looked for.
    ///
    /// # Errors
    /// [`FaultKind::TooManyRequests`] where too many wait, or too much has happened since anybody asked to find the end at once; the
    /// metadata cannot be read or written.
    pub async fn page<T: Send>(
        &self,
        cx: &Cx,
        question: &EventQuestion,
        mut show: impl FnMut(FeedEvent) -> Vec<T> + Send,
    ) -> Result<EventPage<T>, Fault> {
        let env = &self.ports.env;
        let began = env.elapsed();
        let waiter = if question.wait.is_zero() { None } else { self.waiters.begin(cx)? };
        let wait = if waiter.is_some() { question.wait.min(EVENTS_WAIT_MAX) } else { Duration::ZERO };
        let mut place = self.begin(cx, question.start).await?;
        loop {
            let page = self.fill(cx, &mut place, question, &mut show).await?;
            let has_waited = env.elapsed().saturating_sub(began);
            let is_answer = !page.items.is_empty() || page.has_more || page.has_missed;
            if is_answer || has_waited >= wait || self.is_ending.load(Relaxed) {
                return Ok(page);
            }
            env.sleep(LOOK_EVERY.min(wait.saturating_sub(has_waited))).await;
        }
    }

    /// Finds where to begin.
    async fn begin(&self, cx: &Cx, start: EventStart) -> Result<Place, Fault> {
        let account = cx.account;
        let from = |cursor| Place { cursor, is_followed: false, has_missed: false };
        match start {
            EventStart::Oldest => Ok(from(EventCursor::START)),
            EventStart::Latest => {
                self.number_all(cx).await?;
                Ok(from(self.ports.metadata.read(move |rows| latest(rows, account)).await?))
            }
            EventStart::Since(since) => {
                self.number_all(cx).await?;
                let look = move |rows: &mut Reader| match event_feed::first_since(rows, account, since)? {
                    Some(number) => Ok(EventCursor { number: number - 1, id: 0 }),
                    None => latest(rows, account),
                };
                Ok(from(self.ports.metadata.read_long(look).await?))
            }
            EventStart::After(cursor) => {
                let is_ours = self.ports.metadata.read(move |rows| is_of(rows, account, cursor)).await?;
                let cursor = if is_ours { cursor } else { EventCursor::START };
                Ok(Place { cursor, is_followed: is_ours, has_missed: !is_ours })
            }
        }
    }

    /// Reads on until the page is full or the feed has ended.
    async fn fill<T: Send>(
        &self,
        cx: &Cx,
        place: &mut Place,
        question: &EventQuestion,
        show: &mut (impl FnMut(FeedEvent) -> Vec<T> + Send),
    ) -> Result<EventPage<T>, Fault> {
        let (mut items, mut shown, mut looked_at, mut bytes) = (Vec::new(), 0, 0, 0);
        loop {
            let batch = self.batch(cx.account, place.cursor.number).await?;
            let is_last = batch.rows.len() < BATCH;
            for row in batch.rows {
                place.pass(row.number, row.id);
                looked_at += 1;
                let size = row.body.len();
                let event = self.event(cx.account, row);
                let found = if question.asks_for(&event) { show(event) } else { Vec::new() };
                if !found.is_empty() {
                    items.extend(found);
                    shown += 1;
                    bytes += size;
                }
                if shown >= question.count || bytes >= BODY_BYTES_MAX || looked_at >= LOOKED_AT_MAX {
                    return Ok(place.page(items, true));
                }
            }
            if !is_last {
                continue;
            }
            place.pass_removed(batch.last);
            if self.number(cx).await? == 0 {
                return Ok(place.page(items, false));
            }
        }
    }

    async fn batch(&self, account: AccountId, number: i64) -> Result<Batch, Fault> {
        let look = move |rows: &mut Reader| {
            Ok(Batch { rows: event_feed::after(rows, account, number, BATCH)?, last: event_feed::last(rows, account)? })
        };
        self.ports.metadata.read_long(look).await
    }

    /// Numbers some of the events that have come since; returns how many.
    async fn number(&self, cx: &Cx) -> Result<usize, Fault> {
        let account = cx.account;
        // Most who ask find nothing new, and write nothing.
        let waiting = self.ports.metadata.read(move |rows| event_feed::waiting(rows, account, 1)).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        self.ports.metadata.perform(cx, NumberEvents { account, count: NUMBERED_BATCH }).await
    }

    /// Numbers all events that have come since.
    async fn number_all(&self, cx: &Cx) -> Result<(), Fault> {
        for _ in 0..NUMBERED_BATCHES_MAX {
            if self.number(cx).await? < NUMBERED_BATCH {
                return Ok(());
            }
        }
        let message = "much has happened since anybody asked for events, and it is still being numbered; ask again";
        Err(Fault::new(FaultKind::TooManyRequests, message))
    }

    fn event(&self, account: AccountId, row: FeedRow) -> FeedEvent {
        let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
        // Events are told of repositories that are gone, too.
        let said = if row.kind.starts_with("repository.") { &body["name"] } else { &body["repository"] };
        let repository = row.repository.and_then(|_| said.as_str().map(str::to_string).or(row.repository_name));
        let region = self.ports.region.clone();
        FeedEvent { id: row.id, at: row.at, kind: row.kind, account, region, repository, body }
    }
}

impl Place {
    /// Goes on to an event.
    fn pass(&mut self, number: i64, id: i64) {
        self.has_missed |= self.is_followed && number != self.cursor.number + 1;
        self.cursor = EventCursor { number, id };
    }

    /// Goes on to the last number there is; what had those in between is gone.
    fn pass_removed(&mut self, last: i64) {
        if last > self.cursor.number {
            self.has_missed |= self.is_followed;
            self.cursor = EventCursor { number: last, id: 0 };
        }
    }

    fn page<T>(&self, items: Vec<T>, has_more: bool) -> EventPage<T> {
        EventPage { items, cursor: self.cursor, has_more, has_missed: self.has_missed }
    }
}

/// The end of the feed.
fn latest(rows: &mut Reader, account: AccountId) -> Result<EventCursor, Fault> {
    let number = event_feed::last(rows, account)?;
    Ok(EventCursor { number, id: event_feed::id_of(rows, account, number)?.unwrap_or(0) })
}

/// Whether a cursor is of this feed, and not of one that it was before a restore, or of another account.
fn is_of(rows: &mut Reader, account: AccountId, cursor: EventCursor) -> Result<bool, Fault> {
    if cursor.number > event_feed::last(rows, account)? {
        return Ok(false);
    }
    let id = event_feed::id_of(rows, account, cursor.number)?;
    Ok(cursor.id == 0 || id.is_none_or(|id| id == cursor.id))
}

#[cfg(test)]
mod tests;
