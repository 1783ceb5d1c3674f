use super::{Source, SourceFlags, filter::FilterFlags, table::cut};
use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
    scanning::Subject,
};
use gantry_env::Env;
use gantry_rest::FindingDocument;
use gantry_scan::{ChangedFinding, Comparison, Distribution, Finding, compare};
use serde::Serialize;
use std::path::PathBuf;

/// Say which flaws are new, gone or changed from one image to another
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry scan diff team/app:v1 team/app:v2 --exit-code 1")]
pub(super) struct DiffCommand {
    /// The earlier and the later image on a server: repository:tag or repository@digest
    #[arg(value_name = "IMAGE", num_args = 2, required_unless_present = "input", conflicts_with = "input")]
    references: Vec<String>,
    /// An image on this disk; given twice, the earlier one first
    #[arg(long, value_name = "PATH")]
    input: Vec<PathBuf>,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    filter: FilterFlags,
    /// The exit code when anything is new
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    exit_code: u8,
    #[command(flatten)]
    output: OutputFlag,
}

/// What is printed as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    before: Named<'a>,
    after: Named<'a>,
    new: Vec<FindingDocument>,
    gone: Vec<FindingDocument>,
    changed: Vec<Changed>,
}

#[derive(Serialize)]
struct Named<'a> {
    image: &'a str,
    digest: Option<&'a str>,
}

#[derive(Serialize)]
struct Changed {
    before: FindingDocument,
    after: FindingDocument,
}

impl DiffCommand {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let filter = self.filter.read(Env::real().now())?;
        let disk = self.input.iter().cloned().map(Source::Disk);
        let sources: Vec<Source> = self.references.iter().cloned().map(Source::Server).chain(disk).collect();
        let [before, after] = &sources[..] else {
            return Err(Failure::usage("two images are compared", "Name two, or give --input twice"));
        };
        let (before, earlier) = self.source.find(before)?;
        let (after, later) = self.source.find(after)?;
        let compared = compare(&filter.shown(earlier.findings), &filter.shown(later.findings));
        print(&before, &after, &compared, self.output.format)?;
        let is_worse = compared.new.iter().any(|finding| finding.suppressed.is_none());
        Ok(if is_worse { Exit::Told(self.exit_code) } else { Exit::Done })
    }
}

fn print(before: &Subject, after: &Subject, compared: &Comparison, format: Format) -> Result<(), Failure> {
    let mut printer = Printer::stdout(format);
    if format == Format::Json {
        return printer.answer(&report(before, after, compared), |_| Table::new([]));
    }
    let Comparison { new, gone, changed } = compared;
    if !(new.is_empty() && gone.is_empty() && changed.is_empty()) {
        printer.text(&format!("{}\n", rows(compared).print(false)))?;
    }
    let (new, gone, changed) = (new.len(), gone.len(), changed.len());
    printer.text(&format!("{} to {}: {new} new, {gone} gone, {changed} changed\n", before.name, after.name))
}

fn report<'a>(before: &'a Subject, after: &'a Subject, compared: &Comparison) -> Report<'a> {
    let named = |subject: &'a Subject| Named { image: &subject.name, digest: subject.digest.as_deref() };
    let of = |subject: &'a Subject| subject.inventory.distribution.as_ref();
    let (earlier, later): (Option<&Distribution>, Option<&Distribution>) = (of(before), of(after));
    let changed = |ChangedFinding { before, after }: &ChangedFinding| Changed {
        before: FindingDocument::new(before, earlier),
        after: FindingDocument::new(after, later),
    };
    Report {
        before: named(before),
        after: named(after),
        new: compared.new.iter().map(|finding| FindingDocument::new(finding, later)).collect(),
        gone: compared.gone.iter().map(|finding| FindingDocument::new(finding, earlier)).collect(),
        changed: compared.changed.iter().map(changed).collect(),
    }
}

fn rows(compared: &Comparison) -> Table {
    let mut table = Table::new(["CHANGE", "SEVERITY", "ID", "PACKAGE", "VERSION", "FIXED IN", "TITLE"]);
    let mut row = |what: &str, tone: Tone, severity: String, finding: &Finding, version: String, fixed: String| {
        table.row([
            Cell::toned(what, tone),
            severity.into(),
            finding.id.as_str().into(),
            finding.package.name.as_str().into(),
            version.into(),
            fixed.into(),
            Cell::toned(cut(&finding.title), Tone::Faint),
        ]);
    };
    let fixed = |finding: &Finding| finding.fixed_version.clone().unwrap_or_else(|| "-".into());
    let mut whole = |what: &str, tone: Tone, finding: &Finding| {
        row(what, tone, finding.severity.name().into(), finding, finding.package.version.clone(), fixed(finding));
    };
    compared.new.iter().for_each(|finding| whole("new", Tone::Bad, finding));
    compared.gone.iter().for_each(|finding| whole("gone", Tone::Plain, finding));
    for ChangedFinding { before, after } in &compared.changed {
        let severity = arrow(before.severity.name(), after.severity.name());
        let version = arrow(&before.package.version, &after.package.version);
        row("changed", Tone::Plain, severity, after, version, arrow(&fixed(before), &fixed(after)));
    }
    table
}

fn arrow(before: &str, after: &str) -> String {
    if before == after { after.to_owned() } else { format!("{before} → {after}") }
}
