use crate::{
    moving::{
        DEPTH_MAX, ImageName, LayoutError, LayoutFolder, MANIFEST_BYTES_MAX, REF_NAME, Registry, Trouble, digest_of,
        in_parallel,
    },
    output::Failure,
};
use gantry_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestLimits, Reference, Tag, media_type};
use gantry_words::RepositoryName;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Manifests that are followed from one image at most: what refers to it, and to that, may be anybody's.
const MANIFESTS_MAX: usize = 1_000_000;

/// What was exported of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Collected {
    /// The repository.
    pub(super) repository: String,
    /// Manifests that are in the layout.
    pub(super) manifests: usize,
    /// Tags that the layout names.
    pub(super) tags: usize,
    /// Blobs that are in the layout, manifests left out of the count.
    pub(super) blobs: usize,
    /// Manifests and blobs that were not there before.
    pub(super) fetched: usize,
    /// Their bytes.
    pub(super) bytes_fetched: u64,
    /// What could not be had, and why.
    pub(super) left_out: Vec<String>,
}

/// How images are fetched, and where to.
pub(super) struct Collector<'a> {
    pub(super) registry: &'a dyn Registry,
    pub(super) layout: &'a LayoutFolder,
    pub(super) jobs: usize,
    pub(super) with_referrers: bool,
}

/// A manifest that is in the layout.
struct Fetched {
    digest: Digest,
    manifest: Manifest,
    length: u64,
    is_new: bool,
    /// What refers to it, or why that is not known.
    referrers: Result<Vec<Digest>, String>,
}

/// What is still to be fetched.
struct Task {
    reference: String,
    tag: Option<Tag>,
    depth: usize,
    why: Why,
}

/// Why something is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It was asked for by name.
    Named,
    /// It is in a repository that was asked for.
    Listed,
    /// Another manifest lists it, so that it needs no name.
    Child,
    /// It refers to another.
    Referrer,
}

/// What is known of a repository so far.
#[derive(Default)]
struct State {
    seen: HashSet<Digest>,
    blobs: BTreeSet<Digest>,
    /// Blobs whose licence keeps them elsewhere, perhaps.
    optional: HashSet<Digest>,
    children: HashSet<Digest>,
    descriptors: BTreeMap<Digest, Descriptor>,
    tags: BTreeMap<Tag, Digest>,
}

impl State {
    /// Leaves out what was fetched already, and what is asked for twice.
    fn unseen(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let mut asked = HashSet::new();
        let mut kept = Vec::new();
        for task in tasks {
            let digest: Option<Digest> = task.reference.parse().ok();
            if let Some(digest) = digest.as_ref().filter(|_| task.why == Why::Child) {
                self.children.insert(digest.clone());
            }
            let is_known = digest.is_some_and(|digest| self.seen.contains(&digest));
            if !is_known && asked.insert(task.reference.clone()) {
                kept.push(task);
            }
        }
        kept
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(registry: &'a dyn Registry, layout: &'a LayoutFolder) -> Collector<'a> {
        Collector { registry, layout, jobs: 1, with_referrers: true }
    }

    /// Fetches images with all that belongs to them; returns what the layout is to name.
    ///
    /// # Errors
    /// What ends everything: the server is gone, or the disk is full.
    pub(super) fn collect(
        &self,
        repository: &RepositoryName,
        references: &[Option<&Reference>],
        is_only: bool,
    ) -> Result<(Collected, Vec<Descriptor>), Failure> {
        let mut done = Collected { repository: repository.to_string(), ..Collected::default() };
        let (mut state, mut tasks) = (State::default(), self.first_tasks(repository.as_str(), references, &mut done)?);
        while !tasks.is_empty() {
            // Tags first: most of what a repository lists is known by then.
            let (now, later): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(|task| task.tag.is_some());
            let (tasks_now, mut next) = if now.is_empty() { (state.unseen(later), Vec::new()) } else { (now, later) };
            let fetch = |task: &Task| one(self.fetch(repository.as_str(), &task.reference));
            let fetched = in_parallel(self.jobs, &tasks_now, fetch)?;
            for (task, fetched) in tasks_now.into_iter().zip(fetched) {
                match fetched {
                    Ok(fetched) => {
                        next.extend(self.follow(repository.as_str(), task, fetched, &mut state, &mut done));
                    }
                    Err(problem) => done.left_out.push(format!("{repository} {}: {problem}", task.reference)),
                }
            }
            if state.seen.len() > MANIFESTS_MAX {
                return Err(Failure::failed(format!("{repository} has more than {MANIFESTS_MAX} manifests"), ""));
            }
            tasks = next;
        }
        self.fetch_blobs(repository.as_str(), &state, &mut done)?;
        (done.manifests, done.tags, done.blobs) = (state.descriptors.len(), state.tags.len(), state.blobs.len());
        Ok((done, entries(repository, state, is_only)))
    }

