mod gone;
mod secrets;
mod trend;

use super::{audit::escape, scan::severity};
use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{FoundFileDocument, FoundFlawDocument, FoundImageDocument, FoundPackageDocument};
use gantry_scan::Severity;
use serde::Deserialize;

/// Findings that a list has at most; what is asked for more narrowly has fewer.
const LIST_MAX: usize = 10_000;

/// Options that ask about flaws, and have no sense for secrets.
const FLAWS_ONLY: [&str; 9] =
    ["id", "package", "fixable", "known_exploited", "epss", "overdue", "running", "suppressed", "order"];

/// Search what is known to be wrong with all images of a server
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry findings ls --severity HIGH,CRITICAL --fixable")]
pub(crate) struct FindingsCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List flaws or secrets, the worst first, with the images that hold them
    #[command(
        after_help = "Example:\n  gantry findings ls --id CVE-2024-0727 --images\n  gantry findings ls --secrets --repository team/"
    )]
    Ls(LsCommand),
    /// List flaws that are gone from repositories, those first that went last
    #[command(after_help = "Example:\n  gantry findings gone --repository team/")]
    Gone(gone::GoneCommand),
    /// Tell how many findings the newest images had, day by day
    #[command(after_help = "Example:\n  gantry findings trend --repository team/ --days 90")]
    Trend(trend::TrendCommand),
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    /// The worst
    Severity,
    /// What should be mended first: by severity, exploitation, and whether it can be
    Priority,
}

#[derive(Debug, clap::Args)]
struct LsCommand {
    /// Show these severities only, as in HIGH,CRITICAL
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = severity, value_name = "LIST")]
    severity: Vec<Severity>,
    /// Show this flaw only, by any of its ids
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Show packages of this name only, or built from a source package of this name; * stands for any characters
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// Show only what a newer version mends
    #[arg(long)]
    fixable: bool,
    /// Show only what CISA's catalogue of known exploited vulnerabilities names
    #[arg(long)]
    known_exploited: bool,
    /// Show only what is exploited within 30 days with at least this probability (EPSS), as in 0.1
    #[arg(long, value_name = "SHARE")]
    epss: Option<f32>,
    /// Show only what should have been mended by now (scanning.deadlines), and repositories where it is so
    #[arg(long)]
    overdue: bool,
    /// Show only images that somebody runs, as clusters and scripts report it (gantry inventory)
    #[arg(long)]
    running: bool,
    /// Show what VEX documents suppress, with the reason, and nothing else
    #[arg(long)]
    suppressed: bool,
    /// What comes first
    #[arg(long, value_enum, default_value = "severity")]
    order: Order,
    /// Show secrets in the layers of images, each once, instead of flaws
    #[arg(long, conflicts_with_all = FLAWS_ONLY)]
    secrets: bool,
    /// With --secrets: show this kind only, by the rule that finds it, as in github-token
    #[arg(long, value_name = "RULE", requires = "secrets")]
    kind: Option<String>,
    /// With --secrets: show the secret of this fingerprint only
    #[arg(long, value_name = "FINGERPRINT", requires = "secrets")]
    fingerprint: Option<String>,
    /// With --secrets: show those too that lie among tests, examples and documentation only
    #[arg(long, requires = "secrets")]
    examples: bool,
    #[command(flatten)]
    found: FoundFlags,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

/// What lists of what is found in images share.
#[derive(Debug, clap::Args)]
pub(super) struct FoundFlags {
    /// Look only in repositories whose name begins so
    #[arg(long, value_name = "PREFIX")]
    pub(super) repository: Option<String>,
    /// Print a line for each image
    #[arg(long)]
    pub(super) images: bool,
}

#[derive(Deserialize)]
struct ListPage {
    findings: Vec<FoundFlawDocument>,
    next: Option<String>,
}

impl FindingsCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls(command) => command.run(),
            What::Gone(command) => command.run(),
            What::Trend(command) => command.run(),
        }
    }
}

impl LsCommand {
    fn run(self) -> Result<Exit, Failure> {
        if self.secrets {
            return secrets::list(&self);
        }
        let found = self.list()?;
        Printer::stdout(self.output.format).answer(&found, |found| table(found, self.found.images, self.suppressed))?;
        Ok(Exit::Done)
    }

    /// The severities as the API reads them.
    fn severities(&self) -> String {
        self.severity.iter().map(|severity| severity.name()).collect::<Vec<_>>().join(",")
    }

    fn list(&self) -> Result<Vec<FoundFlawDocument>, Failure> {
        let severities = self.severities();
        let epss = self.epss.map(|share| share.to_string());
        let query = query(&[
            ("severity", Some(severities.as_str()).filter(|list| !list.is_empty())),
            ("id", self.id.as_deref()),
            ("package", self.package.as_deref()),
            ("fixable", self.fixable.then_some("true")),
            ("knownExploited", self.known_exploited.then_some("true")),
            ("epss", epss.as_deref()),
            ("overdue", self.overdue.then_some("true")),
            ("running", self.running.then_some("true")),
            ("suppressed", self.suppressed.then_some("true")),
            ("order", (self.order == Order::Priority).then_some("priority")),
            ("repository", self.found.repository.as_deref()),
        ]);
        pages(&Remote::open(&self.remote)?, &format!("/api/v1/findings?limit=200{query}"), |page: ListPage| {
            (page.findings, page.next)
        })
    }
}

/// A query of what is said.
pub(super) fn query(members: &[(&str, Option<&str>)]) -> String {
    let said = members.iter().filter_map(|(key, value)| Some(format!("&{key}={}", escape((*value)?))));
    said.collect()
}

