use crate::people::parse_salt;
use gantry_audit::{
    End, Finding, GENESIS, Mentions, PERSON_ERASED, PublicKey, Report, Signed, Stored, Verifier, commit, parse_hash,
    tokens, writer_of,
};
use gantry_fault::Fault;
use gantry_metadata::{
    Metadata,
    audit::{self, RecordRow, WriterRow},
};
use std::collections::{BTreeMap, HashSet};

/// Records read at once.
const RECORDS_MAX: usize = 1000;
/// Chains that are verified.
const WRITERS_MAX: usize = 10_000;

/// A chain and what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What was found.
    pub report: Report,
    /// Whether the public key came from outside. Where not, it is the database's own word.
    pub is_key_known: bool,
}

/// Verifies every chain of a database, beside a server that writes on or not.
///
/// `known` are public keys of writers that come from elsewhere; `anchors` copies of checkpoints from elsewhere. `hear` is
/// told how many records have been looked at.
///
/// # Errors
/// The database does not answer.
pub async fn verify(
    metadata: &Metadata,
    known: &[PublicKey],
    anchors: &[Signed],
    mut hear: impl FnMut(u64),
) -> Result<Vec<Verified>, Fault> {
    let rows = metadata.read_long(|rows| audit::writers(rows, WRITERS_MAX)).await?;
    let known: BTreeMap<i64, PublicKey> = known.iter().map(|public| (writer_of(public), *public)).collect();
    let mut chains: BTreeMap<i64, Option<WriterRow>> = rows.into_iter().map(|row| (row.writer, Some(row))).collect();
    // A writer whose every trace is gone is missed all the same.
    for writer in known.keys() {
        chains.entry(*writer).or_default();
    }
    let mut verified = vec![];
    let mut looked = 0;
    for (writer, row) in chains {
        let own_word = row.as_ref().and_then(|row| parse_hash(&row.public_key));
        let public = known.get(&writer).copied().or(own_word).unwrap_or([0; 32]);
        let mut tell = |records| {
            looked += records;
            hear(looked);
        };
        let report = verify_chain(metadata, writer, public, row, anchors, &mut tell).await?;
        verified.push(Verified { report, is_key_known: known.contains_key(&writer) });
    }
    verify_people(metadata, &mut verified).await?;
    Ok(verified)
}

/// Looks whether everybody has the name that records hold a commitment to, and whether whose name is gone was erased.
async fn verify_people(metadata: &Metadata, verified: &mut [Verified]) -> Result<(), Fault> {
    let (mut known, mut renamed) = (HashSet::new(), vec![]);
    let mut after = String::new();
    loop {
        let part = metadata.read_long(move |rows| audit::people_after(rows, &after, RECORDS_MAX)).await?;
        let Some(last) = part.last() else { break };
        after = last.token.clone();
        for row in part {
            if parse_salt(&row.salt).is_none_or(|salt| commit(&salt, &row.value) != row.token) {
                renamed.push(row.token.clone());
            }
            known.insert(row.token);
        }
    }
    let mut erased = Mentions::default();
    // What has just been erased is not in a chain yet.
    let unchained = metadata.read_long(|rows| audit::unchained(rows, RECORDS_MAX)).await?;
    for row in unchained.into_iter().filter(|row| row.event.as_deref() == Some(PERSON_ERASED)) {
        tokens(&row.body.unwrap_or_default()).into_iter().for_each(|token| erased.erase(token));
    }
    verified.iter().for_each(|chain| erased.join(&chain.report.mentions));
    for chain in verified.iter_mut() {
        chain.report.mentions.join(&erased);
        let unnamed: Vec<u64> = chain.report.mentions.unexplained(|token| known.contains(token)).collect();
        unnamed.into_iter().for_each(|seq| chain.report.find(Finding::Unnamed { seq }));
    }
    if let Some(first) = verified.first_mut() {
        renamed.into_iter().for_each(|token| first.report.find(Finding::Renamed { token }));
    }
    Ok(())
}

/// Some records, the checkpoints that speak of them, and where the database says that the chain ends: of one moment.
struct Part {
    records: Vec<RecordRow>,
    checkpoints: Vec<(u64, Signed)>,
    end: End,
    /// What the chain begins with now, where it was trimmed meanwhile.
    trimmed: Option<(u64, Signed)>,
}

async fn verify_chain(
    metadata: &Metadata,
    writer: i64,
    public: PublicKey,
    row: Option<WriterRow>,
    anchors: &[Signed],
    hear: &mut impl FnMut(u64),
) -> Result<Report, Fault> {
    let (end, _) = end_of(row.as_ref());
    let first = read_part(metadata, writer, 0, 0).await?;
    let root = first.trimmed.as_ref().map(|(_, signed)| signed);
    let mut verifier = Verifier::begin(public, root, end, anchors);
    let (mut root, mut after) = first.trimmed.as_ref().map_or((0, 0), |(seq, _)| (*seq, *seq));
    loop {
        let part = read_part(metadata, writer, after, root).await?;
        verifier.ends_at(part.end);
        if let Some((seq, signed)) = &part.trimmed {
            verifier.trimmed(signed);
            root = *seq;
        }
        let is_whole = part.records.len() < RECORDS_MAX;
        let through = part.records.last().map_or(u64::MAX, |last| if is_whole { u64::MAX } else { last.seq });
        let mut checkpoints = part.checkpoints.into_iter().peekable();
        for row in &part.records {
            while let Some((seq, signed)) = checkpoints.next_if(|(seq, _)| *seq < row.seq) {
                verifier.checkpoint(seq, &signed);
            }
            verifier.record(&Stored { seq: row.seq, hash: &row.hash, columns: row.columns, bytes: &row.bytes });
        }
        for (seq, signed) in checkpoints.filter(|(seq, _)| *seq <= through) {
            verifier.checkpoint(seq, &signed);
        }
        hear(part.records.len() as u64);
        if is_whole {
            return Ok(verifier.finish());
        }
        after = through;
    }
}

/// Reads what comes behind the place `after` in a chain that began at `root` when it was looked at last.
async fn read_part(metadata: &Metadata, writer: i64, after: u64, root: u64) -> Result<Part, Fault> {
    let look = move |rows: &mut gantry_metadata::Reader| {
        let (end, root_now) = end_of(audit::writer(rows, writer)?.as_ref());
        let trimmed = if root_now > root { audit::checkpoint(rows, writer, root_now)? } else { None };
        // What is still there before it is about to go.
        let after = trimmed.as_ref().map_or(after, |(seq, _)| after.max(*seq));
        let records = audit::records(rows, writer, after, RECORDS_MAX)?;
        let through = match records.last() {
            Some(last) if records.len() == RECORDS_MAX => last.seq,
            _ => i64::MAX as u64,
        };
        // Checkpoints stand no closer than records; there may be as many.
        let checkpoints = audit::checkpoints(rows, writer, after, through, RECORDS_MAX)?;
        Ok(Part { records, checkpoints, end, trimmed })
    };
    metadata.read_long(look).await
}

fn end_of(row: Option<&WriterRow>) -> (End, u64) {
    row.map_or((End { seq: 0, hash: GENESIS }, 0), |row| (End { seq: row.seq, hash: row.hash }, row.root))
}
