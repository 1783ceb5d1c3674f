//! Records that are older than they are kept go, up to a checkpoint, which becomes what the chain begins with; and so do the
//! names that only they held.

use crate::{keep::Keeper, people::NAMED_EVERY};
use gantry_audit::{Columns, Record, link};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Metadata, Reader, Trail, Tx,
    audit::{self, WriterRow},
};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// Records, or names, removed in one act: few enough to let pushes pass in between.
const ROWS_MAX: usize = 250;
/// Writers whose chains are looked at before names are removed.
const WRITERS_MAX: usize = 10_000;
/// By so much more than [`NAMED_EVERY`] a name outlives the last record that holds it: clocks are set back.
const NAMES_GRACE: Duration = Duration::from_secs(24 * 3600);

/// What is trimmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Up to which record; 0 for nothing.
    pub(crate) root: u64,
    /// How many more are old enough and stay, since they are not delivered yet.
    pub(crate) held: u64,
    /// How many of those that go from now on were never delivered.
    pub(crate) undelivered: u64,
}

/// Makes the last checkpoint before `before` what the keeper's chain begins with. Nothing is removed yet.
pub(crate) async fn begin(
    metadata: &Metadata,
    keeper: &Arc<Keeper>,
    before: Timestamp,
    cx: &Cx,
) -> Result<Begun, Fault> {
    metadata.perform(cx, BeginTrim { keeper: keeper.clone(), before }).await
}

/// Removes the records of a chain up to its `root`, and the names that are in no record any more, slice by slice. Returns how many
/// records.
pub(crate) async fn remove(
    metadata: &Metadata,
    env: &Env,
    writer: i64,
    root: u64,
    cx: impl Fn(Timestamp) -> Cx,
) -> Result<u64, Fault> {
    let mut sum = 0;
    loop {
        let began = env.elapsed();
        let removed = metadata.perform(&cx(env.now()), RemoveTrimmed { writer, root }).await?;
        sum += removed;
        if removed == 0 {
            break;
        }
        make_way(env, began).await;
    }
    loop {
        let began = env.elapsed();
        if metadata.perform(&cx(env.now()), ForgetPeople).await? < ROWS_MAX {
            return Ok(sum);
        }
        make_way(env, began).await;
    }
}

/// As long again for everybody else.
async fn make_way(env: &Env, began: Duration) {
    env.sleep(env.elapsed().saturating_sub(began)).await;
}

/// The act that makes a checkpoint what the chain begins with, and says so in the chain itself.
struct BeginTrim {
    keeper: Arc<Keeper>,
    before: Timestamp,
}

struct Seen {
    writer: WriterRow,
    /// The last checkpoint that is old enough.
    old: Option<u64>,
    webhook: Option<Delivered>,
}

/// How far the webhook has the chain.
struct Delivered {
    /// Its last record.
    seq: u64,
    /// The last checkpoint that is old enough and delivered.
    checkpoint: Option<u64>,
    /// The last checkpoint that goes, delivered or not.
    given_up: Option<u64>,
}

struct Plan {
    begun: Begun,
    /// The record that says so, and where the chain stands with it; none where an earlier run has said it.
    record: Option<(WriterRow, Columns, String)>,
}

impl Act for BeginTrim {
    type Seen = Option<Seen>;
    type Plan = Plan;
    type Answer = Begun;
    const NAME: &'static str = "audit.begin_trim";
    // Its record in the chain says more.
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Option<Seen>, Fault> {
        rows.lock("audit chain")?;
        let (own, settings) = (self.keeper.writer, &self.keeper.settings.webhook);
        let Some(writer) = audit::writer(rows, own)? else { return Ok(None) };
        let old = audit::checkpoint_before(rows, own, self.before, u64::MAX)?;
        let delivered = if settings.url.is_some() { audit::delivered(rows, own)? } else { None };
        let webhook = match delivered {
            None => None,
            Some((seq, checkpoint_seq)) => Some(Delivered {
                seq,
                checkpoint: audit::checkpoint_before(rows, own, self.before, seq.min(checkpoint_seq))?,
                given_up: {
                    let before = self.before.minus(settings.undelivered_keep.duration());
                    audit::checkpoint_before(rows, own, before, u64::MAX)?
                },
            }),
        };
        Ok(Some(Seen { writer, old, webhook }))
    }

