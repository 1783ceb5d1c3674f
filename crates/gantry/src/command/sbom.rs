use super::scan::{LocalFlags, Source};
use crate::{
    output::{Cell, Exit, Failure, Format, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
    scanning::{self, Subject},
};
use gantry_env::Env;
use gantry_scan::{Inventory, documents};
use std::path::PathBuf;

/// List what an image holds: its bill of materials
///
/// An image on a server is named by repository and tag or digest; what the server does not know yet it reads first. --input
/// works without a server, as for `gantry scan`. `gantry scan --format cyclonedx` adds the vulnerabilities.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry sbom team/app:v1 --format spdx")]
pub(crate) struct SbomCommand {
    /// The image on a server: repository:tag or repository@digest
    #[arg(value_name = "IMAGE", required_unless_present = "input", conflicts_with = "input")]
    reference: Option<String>,
    /// An image on this disk: an archive, an OCI layout or a root folder
    #[arg(long, value_name = "PATH")]
    input: Option<PathBuf>,
    #[command(flatten)]
    local: LocalFlags,
    /// What to print: cyclonedx, spdx, json (packages as the scanner found them) or table
    #[arg(
        long,
        visible_alias = "output",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "FORMAT"
    )]
    format: SbomFormat,
    #[command(flatten)]
    remote: RemoteFlags,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum SbomFormat {
    /// CycloneDX 1.6.
    #[default]
    #[value(name = "cyclonedx")]
    CycloneDx,
    /// SPDX 2.3.
    Spdx,
    /// As the scanner found them.
    Json,
    /// For people.
    Table,
}

impl SbomCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let subject = match Source::of(self.reference, self.input)? {
            Source::Server(image) => {
                scanning::ask(&Remote::open(&self.remote)?, &image, self.local.platform.as_deref())?.0
            }
            Source::Disk(path) => self.local.look(&path)?,
        };
        print(&subject, self.format)?;
        Ok(Exit::Done)
    }
}

fn print(subject: &Subject, format: SbomFormat) -> Result<(), Failure> {
    // Of an image on a server the time of its scan, so that it has one bill and not one for each time that it is asked for.
    let created = subject.scanned_at.clone().unwrap_or_else(|| Env::real().now().to_string());
    let created = documents::whole_seconds(&created);
    let (image, inventory) = (subject.image(&created), &subject.inventory);
    let mut json = Printer::stdout(Format::Json);
    match format {
        SbomFormat::CycloneDx => json.answer(&documents::cyclonedx::write(&image, inventory, None), |_| Table::new([])),
        SbomFormat::Spdx => json.answer(&documents::spdx::write(&image, inventory), |_| Table::new([])),
        SbomFormat::Json => json.answer(inventory, |_| Table::new([])),
        SbomFormat::Table => Printer::stdout(Format::Table).answer(inventory, table),
    }
}

fn table(inventory: &Inventory) -> Table {
    let mut table = Table::new(["TYPE", "PACKAGE", "VERSION", "LAYER", "PATH", "BUILD STEP"]).right(&[3]);
    for installed in &inventory.packages {
        let package = &installed.package;
        let step = installed.brought_by().and_then(|layer| inventory.build_step(layer));
        table.row([
            package.kind.name().into(),
            package.name.as_str().into(),
            package.version.as_str().into(),
            installed.brought_by().map_or_else(String::new, |layer| (layer + 1).to_string()).into(),
            Cell::toned(installed.path.as_str(), Tone::Faint),
            Cell::toned(step.unwrap_or_default(), Tone::Faint),
        ]);
    }
    table
}
