use super::findings::{FoundFlags, Holders, found_table, pages, query};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{FoundFileDocument, FoundPackageDocument};
use serde::{Deserialize, Serialize};
use std::cell::Cell;

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
    ///
    /// With --file alone, files that belong to no package are listed too, after the packages.
    #[command(
        after_help = "Example:\n  gantry package ls log4j-core --range '<2.17.1' --images\n  gantry package ls --file 'log4j-core-*.jar' --images\n  gantry package ls --file /usr/local/bin/kubectl"
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
    /// Show what is at this path, or named by the file there, only; without a slash, what is in files of this name; * stands for any
    /// characters, slashes too
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
#[serde(rename_all = "camelCase")]
struct ListPage {
    packages: Vec<FoundPackageDocument>,
    #[serde(default)]
    files: Vec<FoundFileDocument>,
    #[serde(default)]
    images_without_files: usize,
    #[serde(default)]
    files_truncated: bool,
    next: Option<String>,
}

/// A package, or a file that belongs to none.
#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    Package(Box<FoundPackageDocument>),
    File(FoundFileDocument),
}

impl Found {
    fn holders(&self) -> Holders<'_> {
        match self {
            Found::Package(package) => Holders::from(&**package),
            Found::File(file) => Holders::from(file),
        }
    }
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
    fn list(&self) -> Result<Vec<Found>, Failure> {
        let query = query(&[
            ("name", self.name.as_deref()),
            ("version", self.range.as_deref()),
            ("purl", self.purl.as_deref()),
            ("type", self.kind.as_deref()),
            ("file", self.file.as_deref()),
            ("repository", self.found.repository.as_deref()),
        ]);
        let (without_files, is_truncated) = (Cell::new(0), Cell::new(false));
        let path = format!("/api/v1/packages?limit=200{query}");
        let found = pages(&Remote::open(&self.remote)?, &path, |page: ListPage| {
            without_files.set(without_files.get().max(page.images_without_files));
            is_truncated.set(is_truncated.get() || page.files_truncated);
            let packages = page.packages.into_iter().map(|package| Found::Package(Box::new(package)));
            (packages.chain(page.files.into_iter().map(Found::File)).collect(), page.next)
        })?;
        if without_files.get() > 0 {
            let count = without_files.get();
            eprintln!(
                "of {count} images it is not known which files they have besides packages: have them scanned again"
            );
        }
        if is_truncated.get() {
            eprintln!(
                "there may be more files: an image has more than are kept, or the pattern is too wide; name more of the file"
            );
        }
        Ok(found)
    }
}

fn table(found: &[Found], is_by_image: bool) -> Table {
    let cells = |found: &Found| match found {
        Found::Package(package) => {
            let distribution = package.distribution.as_deref().unwrap_or("-").into();
            let (kind, name) = (package.kind.as_str().into(), package.package.as_str().into());
            [kind, name, package.version.as_str().into(), distribution]
        }
        Found::File(file) => ["file".into(), file.path.as_str().into(), "-".into(), "-".into()],
    };
    let rows = found.iter().map(|found| (cells(found), found.holders()));
    found_table(["TYPE", "PACKAGE", "VERSION", "DISTRIBUTION"], is_by_image, rows)
}
