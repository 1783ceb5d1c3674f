use super::*;
use crate::World;
use futures_util::FutureExt;
use gantry_metadata::{Act, Locks, Reader, Tx};
use gantry_words::Timestamp;
use std::collections::BTreeMap;

/// The first worlds that have quotas.
fn worlds_with_quotas() -> impl Iterator<Item = u64> {
    (0..40).filter(|seed| Quotas::of_seed(*seed) == Quotas::Present)
}

#[test]
fn worlds_with_quotas_keep_their_promises_and_come_up_against_them() {
    let mut sums = BTreeMap::new();

    for seed in worlds_with_quotas() {
        let ending = World::run(seed);
        assert_eq!(ending.complaints, [""; 0], "GANTRY_SEED={seed}");
        for (what, count) in ending.counts {
            *sums.entry(what).or_insert(0) += count;
        }
    }

    for what in ["quota set", "refused by a quota", "upload given up", "blob pushed", "blob mounted", "manifest pushed"]
    {
        assert!(sums.get(what).is_some_and(|count| *count > 3), "too little of {what:?}: {sums:?}");
    }
}

/// An act that no registry would do: sets a quota to one byte less than it has.
struct Lower;

impl Act for Lower {
    type Seen = Vec<Quota>;
    type Plan = Vec<Quota>;
    type Answer = ();
    const NAME: &'static str = "test.lower";
    const LOCKS: Locks = Locks::Unlocked("nobody else is there");

    fn gather(&self, rows: &mut Reader) -> Result<Vec<Quota>, Fault> {
        quotas::list(rows, AccountId::DEFAULT, &Region::default(), QUOTAS_MAX)
    }
    fn decide(&self, seen: Vec<Quota>, _: Timestamp) -> Result<Vec<Quota>, Fault> {
        Ok(seen.into_iter().filter(|quota| taken(quota) > 0).collect())
    }
    fn apply(&self, tx: &mut Tx, plan: Vec<Quota>) -> Result<(), Fault> {
        for quota in plan {
            let limits = QuotaLimits { bytes_hard: Some(taken(&quota) - 1), ..quota.limits };
            quotas::set_limits(tx, quota.id, limits, (Timestamp::from_millis(0), "somebody"))?;
        }
        Ok(())
    }
}

#[test]
fn a_quota_that_is_passed_is_noticed() {
    let mut world = World::new(8);
    world.begin();
    assert_eq!(world.go(u64::MAX), [""; 0]);

    world.metadata().perform(&world.cx(), Lower).now_or_never().unwrap().unwrap();

    let complaints = world.check();
    assert!(complaints.iter().any(|complaint| complaint.starts_with("a quota is passed")), "{complaints:?}");
}
