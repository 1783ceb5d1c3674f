//! The act that takes facts into the chain.

use crate::{Keeper, pending::Batch, people::People};
use gantry_audit::{
    Change, Checkpoint, Columns, GENESIS, Hash, Kind, Outcome, Record, Session, Signed, TEXT_BYTES_MAX, bounded, link,
    reveal,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Act, Reader, Trail, Tx,
    audit::{self, OpenRow, TrailRow, WriterRow},
};
use gantry_words::{AccountId, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

/// Rows of the change trail, and records that others left, taken at once.
const ROWS_MAX: usize = 256;
/// The chain is signed after so many records at the latest.
const RECORDS_PER_CHECKPOINT_MAX: u64 = 10_000;
/// Writers that a checkpoint names.
const WRITERS_MAX: usize = 1000;
/// How long the row of a change waits for the record of the call that made it, so that both are one.
const CALL_WAIT: Duration = Duration::from_secs(2);
/// Records that still count and whose minute has been over for so long were left by one who is gone.
const LEFT_AFTER: Duration = Duration::from_secs(600);

pub(crate) struct ChainRecords {
    pub(crate) batch: Arc<Batch>,
    pub(crate) keeper: Arc<Keeper>,
    /// Whether records that still count can only be from before the start.
    pub(crate) is_first: bool,
    /// What the salts of people who are new follow from: random, and for this once.
    pub(crate) seed: [u8; 32],
}

pub(crate) struct Seen {
    writer: Option<WriterRow>,
    heads: Vec<(i64, u64, Hash)>,
    gathered: Gathered,
    people: People,
}

/// What is to be chained, and from where it is taken.
struct Gathered {
    records: Vec<Record>,
    trail: Vec<i64>,
    left: Vec<(i64, i64)>,
    has_more: bool,
}

/// What is written; nothing where it was written before.
pub(crate) struct Plan {
    has_changes: bool,
    records: Vec<Chained>,
    people: People,
    trail: Vec<i64>,
    counting: Vec<(i64, Columns, String)>,
    over: Vec<(i64, i64)>,
    checkpoint: Option<Signed>,
    writer: WriterRow,
    has_more: bool,
}

struct Chained {
    seq: u64,
    hash: Hash,
    columns: Columns,
    bytes: String,
}

/// Where the chain stands afterwards.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) seq: u64,
    pub(crate) checkpoint_seq: u64,
    pub(crate) checkpoint_at: Timestamp,
    pub(crate) lines: Vec<String>,
    pub(crate) checkpoint: Option<Signed>,
    pub(crate) has_more: bool,
}

impl Act for ChainRecords {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = Answer;
    const NAME: &'static str = "audit.chain";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        // One for all writers: of two, only one may take a row of the change trail.
        rows.lock("audit chain")?;
        let writers = audit::writers(rows, WRITERS_MAX)?;
        let own = self.keeper.writer;
        let writer = match writers.iter().find(|row| row.writer == own) {
            Some(row) => Some(row.clone()),
            None => audit::writer(rows, own)?,
        };
        let heads = writers.iter().filter(|row| row.writer != own).map(|row| (row.writer, row.seq, row.hash)).collect();
        let (before, whose) = match self.is_first {
            true => (Timestamp::from_millis(i64::MAX), Some(own)),
            false => (self.batch.now.minus(LEFT_AFTER), None),
        };
        let trail = audit::unchained(rows, ROWS_MAX)?;
        let left = audit::open_before(rows, before, whose, ROWS_MAX)?;
        let gathered = put_together(self, trail, &left);
        let people = People::gather(rows, &gathered.records, &self.seed, self.batch.now)?;
        Ok(Seen { writer, heads, gathered, people })
    }

    fn decide(&self, seen: Seen, _: Timestamp) -> Result<Plan, Fault> {
        Ok(plan(self, seen))
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<Answer, Fault> {
        let own = self.keeper.writer;
        if plan.has_changes {
            plan.people.write(tx)?;
            for record in &plan.records {
                audit::insert_record(tx, own, record.seq, &record.columns, &record.hash, &record.bytes)?;
            }
            audit::note_chained(tx, &plan.trail)?;
            for (id, columns, body) in &plan.counting {
                audit::put_open(tx, own, *id, columns, body)?;
            }
            for (writer, id) in &plan.over {
                audit::remove_open(tx, *writer, *id)?;
            }
            if let Some(signed) = &plan.checkpoint {
                audit::insert_checkpoint(tx, own, plan.writer.seq, plan.writer.checkpoint_at, signed)?;
            }
            audit::put_writer(tx, &plan.writer)?;
        }
        // What leaves the database names those who have not been erased.
        let values = plan.people.values();
        Ok(Answer {
            seq: plan.writer.seq,
            checkpoint_seq: plan.writer.checkpoint_seq,
            checkpoint_at: plan.writer.checkpoint_at,
            lines: plan.records.into_iter().map(|record| reveal(&record.bytes, &values)).collect(),
            checkpoint: plan.checkpoint,
            has_more: plan.has_more,
        })
    }
}

