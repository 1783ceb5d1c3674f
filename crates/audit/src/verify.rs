use crate::{
    Checkpoint, Columns, GENESIS, Hash, Mentions, PublicKey, Signed, link,
    record::{parse_hash, place},
};
use gantry_words::Timestamp;
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Findings that are named one by one; more of them are only counted.
const FINDINGS_MAX: usize = 100;

/// A record as the database has it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Its place.
    pub seq: u64,
    /// The hash beside it, as text.
    pub hash: &'a str,
    /// What it is found by.
    pub columns: Columns,
    /// Its bytes.
    pub bytes: &'a str,
}

/// Where the database says that a chain ends, and begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The place of the last record.
    pub seq: u64,
    /// The hash there.
    pub hash: Hash,
}

/// What is wrong with a chain, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The bytes of a record are not those that were hashed.
    Edited {
        /// Its place.
        seq: u64,
    },
    /// The hash beside a record is none.
    HashUnreadable {
        /// Its place.
        seq: u64,
    },
    /// A record stands in the place of another.
    Moved {
        /// Where it stands.
        seq: u64,
        /// Where it was written.
        from: u64,
    },
    /// What a record is found by is not what it says.
    ColumnsDiffer {
        /// Its place.
        seq: u64,
    },
    /// Records are gone from the middle, or from the beginning.
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// Records stand beyond the end that the database itself knows.
    BeyondEnd {
        /// The first of them.
        seq: u64,
    },
    /// Records are gone from the end: the database itself knows of more.
    CutOff {
        /// The first of them.
        first: u64,
        /// The last that is known.
        last: u64,
    },
    /// The end of the chain is not the end that the database knows.
    EndDiffers {
        /// Its place.
        seq: u64,
    },
    /// The chain begins late, and no record says that it was trimmed.
    Beheaded {
        /// The place before its first record.
        seq: u64,
    },
    /// A checkpoint has no valid signature of this writer.
    Forged {
        /// The place it speaks of.
        seq: u64,
    },
    /// A checkpoint speaks of another hash than the chain has: the records before it were written anew.
    Rewritten {
        /// The place it speaks of.
        seq: u64,
        /// Whether it was an anchor from outside that showed it.
        by_anchor: bool,
    },
    /// A checkpoint names another as the one before it than there is: one is gone, or was put in.
    CheckpointMissing {
        /// The place of the one that names it.
        seq: u64,
    },
    /// An anchor from outside vouches for records that are not there: the end was cut off, or an older copy was put back.
    RolledBack {
        /// The last place that is there.
        last: u64,
        /// The place the anchor speaks of.
        anchored: u64,
        /// When the anchor was made.
        at: Timestamp,
    },
    /// The name beside a record is not the one that it holds a commitment to.
    Renamed {
        /// The token.
        token: String,
    },
    /// Whom a record names is gone, and no record says that he was erased.
    Unnamed {
        /// Its place.
        seq: u64,
    },
    /// An anchor from outside is not signed by this writer.
    AnchorForged {
        /// The place it speaks of.
        seq: u64,
    },
}

impl Finding {
    /// A word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Finding::Edited { .. } | Finding::HashUnreadable { .. } => "edited",
            Finding::Moved { .. } => "moved",
            Finding::ColumnsDiffer { .. } => "columns-differ",
            Finding::Missing { .. } => "missing",
            Finding::BeyondEnd { .. } => "added",
            Finding::CutOff { .. } => "cut-off",
            Finding::EndDiffers { .. } => "end-differs",
            Finding::Beheaded { .. } => "beheaded",
            Finding::Forged { .. } | Finding::AnchorForged { .. } => "forged",
            Finding::Rewritten { .. } => "rewritten",
            Finding::CheckpointMissing { .. } => "checkpoint-missing",
            Finding::RolledBack { .. } => "rolled-back",
            Finding::Renamed { .. } => "renamed",
            Finding::Unnamed { .. } => "unnamed",
        }
    }

    /// The first place it concerns.
    pub fn seq(&self) -> u64 {
        match *self {
            Finding::Renamed { .. } => 0,
            Finding::Unnamed { seq }
            | Finding::Edited { seq }
            | Finding::HashUnreadable { seq }
            | Finding::Moved { seq, .. }
            | Finding::ColumnsDiffer { seq }
            | Finding::BeyondEnd { seq }
            | Finding::EndDiffers { seq }
            | Finding::Beheaded { seq }
            | Finding::Forged { seq }
            | Finding::Rewritten { seq, .. }
            | Finding::CheckpointMissing { seq }
            | Finding::AnchorForged { seq } => seq,
            Finding::Missing { first, .. } | Finding::CutOff { first, .. } => first,
            Finding::RolledBack { last, .. } => last.saturating_add(1),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Edited { seq } => {
                write!(f, "record {seq}: its bytes, or its hash, are not those that were written")
            }
            Finding::HashUnreadable { seq } => write!(f, "record {seq}: the hash beside it is none"),
            Finding::Moved { seq, from } => write!(f, "record {seq}: here stands what was written as record {from}"),
            Finding::ColumnsDiffer { seq } => {
                write!(f, "record {seq}: it is found by something else than it says, so that searches miss it")
            }
            Finding::Missing { first, last } if first == last => write!(f, "record {first} was deleted"),
            Finding::Missing { first, last } => write!(f, "records {first} to {last} were deleted"),
            Finding::BeyondEnd { seq } => write!(f, "record {seq}: it and what follows stand beyond the chain's end"),
            Finding::CutOff { first, last } => write!(f, "records {first} to {last} were cut off from the end"),
            Finding::EndDiffers { seq } => write!(f, "record {seq}: the chain does not end with the hash it should"),
            Finding::Beheaded { seq } => {
                write!(f, "the records up to {seq} are gone, and no record says that they were trimmed")
            }
            Finding::Forged { seq } => write!(f, "the checkpoint at record {seq} was not signed by this writer's key"),
            Finding::Rewritten { seq, by_anchor: false } => {
                write!(
                    f,
                    "the checkpoint at record {seq} vouches for another chain: what comes before it was rewritten"
                )
            }
            Finding::Rewritten { seq, by_anchor: true } => {
                write!(f, "the anchor at record {seq} vouches for another chain: what comes before it was rewritten")
            }
            Finding::CheckpointMissing { seq } => {
                write!(f, "before the checkpoint at record {seq} another one is gone")
            }
            Finding::RolledBack { last, anchored, at } => write!(
                f,
                "an anchor of {at} vouches for record {anchored}, and the chain ends at {last}: its end was cut off, or \
                 an older copy of the database was put back"
            ),
            Finding::Renamed { token } => {
                write!(f, "the name of {token} is not the one that records hold a commitment to")
            }
            Finding::Unnamed { seq } => {
                write!(f, "record {seq}: whom it names is gone, and no record says that he was erased")
            }
            Finding::AnchorForged { seq } => {
                write!(f, "the anchor at record {seq} was not signed by this writer's key")
            }
        }
    }
}

