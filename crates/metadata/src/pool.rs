//! PostgreSQL's threads, each with a session of its own: a transaction per act; the server groups the commits itself.

use crate::{
    Reader,
    act::Tx,
    counters::Counters,
    engine::{Engine, Trouble, contended, unavailable},
    postgres::Pg,
    queue::{Job, Look, Outcome, panicked, run_guarded},
};
use crossbeam_channel::{Receiver, select};
use gantry_env::Env;
use gantry_fault::Fault;
use std::panic::{AssertUnwindSafe, catch_unwind};

const ATTEMPTS_MAX: u32 = 8;

/// What became of one attempt.
enum Attempt {
    Done(Outcome),
    Again(Fault, Trouble),
}

/// The loop of a writing thread. Ends when nobody can send any more and the queue is empty.
pub(crate) fn write(mut tx: Tx, queue: &Receiver<Box<dyn Job>>, env: &Env, counters: &Counters) {
    while let Ok(mut job) = queue.recv() {
        if !job.is_wanted() {
            continue;
        }
        let run = AssertUnwindSafe(|| run_single(&mut tx, &mut *job, env, counters));
        let outcome = catch_unwind(run).unwrap_or_else(|panic| {
            pg(&mut tx.engine).forget();
            Err(panicked(job.name(), panic.as_ref()))
        });
        counters.group(1);
        job.answer(outcome);
    }
}

/// Runs an act until it stands, is refused, or has met too many conflicts.
fn run_single(tx: &mut Tx, job: &mut dyn Job, env: &Env, counters: &Counters) -> Outcome {
    pg(&mut tx.engine).set_deadline(job.deadline());
    for attempt in 1.. {
        let (fault, trouble) = match attempt_act(tx, job) {
            Attempt::Done(outcome) => return outcome,
            Attempt::Again(fault, trouble) => (fault, trouble),
        };
        let is_last = attempt == ATTEMPTS_MAX || env.elapsed() >= job.deadline();
        match trouble {
            Trouble::Conflict => {
                counters.conflict();
                if is_last {
                    let cause = fault.source.map_or_else(String::new, |cause| cause.to_string());
                    return Err(contended(job.name(), attempt, &cause));
                }
                pg(&mut tx.engine).pause(attempt);
            }
            Trouble::Gone => {
                counters.connection_lost();
                if is_last {
                    return Err(fault);
                }
            }
            Trouble::Failed => return Err(fault),
        }
    }
    unreachable!("the loop above returns at its last attempt")
}

fn attempt_act(tx: &mut Tx, job: &mut dyn Job) -> Attempt {
    let mut outcome = tx.engine.begin_write().and_then(|()| run_guarded(job, tx));
    if outcome.is_ok() {
        outcome = tx.engine.commit();
    }
    let Err(fault) = outcome else { return Attempt::Done(Ok(())) };
    if pg(&mut tx.engine).is_commit_unknown() {
        return Attempt::Done(find_out(pg(&mut tx.engine), job, fault));
    }
    let trouble = tx.engine.trouble();
    tx.engine.rollback();
    match trouble {
        Some(trouble @ (Trouble::Conflict | Trouble::Gone)) => Attempt::Again(fault, trouble),
        Some(Trouble::Failed) | None => Attempt::Done(Err(fault)),
    }
}

/// The answer to a commit got lost: the act may stand. Its audit row tells; it is never simply run again.
fn find_out(pg: &mut Pg, job: &dyn Job, lost: Fault) -> Outcome {
    let Some(audit) = job.audit() else {
        return Err(unsure(&lost.to_string()));
    };
    match pg.has_committed(audit) {
        Ok(true) => Ok(()),
        // Not run again either: what the old session has in its ears may reach it late.
        Ok(false) => Err(unsure("its audit row was not found")),
        Err(fault) => Err(unsure(&fault.source.map_or(fault.message, |cause| cause.to_string()))),
    }
}

fn unsure(why: &str) -> Fault {
    let mut fault = unavailable(format!("the answer to a commit got lost: {why}"));
    fault.message = "The connection to the registry's database broke while the change was made; \
                     it may stand or not: look before trying again."
        .into();
    fault
}

/// The loop of a thread that reads: short questions only, or long ones too.
pub(crate) fn read(mut reader: Reader, short: &Receiver<Box<dyn Look>>, long: Option<&Receiver<Box<dyn Look>>>) {
    let never = crossbeam_channel::never();
    let long = long.unwrap_or(&never);
    loop {
        let look = select! {
            recv(short) -> look => look,
            recv(long) -> look => look,
        };
        let Ok(look) = look else { return };
        if look.is_wanted() {
            pg(&mut reader.engine).set_deadline(look.deadline());
            reader.engine.begin_read();
            look.run(&mut reader);
            reader.engine.end_read();
        }
    }
}

fn pg(engine: &mut Engine) -> &mut Pg {
    match engine {
        Engine::Pg(pg) => pg,
        Engine::Lite(_) => unreachable!("the pool is made for PostgreSQL only"),
    }
}
