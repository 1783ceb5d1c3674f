//! What waits for a connection: acts and looks, their types erased, each with the moment its caller stops waiting.

use crate::{
    Act, Reader,
    act::{Tx, play},
    engine::unavailable,
};
use gantry_fault::Fault;
use gantry_words::Cx;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use tracing::Span;

/// Beyond so many waiting acts, and as many waiting looks, one is refused at once.
pub(crate) const QUEUE_MAX: usize = 1024;

/// How an act fared.
pub(crate) type Outcome = Result<(), Fault>;

/// An act on its way.
pub(crate) trait Job: Send {
    fn name(&self) -> &'static str;
    /// Until when its caller waits, in the clock's elapsed time.
    fn deadline(&self) -> Duration;
    /// Whether anybody still waits for it. An act that has begun is never given up; one that has not is not begun.
    fn is_wanted(&self) -> bool;
    /// Plays the three beats; may be called again once what it did is undone.
    fn run(&mut self, tx: &mut Tx) -> Outcome;
    /// The id of its audit row, if the last run left one.
    fn audit(&self) -> Option<i64>;
    fn answer(self: Box<Self>, outcome: Outcome);
}

struct Waiting<A: Act> {
    cx: Cx,
    act: A,
    deadline: Duration,
    span: Span,
    played: Option<(A::Answer, Option<i64>)>,
    access: AccessEpoch,
    changes_access: bool,
    to: oneshot::Sender<Result<A::Answer, Fault>>,
}

/// How often this process has changed what decisions about access know.
pub(crate) type AccessEpoch = Arc<AtomicU64>;

/// Where an answer will arrive.
pub(crate) type Answer<T> = oneshot::Receiver<Result<T, Fault>>;

/// Makes a job of an act, whose beats run within `span`, and where its answer will arrive.
pub(crate) fn job<A: Act>(
    cx: Cx,
    act: A,
    deadline: Duration,
    span: Span,
    access: AccessEpoch,
) -> (Box<dyn Job>, Answer<A::Answer>) {
    let (to, answer) = oneshot::channel();
    (Box::new(Waiting { cx, act, deadline, span, played: None, access, changes_access: false, to }), answer)
}

impl<A: Act> Job for Waiting<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }
    fn deadline(&self) -> Duration {
        self.deadline
    }
    fn is_wanted(&self) -> bool {
        !self.to.is_closed()
    }
    fn run(&mut self, tx: &mut Tx) -> Outcome {
        let _within = self.span.enter();
        self.played = None;
        self.played = Some(play(&self.cx, &self.act, tx)?);
        self.changes_access |= tx.changes_access;
        Ok(())
    }
    fn audit(&self) -> Option<i64> {
        self.played.as_ref().and_then(|(_, audit)| *audit)
    }
    fn answer(self: Box<Self>, outcome: Outcome) {
        let Waiting { played, to, access, changes_access, .. } = *self;
        // Also where it may not stand: reading again does no harm. Before the answer: whoever hears it decides anew.
        if changes_access {
            access.fetch_add(1, Ordering::Release);
        }
        let answer = outcome.and_then(|()| match played {
            Some((answer, _)) => Ok(answer),
            None => Err(Fault::internal(format!("{} was committed without having run", A::NAME))),
        });
        // Nobody may be waiting any more: the act stands, or does not, all the same.
        let _ = to.send(answer);
    }
}

/// Runs an act. Its panic becomes a fault, so that the thread and its connection live on; and an act that goes on
/// after a statement of its transaction has failed has failed.
pub(crate) fn run_guarded(job: &mut dyn Job, tx: &mut Tx) -> Outcome {
    let outcome = catch_unwind(AssertUnwindSafe(|| job.run(tx)));
    let outcome = outcome.unwrap_or_else(|panic| Err(panicked(job.name(), panic.as_ref())));
    if outcome.is_ok() && tx.engine.trouble().is_some() {
        return Err(Fault::internal(format!("{} went on after a statement had failed", job.name())));
    }
    outcome
}

pub(crate) fn panicked(name: &str, panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words");
    Fault::internal(format!("{name} panicked: {text}"))
}

/// A read on its way to a thread that reads.
pub(crate) trait Look: Send {
    fn deadline(&self) -> Duration;
    fn is_wanted(&self) -> bool;
    fn run(self: Box<Self>, reader: &mut Reader);
    fn refuse(self: Box<Self>, fault: Fault);
}

struct Looking<T, F> {
    look: F,
    deadline: Duration,
    to: oneshot::Sender<Result<T, Fault>>,
}

/// Makes a look of a function, and where its answer will arrive.
pub(crate) fn look<T: Send + 'static>(
    look: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    deadline: Duration,
) -> (Box<dyn Look>, Answer<T>) {
    let (to, answer) = oneshot::channel();
    (Box::new(Looking { look, deadline, to }), answer)
}

impl<T: Send, F: FnOnce(&mut Reader) -> Result<T, Fault> + Send> Look for Looking<T, F> {
    fn deadline(&self) -> Duration {
        self.deadline
    }
    fn is_wanted(&self) -> bool {
        !self.to.is_closed()
    }
    fn run(self: Box<Self>, reader: &mut Reader) {
        let Looking { look, to, .. } = *self;
        let found = catch_unwind(AssertUnwindSafe(|| look(reader)));
        let _ = to.send(found.unwrap_or_else(|panic| Err(panicked("a read", panic.as_ref()))));
    }
    fn refuse(self: Box<Self>, fault: Fault) {
        let _ = self.to.send(Err(fault));
    }
}

/// What a caller is told whose thread is gone: the process is ending.
pub(crate) fn closed() -> Fault {
    unavailable("the metadata was closed")
}
