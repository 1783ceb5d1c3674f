//! Sends what was planned: what the server has not, blobs before manifests, manifests before those that list them, tags
//! last; and asks in the end whether all of it is there.

use super::{
    plan::{Bad, Plan, Planned, read_manifest},
    source::{Damage, Source},
    tell::PastDone,
};
use crate::{
    moving::{Blob, Checked, FilesError, Registry, Sent, Trouble, in_parallel},
    output::{Failure, Progress},
};
use gantry_oci::{Digest, Tag};
use gantry_words::RepositoryName;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    sync::{Mutex, PoisonError},
};

/// Manifests whose blobs are sent before any of them is: a server keeps blobs for a while only that nothing names.
const BATCH: usize = 64;

/// What was done for a repository, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    /// The repository.
    pub(super) repository: String,
    /// Manifests that belong there.
    pub(super) manifests: usize,
    /// Manifests that were sent.
    pub(super) manifests_sent: usize,
    /// Tags that belong there.
    pub(super) tags: usize,
    /// Tags that were set.
    pub(super) tags_sent: usize,
    /// Blobs that were sent.
    pub(super) blobs_sent: usize,
    /// Of those, the ones whose files have a second name in the data folder: nothing was copied.
    pub(super) blobs_linked: usize,
    /// Blobs that the server took from another repository.
    pub(super) blobs_mounted: usize,
    /// Bytes of the blobs and manifests that were sent.
    pub(super) bytes_sent: u64,
    /// Manifests that the server was seen to have in the end.
    pub(super) manifests_proved: usize,
    /// Tags that were seen to point in the end to what they should.
    pub(super) tags_proved: usize,
    /// What was left out.
    pub(super) left_out: Vec<Damage>,
    /// What was told of the time before.
    pub(super) past: PastDone,
}

/// In which repository of the server a blob is known to be.
pub(super) type KnownBlobs = Mutex<HashMap<Digest, String>>;

/// How it is sent.
pub(super) struct Sender<'a> {
    source: &'a dyn Source,
    registry: &'a dyn Registry,
    jobs: usize,
    is_dry_run: bool,
    progress: &'a Progress,
    known: &'a KnownBlobs,
}