/// What was found in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose chain.
    pub writer: i64,
    /// How many records were looked at.
    pub records: u64,
    /// The place before the first of them: what comes before was trimmed.
    pub root: u64,
    /// The last place a valid checkpoint of the database vouches for.
    pub signed_through: Option<u64>,
    /// The last place an anchor from outside vouches for. Where it is `None` only inner consistency is shown: somebody
    /// with the key, or who puts a whole older copy back, is not found out.
    pub anchored_through: Option<u64>,
    /// What is wrong, in the order of the chain; the first hundred.
    pub findings: Vec<Finding>,
    /// How many findings there are.
    pub findings_count: u64,
    /// Whom it speaks of, and who of them was erased.
    pub mentions: Mentions,
}

impl Report {
    /// Adds a finding that only a look beyond the chain gives.
    pub fn find(&mut self, finding: Finding) {
        self.findings_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

/// Goes through a chain, record by record, in the order of their places; remembers a hash and a place.
pub struct Verifier {
    writer: i64,
    public: PublicKey,
    root: u64,
    is_root_explained: bool,
    last: u64,
    hash: Hash,
    records: u64,
    previous: Option<Hash>,
    signed_through: Option<u64>,
    anchors: BTreeMap<u64, Checkpoint>,
    anchored_through: Option<u64>,
    end: End,
    is_beyond: bool,
    findings: Vec<Finding>,
    findings_count: u64,
    mentions: Mentions,
}

impl Verifier {
    /// Begins at the start of the chain of `public`'s writer, or behind `root`, the checkpoint it was trimmed at. `end` is
    /// where the database says that it ends; `anchors` are copies of its checkpoints from elsewhere, in any order.
    pub fn begin(public: PublicKey, root: Option<&Signed>, end: End, anchors: &[Signed]) -> Self {
        let writer = crate::writer_of(&public);
        let mut verifier = Verifier {
            writer,
            public,
            root: 0,
            is_root_explained: true,
            last: 0,
            hash: GENESIS,
            records: 0,
            previous: None,
            signed_through: None,
            anchors: BTreeMap::new(),
            anchored_through: None,
            end,
            is_beyond: false,
            findings: vec![],
            findings_count: 0,
            mentions: Mentions::default(),
        };
        if let Some(root) = root {
            verifier.take_root(root);
        }
        for anchor in anchors {
            match (anchor.check(&public), anchor.claim()) {
                (Some(anchor), _) if anchor.writer == writer => {
                    verifier.anchors.insert(anchor.seq, anchor);
                }
                (None, Some(claimed)) if claimed.writer == writer => {
                    verifier.find(Finding::AnchorForged { seq: claimed.seq });
                }
                // Of another writer's chain.
                _ => {}
            }
        }
        verifier.meet_anchor();
        verifier
    }

    fn take_root(&mut self, root: &Signed) {
        let claimed = root.claim();
        match root.check(&self.public).filter(|checkpoint| checkpoint.writer == self.writer) {
            Some(checkpoint) => {
                (self.root, self.last, self.hash) = (checkpoint.seq, checkpoint.seq, checkpoint.hash);
                (self.is_root_explained, self.previous) = (false, Some(root.hash()));
                self.signed_through = Some(checkpoint.seq);
            }
            None => self.find(Finding::Forged { seq: claimed.map_or(0, |claimed| claimed.seq) }),
        }
    }

    fn find(&mut self, finding: Finding) {
        self.findings_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    /// Hears that the chain has grown meanwhile.
    pub fn ends_at(&mut self, end: End) {
        self.end = end;
    }

    /// Hears that the chain was trimmed at a checkpoint meanwhile: what comes before that is gone, or about to go.
    pub fn trimmed(&mut self, root: &Signed) {
        match root.claim() {
            Some(claimed) if claimed.seq <= self.last => (self.root, self.is_root_explained) = (claimed.seq, false),
            _ => self.take_root(root),
        }
    }

    /// Looks at the next record.
    pub fn record(&mut self, stored: &Stored<'_>) {
        self.records += 1;
        let seq = stored.seq;
        if seq > self.last + 1 {
            self.find(Finding::Missing { first: self.last + 1, last: seq - 1 });
        }
        if seq > self.end.seq && !self.is_beyond {
            self.is_beyond = true;
            self.find(Finding::BeyondEnd { seq });
        }
        let follows = seq == self.last + 1;
        self.last = seq;
        let value: Option<Value> = serde_json::from_str(stored.bytes).ok();
        let own_place = value.as_ref().and_then(|value| place(value["eventID"].as_str()?));
        let is_moved = own_place.is_some_and(|(writer, from)| (writer, from) != (self.writer, seq));
        match parse_hash(stored.hash) {
            None => {
                self.find(Finding::HashUnreadable { seq });
                self.hash = link(&self.hash, seq, stored.bytes.as_bytes());
            }
            Some(hash) => {
                // Behind a gap the hash before is not known; the next one shows whether this one is right.
                if let Some((_, from)) = own_place.filter(|_| is_moved) {
                    self.find(Finding::Moved { seq, from });
                } else if follows && link(&self.hash, seq, stored.bytes.as_bytes()) != hash {
                    self.find(Finding::Edited { seq });
                }
                // What follows is judged by what stands here, so that each broken place is found by itself.
                self.hash = hash;
            }
        }
        if let Some(value) = &value {
            self.mentions.note(seq, value);
        }
        if value.as_ref().and_then(Columns::of_value) != Some(stored.columns) {
            self.find(Finding::ColumnsDiffer { seq });
        }
        if !self.is_root_explained && value.is_some_and(|value| trimmed_through(&value) == Some(self.root)) {
            self.is_root_explained = true;
        }
        self.meet_anchor();
    }

    fn meet_anchor(&mut self) {
        let Some(anchor) = self.anchors.get(&self.last) else { return };
        let (seq, is_same) = (anchor.seq, anchor.hash == self.hash);
        match is_same {
            true => self.anchored_through = Some(seq),
            false => self.find(Finding::Rewritten { seq, by_anchor: true }),
        }
    }

    /// Looks at a checkpoint of the database: the one that speaks of the record just seen.
    pub fn checkpoint(&mut self, seq: u64, signed: &Signed) {
        let valid = signed.check(&self.public).filter(|found| (found.writer, found.seq) == (self.writer, seq));
        let Some(checkpoint) = valid else { return self.find(Finding::Forged { seq }) };
        if seq != self.last || checkpoint.hash != self.hash {
            self.find(Finding::Rewritten { seq, by_anchor: false });
        } else {
            self.signed_through = Some(seq);
        }
        if checkpoint.previous != self.previous.unwrap_or(GENESIS) {
            self.find(Finding::CheckpointMissing { seq });
        }
        self.previous = Some(signed.hash());
    }

    /// Ends; what should still have come is missing.
    pub fn finish(mut self) -> Report {
        if self.last < self.end.seq {
            self.find(Finding::CutOff { first: self.last + 1, last: self.end.seq });
        } else if self.last == self.end.seq && self.hash != self.end.hash {
            self.find(Finding::EndDiffers { seq: self.last });
        }
        if !self.is_root_explained {
            self.find(Finding::Beheaded { seq: self.root });
        }
        let newest = self.anchors.last_key_value().map(|(seq, anchor)| (*seq, anchor.at));
        if let Some((anchored, at)) = newest.filter(|(seq, _)| *seq > self.last) {
            self.find(Finding::RolledBack { last: self.last, anchored, at });
        }
        Report {
            writer: self.writer,
            records: self.records,
            root: self.root,
            signed_through: self.signed_through,
            anchored_through: self.anchored_through,
            findings: self.findings,
            findings_count: self.findings_count,
            mentions: self.mentions,
        }
    }
}

/// Up to which record the chain was trimmed, if this record says so.
fn trimmed_through(value: &Value) -> Option<u64> {
    let own = &value["additionalEventData"]["gantry"];
    (own["kind"] == "service" && own["action"] == "gantry:AuditTrimmed")
        .then(|| own["changes"][0]["body"]["through"].as_u64())?
}

#[cfg(test)]
mod tests;
