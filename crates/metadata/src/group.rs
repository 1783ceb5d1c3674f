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
use std::time::Duration;

const GROUP_MAX: usize = 256;
/// An insert that meets an id drawn twice runs again; more often than so it is no accident.
const ATTEMPTS_MAX: u32 = 3;
/// How long writers may wait for readers when the WAL has grown beyond its bound, and how soon that is tried again.
const RESTART_PATIENCE: Duration = Duration::from_millis(50);
const RESTART_AGAIN: Duration = Duration::from_secs(1);
/// From so many pages of 4 KiB on the writer folds the WAL into the file.
const FOLD_PAGES: u64 = 4000;

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
    Fault::new(fault.kind, fault.message.clone()).because(cause)
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
pub(crate) fn write(mut tx: Tx, queue: &Receiver<Box<dyn Job>>, env: &Env, counters: &Counters, mut upkeep: Upkeep) {
    let mut next = || queue.try_iter().find(|job| job.is_wanted());
    while let Ok(first) = queue.recv() {
        if first.is_wanted() {
            run_group(&mut tx, env, counters, first, &mut next);
            upkeep.keep_small(lite(&mut tx), env);
        }
    }
}

/// What the writer does about the write-ahead log, once everybody has been answered.
pub(crate) struct Upkeep {
    /// Whether the writer folds the log into the file, as opposed to a thread beside it.
    pub(crate) folds: bool,
    /// Beyond so many pages writers wait until the log can begin anew.
    pub(crate) pages_max: u64,
    /// When that may be tried again.
    pub(crate) not_before: Duration,
}

impl Upkeep {
    fn keep_small(&mut self, lite: &mut Lite, env: &Env) {
        let pages = lite.wal_pages();
        let folded = if pages > self.pages_max && env.elapsed() >= self.not_before {
            lite.restart_wal(RESTART_PATIENCE).map(|is_done| {
                if !is_done {
                    self.not_before = env.elapsed() + RESTART_AGAIN;
                    tracing::debug!(pages, "the write-ahead log cannot begin anew while a long read goes on");
                }
            })
        } else if self.folds && pages >= FOLD_PAGES {
            lite.fold_wal()
        } else {
            Ok(())
        };
        if let Err(error) = folded {
            tracing::warn!(error = %error, pages, "the write-ahead log cannot be folded; is the disk full?");
            self.not_before = env.elapsed() + RESTART_AGAIN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sqlite::Role, statement::Statement};

    static MAKE: Statement = Statement { sql: "CREATE TABLE t(x)", is_query: false };
    static FILL: Statement = Statement { sql: "INSERT INTO t VALUES (zeroblob(1000000))", is_query: false };
    static LOOK: Statement = Statement { sql: "SELECT count(*) FROM t", is_query: true };

    #[test]
    fn beyond_its_bound_the_log_begins_anew_unless_a_reader_needs_it() {
        let (folder, env) = (tempfile::tempdir().unwrap(), Env::real());
        let open = |role| Lite::open(&folder.path().join("metadata.db"), role, &env).unwrap();
        let (mut writer, mut reader) = (open(Role::Writer), open(Role::Reader));
        let mut upkeep = Upkeep { folds: false, pages_max: 1000, not_before: Duration::ZERO };
        writer.write(&MAKE, vec![]).unwrap();
        reader.begin_read();
        reader.rows(&LOOK, vec![]).unwrap();
        let fill = |writer: &mut Lite| (0..10).for_each(|_| writer.write(&FILL, vec![]).unwrap());
        fill(&mut writer);

        upkeep.keep_small(&mut writer, &env);
        let while_read = writer.wal_pages();
        reader.end_read();
        upkeep.not_before = Duration::ZERO;
        upkeep.keep_small(&mut writer, &env);
        writer.write(&FILL, vec![]).unwrap();

        assert!(while_read > 2000, "{while_read}");
        assert!(writer.wal_pages() < 1000, "{}", writer.wal_pages());
    }
}
