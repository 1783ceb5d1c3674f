use super::findings::{FoundFlags, Holders, found_table, pages, query};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::FoundPackageDocument;
use serde::Deserialize;

/// Search the packages that all images of a server hold
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry package ls openssl")]
pub(crate) struct PackageCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List packages by name, or by the path at which they are, with the images that hold them
    #[command(
        after_help = "Example:\n  gantry package ls log4j-core --range '<2.17.1' --images\n  gantry package ls --file '*/log4j-core-*.jar' --images"
    )]
    Ls(LsCommand),
}

#[derive(Debug, clap::Args)]
struct LsCommand {
    /// The package, or the source package it was built from; * stands for any characters
    name: Option<String>,
    /// Show versions in this range only, as in '>=3.0, <3.0.13'
    #[arg(long, value_name = "RANGE")]
    range: Option<String>,
    /// Show this package-url only, as in pkg:npm/left-pad@1.3.0; without a version any
    #[arg(long, value_name = "PURL")]
    purl: Option<String>,
    /// Show packages of this kind only, as in deb, npm or maven
    #[arg(long = "type", value_name = "KIND")]
    kind: Option<String>,
    /// Show what is at this path, or named by the file there, only; * stands for any characters, slashes too
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
    #[command(flatten)]
    found: FoundFlags,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Deserialize)]
struct ListPage {
    packages: Vec<FoundPackageDocument>,
    next: Option<String>,
}

impl PackageCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let What::Ls(command) = self.what;
        let found = command.list()?;
        Printer::stdout(command.output.format).answer(&found, |found| table(found, command.found.images))?;
        Ok(Exit::Done)
    }
}

impl LsCommand {
    fn list(&self) -> Result<Vec<FoundPackageDocument>, Failure> {
        let query = query(&[
            ("name", self.name.as_deref()),
            ("version", self.range.as_deref()),
            ("purl", self.purl.as_deref()),
            ("type", self.kind.as_deref()),
            ("file", self.file.as_deref()),
            ("repository", self.found.repository.as_deref()),
        ]);
        pages(&Remote::open(&self.remote)?, &format!("/api/v1/packages?limit=200{query}"), |page: ListPage| {
            (page.packages, page.next)
        })
    }
}

fn table(found: &[FoundPackageDocument], is_by_image: bool) -> Table {
    let cells = |package: &FoundPackageDocument| {
        let distribution = package.distribution.as_deref().unwrap_or("-").into();
        [package.kind.as_str().into(), package.package.as_str().into(), package.version.as_str().into(), distribution]
    };
    let rows = found.iter().map(|package| (cells(package), Holders::from(package)));
    found_table(["TYPE", "PACKAGE", "VERSION", "DISTRIBUTION"], is_by_image, rows)
}