fn plan(act: &ChainRecords, seen: Seen) -> Plan {
    let ChainRecords { batch, keeper, .. } = act;
    let Seen { writer, heads, gathered: Gathered { records, trail, left, has_more }, people } = seen;
    let own = keeper.writer;
    let mut writer = writer.unwrap_or_else(|| keeper.first_row());
    let nothing = |writer| Plan {
        has_changes: false,
        records: vec![],
        people: People::default(),
        trail: vec![],
        counting: vec![],
        over: vec![],
        checkpoint: None,
        writer,
        has_more: false,
    };
    if writer.batch == batch.id {
        return nothing(writer);
    }
    let records: Vec<Record> = records.iter().map(|record| people.commit(record)).collect();
    let records = chain(&records, &mut writer, keeper);
    let counting = |(id, record): &(i64, Record)| (*id, Columns::of_record(record), record.print_open(&keeper.region));
    let mut plan = Plan {
        has_changes: true,
        records,
        people,
        trail,
        counting: batch.changed.iter().map(counting).collect(),
        over: batch.over.iter().map(|open| (own, open.id)).chain(left).collect(),
        checkpoint: None,
        has_more,
        writer: writer.clone(),
    };
    let since = batch.now.since(writer.checkpoint_at);
    let grown = writer.seq - writer.checkpoint_seq;
    let is_due =
        batch.is_last || grown >= RECORDS_PER_CHECKPOINT_MAX || since >= keeper.settings.checkpoint_every.duration();
    if grown > 0 && is_due {
        sign(&mut plan, batch.now, heads, keeper);
    }
    if plan.records.is_empty() && plan.counting.is_empty() && plan.over.is_empty() && plan.checkpoint.is_none() {
        return Plan { has_more, ..nothing(writer) };
    }
    plan.writer.batch = batch.id;
    plan
}

/// Puts together what is to be chained: what came, what it changed, and what others left.
fn put_together(act: &ChainRecords, trail: Vec<TrailRow>, rows: &[OpenRow]) -> Gathered {
    let ChainRecords { batch, keeper, is_first, .. } = act;
    let is_full = trail.len() == ROWS_MAX;
    let (calls, taken) = with_changes(batch, trail, keeper.account);
    let gap = batch.gap.map(|gap| {
        let body = json!({
            "count": gap.count, "firstAt": gap.first_at.to_string(), "lastAt": gap.last_at.to_string(),
        });
        Record::service(keeper.account, "gantry:audit", "gantry:AuditGap", batch.now, &body)
    });
    let over = batch.over.iter().map(|open| open.record.clone());
    // One's own that still count are in memory too, but for those from before the start.
    let left: Vec<&OpenRow> = rows.iter().filter(|row| *is_first || row.writer != keeper.writer).collect();
    // What is not taken now would not be taken the next time either.
    let has_more = is_full && !taken.is_empty() || rows.len() == ROWS_MAX && !left.is_empty();
    let left_records = left.iter().filter_map(|row| Record::parse_open(&row.body));
    let records = gap.into_iter().chain(calls).chain(over).chain(left_records).collect();
    let left = left.iter().map(|row| (row.writer, row.id)).collect();
    Gathered { records, trail: taken, left, has_more }
}

