//! Metadata without threads: an act is one step. For tests and for the simulated world, which says what goes wrong.

use crate::{
    Reader,
    act::Tx,
    counters::Counters,
    engine::unavailable,
    group::run_group,
    queue::{Job, panicked},
};
use gantry_env::Env;
use gantry_fault::Fault;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What lone metadata are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To do the act of this name.
    Act(&'static str),
    /// A question.
    Read,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// The database does not answer, and nothing was done.
    Fail,
    /// The act was done, but its answer is lost. A read fails as with [`InjectedFault::Fail`].
    FailLate,
}

/// Says what goes wrong with what is asked.
pub type Faults = Box<dyn FnMut(Asked) -> Option<InjectedFault> + Send>;

/// A door to lone tables.
pub(crate) struct Alone {
    tx: Arc<Mutex<Tx>>,
    /// Whether there are other doors through which somebody else writes.
    pub(crate) is_shared: bool,
    faults: Option<Mutex<Faults>>,
}

impl Alone {
    pub(crate) fn new(tx: Tx) -> Self {
        Alone { tx: Arc::new(Mutex::new(tx)), is_shared: false, faults: None }
    }

    pub(crate) fn door(&self, is_shared: bool, faults: Faults) -> Self {
        Alone { tx: self.tx.clone(), is_shared, faults: Some(Mutex::new(faults)) }
    }

    /// A panic of a look cannot leave the connection in a state that the next `begin` would not mend.
    pub(crate) fn tx(&self) -> MutexGuard<'_, Tx> {
        self.tx.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, asked: Asked) -> Option<InjectedFault> {
        let faults = self.faults.as_ref()?;
        faults.lock().unwrap_or_else(PoisonError::into_inner)(asked)
    }

    /// Does an act, unless it fails. Where this returns a fault the act's own answer must not be told.
    pub(crate) fn perform(&self, job: Box<dyn Job>, env: &Env, counters: &Counters) -> Result<(), Fault> {
        let fault = self.fault(Asked::Act(job.name()));
        if fault == Some(InjectedFault::Fail) {
            return Err(unavailable("a fault was injected before the act"));
        }
        run_group(&mut self.tx(), env, counters, job, || None);
        match fault {
            None => Ok(()),
            Some(_) => Err(unavailable("a fault was injected behind the act")),
        }
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Reader) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.fault(Asked::Read).is_some() {
            return Err(unavailable("a fault was injected before the read"));
        }
        let mut tx = self.tx();
        let reader: &mut Reader = &mut tx;
        (reader.takes_locks, reader.must_lock) = (false, None);
        reader.engine.begin_read();
        let found = catch_unwind(AssertUnwindSafe(|| look(reader)));
        reader.engine.end_read();
        reader.takes_locks = true;
        found.unwrap_or_else(|panic| Err(panicked("a read", panic.as_ref())))
    }
}
