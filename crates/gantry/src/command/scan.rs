use crate::{
    local_image::Wanted,
    output::{Cell, Exit, Failure, Format, Printer, Table, Tone},
    scanning::{self, Report, Subject},
};
use gantry_env::Env;
use gantry_scan::{Finding, IgnoreFile, Matched, Severity, documents};
use gantry_words::Timestamp;
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// Say what an image holds that is known to be flawed
///
/// Works without a server. The image is what `docker save` writes, an OCI layout (folder or archive, compressed or not), or
/// a root folder. Advisories are a folder as osv.dev exports them: a folder per ecosystem with `all.zip`; it is compiled
/// once and then found again by its content. Exit code 0 whatever is found, unless --exit-code says another.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry scan --input image.tar --advisories ./advisories --severity HIGH,CRITICAL")]
pub(crate) struct ScanCommand {
    /// The image: an archive, an OCI layout or a root folder
    #[arg(long, value_name = "PATH")]
    input: PathBuf,
    /// The folder of advisories; without one only the packages are counted
    #[arg(long, value_name = "DIR", env = "GANTRY_ADVISORIES")]
    advisories: Option<PathBuf>,
    /// Which image of several: a tag, a name or a digest
    #[arg(long, value_name = "NAME")]
    image: Option<String>,
    /// Which platform of several: os/architecture
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// What to print: table, json, sarif, cyclonedx or spdx
    #[arg(
        long,
        visible_alias = "output",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORMAT"
    )]
    format: ScanFormat,
    /// Show these severities only, as in HIGH,CRITICAL
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = severity, value_name = "LIST")]
    severity: Vec<Severity>,
    /// Show only what a newer version mends
    #[arg(long, visible_alias = "ignore-unfixed")]
    fixable: bool,
    /// A file of ids that are not reported, in the format of .trivyignore
    #[arg(long, visible_alias = "ignorefile", value_name = "FILE")]
    ignore_file: Option<PathBuf>,
    /// The exit code when anything is reported
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    exit_code: u8,
    /// Match kernel headers as the kernel itself
    #[arg(long)]
    kernel_headers: bool,
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
    /// CycloneDX 1.6 with vulnerabilities.
    #[value(name = "cyclonedx")]
    CycloneDx,
    /// SPDX 2.3: packages only.
    Spdx,
}

fn severity(text: &str) -> Result<Severity, String> {
    let known = Severity::ALL.iter().find(|severity| severity.name().eq_ignore_ascii_case(text.trim()));
    known.copied().ok_or_else(|| {
        let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        format!("say one of {}", names.join(", "))
    })
}

impl ScanCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let now = Env::real().now();
        let ignore = self.ignore_file.as_deref().map(read_ignore_file).transpose()?.unwrap_or_default();
        let wanted = Wanted { image: self.image.clone(), platform: self.platform.clone() };
        let subject = scanning::look(&self.input, &wanted).map_err(|error| {
            let problem = format!("cannot scan {}: {error}", self.input.display());
            Failure::failed(problem, "Give an archive of `docker save`, an OCI layout or a root folder")
        })?;
        let matched = self.matched(&subject)?;
        let shown = self.shown(&matched.findings, &ignore, now);
        self.print(&subject, &matched, &shown, now)?;
        let is_found = shown.iter().any(|finding| finding.suppressed.is_none());
        Ok(if is_found { Exit::Told(self.exit_code) } else { Exit::Done })
    }

    fn matched(&self, subject: &Subject) -> Result<Matched, Failure> {
        let Some(folder) = &self.advisories else {
            eprintln!("no advisories: give a folder with --advisories DIR to learn what is wrong with the packages");
            return Ok(Matched::default());
        };
        scanning::matched(folder, &subject.inventory, self.kernel_headers).map_err(|error| {
            let problem = format!("the advisories in {} cannot be used: {error}", folder.display());
            Failure::failed(problem, "Each folder in it holds the all.zip of one ecosystem, as osv.dev exports it")
        })
    }

    fn shown(&self, findings: &[Finding], ignore: &IgnoreFile, now: Timestamp) -> Vec<Finding> {
        let today = now.to_string();
        let today = today.get(..10).unwrap_or_default();
        let is_shown = |finding: &&Finding| {
            (self.severity.is_empty() || self.severity.contains(&finding.severity))
                && (!self.fixable || finding.fixed_version.is_some())
                && !ignore.ignores(finding, today)
        };
        let mut shown: Vec<Finding> = findings.iter().filter(is_shown).cloned().collect();
        shown.sort_by(|a, b| {
            let key = |finding: &Finding| (finding.package.name.clone(), finding.id.clone());
            b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
        });
        shown
    }

    fn print(&self, subject: &Subject, matched: &Matched, shown: &[Finding], now: Timestamp) -> Result<(), Failure> {
        let created = now.to_string();
        let digest = subject.digest.as_ref().map(gantry_oci::Digest::as_str).unwrap_or_default();
        let image = documents::Image { reference: &subject.name, digest, created: &created };
        let inventory = &subject.inventory;
        let mut json = Printer::stdout(Format::Json);
        match self.format {
            ScanFormat::Table => self.print_table(subject, matched, shown),
            ScanFormat::Json => json.answer(&Report::new(subject, matched, shown), |_| Table::new([])),
            ScanFormat::Sarif => json
                .answer(&documents::sarif::write(&image, inventory.distribution.as_ref(), shown), |_| Table::new([])),
            ScanFormat::CycloneDx => {
                json.answer(&documents::cyclonedx::write(&image, inventory, Some(shown)), |_| Table::new([]))
            }
            ScanFormat::Spdx => json.answer(&documents::spdx::write(&image, inventory), |_| Table::new([])),
        }
    }

    fn print_table(&self, subject: &Subject, matched: &Matched, shown: &[Finding]) -> Result<(), Failure> {
        let mut printer = Printer::stdout(Format::Table);
        if !shown.is_empty() {
            printer.answer(shown, table)?;
            printer.text("\n")?;
        }
        printer.text(&summary(subject, matched, shown))
    }
}

