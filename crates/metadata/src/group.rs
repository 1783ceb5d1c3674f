//! SQLite's one writer: all waiting acts in one transaction, each in its savepoint, and one fsync for all.

use crate::{
    act::Tx,
    counters::Counters,
    engine::{Engine, Trouble, contended},
    queue::{Job, Outcome, run_guarded},
    sqlite::Lite,
};
use crossbeam_channel::Receiver;
use gantry_env::Env;
use gantry_fault::Fault;
use std::{path::PathBuf, sync::Arc, time::Duration};

const GROUP_MAX: usize = 256;
/// An insert that meets an id drawn twice runs again; more often than so it is no accident.
const ATTEMPTS_MAX: u32 = 3;
/// How long writers may wait for readers when the WAL has grown beyond its bound, and how soon that is tried again.
const EMPTY_PATIENCE: Duration = Duration::from_millis(50);
const EMPTY_AGAIN: Duration = Duration::from_secs(1);

/// Runs `first` and what `more` yields, commits them together, then answers all.
///
/// A refusal undoes itself only. If the whole is lost (SQLite gives it up on a full disk) or its commit fails, each act
/// runs again by itself, the refused ones too: they had seen what never came to stand.
pub(crate) fn run_group(
    tx: &mut Tx,
    env: &Env,
    counters: &Counters,
    first: Box<dyn Job>,
    mut more: impl FnMut() -> Option<Box<dyn Job>>,
) {
    if let Err(fault) = begin(tx, env, first.deadline()) {
        return first.answer(Err(fault));
    }
    let mut done: Vec<(Box<dyn Job>, Outcome)> = vec![];
    let mut next = Some(first);
    let mut whole = Ok(());
    while let Some(mut job) = next.take() {
        let outcome = run_act(tx, &mut *job).unwrap_or_else(|lost| {
            whole = Err(lost);
            Ok(())
        });
        done.push((job, outcome));
        if whole.is_ok() && done.len() < GROUP_MAX {
            next = more();
        }
    }
    let whole = whole.and_then(|()| lite(tx).commit());
    counters.group(done.len());
    let Err(fault) = whole else {
        return done.into_iter().for_each(|(job, outcome)| job.answer(outcome));
    };
    tx.engine.rollback();
    if done.len() == 1 {
        return done.into_iter().for_each(|(job, _)| job.answer(Err(together(&fault))));
    }
    tracing::warn!(error = %fault, acts = done.len(), "a group of acts was lost; running them one by one");
    for (mut job, _) in done {
        let outcome = run_single(tx, env, &mut *job);
        job.answer(outcome);
    }
}

/// The fault of a single act; its cause is kept.
fn together(fault: &Fault) -> Fault {
    let cause = fault.source.as_ref().map_or_else(|| fault.message.clone(), ToString::to_string);
    Fault { kind: fault.kind, message: fault.message.clone(), source: Some(cause.into()) }
}

fn run_single(tx: &mut Tx, env: &Env, job: &mut dyn Job) -> Outcome {
    begin(tx, env, job.deadline())?;
    let outcome = match run_act(tx, job) {
        Ok(outcome) => outcome.and_then(|()| lite(tx).commit()),
        Err(lost) => Err(lost),
    };
    if outcome.is_err() {
        tx.engine.rollback();
    }
    outcome
}

/// Begins; while another process writes the same file, waits for it until the deadline.
fn begin(tx: &mut Tx, env: &Env, deadline: Duration) -> Outcome {
    loop {
        match tx.engine.begin_write() {
            Err(_) if tx.engine.trouble() == Some(Trouble::Conflict) && env.elapsed() < deadline => {}
            begun => return begun,
        }
    }
}

/// Runs an act in its savepoint. The outer error means that the whole transaction is lost.
fn run_act(tx: &mut Tx, job: &mut dyn Job) -> Result<Outcome, Fault> {
    for attempt in 1.. {
        lite(tx).begin_act()?;
        let outcome = run_guarded(job, tx);
        let trouble = tx.engine.trouble();
        if lite(tx).is_lost() {
            return Err(outcome.err().unwrap_or_else(|| Fault::internal("SQLite ended the transaction by itself")));
        }
        let Err(fault) = outcome else {
            lite(tx).keep_act()?;
            return Ok(Ok(()));
        };
        lite(tx).undo_act()?;
        match trouble {
            Some(Trouble::Conflict) if attempt < ATTEMPTS_MAX => {}
            Some(Trouble::Conflict) => {
                let cause = fault.source.map_or_else(String::new, |cause| cause.to_string());
                return Ok(Err(contended(job.name(), attempt, &cause)));
            }
            _ => return Ok(Err(fault)),
        }
    }
    unreachable!("the loop above returns at its last attempt")
}

fn lite(tx: &mut Tx) -> &mut Lite {
    match &mut tx.engine {
        Engine::Lite(lite) => lite,
        Engine::Pg(_) => unreachable!("groups are made on SQLite only"),
    }
}

/// The loop of the writing thread. Ends when nobody can send any more and the queue is empty.
pub(crate) fn write(mut tx: Tx, queue: &Receiver<Box<dyn Job>>, env: &Env, counters: &Arc<Counters>, mut wal: Wal) {
    let mut next = || queue.try_iter().find(|job| job.is_wanted());
    while let Ok(first) = queue.recv() {
        if first.is_wanted() {
            run_group(&mut tx, env, counters, first, &mut next);
            wal.keep_small(lite(&mut tx), env);
        }
    }
}

/// The bound on the write-ahead log: beyond it writers wait for it to be emptied.
pub(crate) struct Wal {
    pub(crate) path: PathBuf,
    pub(crate) bytes_max: u64,
    pub(crate) not_before: Duration,
}

impl Wal {
    fn keep_small(&mut self, lite: &mut Lite, env: &Env) {
        let bytes = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        if bytes <= self.bytes_max || env.elapsed() < self.not_before {
            return;
        }
        match lite.empty_wal(EMPTY_PATIENCE) {
            Ok(true) => {}
            Ok(false) => {
                tracing::debug!(bytes, "the write-ahead log cannot be emptied while a long read goes on");
                self.not_before = env.elapsed() + EMPTY_AGAIN;
            }
            Err(error) => {
                tracing::warn!(error = %error, bytes, "the write-ahead log cannot be emptied; is the disk full?");
                self.not_before = env.elapsed() + EMPTY_AGAIN;
            }
        }
    }
}
