use gantry_words::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 11;

/// Numbers for rows: 42 bits of milliseconds, 11 of sequence, 10 of the replica, so that replicas need not ask each other.
///
/// More than 2,048 ids in a millisecond borrow from the next one. Two replicas with the same ten random bits can draw the
/// same id in the same millisecond; an insert that meets one fails on its primary key and is run again.
#[derive(Debug)]
pub struct Ids {
    node: i64,
    last: AtomicI64,
}

impl Ids {
    /// Ids of the replica `node`, of which ten bits count.
    pub fn new(node: u16) -> Self {
        Ids { node: i64::from(node) & ((1 << NODE_BITS) - 1), last: AtomicI64::new(0) }
    }

    /// Returns the least id that could be drawn at `moment`: what has a smaller one was numbered before.
    pub fn first_at(moment: Timestamp) -> i64 {
        moment.millis().clamp(0, i64::MAX >> (SEQUENCE_BITS + NODE_BITS)) << (SEQUENCE_BITS + NODE_BITS)
    }

    /// Returns an id greater than all before it from here.
    pub fn fresh(&self, now: Timestamp) -> i64 {
        let floor = now.millis() << SEQUENCE_BITS;
        let next = |last: i64| Some(floor.max(last + 1));
        let last = self.last.fetch_update(Relaxed, Relaxed, next).unwrap_or_else(|last| last);
        (floor.max(last + 1) << NODE_BITS) | self.node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_moment_lie_between_it_and_the_next() {
        let (now, next) = (Timestamp::from_millis(1_800_000_000_000), Timestamp::from_millis(1_800_000_000_001));

        let id = Ids::new(u16::MAX).fresh(now);

        assert!(Ids::first_at(now) <= id && id < Ids::first_at(next));
        assert_eq!(Ids::first_at(Timestamp::from_millis(i64::MIN)), 0);
        assert!(Ids::first_at(Timestamp::from_millis(i64::MAX)) > id);
    }

    #[test]
    fn ids_grow_even_when_the_clock_stands_or_goes_back() {
        let ids = Ids::new(u16::MAX);

        let drawn: Vec<i64> =
            (0..5000).map(|turn| ids.fresh(Timestamp::from_millis(1_800_000_000_000 - turn))).collect();

        assert!(drawn.windows(2).all(|pair| 0 < pair[0] && pair[0] < pair[1]));
    }
}