    /// Names everything that was fetched.
    pub(super) fn finish(&self, entries: Vec<Descriptor>) -> Result<(), Failure> {
        self.layout.finish(entries).map_err(|error| stopped(&error))
    }

    fn first_tasks(
        &self,
        repository: &str,
        references: &[Option<&Reference>],
        done: &mut Collected,
    ) -> Result<Vec<Task>, Failure> {
        let task = |reference: String, tag, why| Task { reference, tag, depth: 1, why };
        let mut tasks = Vec::new();
        for reference in references {
            match reference {
                Some(Reference::Tag(tag)) => tasks.push(task(tag.to_string(), Some(tag.clone()), Why::Named)),
                Some(Reference::Digest(digest)) => tasks.push(task(digest.to_string(), None, Why::Named)),
                None => {
                    let tags =
                        one(self.registry.list_tags(repository))?.map_err(|problem| Failure::failed(problem, ""))?;
                    tasks.extend(tags.into_iter().map(|tag| task(tag.to_string(), Some(tag), Why::Listed)));
                    let images = one(self.registry.list_images(repository))?;
                    for (digest, is_active) in images.map_err(|problem| Failure::failed(problem, ""))? {
                        if is_active {
                            tasks.push(task(digest.to_string(), None, Why::Listed));
                        } else {
                            done.left_out.push(format!("{repository} {digest}: it is in the archive"));
                        }
                    }
                }
            }
        }
        Ok(tasks)
    }

    /// Brings a manifest into the layout, unless it is there.
    fn fetch(&self, repository: &str, reference: &str) -> Result<Fetched, Trouble> {
        let wanted: Option<Digest> = reference.parse().ok();
        let there = wanted.as_ref().and_then(|digest| self.layout.read_manifest(digest, MANIFEST_BYTES_MAX));
        let is_new = there.is_none();
        let (bytes, media_type) = match there {
            Some(bytes) => (bytes, None),
            None => {
                let loaded = self.registry.load_manifest(repository, reference)?;
                (loaded.bytes, loaded.media_type)
            }
        };
        let parsed = Manifest::parse(&bytes, media_type.as_deref(), &ManifestLimits::default());
        let manifest = parsed.map_err(|error| Trouble::Damaged(error.to_string()))?;
        let digest = match wanted {
            Some(digest) => digest,
            None => self.digest_of(repository, reference, &bytes)?,
        };
        let is_new = is_new && !self.layout.has(&digest);
        if is_new {
            self.layout.write_blob(&digest, &mut bytes.as_slice()).map_err(|error| trouble(&error))?;
        }
        let referrers = self.referrers(repository, &digest)?;
        Ok(Fetched { digest, manifest, length: bytes.len() as u64, is_new, referrers })
    }

    fn referrers(&self, repository: &str, digest: &Digest) -> Result<Result<Vec<Digest>, String>, Failure> {
        if !self.with_referrers {
            return Ok(Ok(vec![]));
        }
        let found = one(self.registry.list_referrers(repository, digest))?;
        Ok(found.map(|found| found.into_iter().map(|referrer| referrer.digest).collect()))
    }

    /// The digest that a tag has on the server, which the bytes must have too.
    fn digest_of(&self, repository: &str, tag: &str, bytes: &[u8]) -> Result<Digest, Trouble> {
        let usual = digest_of(Algorithm::Sha256, bytes);
        match self.registry.find_manifest(repository, tag)? {
            Some(named) if digest_of(named.algorithm(), bytes) == named => Ok(named),
            // It moved meanwhile.
            Some(_) | None => Ok(usual),
        }
    }

