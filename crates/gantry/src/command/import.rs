//! Images from files into a registry, over its API.
//!
//! | file | what |
//! |---|---|
//! | `source.rs` | [`Source`](source::Source), and which kinds there are |
//! | `oci_layout.rs`, `docker_archive.rs`, `distribution.rs` | the kinds, a file each |
//! | `plan.rs` | what can be sent, and in which order |
//! | `send.rs` | sends it, and proves that it arrived |
//! | `report.rs` | what is said of it |

mod distribution;
mod docker_archive;
mod oci_layout;
mod plan;
mod report;
mod send;
mod source;

use crate::{
    moving::{OverHttp, Pace, Registry, SpeedFlags},
    output::{Exit, Failure, OutputFlag, Progress},
    remote::{Remote, RemoteFlags},
};
use gantry_words::RepositoryName;
use report::Report;
use send::Sender;
use source::{Damage, Found, FoundByName, Kind, Opened};
use std::{collections::BTreeMap, path::PathBuf};

/// Bring images from files into a registry
///
/// SOURCE is an OCI layout (a folder, or a tar archive of one), what `docker save` or `podman save` wrote, or the data folder of
/// a CNCF distribution registry, stopped or read-only meanwhile. What the server has is not sent again, so that an import that
/// was interrupted goes on when it is run again. What is damaged is named and left out, with all that depends on it; the exit
/// code is 1 then. In the end the server is asked for each manifest and tag.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry import ./layout team/app --dry-run\n  gantry import /var/lib/registry")]
pub(crate) struct ImportCommand {
    /// What to import: a folder or a tar archive
    source: PathBuf,
    /// The repository; of a distribution folder, what its repositories are put below. Without it names are taken from SOURCE
    repository: Option<RepositoryName>,
    /// Say what would be sent, and what is damaged, and send nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    speed: SpeedFlags,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl ImportCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let reading = Progress::bytes("reading", None);
        let (kind, opened) = source::open(&self.source, &|count| reading.advance(count)).map_err(|error| {
            let problem = format!("cannot import {}: {error}", self.source.display());
            Failure::failed(problem, "Give an OCI layout, an archive of `docker save`, or a registry's data folder")
        })?;
        drop(reading);
        let progress = Progress::bytes(if self.dry_run { "checking" } else { "sending" }, None);
        let pace = self.speed.limit_rate.map(|rate| Pace::new(rate.get()));
        let registry = OverHttp::open(Remote::open(&self.remote)?, pace.as_ref(), &progress)?;
        let how = How { jobs: self.speed.jobs(), is_dry_run: self.dry_run, progress: &progress };
        let report = import(kind, opened, self.repository.as_ref(), &registry, &how)?;
        drop(registry);
        drop(progress);
        report.print(self.output.format)?;
        Ok(if report.is_whole() { Exit::Done } else { Exit::Found })
    }
}

/// How an import is done.
struct How<'a> {
    jobs: usize,
    is_dry_run: bool,
    progress: &'a Progress,
}

/// Imports what was found into a registry, a repository after the other.
fn import(
    kind: &Kind,
    opened: Opened,
    wanted: Option<&RepositoryName>,
    registry: &dyn Registry,
    how: &How<'_>,
) -> Result<Report, Failure> {
    let (repositories, damages) = assign(kind.has_names, opened.found, wanted)?;
    let source = &*opened.source;
    let sender = Sender::new(source, registry, how.jobs, how.is_dry_run, how.progress);
    let mut report = Report::new(kind.name, how.is_dry_run);
    report.left_out = opened.damages;
    report.left_out.extend(damages);
    for (repository, found) in repositories {
        report.repositories.push(sender.send(&repository, plan::plan(source, found))?);
    }
    Ok(report)
}

/// Decides which repository each of what was found goes to.
///
/// # Errors
/// Nothing says where it belongs.
fn assign(
    has_names: bool,
    found: FoundByName,
    wanted: Option<&RepositoryName>,
) -> Result<(BTreeMap<RepositoryName, Found>, Vec<Damage>), Failure> {
    let (mut assigned, mut damages) = (BTreeMap::<RepositoryName, Found>::new(), Vec::new());
    let names: Vec<RepositoryName> = found.keys().flatten().cloned().collect();
    for (name, images) in found {
        let target = match (name, wanted) {
            (Some(name), Some(prefix)) if has_names => match format!("{prefix}/{name}").parse::<RepositoryName>() {
                Ok(target) => target,
                Err(error) => {
                    damages.push(Damage::new(format!("repository {name}"), error.to_string()));
                    continue;
                }
            },
            (_, Some(wanted)) => wanted.clone(),
            (Some(name), None) => name,
            // What has no name belongs to the only one that has: referrers, and images without a tag.
            (None, None) => match names.as_slice() {
                [only] => only.clone(),
                [] => {
                    return Err(Failure::usage(
                        "nothing in the source says which repository its images belong to",
                        "Name it: gantry import SOURCE REPOSITORY",
                    ));
                }
                _ => {
                    let what = images.roots.keys().map(|digest| format!("manifest {digest}"));
                    damages.extend(what.map(|what| Damage::new(what, "nothing says which repository it belongs to")));
                    continue;
                }
            },
        };
        assigned.entry(target).or_default().join(images);
    }
    Ok((assigned, damages))
}

#[cfg(test)]
pub(crate) mod tests;
