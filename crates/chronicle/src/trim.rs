//! Records that are older than they are kept go, up to a checkpoint, which becomes what the chain begins with.

use crate::keep::Keeper;
use gantry_audit::{Columns, Record, link};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Metadata, Reader, Trail, Tx,
    audit::{self, WriterRow},
};
use gantry_words::{Cx, Timestamp};
use serde_json::json;
use std::sync::Arc;

/// Records removed in one act: few enough to let pushes pass in between.
const RECORDS_MAX: u64 = 500;

/// Removes the records of the keeper's chain up to the last checkpoint before `before`. Returns how many.
pub(crate) async fn trim(
    metadata: &Metadata,
    env: &Env,
    keeper: &Arc<Keeper>,
    before: Timestamp,
    cx: impl Fn(Timestamp) -> Cx,
) -> Result<u64, Fault> {
    let begin = BeginTrim { keeper: keeper.clone(), before };
    let Some(root) = metadata.perform(&cx(env.now()), begin).await? else { return Ok(0) };
    let mut sum = 0;
    loop {
        let began = env.elapsed();
        let removed = metadata.perform(&cx(env.now()), RemoveTrimmed { writer: keeper.writer, root }).await?;
        sum += removed;
        if removed == 0 {
            return Ok(sum);
        }
        // As long again for everybody else.
        env.sleep(env.elapsed().saturating_sub(began)).await;
    }
}

/// The act that makes a checkpoint what the chain begins with, and says so in the chain itself. Nothing is removed before.
struct BeginTrim {
    keeper: Arc<Keeper>,
    before: Timestamp,
}

struct Plan {
    writer: WriterRow,
    /// The record that says so; none where an earlier run has said it and was interrupted.
    record: Option<(Columns, String)>,
}

impl Act for BeginTrim {
    type Seen = Option<(WriterRow, u64)>;
    type Plan = Option<Plan>;
    type Answer = Option<u64>;
    const NAME: &'static str = "audit.begin_trim";
    // Its record in the chain says more.
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock("audit chain")?;
        let Some(writer) = audit::writer(rows, self.keeper.writer)? else { return Ok(None) };
        let found = audit::checkpoint_before(rows, self.keeper.writer, self.before)?;
        let root = writer.root;
        Ok(Some((writer, found.map_or(root, |(seq, _)| seq.max(root)))))
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Self::Plan, Fault> {
        let Some((mut writer, through)) = seen.filter(|(_, through)| *through > 0) else { return Ok(None) };
        if through == writer.root {
            return Ok(Some(Plan { writer, record: None }));
        }
        let body = json!({"through": through, "before": self.before.to_string()});
        let record = Record::service(self.keeper.account, "gantry:audit", "gantry:AuditTrimmed", now, &body);
        let seq = writer.seq + 1;
        let bytes = record.print(&self.keeper.region, writer.writer, seq);
        let columns = Columns::of_record(&record);
        writer.hash = link(&writer.hash, seq, bytes.as_bytes());
        (writer.seq, writer.root) = (seq, through);
        Ok(Some(Plan { writer, record: Some((columns, bytes)) }))
    }

    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<Option<u64>, Fault> {
        let Some(Plan { writer, record }) = plan else { return Ok(None) };
        if let Some((columns, bytes)) = record {
            audit::insert_record(tx, writer.writer, writer.seq, &columns, &writer.hash, &bytes)?;
            audit::put_writer(tx, &writer)?;
        }
        Ok(Some(writer.root))
    }
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
        audit::first_record(rows, self.writer)
    }
    fn decide(&self, first: Option<u64>, _: Timestamp) -> Result<Self::Plan, Fault> {
        let first = first.filter(|first| *first <= self.root);
        Ok(first.map(|first| (first, self.root.min(first + RECORDS_MAX - 1))))
    }
    fn apply(&self, tx: &mut Tx, plan: Self::Plan) -> Result<u64, Fault> {
        let Some((first, through)) = plan else { return Ok(0) };
        audit::trim(tx, self.writer, through)?;
        Ok(through - first + 1)
    }
}
