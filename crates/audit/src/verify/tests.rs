use super::*;
use crate::{Entry, Record, SigningKey, print_hash, record::tests::entry};
use gantry_words::{AccountId, Region};
use proptest::prelude::*;
use serde_json::json;

#[derive(Clone)]
struct Row {
    seq: u64,
    hash: String,
    columns: Columns,
    bytes: String,
}

#[derive(Clone)]
struct Chain {
    rows: Vec<Row>,
    checkpoints: Vec<(u64, Signed)>,
    end: End,
    root: Option<Signed>,
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

/// A chain of `records`, with a checkpoint at each of `checkpoints`.
fn chain_of(records: &[Record], checkpoints: &[u64]) -> Chain {
    let (key, writer) = (key(), crate::writer_of(&key().public()));
    let (mut hash, mut rows, mut signed, mut previous) = (GENESIS, vec![], vec![], GENESIS);
    for (seq, record) in (1..).zip(records) {
        let bytes = record.print(&Region::default(), writer, seq);
        hash = link(&hash, seq, bytes.as_bytes());
        rows.push(Row { seq, hash: print_hash(&hash), columns: Columns::of(&bytes).unwrap(), bytes });
        if checkpoints.contains(&seq) {
            let checkpoint = Checkpoint { writer, seq, hash, at: at(seq as i64), previous, heads: vec![] };
            let made = key.sign(&checkpoint);
            previous = made.hash();
            signed.push((seq, made));
        }
    }
    Chain { end: End { seq: records.len() as u64, hash }, rows, checkpoints: signed, root: None }
}

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|index| Record::of(&Entry { at: at(index as i64), ..entry() })).collect()
}

fn chain(count: usize) -> Chain {
    chain_of(&records(count), &[3, 6])
}

fn verify_with(chain: &Chain, anchors: &[Signed]) -> Report {
    let mut verifier = Verifier::begin(key().public(), chain.root.as_ref(), chain.end, anchors);
    for row in &chain.rows {
        verifier.record(&Stored { seq: row.seq, hash: &row.hash, columns: row.columns, bytes: &row.bytes });
        for (seq, signed) in chain.checkpoints.iter().filter(|(seq, _)| *seq == row.seq) {
            verifier.checkpoint(*seq, signed);
        }
    }
    verifier.finish()
}

fn found(chain: &Chain) -> Vec<Finding> {
    verify_with(chain, &[]).findings
}

/// Hashes everything from `from` on anew, as somebody does who knows how it is done.
fn rehash(chain: &mut Chain, from: usize) {
    let mut hash = from.checked_sub(1).map_or(GENESIS, |before| parse_hash(&chain.rows[before].hash).unwrap());
    for row in &mut chain.rows[from..] {
        hash = link(&hash, row.seq, row.bytes.as_bytes());
        row.hash = print_hash(&hash);
    }
    chain.end.hash = hash;
}

#[test]
fn a_chain_as_it_was_written_has_nothing_wrong() {
    let report = verify_with(&chain(8), &[]);

    assert_eq!((report.records, report.findings, report.signed_through), (8, vec![], Some(6)));
    assert_eq!(report.anchored_through, None);
}

#[test]
fn an_edit_is_found_where_it_was_made_and_nowhere_else() {
    let mut chain = chain(8);
    chain.rows[3].bytes = chain.rows[3].bytes.replace("docker/28.0", "docker/27.0");

    assert_eq!(found(&chain), [Finding::Edited { seq: 4 }]);
}

#[test]
fn a_deletion_in_the_middle_is_named() {
    let mut chain = chain(8);
    chain.rows.drain(3..5);

    assert_eq!(found(&chain), [Finding::Missing { first: 4, last: 5 }]);
}

#[test]
fn two_records_that_changed_places_are_both_named() {
    let mut chain = chain(8);
    let (fourth, fifth) = (chain.rows[3].clone(), chain.rows[4].clone());
    chain.rows[3] = Row { seq: 4, ..fifth };
    chain.rows[4] = Row { seq: 5, ..fourth };

    let found = found(&chain);
    assert!(found.contains(&Finding::Moved { seq: 4, from: 5 }), "{found:?}");
    assert!(found.contains(&Finding::Moved { seq: 5, from: 4 }), "{found:?}");
}

#[test]
fn a_tail_cut_off_is_found_by_the_end_that_the_database_knows() {
    let mut chain = chain(8);
    chain.rows.truncate(6);

    assert_eq!(found(&chain), [Finding::CutOff { first: 7, last: 8 }]);
}