/// Reads the pages of a list.
pub(super) fn pages<P: serde::de::DeserializeOwned, T>(
    remote: &Remote,
    path: &str,
    take: impl Fn(P) -> (Vec<T>, Option<String>),
) -> Result<Vec<T>, Failure> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let (items, next) = take(remote.get(&format!("{path}{after}"))?);
        found.extend(items);
        match next {
            Some(_) if found.len() >= LIST_MAX => {
                eprintln!("there is more: ask more narrowly to see what comes after the first {}", found.len());
                return Ok(found);
            }
            Some(next) => after = format!("&after={}", escape(&next)),
            None => return Ok(found),
        }
    }
}

fn table(found: &[FoundFlawDocument], is_by_image: bool, is_suppressed: bool) -> Table {
    let last = if is_suppressed { "SUPPRESSED" } else { "DUE" };
    let header = ["SEVERITY", "PRIORITY", "EXPLOITED", "ID", "PACKAGE", "VERSION", "FIXED IN", "KNOWN SINCE", last];
    found_table(header, is_by_image, found.iter().map(|flaw| (cells(flaw), Holders::from(&flaw.package))))
}

fn cells(flaw: &FoundFlawDocument) -> [Cell; 9] {
    let tone = |is_bad: bool| if is_bad { Tone::Bad } else { Tone::Plain };
    let last = match (&flaw.suppressed, &flaw.due_at) {
        (Some(reason), _) => Cell::from(reason.as_str()),
        (None, Some(due)) => Cell::toned(day(due), tone(flaw.overdue)),
        (None, None) => "-".into(),
    };
    [
        Cell::toned(flaw.severity.name(), tone(flaw.severity >= Severity::High)),
        flaw.priority.to_string().into(),
        exploited(flaw),
        flaw.id.as_str().into(),
        flaw.package.package.as_str().into(),
        flaw.package.version.as_str().into(),
        flaw.fixed_version.as_deref().unwrap_or("-").into(),
        flaw.first_seen_at.as_deref().map_or("-", day).into(),
        last,
    ]
}

/// Whether it is known to be exploited, or how probable that is.
fn exploited(flaw: &FoundFlawDocument) -> Cell {
    match flaw.epss {
        _ if flaw.known_exploited => Cell::toned("known", Tone::Bad),
        Some(probability) => format!("{:.1} %", probability * 100.0).into(),
        None => "-".into(),
    }
}

/// The day of a time as RFC 3339 has it.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// The images that hold something.
pub(super) struct Holders<'a> {
    count: usize,
    first_pushed_at: &'a str,
    shown: &'a [FoundImageDocument],
}

impl<'a> From<&'a FoundPackageDocument> for Holders<'a> {
    fn from(found: &'a FoundPackageDocument) -> Self {
        Holders { count: found.image_count, first_pushed_at: &found.first_pushed_at, shown: &found.images }
    }
}

impl<'a> From<&'a FoundFileDocument> for Holders<'a> {
    fn from(found: &'a FoundFileDocument) -> Self {
        Holders { count: found.image_count, first_pushed_at: &found.first_pushed_at, shown: &found.images }
    }
}

/// A table of what is found, and behind it of who holds it: a line for all images, or one for each.
pub(super) fn found_table<'a, const N: usize>(
    header: [&str; N],
    is_by_image: bool,
    found: impl Iterator<Item = ([Cell; N], Holders<'a>)>,
) -> Table {
    let more: &[&str] = if is_by_image {
        &["IMAGE", "DIGEST", "PUSHED", "BY", "RUNNING IN", "PATH"]
    } else {
        &["IMAGES", "PUSHED SINCE", "IN"]
    };
    let mut table = Table::of(header.iter().chain(more).copied());
    if !is_by_image {
        table = table.right(&[N]);
    }
    for (cells, holders) in found {
        if !is_by_image {
            let count = holders.count.to_string();
            let cells = cells.into_iter().chain([count.into(), day(holders.first_pushed_at).into(), place(&holders)]);
            table.row(cells);
            continue;
        }
        for image in holders.shown {
            table.row(cells.iter().cloned().chain([
                name(image).into(),
                image.digest.get(..19).unwrap_or(&image.digest).into(),
                image.pushed_at.as_str().into(),
                image.pushed_by.as_str().into(),
                running(image),
                path(image),
            ]));
        }
        let hidden = holders.count - holders.shown.len();
        if hidden > 0 {
            let said = format!("and {hidden} more");
            table.row(cells.into_iter().chain([Cell::toned(said, Tone::Faint)]));
        }
    }
    table
}

/// An image as people write it: by a tag where it has one.
fn name(image: &FoundImageDocument) -> String {
    match image.tags.first() {
        Some(tag) => format!("{}:{tag}", image.repository),
        None => image.repository.clone(),
    }
}

/// The first of those who run the image, and how many more there are.
fn running(image: &FoundImageDocument) -> Cell {
    match (image.running_in.first(), image.running_in_count) {
        (None, _) => Cell::toned("-", Tone::Faint),
        (Some(first), 0 | 1) => first.source.as_str().into(),
        (Some(first), count) => format!("{} and {} more", first.source, count - 1).into(),
    }
}

/// The first path at which the image holds it, and how many more there are.
fn path(image: &FoundImageDocument) -> Cell {
    match image.paths.as_slice() {
        [] => "-".into(),
        [only] => only.as_str().into(),
        [first, more @ ..] => format!("{first} and {} more", more.len()).into(),
    }
}

/// The youngest image, and how many more there are.
fn place(holders: &Holders<'_>) -> Cell {
    let Some(first) = holders.shown.first() else { return "-".into() };
    match holders.count - 1 {
        0 => name(first).into(),
        more => format!("{} and {more} more", name(first)).into(),
    }
}
