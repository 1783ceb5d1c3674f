use crate::{Act, Locks, Metadata, Reader, Trail, Tx};
use gantry_fault::Fault;
use gantry_words::{Cx, Timestamp};
use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// How long the one waits for the other between seeing and writing. With the right lock it waits in vain.
const MEETING_MAX: Duration = Duration::from_millis(200);

/// Performs two acts so that they collide if they can: each gathers before the other applies, unless a lock keeps
/// them apart. Returns both answers; the caller looks whether they could have come one after the other.
///
/// This is the test for an act that forgets its lock: on SQLite acts come one after the other in any case, on
/// PostgreSQL both would see the same rows here and write over each other.
pub async fn two_writers<A: Act, B: Act>(
    metadata: &Metadata,
    cx: &Cx,
    first: A,
    second: B,
) -> (Result<A::Answer, Fault>, Result<B::Answer, Fault>) {
    let meeting = metadata.has_rivals().then(|| Arc::new(Meeting::default()));
    let first = metadata.perform(cx, Meets { act: first, meeting: meeting.clone() });
    let second = metadata.perform(cx, Meets { act: second, meeting });
    futures_util::future::join(first, second).await
}

#[derive(Default)]
struct Meeting {
    arrived: Mutex<u32>,
    both: Condvar,
}

impl Meeting {
    /// Waits until the other has come here too, or cannot.
    fn wait(&self) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived += 1;
        self.both.notify_all();
        // The result does not matter: either both are here, or a lock keeps the other away.
        let _ = self.both.wait_timeout_while(arrived, MEETING_MAX, |arrived| *arrived < 2);
    }
}

struct Meets<A> {
    act: A,
    meeting: Option<Arc<Meeting>>,
}

impl<A: Act> Act for Meets<A>
where
    A: Send,
{
    type Seen = A::Seen;
    type Plan = A::Plan;
    type Answer = A::Answer;
    const NAME: &'static str = A::NAME;
    const TRAIL: Trail = A::TRAIL;
    const LOCKS: Locks = A::LOCKS;

    fn gather(&self, rows: &mut Reader) -> Result<A::Seen, Fault> {
        let seen = self.act.gather(rows)?;
        if let Some(meeting) = &self.meeting {
            meeting.wait();
        }
        Ok(seen)
    }
    fn decide(&self, seen: A::Seen, now: Timestamp) -> Result<A::Plan, Fault> {
        self.act.decide(seen, now)
    }
    fn apply(&self, tx: &mut Tx, plan: A::Plan) -> Result<A::Answer, Fault> {
        self.act.apply(tx, plan)
    }
}
