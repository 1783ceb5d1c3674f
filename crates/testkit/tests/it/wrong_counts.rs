//! Counts that are wrong, as a mistake or a damaged database leaves them.

use crate::grace::{HOUR, Stage};
use bytes::Bytes;
use futures_util::stream;
use gantry_env::{BoxFuture, Clock};
use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Tx, blobs};
use gantry_oci::{Algorithm, Digest};
use gantry_testkit::{Crew, Sim};
use gantry_words::Timestamp;
use std::{
    cell::Cell,
    convert::Infallible,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

/// Gives a link a count that no manifest stands for, and leaves it a candidate.
struct Miscount {
    repository: i64,
    digest: String,
}

impl Act for Miscount {
    type Seen = ();
    type Plan = Timestamp;
    type Answer = ();
    const NAME: &'static str = "test.miscount";

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), now: Timestamp) -> Result<Timestamp, Fault> {
        Ok(now)
    }
    fn apply(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Fault> {
        blobs::set_link(tx, self.repository, &self.digest, 1, Some(now.minus(HOUR)))
    }
}

/// A clock that is asked only so often: what goes on for ever ends in a panic.
struct Impatient {
    sim: Sim,
    asked: AtomicU32,
}

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        self.sim.now()
    }
    fn elapsed(&self) -> Duration {
        assert!(self.asked.fetch_add(1, Relaxed) < 10_000, "this does not come to an end");
        self.sim.elapsed()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sim.sleep(duration)
    }
}

#[test]
fn a_link_that_is_counted_wrongly_does_not_keep_the_collection_busy_for_ever() {
    let sim = Sim::new(1);
    let clock = Impatient { sim: sim.clone(), asked: AtomicU32::new(0) };
    let stage = Stage::with_clock(&sim, Arc::new(clock)).0;
    let seen = Rc::new(Cell::default());
    let (time, answer) = (sim.clone(), seen.clone());
    let mut crew = Crew::new(&sim);

    crew.add(async move {
        let registry = &stage.registry;
        let repository = registry.repositories.create(&stage.cx(), &"team/app".parse().unwrap()).await.unwrap();
        for text in ["counted wrongly", "unnamed"] {
            let hash = gantry_store::hash_bytes(gantry_store::Algorithm::Sha256, text.as_bytes());
            let digest = Digest::from_hash(Algorithm::Sha256, &hash);
            let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(text.as_bytes()))]);
            registry.uploads.store(&stage.cx(), &repository, &digest, body).await.unwrap();
            if text == "counted wrongly" {
                let act = Miscount { repository: repository.id, digest: digest.to_string() };
                stage.metadata.perform(&stage.cx(), act).await.unwrap();
            }
        }
        time.pass(2 * HOUR);
        answer.set(Some(registry.collection.run(&stage.cx(), HOUR, HOUR, |_| {}).await.unwrap().links));
    });
    crew.finish();

    assert_eq!(seen.take(), Some(1));
}