/// Gives each record its place behind the last one.
fn chain(records: &[Record], writer: &mut WriterRow, keeper: &Keeper) -> Vec<Chained> {
    let place = |record: &Record| {
        let seq = writer.seq + 1;
        let bytes = record.print(&keeper.region, writer.writer, seq);
        let hash = link(&writer.hash, seq, bytes.as_bytes());
        (writer.seq, writer.hash) = (seq, hash);
        Chained { seq, hash, columns: Columns::of_record(record), bytes }
    };
    records.iter().map(place).collect()
}

fn sign(plan: &mut Plan, now: Timestamp, others: Vec<(i64, u64, Hash)>, keeper: &Keeper) {
    let writer = &mut plan.writer;
    let mut heads = others;
    heads.push((writer.writer, writer.seq, writer.hash));
    heads.sort_unstable();
    let previous = if writer.checkpoint_seq == 0 { GENESIS } else { writer.checkpoint_hash };
    let checkpoint = Checkpoint { writer: writer.writer, seq: writer.seq, hash: writer.hash, at: now, previous, heads };
    let signed = keeper.key.sign(&checkpoint);
    (writer.checkpoint_seq, writer.checkpoint_at, writer.checkpoint_hash) = (writer.seq, now, signed.hash());
    plan.checkpoint = Some(signed);
}

/// Joins calls and the rows of the change trail that they left. A row whose call is still under way waits for it for a
/// moment; one without a call (of a job, or from before a crash) becomes a record of its own, and so does one about another image than
/// its call's first: each image is found by its digest. Returns the records, and the rows that are in them.
fn with_changes(batch: &Batch, trail: Vec<TrailRow>, site: AccountId) -> (Vec<Record>, Vec<i64>) {
    let mut calls = batch.singles.clone();
    // Of the two records of a call between accounts, what was changed is said by that of the owner.
    let of_owner = calls.iter().enumerate().filter(|(_, call)| call.account == call.owner);
    let places: BTreeMap<String, usize> = of_owner.map(|(place, call)| (call.request_id.clone(), place)).collect();
    let (mut taken, mut others) = (vec![], vec![]);
    for row in trail {
        if let Some(call) = places.get(&row.request_id).map(|place| &mut calls[*place]) {
            taken.push(row.id);
            let own = of_row(row, site);
            if is_about_another(call, &own) {
                others.push(own);
                continue;
            }
            for (empty, known) in
                [(&mut call.repository, own.repository), (&mut call.digest, own.digest), (&mut call.tag, own.tag)]
            {
                if empty.is_empty() {
                    *empty = known;
                }
            }
            call.changes.extend(own.changes);
        } else if batch.is_last || row.at < batch.now.minus(CALL_WAIT) {
            taken.push(row.id);
            others.push(of_row(row, site));
        }
    }
    calls.append(&mut others);
    (calls, taken)
}

/// Whether a change is about another image than the record of its call.
fn is_about_another(call: &Record, own: &Record) -> bool {
    let is_image = |record: &Record| !record.digest.is_empty();
    is_image(call) && is_image(own) && (&call.repository, &call.digest) != (&own.repository, &own.digest)
}

/// What an event may tell of what it is about.
#[derive(Default, Deserialize)]
struct Told<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    repository: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    digest: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tag: Option<Cow<'a, str>>,
}

/// Whether the `name` that events of a kind tell is that of a repository, and not of a document, a token or a person.
fn names_repository(event: &str) -> bool {
    ["repository.", "image.", "tag.", "lifecycle."].iter().any(|kind| event.starts_with(kind))
}

