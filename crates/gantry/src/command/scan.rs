mod asff;
mod diff;
mod filter;
mod source;
mod table;

use crate::{
    output::{Exit, Failure, Format, Printer, Table},
    scanning::{OnServer, Subject},
};
use asff::AsffFlags;
use diff::DiffCommand;
use filter::FilterFlags;
pub(crate) use filter::severity;
use gantry_env::Env;
use gantry_rest::ImageFindingsDocument;
use gantry_scan::{Confidence, Finding, LayerSecret, Matched, documents};
use gantry_words::Timestamp;
pub(crate) use source::{LocalFlags, Source, SourceFlags};
use std::path::PathBuf;
use table::{summary, table};

/// Say what an image holds that is known to be flawed
///
/// An image on a server is named by repository and tag or digest; what the server does not know yet it reads first. --input
/// works without a server, with what `docker save` writes, an OCI layout (folder or archive, compressed or not), or a root
/// folder. Advisories for it are a folder as osv.dev exports them: a folder per ecosystem with `all.zip`; it is compiled
/// once and then found again by its content. Exit code 0 whatever is found, unless --exit-code says another.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Example:\n  gantry scan --input image.tar --advisories ./advisories --severity HIGH,CRITICAL")]
pub(crate) struct ScanCommand {
    #[command(subcommand)]
    what: Option<What>,
    /// The image on a server: repository:tag or repository@digest
    #[arg(value_name = "IMAGE", required_unless_present = "input", conflicts_with = "input")]
    reference: Option<String>,
    /// An image on this disk: an archive, an OCI layout or a root folder
    #[arg(long, value_name = "PATH")]
    input: Option<PathBuf>,
    #[command(flatten)]
    source: SourceFlags,
    /// What to print: table, json, sarif, asff, cyclonedx or spdx
    #[arg(
        long,
        visible_alias = "output",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORMAT"
    )]
    format: ScanFormat,
    /// With --input and --format json: list the files that belong to no package too, in files[]
    #[arg(long, requires = "input")]
    files: bool,
    #[command(flatten)]
    asff: AsffFlags,
    #[command(flatten)]
    filter: FilterFlags,
    /// The exit code when a flaw is reported, or a secret that is likely a live one
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    exit_code: u8,
}

#[derive(clap::Subcommand)]
enum What {
    Diff(Box<DiffCommand>),
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ScanFormat {
    /// For people.
    #[default]
    Table,
    /// One document with `findings[]`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Findings for Security Hub.
    Asff,
    /// CycloneDX 1.6 with vulnerabilities.
    #[value(name = "cyclonedx")]
    CycloneDx,
    /// SPDX 2.3: packages only.
    Spdx,
}

impl ScanCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if let Some(What::Diff(diff)) = self.what {
            return diff.run();
        }
        if self.files && self.format != ScanFormat::Json {
            return Err(Failure::usage("--files lists files in the JSON document only", "Add --format json"));
        }
        let now = Env::real().now();
        let filter = self.filter.read(now)?;
        let source = Source::of(self.reference.clone(), self.input.clone())?;
        let (mut subject, mut matched) = self.source.find(&source)?;
        subject.base = self.source.find_base(&source, &subject)?;
        matched.findings = filter.shown(matched.findings);
        filter.leave_out(&mut subject.inventory.secrets);
        self.print(&subject, &matched, now)?;
        let is_sure = |found: &LayerSecret| found.secret.confidence == Confidence::High;
        let is_found = matched.findings.iter().any(|finding| finding.suppressed.is_none())
            || subject.inventory.secrets.iter().any(is_sure);
        Ok(if is_found { Exit::Told(self.exit_code) } else { Exit::Done })
    }

    fn report(&self, subject: &Subject, matched: &Matched) -> ImageFindingsDocument {
        let (name, digest) = (subject.name.clone(), subject.digest.clone());
        let OnServer { arn, tags, pushed_at, .. } = subject.on_server.clone();
        let mut report = ImageFindingsDocument {
            scanned_at: subject.scanned_at.clone(),
            advisories_at: subject.advisories_at.clone(),
            base: subject.base.clone(),
            files: subject.files.clone().filter(|_| self.files),
            arn,
            tags,
            pushed_at,
            ..ImageFindingsDocument::new(name, digest, &subject.inventory, matched)
        };
        for (shown, finding) in report.findings.iter_mut().zip(&matched.findings) {
            shown.first_seen_at = subject.on_server.first_seen(finding).map(str::to_owned);
        }
        report
    }

    fn print(&self, subject: &Subject, matched: &Matched, now: Timestamp) -> Result<(), Failure> {
        let created = documents::whole_seconds(&now.to_string());
        let image = subject.image(&created);
        let (inventory, shown) = (&subject.inventory, &matched.findings);
        let mut json = Printer::stdout(Format::Json);
        match self.format {
            ScanFormat::Table => print_table(subject, matched, shown, now),
            ScanFormat::Json => json.answer(&self.report(subject, matched), |_| Table::new([])),
            ScanFormat::Sarif => {
                let mut document = documents::sarif::write(&image, inventory.distribution.as_ref(), shown);
                documents::sarif::add_secrets(&mut document, &image, &inventory.secrets);
                json.answer(&document, |_| Table::new([]))
            }
            ScanFormat::Asff => json.answer(&asff::write(subject, shown, &self.asff, &created)?, |_| Table::new([])),
            ScanFormat::CycloneDx => {
                json.answer(&documents::cyclonedx::write(&image, inventory, Some(shown)), |_| Table::new([]))
            }
            ScanFormat::Spdx => json.answer(&documents::spdx::write(&image, inventory), |_| Table::new([])),
        }
    }
}

fn print_table(subject: &Subject, matched: &Matched, shown: &[Finding], now: Timestamp) -> Result<(), Failure> {
    let mut printer = Printer::stdout(Format::Table);
    if !shown.is_empty() {
        printer.answer(shown, table)?;
        printer.text("\n")?;
    }
    printer.text(&summary(subject, matched, shown, now))
}