#[expect(clippy::disallowed_methods, reason = "a file of the user, which is no blob")]
fn read_ignore_file(path: &Path) -> Result<IgnoreFile, Failure> {
    let fail = |error: String| {
        let problem = format!("cannot read {}: {error}", path.display());
        Failure::usage(problem, "Each line is an id, or an id and exp:YYYY-MM-DD; # begins a comment")
    };
    let file = std::fs::File::open(path).map_err(|error| fail(error.to_string()))?;
    let mut text = String::new();
    let limit = gantry_scan::IGNORE_FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
    IgnoreFile::parse(&text).map_err(|error| fail(error.to_string()))
}

fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(["SEVERITY", "ID", "PACKAGE", "VERSION", "FIXED IN", "PATH", "TITLE"]);
    for finding in findings {
        let tone = if finding.severity >= Severity::High { Tone::Bad } else { Tone::Plain };
        let more = match finding.paths.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let path = finding.paths.first().map(|path| format!("{path}{more}")).unwrap_or_default();
        table.row([
            Cell::toned(finding.severity.name(), tone),
            finding.id.as_str().into(),
            finding.package.name.as_str().into(),
            finding.package.version.as_str().into(),
            finding.fixed_version.as_deref().unwrap_or("-").into(),
            Cell::toned(path, Tone::Faint),
            Cell::toned(cut(&finding.title), Tone::Faint),
        ]);
    }
    table
}

/// Cuts a title to what a line can hold.
fn cut(title: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match title.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", title[..at].trim_end()),
        None => title.to_owned(),
    }
}

/// The lines below the table: the image, how much of it was understood, and the numbers.
fn summary(subject: &Subject, matched: &Matched, shown: &[Finding]) -> String {
    let inventory = &subject.inventory;
    let distribution = match &inventory.distribution {
        Some(known) => known.pretty_name.clone().unwrap_or_else(|| format!("{} {}", known.id, known.version)),
        None => "no distribution".to_owned(),
    };
    let counts = Severity::ALL.iter().filter_map(|severity| {
        let count = shown.iter().filter(|finding| finding.severity == *severity).count();
        (count > 0).then(|| format!("{count} {}", severity.name()))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "{}: {distribution}, {} packages, {} findings{}\n",
        subject.name,
        inventory.packages.len(),
        shown.len(),
        if counts.is_empty() { String::new() } else { format!(" ({counts})") },
    );
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for undecided in matched.undecided.iter().chain(&matched.left_out) {
        match reasons.iter_mut().find(|(reason, _)| *reason == undecided.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&undecided.reason, 1)),
        }
    }
    reasons.iter().for_each(|(reason, count)| text.push_str(&format!("{count} packages not judged: {reason}\n")));
    for found in &subject.misconfigurations {
        text.push_str(&format!("{} {}: {} ({})\n", found.severity.name(), found.rule, found.title, found.evidence));
    }
    inventory.complaints.iter().for_each(|complaint| text.push_str(&format!("{complaint}\n")));
    text
}