    /// Notes what a manifest is; returns what belongs to it.
    fn follow(
        &self,
        repository: &str,
        task: Task,
        fetched: Fetched,
        state: &mut State,
        done: &mut Collected,
    ) -> Vec<Task> {
        let Fetched { digest, manifest, length, is_new, referrers } = fetched;
        // What refers to something travels with it, or not at all.
        if !self.with_referrers && manifest.subject.is_some() && task.tag.is_none() && task.why == Why::Listed {
            return vec![];
        }
        if let Some(tag) = task.tag {
            state.tags.insert(tag, digest.clone());
        }
        if task.why == Why::Child {
            state.children.insert(digest.clone());
        }
        if !state.seen.insert(digest.clone()) {
            return vec![];
        }
        done.fetched += usize::from(is_new);
        done.bytes_fetched += if is_new { length } else { 0 };
        let mut descriptor = Descriptor::new(manifest.media_type.clone(), digest.clone(), length);
        descriptor.artifact_type = manifest.artifact_type.clone().filter(|kind| !is_config(kind));
        state.descriptors.insert(digest.clone(), descriptor);
        state.optional.extend(
            manifest
                .blobs()
                .filter(|blob| media_type::is_nondistributable(&blob.media_type))
                .map(|blob| blob.digest.clone()),
        );
        state.blobs.extend(manifest.blobs().map(|blob| blob.digest.clone()));
        if task.depth >= DEPTH_MAX {
            done.left_out.push(format!("{repository} {digest}: what lies more than {DEPTH_MAX} manifests deep"));
            return vec![];
        }
        let mut next: Vec<Task> = Vec::new();
        let below =
            |digest: &Digest, why| Task { reference: digest.to_string(), tag: None, depth: task.depth + 1, why };
        next.extend(manifest.manifests.iter().map(|child| below(&child.digest, Why::Child)));
        match referrers {
            Ok(referrers) => next.extend(referrers.iter().map(|referrer| below(referrer, Why::Referrer))),
            Err(problem) => done.left_out.push(format!("{repository}: what refers to {digest}: {problem}")),
        }
        next
    }

    fn fetch_blobs(&self, repository: &str, state: &State, done: &mut Collected) -> Result<(), Failure> {
        let blobs: Vec<&Digest> = state.blobs.iter().collect();
        let fetch = |digest: &&Digest| -> Result<Result<Option<u64>, String>, Failure> {
            if self.layout.has(digest) {
                return Ok(Ok(None));
            }
            one(self.registry.open_blob(repository, digest).and_then(|mut bytes| {
                self.layout.write_blob(digest, &mut bytes).map(Some).map_err(|error| trouble(&error))
            }))
        };
        for (digest, came) in blobs.iter().zip(in_parallel(self.jobs, &blobs, fetch)?) {
            match came {
                Ok(None) => {}
                Ok(Some(length)) => {
                    done.fetched += 1;
                    done.bytes_fetched += length;
                }
                Err(_) if state.optional.contains(*digest) => {}
                Err(problem) => done.left_out.push(format!("{repository} {digest}: {problem}")),
            }
        }
        Ok(())
    }
}

/// An image is one without being said to be.
fn is_config(artifact_type: &str) -> bool {
    [media_type::OCI_CONFIG, media_type::DOCKER_CONFIG].contains(&artifact_type)
}

/// Takes apart what concerns one thing from what ends all.
fn one<T>(came: Result<T, Trouble>) -> Result<Result<T, String>, Failure> {
    match came {
        Ok(done) => Ok(Ok(done)),
        Err(trouble) => trouble.of_one().map(Err),
    }
}

fn trouble(error: &LayoutError) -> Trouble {
    match error {
        LayoutError::Damaged { .. } => Trouble::Damaged(error.to_string()),
        LayoutError::Broken { .. } | LayoutError::Io { .. } | LayoutError::Other { .. } | LayoutError::Index { .. } => {
            Trouble::Stopped(stopped(error))
        }
    }
}

fn stopped(error: &LayoutError) -> Failure {
    Failure::failed(error.to_string(), "What is there is not fetched again: go on with the same command")
}

/// What the layout names: each tag, and what neither a tag nor another manifest leads to.
fn entries(repository: &RepositoryName, state: State, is_only: bool) -> Vec<Descriptor> {
    let State { descriptors, tags, children, .. } = state;
    let named = |digest: &Digest, name: Option<String>| {
        let mut descriptor = descriptors.get(digest)?.clone();
        descriptor.annotations.extend(name.map(|name| (REF_NAME.to_owned(), name)));
        Some(descriptor)
    };
    let tagged: HashSet<&Digest> = tags.values().collect();
    let whole = |rest: String| ImageName::print(repository.as_str(), &rest);
    let with_tag = tags.iter().filter_map(|(tag, digest)| {
        named(digest, Some(if is_only { tag.to_string() } else { whole(format!(":{tag}")) }))
    });
    let others = descriptors.keys().filter(|digest| !tagged.contains(digest) && !children.contains(*digest));
    let others = others.filter_map(|digest| named(digest, (!is_only).then(|| whole(format!("@{digest}")))));
    with_tag.chain(others).collect()
}
