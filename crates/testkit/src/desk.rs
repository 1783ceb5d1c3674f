use crate::{
    Sim,
    places::{Here, Places},
    promises::Promises,
    quotas::{Above, Quotas},
    stock::Stock,
};
use futures_util::FutureExt;
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{Metadata, Reader};
use gantry_oci::Digest;
use gantry_registry::UploadId;
use gantry_words::{AccountId, Cx};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What outlives the lives of the registry: what the world's clients know.
pub(crate) struct Desk {
    pub(crate) sim: Sim,
    pub(crate) env: Env,
    pub(crate) stock: Stock,
    /// Whether store and metadata may fail: else no answer may be a failure of the registry.
    pub(crate) has_faults: bool,
    pub(crate) quotas: Quotas,
    /// The tables, through a door at which nothing goes wrong.
    metadata: Metadata,
    promises: Mutex<Promises>,
    places: Mutex<Places>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// Uploads that a client left in the middle.
    unfinished: Vec<Left>,
    /// Quotas that are above their limits by what came back from the trash.
    above: Above,
    complaints: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

/// An upload that is not finished.
#[derive(Clone)]
pub(crate) struct Left {
    pub(crate) here: Here,
    /// Where it was begun, and goes on: another replica would not know what has come meanwhile.
    pub(crate) replica: usize,
    pub(crate) id: UploadId,
    pub(crate) blob: Digest,
}

impl Desk {
    pub(crate) fn new(sim: Sim, env: Env, stock: Stock, has_faults: bool, quotas: Quotas, metadata: Metadata) -> Self {
        let (promises, places, notes) = Default::default();
        Desk { sim, env, stock, has_faults, quotas, metadata, promises, places, notes }
    }

    pub(crate) fn promises(&self) -> MutexGuard<'_, Promises> {
        self.promises.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks into the tables, past the registry.
    pub(crate) fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> T {
        let answer = self.metadata.read(look).now_or_never().expect("a read of lone metadata does not wait");
        answer.expect("metadata in memory answer")
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.notes().complaints.push(complaint);
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        self.notes().complaints.clone()
    }

    /// Counts something that happened, which is part of the trace.
    pub(crate) fn count(&self, what: &'static str) {
        self.sim.note(what);
        *self.notes().counts.entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.notes().counts.clone()
    }

    pub(crate) fn above(&self) -> Above {
        self.notes().above.clone()
    }

    pub(crate) fn set_above(&self, above: Above) {
        self.notes().above = above;
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.notes().counts.contains_key("crash")
    }

    /// All requests are gone.
    pub(crate) fn crash(&self) {
        self.promises().crash();
        self.places().crash();
        self.count("crash");
    }

    /// A new request or job.
    pub(crate) fn cx(&self, operation: &'static str) -> Cx {
        Cx {
            actor: "arn:aws:iam::000000000000:user/anna".into(),
            account: AccountId::DEFAULT,
            operation,
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }

    /// An upload is left in the middle, for anybody to go on with.
    pub(crate) fn leave(&self, left: Left) {
        self.notes().unfinished.push(left);
    }

    /// An upload to go on with.
    pub(crate) fn take_up(&self) -> Option<Left> {
        let notes = self.notes();
        (!notes.unfinished.is_empty()).then(|| self.sim.pick(&notes.unfinished).clone())
    }

    pub(crate) fn finished(&self, id: &UploadId) {
        self.notes().unfinished.retain(|left| left.id != *id);
    }
}
