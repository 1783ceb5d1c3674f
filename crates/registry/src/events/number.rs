//! Gives events their numbers.

use gantry_fault::Fault;
use gantry_metadata::{Act, Reader, Trail, Tx, event_feed};
use gantry_words::{AccountId, Timestamp};

/// The act that numbers events of an account which have none yet; answers how many.
///
/// Whoever does it holds a lock, and sees all that is committed: an event that is committed later gets a later number, whatever its id.
pub(super) struct NumberEvents {
    pub(super) account: AccountId,
    /// How many at the most.
    pub(super) count: usize,
}

/// The last number that was given, and what is to be numbered.
pub(super) struct Seen {
    last: i64,
    ids: Vec<i64>,
}

impl Act for NumberEvents {
    type Seen = Seen;
    type Plan = Seen;
    type Answer = usize;
    const NAME: &'static str = "registry.number_events";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        rows.lock(event_feed::LOCK)?;
        Ok(Seen {
            last: event_feed::last(rows, self.account)?,
            ids: event_feed::waiting(rows, self.account, self.count)?,
        })
    }

    fn decide(&self, seen: Seen, _: Timestamp) -> Result<Seen, Fault> {
        Ok(seen)
    }

    fn apply(&self, tx: &mut Tx, Seen { last, ids }: Seen) -> Result<usize, Fault> {
        if !ids.is_empty() {
            event_feed::number(tx, self.account, last, &ids)?;
        }
        Ok(ids.len())
    }
}
