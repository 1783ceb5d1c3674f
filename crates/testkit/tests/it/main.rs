//! Worlds from seeds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod beside_others;
mod failing_disk;
mod grace;
mod graphs;
mod late_layers;
mod lost_answers;
mod wrong_counts;

use futures_util::FutureExt;
use gantry_fault::Fault;
use gantry_metadata::{Act, Locks, Reader, Tx, blobs, repositories};
use gantry_testkit::World;
use gantry_words::{AccountId, Region, Timestamp};
use std::{
    collections::BTreeMap,
    ops::Range,
    panic::catch_unwind,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// The worlds to run: one, if `GANTRY_SEED` names it, else the first `GANTRY_SEEDS`.
fn seeds() -> Range<u64> {
    match number_from("GANTRY_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("GANTRY_SEEDS").unwrap_or(200),
    }
}

/// Runs the worlds on all processors. Returns the first that broke a promise, with what it broke.
fn first_broken(seeds: Range<u64>) -> Option<(u64, Vec<String>)> {
    let (next, broken) = (AtomicU64::new(seeds.start), Mutex::new(BTreeMap::new()));
    let broken_by = || broken.lock().expect("nothing panics while it holds the list");
    let work = || {
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= seeds.end || broken_by().keys().any(|first| *first < seed) {
                return;
            }
            let complaints = catch_unwind(|| World::run(seed).complaints);
            let complaints = complaints.unwrap_or_else(|_| vec!["the world panicked, as is said above".into()]);
            if !complaints.is_empty() {
                broken_by().insert(seed, complaints);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    broken_by().pop_first()
}

#[test]
fn a_thousand_worlds_keep_their_promises() {
    if let Some((seed, complaints)) = first_broken(seeds()) {
        panic!("GANTRY_SEED={seed} cargo test -p gantry-testkit -- --nocapture\n{}", complaints.join("\n"));
    }
}

#[test]
fn much_happens_in_a_few_worlds() {
    let mut sums = BTreeMap::new();
    for seed in 0..20 {
        for (what, count) in World::run(seed).counts {
            *sums.entry(what).or_insert(0) += count;
        }
    }

    for what in [
        "blob pushed",
        "blob mounted",
        "manifest pushed",
        "manifest removed",
        "tag moved",
        "image restored",
        "trash emptied",
        "image archived",
        "image activating",
        "blob archived",
        "blob returned",
        "referrer listed",
        "image pulled",
        "repository created",
        "repository deleted",
        "collected",
        "collection left to another",
        "repaired",
        "crash",
    ] {
        assert!(sums.get(what).is_some_and(|count| *count > 3), "too little of {what:?}: {sums:?}");
    }
}

#[test]
fn a_seed_gives_the_same_world_again() {
    for seed in 0..10 {
        assert_eq!(World::run(seed), World::run(seed), "seed {seed}");
    }
}

#[test]
fn other_seeds_give_other_worlds() {
    assert_ne!(World::run(1).trace, World::run(2).trace);
}

/// A world in which something is stored, and nobody does anything any more.
fn settled() -> World {
    let mut world = World::new(7);
    world.begin();
    assert_eq!(world.go(u64::MAX), [""; 0]);
    assert_eq!(world.settle(), [""; 0]);
    assert!(!world.control().keys().is_empty());
    world
}

#[test]
fn bytes_that_vanish_are_noticed() {
    let world = settled();

    world.control().remove(&world.control().keys()[0]);

    assert!(world.check().iter().any(|complaint| complaint.contains("bytes are missing or wrong")));
}

#[test]
fn a_flipped_bit_is_noticed() {
    let world = settled();

    let keys = world.control().keys();
    assert!(keys.iter().any(|key| world.control().corrupt(key, 0)));

    assert!(world.check().iter().any(|complaint| complaint.contains("bytes are missing or wrong")));
}

/// An act that no registry would do: takes every link of a blob, named or not.
struct Unlink {
    digest: String,
}

impl Act for Unlink {
    type Seen = ();
    type Plan = ();
    type Answer = ();
    const NAME: &'static str = "test.unlink";
    const LOCKS: Locks = Locks::Unlocked("nobody else is there");

    fn gather(&self, _: &mut Reader) -> Result<(), Fault> {
        Ok(())
    }
    fn decide(&self, (): (), _: Timestamp) -> Result<(), Fault> {
        Ok(())
    }
    fn apply(&self, tx: &mut Tx, (): ()) -> Result<(), Fault> {
        for repository in repositories::list(tx, AccountId::DEFAULT, &Region::default(), "", 10)? {
            blobs::unlink(tx, repository.id, [self.digest.as_str()])?;
        }
        Ok(())
    }
}

/// A blob that a manifest of a repository names; those of deleted ones may be in the trash alone.
fn named_by_a_living_repository(rows: &mut Reader) -> Result<Option<String>, Fault> {
    for repository in repositories::list(rows, AccountId::DEFAULT, &Region::default(), "", 10)? {
        for copy in blobs::each_copy(rows, 0, 1_000)? {
            if blobs::link(rows, repository.id, &copy.digest)?.is_some_and(|link| link.manifest_count > 0) {
                return Ok(Some(copy.digest));
            }
        }
    }
    Ok(None)
}

#[test]
fn a_link_that_is_taken_from_a_named_blob_is_noticed() {
    let world = settled();
    let digest = world.metadata().read(named_by_a_living_repository).now_or_never().unwrap().unwrap();

    let act = Unlink { digest: digest.expect("a repository that was not deleted holds an image") };
    world.metadata().perform(&world.cx(), act).now_or_never().unwrap().unwrap();

    let complaints = world.check();
    for broken in ["a name leads nowhere", "a count is wrong", "an acknowledged push is lost"] {
        assert!(complaints.iter().any(|complaint| complaint.starts_with(broken)), "{broken}: {complaints:?}");
    }
}