#[test]
fn a_tail_cut_off_with_its_end_is_found_by_an_anchor_only() {
    let whole = chain(8);
    let cut = chain_of(&records(5), &[3]);
    let anchors: Vec<Signed> = whole.checkpoints.iter().map(|(_, signed)| signed.clone()).collect();

    assert_eq!(found(&cut), []);
    assert_eq!(verify_with(&cut, &anchors).findings, [Finding::RolledBack { last: 5, anchored: 6, at: at(6) }]);
    assert_eq!(verify_with(&whole, &anchors).anchored_through, Some(6));
}

#[test]
fn a_chain_hashed_anew_is_found_by_its_checkpoint() {
    let mut chain = chain(8);
    chain.rows[1].bytes = chain.rows[1].bytes.replace("docker/28.0", "docker/27.0");
    rehash(&mut chain, 1);

    assert_eq!(
        found(&chain),
        [Finding::Rewritten { seq: 3, by_anchor: false }, Finding::Rewritten { seq: 6, by_anchor: false }]
    );
}

#[test]
fn a_chain_forged_with_its_checkpoints_is_found_by_the_key() {
    let mut chain = chain(8);
    let forger = SigningKey::from_seed(&[66; 32]);
    let claimed = chain.checkpoints[1].1.claim().unwrap();
    chain.checkpoints[1].1 = forger.sign(&claimed);

    assert_eq!(found(&chain), [Finding::Forged { seq: 6 }]);
}

#[test]
fn a_chain_forged_by_one_who_has_the_key_is_found_by_an_anchor() {
    let anchor = chain(8).checkpoints[1].1.clone();
    let mut records = records(8);
    records[1].user_agent = "another".into();

    let forged = chain_of(&records, &[3, 6]);

    assert_eq!(found(&forged), []);
    assert_eq!(verify_with(&forged, &[anchor]).findings, [Finding::Rewritten { seq: 6, by_anchor: true }]);
}

#[test]
fn a_checkpoint_that_is_gone_is_missed_by_the_next() {
    let mut chain = chain(8);
    chain.checkpoints.remove(0);

    assert_eq!(found(&chain), [Finding::CheckpointMissing { seq: 6 }]);
}

#[test]
fn a_record_behind_the_end_is_named() {
    let mut chain = chain(8);
    (chain.end.seq, chain.end.hash) = (7, parse_hash(&chain.rows[6].hash).unwrap());

    assert_eq!(found(&chain), [Finding::BeyondEnd { seq: 8 }]);
}

#[test]
fn what_a_record_is_found_by_must_be_what_it_says() {
    let mut chain = chain(4);
    chain.rows[2].columns.principal += 1;

    assert_eq!(found(&chain), [Finding::ColumnsDiffer { seq: 3 }]);
}

fn trimmed(says_so: bool) -> Chain {
    let mut all = records(7);
    if says_so {
        let body = json!({"through": 3});
        all[6] = Record::service(AccountId::DEFAULT, "gantry:audit", "gantry:AuditTrimmed", at(7), &body);
    }
    let mut chain = chain_of(&all, &[3, 6]);
    chain.rows.drain(..3);
    chain.root = Some(chain.checkpoints.remove(0).1);
    chain
}

#[test]
fn a_trimmed_chain_begins_at_its_checkpoint_and_says_so() {
    let report = verify_with(&trimmed(true), &[]);

    assert_eq!((report.findings, report.root, report.records), (vec![], 3, 4));
}

#[test]
fn a_chain_that_begins_late_without_saying_so_is_beheaded() {
    assert_eq!(found(&trimmed(false)), [Finding::Beheaded { seq: 3 }]);
    let mut chain = trimmed(true);
    chain.root = None;
    assert!(found(&chain).contains(&Finding::Missing { first: 1, last: 3 }));
}

proptest! {
    #[test]
    fn any_byte_flipped_in_any_record_is_found(row in 0_usize..6, byte in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let mut chain = chain(6);
        let mut bytes = chain.rows[row].bytes.clone().into_bytes();
        let place = byte.index(bytes.len());
        // The records of these tests are ASCII, and stay so.
        bytes[place] ^= 1 << bit;
        chain.rows[row].bytes = String::from_utf8(bytes).unwrap();

        let found = found(&chain);

        prop_assert!(found.iter().any(|finding| finding.seq() == row as u64 + 1), "{found:?}");
    }

    #[test]
    fn any_digit_changed_in_any_hash_is_found(row in 0_usize..6, digit in 0_usize..64, other in "[0-9a-fA-Fg]") {
        let mut chain = chain(6);
        prop_assume!(chain.rows[row].hash[digit..=digit] != other);
        chain.rows[row].hash.replace_range(digit..=digit, &other);

        prop_assert!(!found(&chain).is_empty());
    }
}
