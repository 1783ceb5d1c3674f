use super::tool::Tool;
use crate::{
    config::{ConfigFlags, DataFlags},
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Progress, Table, Tone},
};
use gantry_registry::{FsckOptions, FsckProgress, FsckReport};
use gantry_words::ByteCount;

/// Check a data folder: every blob's bytes, every count, every name
///
/// Exit code 0: consistent, also with leftovers of a crash. 1: damage, each piece named. 3: no damage, but something could not be
/// read, so that nobody knows. A blob that is found corrupt is
/// no longer served from then on; a push of the same blob heals it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry fsck --data-dir /srv/gantry --repair")]
pub(crate) struct FsckCommand {
    /// Compare lengths only, hash nothing
    #[arg(long)]
    quick: bool,
    /// Move corrupt blobs into quarantine, serve those again that are whole after all, set counts right, remove leftovers
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

impl FsckCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        let options = FsckOptions { quick: self.quick, repair: self.repair, is_alone: tool.is_alone() };
        let progress = Progress::bytes("checking", None);
        let hear = |done: FsckProgress| {
            progress.expect(done.bytes_total);
            progress.advance(done.bytes.saturating_sub(progress.done()));
        };
        let report = tool.run(tool.house.registry.fsck.run(&tool.cx("fsck"), options, hear))?;
        drop(progress);
        let mut printer = Printer::stdout(self.output.format);
        if self.output.format == Format::Json || !report.findings.is_empty() {
            printer.answer(&report, findings)?;
        }
        if self.output.format == Format::Table {
            printer.text(&summary(&report, self.quick))?;
        }
        Ok(match (report.damage, report.unreadable) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Failed,
            _ => Exit::Found,
        })
    }
}

fn findings(report: &FsckReport) -> Table {
    let mut table = Table::new(["KIND", "MENDED", "WHAT"]);
    for finding in &report.findings {
        let kind = match (finding.is_damage, finding.is_unreadable) {
            (true, _) => Cell::toned("damage", Tone::Bad),
            (false, true) => Cell::toned("unreadable", Tone::Bad),
            (false, false) => Cell::toned("leftover", Tone::Faint),
        };
        table.row([kind, if finding.is_repaired { "yes" } else { "no" }.into(), finding.message.as_str().into()]);
    }
    table
}

fn summary(report: &FsckReport, quick: bool) -> String {
    let read = ByteCount::bytes(report.bytes).rounded();
    let how = if quick { "compared" } else { "hashed" };
    let verdict = match (report.damage, report.unreadable) {
        (0, 0) => "consistent".to_string(),
        (0, count) => format!("{count} could not be read, nothing else is damaged"),
        (count, 0) => format!("{count} damaged"),
        (count, unreadable) => format!("{count} damaged, {unreadable} could not be read"),
    };
    let unverified = match report.unverified {
        0 => String::new(),
        count => format!(", {count} only compared by length since their key is off or not at hand"),
    };
    format!(
        "{verdict}: {} blobs ({read}) {how}{unverified}, {} manifests checked, {} leftovers, {} mended\n",
        report.blobs, report.manifests, report.leftovers, report.repaired
    )
}
