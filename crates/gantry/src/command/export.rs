//! Images out of a registry into an OCI layout.
//!
//! | file | what |
//! |---|---|
//! | `collect.rs` | follows an image to everything that belongs to it, and fetches it |

mod collect;

use crate::{
    moving::{LayoutFolder, OverHttp, Pace, SpeedFlags},
    output::{Exit, Failure, OutputFlag, Printer, Progress, Table},
    remote::{Remote, RemoteFlags},
};
use collect::{Collected, Collector};
use gantry_oci::Reference;
use gantry_words::{ByteCount, RepositoryName};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

/// Write images of a registry into an OCI layout
///
/// The layout can be read by skopeo, oras, podman and others, and by `gantry import`. What is in it already is not fetched again,
/// so that an export that was interrupted goes on when it is run again; images that it named before stay. With an image go the
/// signatures, SBOMs and other artifacts that refer to it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry export team/app:v1 ./layout")]
pub(crate) struct ExportCommand {
    /// What to export: repository:tag, repository@digest, or a repository with all its images
    #[arg(required = true, value_name = "REPOSITORY[:TAG|@DIGEST]")]
    images: Vec<Wanted>,
    /// The folder of the layout, new or begun before
    folder: PathBuf,
    /// Leave out what refers to the images
    #[arg(long)]
    no_referrers: bool,
    #[command(flatten)]
    speed: SpeedFlags,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

/// A repository, or one image of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    repository: RepositoryName,
    reference: Option<Reference>,
}

impl FromStr for Wanted {
    type Err = String;
    fn from_str(text: &str) -> Result<Wanted, String> {
        let (repository, reference) = match text.split_once('@').or_else(|| text.split_once(':')) {
            Some((repository, reference)) => (repository, Some(reference)),
            None => (text, None),
        };
        Ok(Wanted {
            repository: repository.parse().map_err(|error: gantry_words::RepositoryNameError| error.to_string())?,
            reference: reference
                .map(|text| text.parse().map_err(|error: gantry_oci::ReferenceError| error.to_string()))
                .transpose()?,
        })
    }
}

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// By repository.
    repositories: Vec<Collected>,
}

impl ExportCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let progress = Progress::bytes("fetching", None);
        let pace = self.speed.limit_rate.map(|rate| Pace::new(rate.get()));
        let registry = OverHttp::open(Remote::open(&self.remote)?, pace.as_ref(), &progress)?;
        let layout = LayoutFolder::open(&self.folder).map_err(|error| {
            Failure::failed(error.to_string(), "Name a new folder, or a layout that was written before")
        })?;
        let collector = Collector {
            jobs: self.speed.jobs(),
            with_referrers: !self.no_referrers,
            ..Collector::new(&registry, &layout)
        };
        let report = export(&self.images, &collector)?;
        drop(registry);
        drop(progress);
        let mut printer = Printer::stdout(self.output.format);
        printer.answer(&report, table)?;
        let left_out = report.repositories.iter().flat_map(|collected| &collected.left_out);
        let left_out: Vec<String> = left_out.map(ToString::to_string).collect();
        if left_out.is_empty() {
            return Ok(Exit::Done);
        }
        let problem = format!("{} things were left out", left_out.len());
        Err(Failure::found(problem, "All else is in the layout").with_details(left_out))
    }
}

/// Exports images, repository by repository, and names them in the layout.
fn export(images: &[Wanted], collector: &Collector<'_>) -> Result<Report, Failure> {
    let mut by_repository: BTreeMap<&RepositoryName, Vec<Option<&Reference>>> = BTreeMap::new();
    for wanted in images {
        by_repository.entry(&wanted.repository).or_default().push(wanted.reference.as_ref());
    }
    // One repository needs no name in its own layout; clients look for tags alone.
    let is_only = by_repository.len() == 1;
    let (mut report, mut entries) = (Report::default(), Vec::new());
    for (repository, references) in by_repository {
        let (collected, named) = collector.collect(repository, &references, is_only)?;
        report.repositories.push(collected);
        entries.extend(named);
    }
    collector.finish(entries)?;
    Ok(report)
}

fn table(report: &Report) -> Table {
    let mut table = Table::new(["REPOSITORY", "MANIFESTS", "TAGS", "BLOBS", "FETCHED", "BYTES", "LEFT OUT"])
        .right(&[1, 2, 3, 4, 5, 6]);
    for done in &report.repositories {
        let [manifests, tags, blobs, fetched] =
            [done.manifests, done.tags, done.blobs, done.fetched].map(|count| count.to_string());
        let bytes = ByteCount::bytes(done.bytes_fetched).rounded();
        let left_out = done.left_out.len().to_string();
        table.row([
            done.repository.as_str().into(),
            manifests.into(),
            tags.into(),
            blobs.into(),
            fetched.into(),
            bytes.into(),
            left_out.into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests;