/// What came of a blob.
enum BlobDone {
    There,
    Mounted,
    Sent(u64),
    Bad(String),
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        source: &'a dyn Source,
        registry: &'a dyn Registry,
        jobs: usize,
        is_dry_run: bool,
        progress: &'a Progress,
        known: &'a KnownBlobs,
    ) -> Sender<'a> {
        Sender { source, registry, jobs, is_dry_run, progress, known }
    }

    /// Sends a plan to a repository.
    ///
    /// # Errors
    /// What ends everything: the server is gone, or does not let this one in.
    pub(super) fn send(&self, repository: &RepositoryName, plan: Plan) -> Result<Done, Failure> {
        let repository = repository.as_str();
        let there = self.ask(repository, plan.manifests.iter().map(|planned| &planned.digest))?;
        let missing: Vec<&Planned> = plan.manifests.iter().filter(|planned| !there.contains(&planned.digest)).collect();
        let blobs: HashMap<&Digest, u64> =
            missing.iter().flat_map(|planned| &planned.blobs).map(|(digest, length)| (digest, *length)).collect();
        self.progress.expect(self.progress.done() + blobs.values().sum::<u64>());
        let mut done = Done { repository: repository.to_owned(), left_out: plan.damages, ..Done::default() };
        let (mut seen, mut bad) = (HashSet::new(), Bad::new());
        for batch in missing.chunks(BATCH) {
            self.send_blobs(repository, batch, &mut seen, &mut bad, &mut done)?;
            self.send_manifests(repository, batch, &mut bad, &mut done)?;
        }
        let manifests: Vec<&Planned> =
            plan.manifests.iter().filter(|planned| !bad.contains_key(&planned.digest)).collect();
        let tags = self.send_tags(repository, &plan.tags, &manifests, &mut done)?;
        (done.manifests, done.tags) = (manifests.len(), tags.len());
        if !self.is_dry_run {
            self.prove(repository, &manifests, &tags, &mut done)?;
        }
        Ok(done)
    }

    /// Asks which manifests the server has.
    fn ask<'d>(&self, repository: &str, digests: impl Iterator<Item = &'d Digest>) -> Result<HashSet<Digest>, Failure> {
        let digests: Vec<&Digest> = digests.collect();
        let find = |digest: &&Digest| match self.registry.find_manifest(repository, digest.as_str()) {
            Ok(found) => Ok(found.filter(|found| found == *digest)),
            Err(trouble) => trouble.of_one().map(|_| None),
        };
        Ok(in_parallel(self.jobs, &digests, find)?.into_iter().flatten().collect())
    }

    fn send_blobs(
        &self,
        repository: &str,
        batch: &[&Planned],
        seen: &mut HashSet<Digest>,
        bad: &mut Bad,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let all = batch.iter().flat_map(|planned| &planned.blobs);
        let new: Vec<&(Digest, u64)> = all.filter(|(digest, _)| seen.insert(digest.clone())).collect();
        let came = in_parallel(self.jobs, &new, |(digest, length)| self.send_blob(repository, digest, *length))?;
        for ((digest, _), came) in new.into_iter().zip(came) {
            match came {
                BlobDone::There => {}
                BlobDone::Mounted => done.blobs_mounted += 1,
                BlobDone::Sent(length) => {
                    done.blobs_sent += 1;
                    done.bytes_sent += length;
                }
                BlobDone::Bad(problem) => {
                    done.left_out.push(Damage::new(format!("blob {digest}"), &problem));
                    bad.insert(digest.clone(), format!("its blob {digest} is left out"));
                }
            }
        }
        Ok(())
    }

    fn send_blob(&self, repository: &str, digest: &Digest, length: u64) -> Result<BlobDone, Failure> {
        let act = || -> Result<BlobDone, Trouble> {
            if self.registry.has_blob(repository, digest)? {
                self.progress.advance(length);
                self.keep(digest, repository);
                return Ok(BlobDone::There);
            }
            let from = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned();
            let open = || match self.source.open(digest) {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => Err(io::Error::other("it is not there")),
                Err(error) => Err(io::Error::other(error)),
            };
            let sent = if self.is_dry_run {
                self.read_through(digest, length, &open, from.is_some())?
            } else {
                self.registry.send_blob(repository, &Blob { digest, length, open: &open }, from.as_deref())?
            };
            self.keep(digest, repository);
            Ok(match sent {
                Sent::Mounted => BlobDone::Mounted,
                Sent::Bytes => BlobDone::Sent(length),
            })
        };
        act().or_else(|trouble| trouble.of_one().map(BlobDone::Bad))
    }

    fn keep(&self, digest: &Digest, repository: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(digest.clone()).or_insert_with(|| repository.to_owned());
    }

    /// Does what sending would do, but sends nothing.
    fn read_through(
        &self,
        digest: &Digest,
        length: u64,
        open: &dyn Fn() -> io::Result<Box<dyn io::Read + Send>>,
        is_known: bool,
    ) -> Result<Sent, Trouble> {
        self.progress.advance(length);
        if is_known {
            return Ok(Sent::Mounted);
        }
        if let Some(found) = self.source.look(digest) {
            return match length_problem(found, length) {
                Some(problem) => Err(Trouble::Damaged(problem)),
                None => Ok(Sent::Bytes),
            };
        }
        let bytes = open().map_err(|error| Trouble::Damaged(error.to_string()))?;
        let copied = io::copy(&mut Checked::new(bytes, digest, length), &mut io::sink());
        copied.map(|_| Sent::Bytes).map_err(|error| Trouble::Damaged(error.to_string()))
    }

    /// Sends the manifests of a batch, those that list others after them.
    fn send_manifests(
        &self,
        repository: &str,
        batch: &[&Planned],
        bad: &mut Bad,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let mut levels: BTreeMap<usize, Vec<&Planned>> = BTreeMap::new();
        batch.iter().for_each(|planned| levels.entry(planned.level).or_default().push(planned));
        for level in levels.into_values() {
            let known: &Bad = bad;
            let put = |planned: &&Planned| self.put(repository, planned, planned.digest.as_str(), known);
            let came = in_parallel(self.jobs, &level, put)?;
            for (planned, problem) in level.into_iter().zip(came) {
                match problem {
                    None => {
                        done.manifests_sent += 1;
                        done.bytes_sent += planned.length;
                    }
                    Some(problem) => {
                        done.left_out.push(Damage::new(format!("manifest {}", planned.digest), problem));
                        bad.insert(planned.digest.clone(), format!("{} is left out", planned.digest));
                    }
                }
            }
        }
        Ok(())
    }

    /// Stores one manifest; returns why not.
    fn put(&self, repository: &str, planned: &Planned, reference: &str, bad: &Bad) -> Result<Option<String>, Failure> {
        if let Some(problem) = planned.problem(bad) {
            return Ok(Some(problem));
        }
        if self.is_dry_run {
            return Ok(None);
        }
        let bytes = match read_manifest(self.source, &planned.digest) {
            Ok(bytes) => bytes,
            Err(problem) => return Ok(Some(problem)),
        };
        match self.registry.put_manifest(repository, reference, &planned.media_type, &bytes) {
            Ok(()) => Ok(None),
            Err(trouble) => trouble.of_one().map(Some),
        }
    }

    /// Sets the tags whose images went in; returns them.
    fn send_tags<'p>(
        &self,
        repository: &str,
        tags: &'p BTreeMap<Tag, Digest>,
        manifests: &[&Planned],
        done: &mut Done,
    ) -> Result<Vec<(&'p Tag, &'p Digest)>, Failure> {
        let by_digest: HashMap<&Digest, &Planned> =
            manifests.iter().map(|planned| (&planned.digest, *planned)).collect();
        let tags: Vec<(&Tag, &Digest)> = tags.iter().collect();
        let none_bad = Bad::new();
        let set = |(tag, digest): &(&Tag, &Digest)| -> Result<Result<bool, String>, Failure> {
            let Some(planned) = by_digest.get(digest) else {
                return Ok(Err(format!("{digest}, which it names, is left out")));
            };
            match self.registry.find_manifest(repository, tag.as_str()) {
                Ok(Some(known)) if known == **digest => return Ok(Ok(false)),
                Ok(_) => {}
                Err(trouble) => return trouble.of_one().map(Err),
            }
            Ok(self.put(repository, planned, tag.as_str(), &none_bad)?.map_or(Ok(true), Err))
        };
        let came = in_parallel(self.jobs, &tags, set)?;
        let mut there = Vec::new();
        for ((tag, digest), came) in tags.into_iter().zip(came) {
            match came {
                Ok(is_new) => {
                    done.tags_sent += usize::from(is_new);
                    there.push((tag, digest));
                }
                Err(problem) => done.left_out.push(Damage::new(format!("tag {tag}"), problem)),
            }
        }
        Ok(there)
    }

    /// Asks for everything again: both sets must be equal.
    fn prove(
        &self,
        repository: &str,
        manifests: &[&Planned],
        tags: &[(&Tag, &Digest)],
        done: &mut Done,
    ) -> Result<(), Failure> {
        let there = self.ask(repository, manifests.iter().map(|planned| &planned.digest))?;
        done.manifests_proved = there.len();
        let lost = manifests.iter().filter(|planned| !there.contains(&planned.digest));
        let lost =
            lost.map(|planned| Damage::new(format!("manifest {}", planned.digest), "the server does not have it"));
        done.left_out.extend(lost);
        let find = |(tag, _): &(&Tag, &Digest)| match self.registry.find_manifest(repository, tag.as_str()) {
            Ok(found) => Ok(found),
            Err(trouble) => trouble.of_one().map(|_| None),
        };
        for ((tag, digest), found) in tags.iter().zip(in_parallel(self.jobs, tags, find)?) {
            match found {
                Some(found) if found == **digest => done.tags_proved += 1,
                // A scan policy keeps a tag back until its image passes.
                found => {
                    let points = found.map_or_else(|| "to nothing".to_owned(), |found| format!("to {found}"));
                    let problem = format!("on the server it points {points}, and not to {digest}");
                    done.left_out.push(Damage::new(format!("tag {tag}"), problem));
                }
            }
        }
        Ok(())
    }
}

/// Says what is wrong with a blob that was only looked at.
pub(super) fn length_problem(found: Result<Option<u64>, FilesError>, length: u64) -> Option<String> {
    match found {
        Ok(Some(found)) if found == length => None,
        Ok(Some(found)) => Some(format!("it has {found} of {length} bytes")),
        Ok(None) => Some("it is not there".into()),
        Err(error) => Some(error.to_string()),
    }
}