fn of_row(row: TrailRow, site: AccountId) -> Record {
    let body = row.body.unwrap_or_default();
    // What is not JSON would make the record none.
    let told: Result<Told<'_>, _> = serde_json::from_str(&body);
    let is_json = told.is_ok();
    let Told { name, repository, digest, tag } = told.unwrap_or_default();
    let event = row.event.unwrap_or_default();
    let name = name.filter(|_| names_repository(&event)).or(repository);
    let text = |told: Option<Cow<'_, str>>| told.map_or_else(String::new, |text| bounded(&text, TEXT_BYTES_MAX));
    let (name, digest, tag) = (text(name), text(digest), text(tag));
    let account = row.account.parse().unwrap_or(site);
    let action = match event.as_str() {
        "lifecycle.ran" => "ecr:PolicyExecutionEvent".to_string(),
        _ => format!("gantry:{}", row.act),
    };
    Record {
        kind: if row.actor.starts_with("gantry:") { Kind::Service } else { Kind::Change },
        first_at: row.at,
        last_at: row.at,
        count: 1,
        account,
        owner: account,
        principal: row.actor,
        is_session: false,
        session: Session::default(),
        source: row.source.unwrap_or_default(),
        user_agent: String::new(),
        action,
        operation: row.operation,
        repository: row.repository.unwrap_or(name),
        digest,
        tag,
        outcome: Outcome::Success,
        error_code: String::new(),
        error_message: String::new(),
        statement: String::new(),
        request_id: row.request_id,
        changes: vec![Change { act: row.act, event, body: if is_json { body } else { String::new() } }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(event: &str, body: &str, repository: Option<&str>) -> Record {
        of_row(row(1, event, body, repository), AccountId::DEFAULT)
    }

    fn row(id: i64, event: &str, body: &str, repository: Option<&str>) -> TrailRow {
        TrailRow {
            id,
            at: Timestamp::from_millis(0),
            account: AccountId::DEFAULT.to_string(),
            actor: "arn:aws:iam::000000000000:root".into(),
            act: "registry.change_document".into(),
            operation: "PutScanPolicy".into(),
            request_id: "1".into(),
            source: None,
            event: Some(event.into()),
            body: Some(body.into()),
            repository: repository.map(str::to_string),
        }
    }

    #[test]
    fn a_call_that_changes_several_images_leaves_a_record_of_each() {
        let of_image = |digest: &str| format!(r#"{{"repository":"team/app","digest":"{digest}"}}"#);
        let rows = [(1, "a"), (2, "b"), (3, "a"), (4, "")];
        let trail = rows
            .map(|(id, digest)| row(id, "image.removed", &of_image(digest), Some("team/app")))
            .into_iter()
            .collect();
        let call = Record { changes: vec![], digest: String::new(), ..record("a", &of_image(""), Some("team/app")) };
        let batch = Batch {
            id: 1,
            now: Timestamp::from_millis(0),
            singles: vec![call],
            over: vec![],
            changed: vec![],
            gap: None,
            is_last: false,
        };

        let (records, taken) = with_changes(&batch, trail, AccountId::DEFAULT);

        let told: Vec<_> = records.iter().map(|record| (record.digest.as_str(), record.changes.len())).collect();
        assert_eq!(told, [("a", 3), ("b", 1)]);
        assert_eq!(taken, [1, 2, 3, 4]);
    }

    #[test]
    fn only_the_name_of_a_repository_is_told_as_one() {
        let of_registry = r#"{"kind":"gate-policy","name":"team/","repository":null}"#;
        let of_repository = r#"{"kind":"lifecycle-policy","name":"","repository":"team/app"}"#;
        let token = r#"{"arn":"arn:aws:iam::000000000000:user/ann","name":"laptop"}"#;

        for (event, body, repository, told) in [
            ("document.written", of_registry, None, ""),
            ("document.written", of_repository, Some("team/app"), "team/app"),
            // The repository is gone, or another has its name.
            ("document.removed", of_repository, None, "team/app"),
            ("personal_token.created", token, None, ""),
            ("repository.deleted", r#"{"name":"team/app"}"#, None, "team/app"),
            ("image.pushed", r#"{"name":"team/app","digest":"sha256:aa"}"#, None, "team/app"),
        ] {
            assert_eq!(record(event, body, repository).repository, told, "{event} {body}");
        }
        assert!(record("document.written", of_registry, None).changes[0].body.contains("team/"));
    }
}
