//! The grace time of what nothing names yet.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gantry_env::{Clock, Env};
use gantry_metadata::{Faults, Metadata};
use gantry_registry::{Registry, Settings};
use gantry_store::{MemoryControl, Store};
use gantry_testkit::{Crew, Sim};
use gantry_words::{AccountId, Cx, Region};
use std::{cell::Cell, convert::Infallible, rc::Rc, sync::Arc, time::Duration};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// The rooms of a registry in a world of their own.
pub(crate) struct Stage {
    env: Env,
    pub(crate) metadata: Metadata,
    pub(crate) registry: Registry,
}

impl Stage {
    pub(crate) fn new(sim: &Sim) -> Stage {
        Stage::with_control(sim).0
    }

    /// The rooms, and the hand on their store.
    pub(crate) fn with_control(sim: &Sim) -> (Stage, MemoryControl) {
        Stage::with_clock(sim, Arc::new(sim.clone()))
    }

    /// The same by another clock.
    pub(crate) fn with_clock(sim: &Sim, clock: Arc<dyn Clock>) -> (Stage, MemoryControl) {
        Stage::set(sim, clock, Box::new(|_| None))
    }

    /// The rooms on metadata that fail.
    pub(crate) fn with_faults(sim: &Sim, faults: Faults) -> Stage {
        Stage::set(sim, Arc::new(sim.clone()), faults).0
    }

    fn set(sim: &Sim, clock: Arc<dyn Clock>, faults: Faults) -> (Stage, MemoryControl) {
        let env = Env::new(clock, Arc::new(sim.clone()));
        let (store, control) = Store::memory(env.clone());
        (Stage::on(env, store, faults), control)
    }

    /// The rooms, and their store.
    pub(crate) fn with_store(sim: &Sim) -> (Stage, Store) {
        let env = Env::new(Arc::new(sim.clone()), Arc::new(sim.clone()));
        let (store, _) = Store::memory(env.clone());
        (Stage::on(env, store.clone(), Box::new(|_| None)), store)
    }

    fn on(env: Env, store: Store, faults: Faults) -> Stage {
        let metadata = Metadata::alone(env.clone()).expect("a database in memory opens").door(false, faults);
        let registry = Registry::open(metadata.clone(), store, env.clone(), Region::default(), Settings::default());
        Stage { env, metadata, registry }
    }

    pub(crate) fn cx(&self) -> Cx {
        Cx {
            actor: "somebody".into(),
            account: AccountId::DEFAULT,
            operation: "test",
            request_id: self.env.request_id(),
            now: self.env.now(),
            source: None,
        }
    }
}

#[test]
fn a_blob_that_took_longer_than_the_grace_time_to_arrive_is_kept_for_it_all_the_same() {
    let sim = Sim::new(1);
    let stage = Stage::new(&sim);
    let held = Rc::new(Cell::new(None));
    let seen = held.clone();
    let mut crew = Crew::new(&sim);

    crew.add(async move {
        let name = "team/app".parse().unwrap();
        let repository = stage.registry.repositories.create(&stage.cx(), &name).await.unwrap();
        let digest =
            format!("sha256:{}", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824").parse().unwrap();
        let env = stage.env.clone();
        let pieces = stream::unfold(0, move |piece| {
            let env = env.clone();
            async move {
                env.sleep(2 * HOUR).await;
                let bytes = ["hel", "lo"].get(piece)?;
                Some((Ok::<_, Infallible>(Bytes::from_static(bytes.as_bytes())), piece + 1))
            }
        });
        let cx = stage.cx();
        stage.registry.uploads.store(&cx, &repository, &digest, pieces.boxed()).await.unwrap();
        stage.registry.collection.run(&stage.cx(), HOUR, HOUR, |_| {}).await.unwrap();
        seen.set(Some(stage.registry.blobs.check(&stage.cx(), &repository, &digest).await.is_ok()));
    });
    crew.finish();

    assert_eq!(held.get(), Some(true));
}
