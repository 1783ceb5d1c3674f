use crate::{
    command::tool::Tool,
    config::{ConfigFlags, DataFlags},
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
};
use gantry_audit::{PublicKey, Signed, parse_hash, print_hash};
use gantry_chronicle::Verified;
use serde::Serialize;
use std::{fs, path::PathBuf};

/// Verify that the audit is what was written: every record, hash and signature
///
/// Exit code 0: nothing was touched. 1: something was, each place named. Without --anchors it shows only that the audit
/// agrees with itself: an older copy of the whole database, or one rewritten with its key, is not found out. A chain holds the
/// records of all accounts, so it is verified for all of them.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry audit verify --data-dir /srv/gantry --anchors /mnt/elsewhere/anchors.jsonl")]
pub(super) struct VerifyCommand {
    /// A file with anchors, as audit.anchor_file makes it; may be given again
    #[arg(long, value_name = "FILE")]
    anchors: Vec<PathBuf>,
    /// The public key of a writer, as this command prints it; may be given again. The one of the data folder's own key file is
    /// known besides
    #[arg(long, value_name = "KEY")]
    public_key: Vec<String>,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    chains: Vec<ChainDocument>,
    findings: u64,
    /// Whether an anchor from outside vouches for at least a part of each chain.
    is_anchored: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChainDocument {
    writer: String,
    is_key_known: bool,
    records: u64,
    trimmed_through: u64,
    signed_through: Option<u64>,
    anchored_through: Option<u64>,
    findings: Vec<FindingDocument>,
    findings_count: u64,
}

#[derive(Serialize)]
struct FindingDocument {
    kind: &'static str,
    record: u64,
    message: String,
}

impl VerifyCommand {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        let own = tool.folder.find_audit_key(tool.config.audit.key_file.as_deref());
        let own = own.map_err(|error| Failure::failed(error.to_string(), error.remedy("Run as the folder's owner")))?;
        let mut known = self.public_key.iter().map(|text| read_key(text)).collect::<Result<Vec<_>, _>>()?;
        known.extend(own.map(|key| key.public()));
        let anchors = self.read_anchors()?;
        let found = tool.run(gantry_chronicle::verify(&tool.house.metadata, &known, &anchors, |_| ()))?;
        let document = document(&found);
        let mut printer = Printer::stdout(self.output.format);
        if self.output.format == Format::Json || document.findings > 0 {
            printer.answer(&document, findings)?;
        }
        if self.output.format == Format::Table {
            printer.text(&summary(&document, &known))?;
        }
        Ok(if document.findings == 0 { Exit::Done } else { Exit::Found })
    }

    fn read_anchors(&self) -> Result<Vec<Signed>, Failure> {
        let mut anchors = vec![];
        for path in &self.anchors {
            let name = path.display();
            let text = fs::read_to_string(path).map_err(|error| {
                Failure::failed(format!("cannot read {name}: {error}"), "Name another file with --anchors")
            })?;
            for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
                anchors.push(Signed::parse_line(line).ok_or_else(|| {
                    let problem = format!("{name}, line {number}: this is no anchor of the audit");
                    Failure::failed(problem, "Anchors are what audit.anchor_file is appended")
                })?);
            }
        }
        Ok(anchors)
    }
}

fn read_key(text: &str) -> Result<PublicKey, Failure> {
    let wrong = || Failure::usage(format!("--public-key {text} is no key"), "Write 64 hexadecimal digits");
    parse_hash(text).ok_or_else(wrong)
}

fn document(found: &[Verified]) -> Document {
    let chain = |chain: &Verified| {
        let report = &chain.report;
        let finding = |finding: &gantry_audit::Finding| FindingDocument {
            kind: finding.kind(),
            record: finding.seq(),
            message: finding.to_string(),
        };
        ChainDocument {
            writer: format!("{:016x}", report.writer),
            is_key_known: chain.is_key_known,
            records: report.records,
            trimmed_through: report.root,
            signed_through: report.signed_through,
            anchored_through: report.anchored_through,
            findings: report.findings.iter().map(finding).collect(),
            findings_count: report.findings_count,
        }
    };
    Document {
        chains: found.iter().map(chain).collect(),
        findings: found.iter().map(|chain| chain.report.findings_count).sum(),
        is_anchored: !found.is_empty() && found.iter().all(|chain| chain.report.anchored_through.is_some()),
    }
}

fn findings(document: &Document) -> Table {
    let mut table = Table::new(["WRITER", "RECORD", "KIND", "WHAT"]).right(&[1]);
    for chain in &document.chains {
        for finding in &chain.findings {
            table.row([
                chain.writer.as_str().into(),
                finding.record.to_string().into(),
                Cell::toned(finding.kind, Tone::Bad),
                finding.message.as_str().into(),
            ]);
        }
    }
    table
}

fn summary(document: &Document, known: &[PublicKey]) -> String {
    let mut text = String::new();
    for chain in &document.chains {
        let through = |place: Option<u64>| place.map_or("nothing".into(), |place| format!("up to record {place}"));
        text.push_str(&format!(
            "writer {}: {} records, {} findings; signed: {}; anchored outside: {}\n",
            chain.writer,
            chain.records,
            chain.findings_count,
            through(chain.signed_through),
            through(chain.anchored_through),
        ));
        if !chain.is_key_known {
            text.push_str("  its key is the database's own word; name it with --public-key\n");
        }
    }
    if document.chains.is_empty() {
        text.push_str("there is no audit in this database\n");
    }
    if !document.is_anchored {
        text.push_str(
            "Without anchors from outside this shows only that the audit agrees with itself: an older copy of the whole\n\
             database, or one rewritten with its key, is not found out. Set audit.anchor_file, and give --anchors.\n",
        );
    }
    for key in known {
        text.push_str(&format!("public key {}\n", print_hash(key)));
    }
    text
}
