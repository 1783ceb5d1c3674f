use crate::world::{self, append, begin, body, bytes, id, key, listed, publish, read};
use gantry_store::{Algorithm, AppendError, Error, InjectedFault, Operation, Store, Whereabouts, hash_bytes};
use std::{collections::HashSet, time::Duration};

#[tokio::test]
async fn what_was_published_survives_every_crash() {
    for seed in 0..50 {
        let (store, control) = Store::memory(world::World::new().env());
        let blob = publish(&store, "a/b", &bytes(5000)).await;

        control.crash(seed);

        assert_eq!(control.bytes(&blob).unwrap(), bytes(5000), "seed {seed}");
    }
}

#[tokio::test]
async fn a_publish_that_a_crash_cuts_short_happened_whole_or_not_at_all() {
    let mut seen = HashSet::new();
    for (seed, polls) in (0..40).flat_map(|seed| (0..4).map(move |polls| (seed, polls))) {
        let (store, control) = Store::memory(world::World::new().env());
        let blob = key("a/b");
        let upload = append(begin(&store, "layer").await, &bytes(5000)).await;
        {
            let mut publishing = Box::pin(upload.publish(&blob));
            for _ in 0..polls {
                world::poll_once(&mut publishing).await;
            }
        }

        control.crash(seed);

        let there = control.bytes(&blob);
        assert!(there.as_ref().is_none_or(|there| *there == bytes(5000)), "seed {seed}, {polls} polls");
        seen.insert((polls, there.is_some()));
    }
    assert!(seen.contains(&(2, true)) && seen.contains(&(2, false)), "between rename and sync either may be: {seen:?}");
    assert!(!seen.contains(&(0, true)) && !seen.contains(&(3, false)), "{seen:?}");
}

#[tokio::test]
async fn a_delete_that_a_crash_cuts_short_may_come_back() {
    let mut seen = HashSet::new();
    for seed in 0..40 {
        let (store, control) = Store::memory(world::World::new().env());
        let blob = publish(&store, "a/b", &bytes(5)).await;
        {
            let keys = [blob.clone()];
            let mut deleting = Box::pin(store.delete(&keys));
            for _ in 0..2 {
                world::poll_once(&mut deleting).await;
            }
        }
        assert_eq!(store.exists(&blob).await.unwrap(), None);

        control.crash(seed);

        seen.insert(store.exists(&blob).await.unwrap());
    }
    assert_eq!(seen, HashSet::from([None, Some(5)]));
}

#[tokio::test]
async fn an_upload_keeps_at_most_a_prefix_of_its_bytes_over_a_crash() {
    let (mut short, mut torn, mut gone) = (0, 0, 0);
    for seed in 0..200 {
        let (store, control) = Store::memory(world::World::new().env());
        let upload = append(begin(&store, "layer").await, &bytes(50_000)).await;

        control.crash(seed);

        match store.resume(&id("layer"), Algorithm::Sha256).await {
            Err(error) => {
                assert!(error.is_missing(), "{error}");
                gone += 1;
            }
            Ok(resumed) => {
                let there = resumed.offset() as usize;
                assert!(there <= 50_000);
                match resumed.hash() == hash_bytes(Algorithm::Sha256, &bytes(50_000)[..there]) {
                    true => short += u32::from(there < 50_000),
                    false => torn += 1,
                }
            }
        }
        let (_, refused) = upload.append(body(&bytes(3), 3), 3).await;
        assert!(refused.unwrap_err().to_string().contains("begun before the crash"));
    }
    assert!(short > 0 && torn > 0 && gone > 0, "{short} short, {torn} torn, {gone} gone");
}

#[tokio::test]
async fn what_was_being_read_in_a_crash_is_read_no_further() {
    let (store, control) = Store::memory(world::World::new().env());
    let blob = publish(&store, "a/b", &bytes(9)).await;
    let body = store.open(&blob, 9).await.unwrap().body(0..9);

    control.crash(1);

    assert!(read(body).await.is_err());
    assert_eq!(read(store.open(&blob, 9).await.unwrap().body(0..9)).await.unwrap(), bytes(9));
}

#[tokio::test]
async fn a_write_that_fails_behind_a_body_that_is_too_long_breaks_the_upload() {
    let (store, control) = Store::memory(world::World::new().env());
    let upload = begin(&store, "layer").await;
    control.fail_next(Operation::Append, 1, InjectedFault::TornWrite);

    let (upload, failed) = upload.append(body(&bytes(1 << 20), 200_000), 300_000).await;

    assert!(matches!(failed, Err(AppendError::Store(Error::Broken { .. }))), "{failed:?}");
    assert!(matches!(upload.publish(&key("a/b")).await, Err(Error::Broken { .. })));
}

#[tokio::test]
async fn the_same_seed_does_the_same_damage() {
    let run = |seed| async move {
        let (store, control) = Store::memory(world::World::new().env());
        for name in ["a", "b", "c", "d"] {
            drop(append(begin(&store, name).await, &bytes(9000)).await);
        }
        control.crash(seed);
        store.uploads().await.unwrap()
    };

    assert_eq!(run(7).await, run(7).await);
    assert_ne!(run(7).await, run(8).await);
}

