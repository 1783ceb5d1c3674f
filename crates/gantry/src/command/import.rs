//! Images from files into a registry: over its API, or into the data folder of a server that is stopped.
//!
//! | file | what |
//! |---|---|
//! | `source.rs` | [`Source`](source::Source), and which kinds there are |
//! | `oci_layout.rs`, `docker_archive.rs`, `distribution.rs`, `zot.rs` | the kinds, a file each |
//! | `plan.rs` | what can be sent, and in which order |
//! | `send.rs` | sends it, and proves that it arrived |
//! | `take.rs` | takes it into a data folder, and proves that it is there |
//! | `report.rs` | what is said of it |

mod distribution;
mod docker_archive;
mod oci_layout;
mod plan;
mod report;
mod send;
mod source;
mod take;
mod zot;

use super::tool::Tool;
use crate::{
    config::{ConfigFlags, DataFlags},
    moving::{OverHttp, Pace, Registry, SpeedFlags},
    output::{Exit, Failure, OutputFlag, Progress},
    remote::{Remote, RemoteFlags},
};
use gantry_findings::{Advisories, Gates, Scans};
use gantry_registry::Trust;
use gantry_words::RepositoryName;
use report::{Report, Target};
use send::Sender;
use source::{Damage, Found, FoundByName, Kind, Opened};
use std::{collections::BTreeMap, path::PathBuf, sync::mpsc, thread};
use take::Taker;

/// Bring images from files into a registry
///
/// SOURCE is an OCI layout (a folder, or a tar archive of one), what `docker save` or `podman save` wrote, or the data folder of
/// a CNCF distribution registry or of zot, stopped or read-only meanwhile. What the server has is not sent again, so that an import that
/// was interrupted goes on when it is run again. What is damaged is named and left out, with all that depends on it; the exit
/// code is 1 then. In the end the server is asked for each manifest and tag.
///
/// With --data-dir it goes into the data folder of a server that is stopped. What lies on the same file system is linked there, not
/// copied, and repositories that are missing are made.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  gantry import ./layout team/app --dry-run\n  gantry import /var/lib/registry\n  gantry import /var/lib/registry --data-dir /srv/gantry"
)]
pub(crate) struct ImportCommand {
    /// What to import: a folder or a tar archive
    source: PathBuf,
    /// The repository; of a registry's data folder, what its repositories are put below. Without it names are taken from SOURCE
    repository: Option<RepositoryName>,
    /// Say what would be sent, and what is damaged, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Believe that files hold what their names say, and hash nothing but manifests; with --data-dir
    #[arg(long, requires = "data_dir")]
    trust_names: bool,
    #[command(flatten)]
    speed: SpeedFlags,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    data: DataFlags,
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
        if self.data.data_dir.is_some() {
            return self.run_into_data_folder(kind, opened);
        }
        let progress = Progress::bytes(if self.dry_run { "checking" } else { "sending" }, None);
        let pace = self.speed.limit_rate.map(|rate| Pace::new(rate.get()));
        let registry = OverHttp::open(Remote::open(&self.remote)?, pace.as_ref(), &progress)?;
        let how = How { jobs: self.speed.jobs(), is_dry_run: self.dry_run, progress: &progress };
        let report = import(kind, opened, self.repository.as_ref(), &registry, &how)?;
        drop(registry);
        drop(progress);
        self.tell(&report)
    }

    fn tell(&self, report: &Report) -> Result<Exit, Failure> {
        report.print(self.output.format)?;
        Ok(if report.is_whole() { Exit::Done } else { Exit::Found })
    }

    fn run_into_data_folder(&self, kind: &Kind, opened: Opened) -> Result<Exit, Failure> {
        if !self.source.is_dir() {
            let problem = format!("{} is an archive, and only what lies in files can be linked", self.source.display());
            return Err(Failure::usage(problem, "Unpack it first, or import it over the API, without --data-dir"));
        }
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        if !tool.is_alone() {
            let problem = "a server runs on this data, or could come to it over its database".to_owned();
            return Err(Failure::failed(problem, "Stop it first, or import over its API, without --data-dir"));
        }
        let progress = Progress::bytes(if self.dry_run { "checking" } else { "taking in" }, None);
        let trust = if self.trust_names { Trust::Names } else { Trust::Bytes };
        let report = self.take(&tool, kind, opened, trust, &progress)?;
        drop(progress);
        self.tell(&report)
    }

    /// Takes what was found into a data folder, a repository after the other.
    fn take(
        &self,
        tool: &Tool,
        kind: &Kind,
        opened: Opened,
        trust: Trust,
        progress: &Progress,
    ) -> Result<Report, Failure> {
        let (registry, cx) = (&tool.house.registry, tool.cx("import"));
        let scans = Scans::open(
            tool.house.metadata.clone(),
            registry.clone(),
            tool.house.env.clone(),
            Advisories::of(&tool.config.data_dir),
        );
        // From here on tags wait for a verdict where a scan policy says so, as they do at a push.
        tool.run(Gates::open(scans).refresh())?;
        let (repositories, damages) = assign(kind.has_names, opened.found, self.repository.as_ref())?;
        if !self.dry_run {
            tool.run(async {
                // What an interrupted import had linked, and not yet written down.
                if registry.orphans.are_suspected(true).await? {
                    registry.orphans.sweep(&cx, cx.now).await?;
                    registry.orphans.end(&cx).await?;
                }
                registry.orphans.begin(&cx).await
            })?;
        }
        let (source, jobs, is_dry_run) = (&*opened.source, self.speed.jobs(), self.dry_run);
        let taker = Taker { source, tool, trust, jobs, is_dry_run, progress };
        let mut report = Report::new(kind.name, Target::DataFolder, self.dry_run);
        report.left_out = opened.damages;
        report.left_out.extend(damages);
        // One repository is looked through while the one before it is taken in.
        thread::scope(|scope| {
            let (sender, plans) = mpsc::sync_channel(1);
            scope.spawn(move || {
                let mut plans = repositories.into_iter().map(|(name, found)| (name, plan::plan(source, found)));
                plans.all(|planned| sender.send(planned).is_ok())
            });
            for (repository, plan) in plans {
                report.repositories.push(taker.take(&repository, &plan)?);
            }
            Ok::<_, Failure>(())
        })?;
        if !self.dry_run {
            tool.run(registry.orphans.end(&cx))?;
        }
        Ok(report)
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
    let mut report = Report::new(kind.name, Target::Server, how.is_dry_run);
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