    fn decide(&self, seen: Option<Seen>, now: Timestamp) -> Result<Plan, Fault> {
        let Some(Seen { mut writer, old, webhook }) = seen else {
            return Ok(Plan { begun: Begun::default(), record: None });
        };
        let begun = root_of(writer.root, old, webhook.as_ref());
        if begun.root == writer.root {
            return Ok(Plan { begun, record: None });
        }
        let body = json!({"through": begun.root, "before": self.before.to_string()});
        let record = Record::service(self.keeper.account, "gantry:audit", "gantry:AuditTrimmed", now, &body);
        let seq = writer.seq + 1;
        let bytes = record.print(&self.keeper.region, writer.writer, seq);
        let columns = Columns::of_record(&record);
        writer.hash = link(&writer.hash, seq, bytes.as_bytes());
        (writer.seq, writer.root) = (seq, begun.root);
        Ok(Plan { begun, record: Some((writer, columns, bytes)) })
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<Begun, Fault> {
        if let Some((writer, columns, bytes)) = plan.record {
            audit::insert_record(tx, writer.writer, writer.seq, &columns, &writer.hash, &bytes)?;
            audit::put_writer(tx, &writer)?;
        }
        Ok(plan.begun)
    }
}

/// Says up to which checkpoint a chain goes that was trimmed at `root` before: the last one that is `old` enough; where there is a
/// webhook, the last one that it has, too, but for what it is not waited for any longer.
fn root_of(root: u64, old: Option<u64>, webhook: Option<&Delivered>) -> Begun {
    let old = old.unwrap_or_default().max(root);
    let Some(Delivered { seq, checkpoint, given_up }) = webhook else {
        return Begun { root: old, held: 0, undelivered: 0 };
    };
    let next = checkpoint.unwrap_or_default().max(given_up.unwrap_or_default()).max(root);
    Begun { root: next, held: old - next, undelivered: next.saturating_sub(root.max(*seq)) }
}

/// The act that removes the oldest records of a chain up to its root.
struct RemoveTrimmed {
    writer: i64,
    root: u64,
}

impl Act for RemoveTrimmed {
    type Seen = Option<u64>;
    type Plan = Option<(u64, u64)>;
    type Answer = u64;
    const NAME: &'static str = "audit.remove_trimmed";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Option<u64>, Fault> {
        rows.lock("audit chain")?;
        Ok(audit::first_record(rows, self.writer)?.map(|(seq, _)| seq))
    }
    fn decide(&self, first: Option<u64>, _: Timestamp) -> Result<Self::Plan, Fault> {
        let first = first.filter(|first| *first <= self.root);
        Ok(first.map(|first| (first, self.root.min(first + ROWS_MAX as u64 - 1))))
    }
    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<u64, Fault> {
        let Some((first, through)) = plan else { return Ok(0) };
        audit::trim(tx, self.writer, through)?;
        Ok(through - first + 1)
    }
}

/// The act that forgets names that no record of any chain holds any more. Answers how many.
struct ForgetPeople;

impl Act for ForgetPeople {
    type Seen = Vec<String>;
    type Plan = Vec<String>;
    type Answer = usize;
    const NAME: &'static str = "audit.forget_people";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Vec<String>, Fault> {
        rows.lock("audit chain")?;
        let mut oldest: Option<Timestamp> = None;
        for writer in audit::writers(rows, WRITERS_MAX)? {
            let first = audit::first_record(rows, writer.writer)?.map(|(_, at)| at);
            oldest = oldest.into_iter().chain(first).min();
        }
        let Some(oldest) = oldest else { return Ok(vec![]) };
        audit::named_before(rows, oldest.minus(NAMED_EVERY + NAMES_GRACE), ROWS_MAX)
    }
    fn decide(&self, tokens: Vec<String>, _: Timestamp) -> Result<Vec<String>, Fault> {
        Ok(tokens)
    }
    fn apply(&self, tx: &mut Tx, tokens: Vec<String>) -> Result<usize, Fault> {
        audit::forget_people(tx, &tokens)?;
        Ok(tokens.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(seq: u64, checkpoint: u64, given_up: u64) -> Delivered {
        let some = |place| Some(place).filter(|place| *place > 0);
        Delivered { seq, checkpoint: some(checkpoint), given_up: some(given_up) }
    }

    #[test]
    fn a_chain_is_trimmed_at_what_is_old_and_delivered() {
        let begun = |root, old, webhook: Option<Delivered>| {
            let Begun { root, held, undelivered } = root_of(root, old, webhook.as_ref());
            (root, held, undelivered)
        };

        assert_eq!(begun(0, None, None), (0, 0, 0));
        assert_eq!(begun(0, Some(90), None), (90, 0, 0));
        assert_eq!(begun(90, Some(50), None), (90, 0, 0), "it goes forward only");
        assert_eq!(begun(0, Some(90), Some(delivered(70, 60, 0))), (60, 30, 0));
        assert_eq!(begun(0, Some(90), Some(delivered(0, 0, 0))), (0, 90, 0));
        assert_eq!(begun(0, Some(90), Some(delivered(30, 20, 40))), (40, 50, 10), "what is too old goes undelivered");
        assert_eq!(begun(40, Some(90), Some(delivered(30, 20, 40))), (40, 50, 0), "and is told once");
    }
}