#[tokio::test]
async fn a_torn_write_breaks_the_upload_and_resuming_finds_what_is_there() {
    let (store, control) = Store::memory(world::World::new().env());
    let upload = append(begin(&store, "layer").await, &bytes(100)).await;
    control.fail_next(Operation::Append, 1, InjectedFault::TornWrite);

    let (upload, failed) = upload.append(body(&bytes(60), 60), 60).await;

    assert!(matches!(failed, Err(AppendError::Store(Error::Io { .. }))), "{failed:?}");
    assert_eq!(upload.offset(), 100);
    let refused = upload.publish(&key("a/b")).await;
    assert!(matches!(refused, Err(Error::Broken { .. })), "{refused:?}");
    let resumed = store.resume(&id("layer"), Algorithm::Sha256).await.unwrap();
    let there = [&bytes(100)[..], &bytes(30)].concat();
    assert_eq!((resumed.offset(), resumed.hash()), (130, hash_bytes(Algorithm::Sha256, &there)));
}

#[tokio::test]
async fn a_failure_comes_when_it_was_ordered_and_once() {
    let (store, control) = Store::memory(world::World::new().env());
    let blob = publish(&store, "a/b", &bytes(5)).await;
    control.fail_next(Operation::Exists, 2, InjectedFault::Fail);

    assert!(store.exists(&blob).await.is_ok());
    assert_eq!(
        store.exists(&blob).await.unwrap_err().to_string(),
        "cannot look at a/b: Input/output error (os error 5)"
    );
    assert!(store.exists(&blob).await.is_ok());
}

#[tokio::test]
async fn a_late_failure_has_happened() {
    let (store, control) = Store::memory(world::World::new().env());
    control.fail_next(Operation::Publish, 1, InjectedFault::FailLate);
    let upload = append(begin(&store, "layer").await, &bytes(5)).await;

    let failed = upload.publish(&key("a/b")).await;

    assert!(failed.is_err());
    assert_eq!(listed(&store).await, ["a/b"]);
}

#[tokio::test]
async fn a_plan_is_asked_with_the_place() {
    let world = world::World::new();
    let (store, control) = Store::memory(world.env());
    let (slow, broken) = (publish(&store, "a/slow", &bytes(5)).await, publish(&store, "a/broken", &bytes(5)).await);
    control.set_plan(|operation, place| match (operation, place) {
        (Operation::Read, "a/slow") => Some(InjectedFault::Delay(Duration::from_secs(60))),
        (Operation::Read, "a/broken") => Some(InjectedFault::Fail),
        _ => None,
    });
    let before = world.env().elapsed();

    assert_eq!(read(store.open(&slow, 5).await.unwrap().body(0..5)).await.unwrap(), bytes(5));
    assert!(read(store.open(&broken, 5).await.unwrap().body(0..5)).await.is_err());

    assert_eq!(world.env().elapsed() - before, Duration::from_secs(60));
    control.clear_faults();
    assert!(read(store.open(&broken, 5).await.unwrap().body(0..5)).await.is_ok());
}

#[tokio::test]
async fn damage_is_seen_by_hash_and_length() {
    let (store, control) = Store::memory(world::World::new().env());
    let blob = publish(&store, "a/b", &bytes(500)).await;

    assert!(control.corrupt(&blob, 77) && !control.corrupt(&blob, 500));
    let (length, hash) = store.hash(&blob, Whereabouts::Served, Algorithm::Sha256, |_| {}).await.unwrap();
    assert!(length == 500 && hash != hash_bytes(Algorithm::Sha256, &bytes(500)));

    assert!(control.truncate(&blob, 400));
    assert!(matches!(store.open(&blob, 500).await, Err(Error::Length { found: 400, .. })));

    assert!(control.remove(&blob) && !control.remove(&blob));
    assert!(matches!(store.open(&blob, 500).await, Err(Error::Missing { .. })));
}

#[tokio::test]
async fn quarantining_takes_a_blob_out_of_service() {
    let (store, control) = Store::memory(world::World::new().env());
    let blob = publish(&store, "a/b", &bytes(5)).await;

    store.quarantine(&blob).await.unwrap();

    assert_eq!((control.keys(), control.quarantined()), (vec![], vec![blob]));
}

#[tokio::test]
async fn a_release_that_fails_late_loses_the_blob_in_no_crash() {
    for seed in 0..20 {
        let (store, control) = Store::memory(world::World::new().env());
        let blob = publish(&store, "a/b", &bytes(5)).await;
        store.quarantine(&blob).await.unwrap();
        control.fail_next(Operation::Release, 1, InjectedFault::FailLate);

        store.release(&blob).await.unwrap_err();
        control.crash(seed);

        assert_eq!(control.quarantined(), std::slice::from_ref(&blob));
        store.release(&blob).await.unwrap();
        assert_eq!((control.keys(), control.quarantined()), (vec![blob], vec![]));
    }
}
