//! Images from files or from another registry into this one: over its API, or into the data folder of a server that is stopped.
//!
//! | file | what |
//! |---|---|
//! | `source.rs` | [`Source`](source::Source), and which kinds there are |
//! | `oci_layout.rs`, `docker_archive.rs`, `distribution.rs`, `zot.rs` | the kinds, a file each |
//! | `bucket.rs` | sources in a bucket |
//! | `brought.rs` | what is brought: repositories, one after the other |
//! | `place.rs` | [`RegistryPlace`]: how another registry is named |
//! | `remote_registry.rs`, `remote_repository.rs` | a registry that is asked over its API, and a repository of it |
//! | `past.rs` | what a source knows of its images beside their bytes |
//! | `facts.rs` | [`Facts`](facts::Facts): who tells that of a registry, over an API of its own |
//! | `harbor.rs`, `ecr.rs`, `gantry.rs` | who does, a file each |
//! | `api_client.rs` | how Harbor and ECR are asked |
//! | `plan.rs` | what can be sent, and in which order |
//! | `send.rs` | sends it, and proves that it arrived |
//! | `take.rs` | takes it into a data folder, and proves that it is there |
//! | `meanwhile.rs` | which tags of the source moved meanwhile |
//! | `tell.rs`, `tell_room.rs` | tells what was before: a server, or the rooms of a data folder |
//! | `report.rs` | what is said of it |

mod api_client;
mod brought;
mod bucket;
mod distribution;
mod docker_archive;
pub(crate) mod ecr;
mod facts;
mod gantry;
pub(crate) mod harbor;
mod meanwhile;
mod oci_layout;
mod past;
mod place;
mod plan;
mod remote_registry;
mod remote_repository;
mod report;
mod send;
mod source;
mod take;
mod tell;
mod tell_room;
mod zot;

use super::tool::Tool;
use crate::{
    config::{ConfigFlags, DataFlags},
    moving::{BucketAddress, OverHttp, Pace, Registry, SpeedFlags},
    output::{Exit, Failure, OutputFlag, Progress},
    remote::{Remote, RemoteFlags},
};
use brought::{Brought, each, in_files};
use bucket::Sought;
use gantry_findings::{Advisories, Gates, Scans};
use gantry_registry::Trust;
use gantry_words::RepositoryName;
use place::RegistryPlace;
use remote_registry::{RemoteRegistry, SourceFlags, SourcePlace, Speed};
use report::{Report, Target};
use send::{KnownBlobs, Sender};
use std::{
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};
use take::Taker;
use tell::Telling;

