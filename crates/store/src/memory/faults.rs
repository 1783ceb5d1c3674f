use crate::Error;
use std::{io, time::Duration};

/// What is asked of the store. Where it concerns a blob its place is the key, where an upload, the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`crate::Store::begin`].
    Begin,
    /// [`crate::Store::resume`], and reading an upload again for another hash.
    Resume,
    /// One write of [`crate::Upload::append`]: up to a megabyte or so.
    Append,
    /// [`crate::Upload::publish`]; its place is the key.
    Publish,
    /// [`crate::Store::discard`].
    Discard,
    /// [`crate::Store::uploads`].
    Uploads,
    /// [`crate::Store::open`].
    Open,
    /// One read of a [`crate::Body`].
    Read,
    /// [`crate::Store::exists`].
    Exists,
    /// [`crate::Store::delete`], for each key.
    Delete,
    /// [`crate::Store::quarantine`].
    Quarantine,
    /// [`crate::Store::release`].
    Release,
    /// [`crate::Store::hash`].
    Hash,
    /// [`crate::Store::list`], for each blob.
    List,
    /// [`crate::Store::free_bytes`].
    FreeBytes,
}

impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Operation::Begin => "begin the upload",
            Operation::Resume => "resume the upload",
            Operation::Append => "write to the upload",
            Operation::Publish => "publish",
            Operation::Discard => "remove the upload",
            Operation::Uploads => "list",
            Operation::Open => "open",
            Operation::Read => "read",
            Operation::Exists => "look at",
            Operation::Delete => "remove",
            Operation::Quarantine => "quarantine",
            Operation::Release => "take out of quarantine",
            Operation::Hash => "hash",
            Operation::List => "list",
            Operation::FreeBytes => "ask for room in",
        }
    }

    pub(crate) fn changes_something(self) -> bool {
        use Operation::{Append, Begin, Delete, Discard, Publish, Quarantine, Release};
        // A late failure of an append is a torn write of all its bytes.
        matches!(self, Begin | Append | Publish | Discard | Delete | Quarantine | Release)
    }

    pub(crate) fn needs_room(self) -> bool {
        matches!(self, Operation::Begin | Operation::Append | Operation::Publish)
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedFault {
    /// The operation fails and has done nothing.
    Fail,
    /// The operation fails though it was done, not durably: after a crash it may or may not have happened. For operations
    /// that change nothing, as [`InjectedFault::Fail`].
    FailLate,
    /// There is no room. For operations that need none, as [`InjectedFault::Fail`].
    Full,
    /// A part of the bytes is written, then it fails. For all but [`Operation::Append`], as [`InjectedFault::Fail`].
    TornWrite,
    /// The operation takes so long.
    Delay(Duration),
}

/// Says what goes wrong with an operation on a place.
pub(crate) type Plan = Box<dyn FnMut(Operation, &str) -> Option<InjectedFault> + Send>;

#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) plan: Option<Plan>,
    /// Which, after how many others of its kind, and how.
    pub(crate) next: Vec<(Operation, u32, InjectedFault)>,
}

impl Faults {
    pub(crate) fn next(&mut self, operation: Operation, place: &str) -> Option<InjectedFault> {
        let mut due = None;
        self.next.retain_mut(|(kind, others, fault)| {
            if *kind != operation {
                return true;
            }
            let is_due = *others == 0;
            if is_due {
                due = Some(*fault);
            }
            *others = others.saturating_sub(1);
            !is_due
        });
        due.or_else(|| self.plan.as_mut().and_then(|plan| plan(operation, place)))
    }
}

/// How an operation goes on that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    Late,
    Torn,
}

impl Fate {
    /// The end of an operation that has been done.
    pub(crate) fn end(self, operation: Operation, place: &str) -> Result<(), Error> {
        match self {
            Fate::Well => Ok(()),
            Fate::Late | Fate::Torn => Err(failure(operation, place)),
        }
    }
}

pub(crate) fn failure(operation: Operation, place: &str) -> Error {
    Error::of(operation.as_str(), place, io::Error::from_raw_os_error(libc::EIO))
}