/// Bring images from files or from another registry into this one
///
/// SOURCE is an OCI layout (a folder, or a tar archive of one), what `docker save` or `podman save` wrote, the data folder of
/// a CNCF distribution registry or of zot, stopped or read-only meanwhile, or s3://BUCKET/PREFIX, where one of them lies in a bucket;
/// credentials, region and endpoint of a bucket are found as AWS's programs find them. Or it is a registry that is asked over its API:
/// docker://HOST with all its repositories, docker://HOST/PREFIX/ with those below, docker://HOST/REPOSITORY with all its images,
/// and one of them with :TAG or @DIGEST behind. oci:// is the same; docker+http:// is for one without TLS.
///
/// What the server has is not sent again, so that an import that was interrupted goes on when it is run again. What is damaged
/// is named and left out, with all that depends on it; the exit code is 1 then. In the end the server is asked for each manifest and
/// tag, and a registry whether its tags moved meanwhile.
///
/// With --data-dir it goes into the data folder of a server that is stopped. What lies on the same file system is linked there, not
/// copied, and repositories that are missing are made.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  gantry import ./layout team/app --dry-run\n  gantry import docker://registry.example.com/team/app\n  gantry import /var/lib/registry --data-dir /srv/gantry\n  gantry import s3://registry/prod --source-endpoint http://127.0.0.1:9000"
)]
pub(crate) struct ImportCommand {
    /// What to import: a folder, a tar archive, a registry as docker://HOST[/REPOSITORY[:TAG]], or s3://BUCKET/PREFIX
    source: PathBuf,
    /// The repository; of a whole registry, what its repositories are put below. Without it names are taken from SOURCE
    repository: Option<RepositoryName>,
    /// Say what would be sent, and what is damaged, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Believe that files hold what their names say, and hash nothing but manifests; with --data-dir
    #[arg(long, requires = "data_dir")]
    trust_names: bool,
    /// A folder for the policies that repositories have in the source: an import switches none on, and a dry run writes none
    #[arg(long, value_name = "DIR")]
    policies_dir: Option<PathBuf>,
    #[command(flatten)]
    from: SourceFlags,
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
        let bucket = BucketAddress::text_in(&self.source);
        let named = self.source.to_str().filter(|text| RegistryPlace::is_meant(text));
        if bucket.is_none() && self.from.source_endpoint.is_some() {
            let problem = format!("{} is no bucket, and has no endpoint", self.source.display());
            return Err(Failure::usage(problem, "Write s3://BUCKET/PREFIX, or leave out --source-endpoint"));
        }
        let place = match (bucket, named) {
            (Some(_), _) => SourcePlace::Bucket,
            (None, Some(_)) => SourcePlace::Registry,
            (None, None) => SourcePlace::Files,
        };
        if let Some((flag, meant)) = self.from.misplaced(place) {
            let problem = format!("{flag} is for {meant}, and {} is none", self.source.display());
            return Err(Failure::usage(problem, "Leave it out"));
        }
        let pace = self.speed.limit_rate.map(|rate| Arc::new(Pace::new(rate.get())));
        let speed = Speed { jobs: self.speed.jobs(), pace, paces_blobs: self.data.data_dir.is_some() };
        let pace = speed.pace.as_deref();
        if let Some(address) = bucket {
            let Sought { kind, opened, bucket } = self.open_bucket(address, &speed)?;
            let exit = self.bring(in_files(kind, opened, self.repository.as_ref())?, pace)?;
            // Who could not be asked to the end has left out what may be there.
            return bucket::check(&bucket).map(|()| exit);
        }
        if named.is_none() && pace.is_some() && self.data.data_dir.is_some() {
            let problem =
                "--limit-rate slows down what goes over a network, and files go into a data folder without one";
            return Err(Failure::usage(problem, "Leave it out"));
        }
        let Some(named) = named else { return self.bring(self.open_files()?, pace) };
        let place = named.parse::<RegistryPlace>().map_err(|error| Failure::usage(error.to_string(), ""))?;
        let registry = RemoteRegistry::open(&place, &self.from, &speed)?;
        self.bring(registry.repositories(self.repository.as_ref())?, pace)
    }

    fn open_bucket(&self, address: &str, speed: &Speed) -> Result<Sought, Failure> {
        let reading = Progress::bytes("reading", None);
        bucket::open(address, &self.from, speed, &|count| reading.advance(count))
    }

    fn open_files(&self) -> Result<Brought<'static>, Failure> {
        let reading = Progress::bytes("reading", None);
        let (kind, opened) = source::open(&self.source, &|count| reading.advance(count)).map_err(|error| {
            let problem = format!("cannot import {}: {error}", self.source.display());
            let remedy = "Give an OCI layout, an archive of `docker save`, a registry's data folder, a bucket as s3://BUCKET/PREFIX, \
                          or a registry as docker://HOST";
            Failure::failed(problem, remedy)
        })?;
        in_files(kind, opened, self.repository.as_ref())
    }

    /// Brings it where it is to go, and says what came of it.
    fn bring(&self, brought: Brought<'_>, pace: Option<&Pace>) -> Result<Exit, Failure> {
        let report = if self.data.data_dir.is_some() {
            self.take_all(brought)?
        } else {
            let progress = Progress::bytes(if self.dry_run { "checking" } else { "sending" }, None);
            let registry = OverHttp::open(Remote::open(&self.remote)?, pace, &progress)?;
            let policies_dir = self.policies_dir.as_deref();
            let how = How { jobs: self.speed.jobs(), is_dry_run: self.dry_run, policies_dir, progress: &progress };
            send_all(brought, &registry, &how)?
        };
        report.print(self.output.format)?;
        Ok(if report.is_whole() { Exit::Done } else { Exit::Found })
    }

    /// Takes all into a data folder, a repository after the other.
    fn take_all(&self, brought: Brought<'_>) -> Result<Report, Failure> {
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        if !tool.is_alone() {
            let problem = "a server runs on this data, or could come to it over its database".to_owned();
            return Err(Failure::failed(problem, "Stop it first, or import over its API, without --data-dir"));
        }
        let progress = Progress::bytes(if self.dry_run { "checking" } else { "taking in" }, None);
        let trust = if self.trust_names { Trust::Names } else { Trust::Bytes };
        let (registry, cx) = (&tool.house.registry, tool.cx("import"));
        let scans = Scans::open(
            tool.house.metadata.clone(),
            registry.clone(),
            tool.house.env.clone(),
            Advisories::of(&tool.config.data_dir),
        );
        // From here on tags wait for a verdict where a scan policy says so, as they do at a push.
        tool.run(Gates::open(scans).refresh())?;
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
        let mut report = brought.report(Target::DataFolder, self.dry_run);
        let (jobs, is_dry_run, source_name) = (self.speed.jobs(), self.dry_run, brought.kind);
        report.repositories = each(brought.repositories, is_dry_run, |target, source, plan| {
            let telling = Telling { source: source_name, policies_dir: self.policies_dir.as_deref(), is_dry_run };
            Taker { source, tool: &tool, trust, jobs, is_dry_run, progress: &progress, telling }.take(target, &plan)
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
    policies_dir: Option<&'a Path>,
    progress: &'a Progress,
}

/// Sends all to a registry, a repository after the other.
fn send_all(brought: Brought<'_>, registry: &dyn Registry, how: &How<'_>) -> Result<Report, Failure> {
    let (known, mut report) = (KnownBlobs::default(), brought.report(Target::Server, how.is_dry_run));
    let telling = Telling { source: brought.kind, policies_dir: how.policies_dir, is_dry_run: how.is_dry_run };
    report.repositories = each(brought.repositories, how.is_dry_run, |target, source, mut plan| {
        let (past, tags) = (mem::take(&mut plan.past), plan.tags.clone());
        let is_new = past.repository.has_rules() && !tell::is_there(registry, target)?;
        let sender = Sender::new(&**source, registry, how.jobs, how.is_dry_run, how.progress, &known);
        let mut done = sender.send(target, plan)?;
        if done.manifests > 0 {
            done.past = telling.tell(registry, target, &past, &tags, is_new)?;
        }
        Ok(done)
    })?;
    Ok(report)
}

/// Reads how a registry is named; returns its address. For tests that try anything.
pub(crate) fn read_place(text: &str) -> Option<String> {
    text.parse::<RegistryPlace>().ok().map(|place| place.url())
}

#[cfg(test)]
pub(crate) mod tests;
