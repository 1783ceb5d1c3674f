//! Takes what was planned into a data folder whose server is stopped: blobs where they lie or as they come, then manifests with their tags, many in
//! one transaction; and asks in the end whether all of it is there. What is there already is left as it is, so an import that was
//! interrupted goes on when it is run again.

use super::{
    plan::{Bad, Plan, Planned, read_manifest},
    send::{Done, length_problem},
    source::{Damage, Source},
    tell::{Telling, is_there},
    tell_room::Room,
};
use crate::{
    command::tool::Tool,
    moving::{Checked, in_parallel},
    output::{Failure, Progress},
};
use gantry_fault::FaultKind;
use gantry_oci::{Digest, Tag};
use gantry_registry::{BlobFile, BlobPlace, BlobTaken, ImageDates, ImportedImage, Imports, Repository, Trust};
use gantry_words::{Cx, Moment, RepositoryName};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::PathBuf,
    sync::Arc,
};

/// Manifests whose blobs are taken in together: one sync of the disk for all, and a few commits.
const BATCH: usize = 1_000;

/// Where it is taken, and how.
pub(super) struct Taker<'a> {
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) tool: &'a Tool,
    pub(super) trust: Trust,
    pub(super) jobs: usize,
    pub(super) is_dry_run: bool,
    pub(super) progress: &'a Progress,
    pub(super) telling: Telling<'a>,
}

/// Tags of one repository, by the image that they are to point to.
type TagsOf<'p> = HashMap<&'p Digest, Vec<&'p Tag>>;

/// Tags that point elsewhere than they should, with where that is and where they do.
type WrongTags<'p> = BTreeMap<&'p Tag, (&'p Digest, Option<String>)>;

/// The work on one repository.
struct Work<'a> {
    taker: &'a Taker<'a>,
    /// `None` where a dry run finds that it would be made.
    repository: Option<Repository>,
    plan: &'a Plan,
    /// Where its tags point that were there before.
    tags_before: HashMap<Tag, String>,
    bad: Bad,
    done: Done,
}

impl Taker<'_> {
    /// Takes a plan into a repository, which is made where it is missing.
    ///
    /// # Errors
    /// What ends everything, such as a full disk.
    pub(super) fn take(&self, name: &RepositoryName, plan: &Plan) -> Result<Done, Failure> {
        let room = Room { tool: self.tool };
        let is_new = plan.past.repository.has_rules() && !is_there(&room, name)?;
        let repository = self.repository(name)?;
        let (digests, tags) = (
            plan.manifests.iter().map(|planned| planned.digest.clone()).collect(),
            plan.tags.keys().cloned().collect::<Vec<_>>(),
        );
        let (held, tags_before) = match &repository {
            Some(repository) => {
                let imports = self.imports();
                self.tool.run(async {
                    Ok((imports.held(repository, digests).await?, imports.tags(repository, tags).await?))
                })?
            }
            None => Default::default(),
        };
        let missing: Vec<&Planned> = plan.manifests.iter().filter(|planned| !held.contains(&planned.digest)).collect();
        let blobs: HashMap<&Digest, u64> =
            missing.iter().flat_map(|planned| &planned.blobs).map(|(digest, length)| (digest, *length)).collect();
        self.progress.expect(self.progress.done() + blobs.values().sum::<u64>());
        let done = Done { repository: name.to_string(), left_out: plan.damages.clone(), ..Done::default() };
        let mut work = Work { taker: self, repository, plan, tags_before, bad: Bad::new(), done };
        let mut seen = HashSet::new();
        for batch in missing.chunks(BATCH) {
            work.take_blobs(batch, &mut seen)?;
            work.put_new(batch)?;
        }
        work.point_tags()?;
        let mut done = work.finish()?;
        if done.manifests > 0 {
            done.past = self.telling.tell(&room, name, &plan.past, &plan.tags, is_new)?;
        }
        Ok(done)
    }

    fn imports(&self) -> &Imports {
        &self.tool.house.registry.imports
    }

    fn cx(&self) -> Cx {
        self.tool.cx("import")
    }

    /// Finds the repository, or makes it: as a template says, or plain. Who may run this may do anything.
    fn repository(&self, name: &RepositoryName) -> Result<Option<Repository>, Failure> {
        let (repositories, cx) = (&self.tool.house.registry.repositories, self.cx());
        self.tool.run(async {
            let found = repositories.find(&cx, name).await?;
            if found.is_some() || self.is_dry_run {
                return Ok(found);
            }
            match repositories.create_on_push(&cx, name, |_| true).await {
                Err(fault) if fault.kind == FaultKind::RepositoryNotFound => repositories.create(&cx, name).await,
                created => created,
            }
            .map(Some)
        })
    }
}

impl<'a> Work<'a> {
    /// Takes in the blobs of a batch that were not looked at before.
    fn take_blobs(&mut self, batch: &[&Planned], seen: &mut HashSet<Digest>) -> Result<(), Failure> {
        let all = batch.iter().flat_map(|planned| &planned.blobs);
        let new: Vec<&(Digest, u64)> = all.filter(|(digest, _)| seen.insert(digest.clone())).collect();
        let mut files = Vec::with_capacity(new.len());
        for (digest, length) in new {
            match self.taker.source.path(digest) {
                Ok(path) => {
                    let place = self.place(digest, path);
                    files.push(BlobFile { digest: digest.clone(), length: *length, place });
                }
                Err(error) => self.leave_out_blob(digest, &error.to_string()),
            }
        }
        let came = match &self.repository {
            Some(repository) if !self.taker.is_dry_run => {
                let (taker, cx) = (self.taker, self.taker.cx());
                taker.tool.run(taker.imports().take_blobs(&cx, repository, &files, taker.trust))?
            }
            Some(_) | None => self.look_at_blobs(&files)?,
        };
        for (file, came) in files.iter().zip(came) {
            self.taker.progress.advance(file.length);
            match came {
                BlobTaken::Held => {}
                BlobTaken::Shared => self.done.blobs_mounted += 1,
                BlobTaken::Linked | BlobTaken::Copied => {
                    self.done.blobs_linked += usize::from(came == BlobTaken::Linked);
                    self.done.blobs_sent += 1;
                    self.done.bytes_sent += file.length;
                }
                BlobTaken::Refused(problem) => self.leave_out_blob(&file.digest, &problem),
            }
        }
        Ok(())
    }

    /// Where the bytes of a blob are: in a file, or wherever the source has them.
    fn place(&self, digest: &Digest, path: Option<PathBuf>) -> BlobPlace {
        if let Some(path) = path {
            return BlobPlace::File(path);
        }
        let (source, digest) = (self.taker.source.clone(), digest.clone());
        BlobPlace::Stream(Arc::new(move || match source.open(&digest) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(io::Error::other("it is not there")),
            Err(error) => Err(io::Error::other(error)),
        }))
    }

    fn leave_out_blob(&mut self, digest: &Digest, problem: &str) {
        self.done.left_out.push(Damage::new(format!("blob {digest}"), problem));
        self.bad.insert(digest.clone(), format!("its blob {digest} is left out"));
    }

    /// Says what taking them in would come to; each would be copied, as far as a dry run can tell.
    fn look_at_blobs(&self, files: &[BlobFile]) -> Result<Vec<BlobTaken>, Failure> {
        let look = |file: &BlobFile| {
            if let Some(found) = self.taker.source.look(&file.digest) {
                return Ok(length_problem(found, file.length).map_or(BlobTaken::Copied, BlobTaken::Refused));
            }
            let opened = match self.taker.source.open(&file.digest) {
                Ok(Some(opened)) => opened,
                Ok(None) => return Ok(BlobTaken::Refused("it is not there".into())),
                Err(error) => return Ok(BlobTaken::Refused(error.to_string())),
            };
            if self.taker.trust == Trust::Names {
                return Ok(BlobTaken::Copied);
            }
            let read = io::copy(&mut Checked::new(opened, &file.digest, file.length), &mut io::sink());
            Ok(read.map_or_else(|error| BlobTaken::Refused(error.to_string()), |_| BlobTaken::Copied))
        };
        in_parallel(self.taker.jobs, files, look)
    }

    /// Stores the manifests of a batch, those that list others after them, each with its tags that are new.
    fn put_new(&mut self, batch: &[&Planned]) -> Result<(), Failure> {
        let mut tags_of = TagsOf::new();
        let new = self.plan.tags.iter().filter(|(tag, _)| !self.tags_before.contains_key(*tag));
        new.for_each(|(tag, digest)| tags_of.entry(digest).or_default().push(tag));
        let mut levels: BTreeMap<usize, Vec<&Planned>> = BTreeMap::new();
        batch.iter().for_each(|planned| levels.entry(planned.level).or_default().push(planned));
        for level in levels.into_values() {
            for (planned, problem) in self.put(&level, &tags_of)? {
                match problem {
                    None => {
                        self.done.manifests_sent += 1;
                        self.done.bytes_sent += planned.length;
                    }
                    Some(problem) => {
                        self.done.left_out.push(Damage::new(format!("manifest {}", planned.digest), problem));
                        self.bad.insert(planned.digest.clone(), format!("{} is left out", planned.digest));
                    }
                }
            }
        }
        Ok(())
    }

    /// Stores manifests with tags; returns why not, for each.
    fn put<'p>(
        &mut self,
        level: &[&'p Planned],
        tags_of: &TagsOf<'_>,
    ) -> Result<Vec<(&'p Planned, Option<String>)>, Failure> {
        let read = |planned: &&'p Planned| {
            let body = match planned.problem(&self.bad) {
                Some(problem) => Err(problem),
                None => read_manifest(&**self.taker.source, &planned.digest),
            };
            Ok((*planned, body))
        };
        let (mut came, mut images) = (Vec::new(), Vec::new());
        for (planned, body) in in_parallel(self.taker.jobs, level, read)? {
            let tags: Vec<Tag> = tags_of.get(&planned.digest).into_iter().flatten().map(|tag| (*tag).clone()).collect();
            match body {
                Err(problem) => came.push((planned, Some(problem))),
                Ok(body) => images.push((planned, self.image(planned, body, tags))),
            }
        }
        let Some(repository) = self.repository.as_ref().filter(|_| !self.taker.is_dry_run) else {
            came.extend(images.into_iter().map(|(planned, _)| (planned, None)));
            return Ok(came);
        };
        let (planned, images): (Vec<&Planned>, Vec<ImportedImage>) = images.into_iter().unzip();
        let counts: Vec<usize> = images.iter().map(|image| image.tags.len()).collect();
        let (taker, cx) = (self.taker, self.taker.cx());
        let put = taker.tool.wait(taker.imports().put_images(&cx, repository, images));
        for ((planned, put), count) in planned.into_iter().zip(put).zip(counts) {
            match put {
                Ok(answer) => {
                    self.done.tags_sent += count - answer.quarantined.len();
                    came.push((planned, None));
                }
                Err(fault) if is_of_one(fault.kind) => came.push((planned, Some(fault.message))),
                Err(fault) => return Err(crate::command::tool::fault_failure(fault)),
            }
        }
        Ok(came)
    }

    fn image(&self, planned: &Planned, body: Vec<u8>, tags: Vec<Tag>) -> ImportedImage {
        let now = self.taker.cx().now;
        let believed = |told: Moment| told.believed(now).unwrap_or(Moment::unknown(now));
        let past = &self.plan.past;
        let pushed = past.images.get(&planned.digest).and_then(|image| image.pushed);
        let pushed = pushed.map_or(Moment::unknown(now), believed);
        let when = |tag: &Tag| past.tags.get(tag).and_then(|tag| tag.set).map_or(pushed, believed);
        let dates = ImageDates { pushed, tagged: tags.iter().map(|tag| (tag.clone(), when(tag))).collect() };
        let (digest, media_type) = (planned.digest.clone(), planned.media_type.clone());
        ImportedImage { digest, media_type, body: body.into(), tags, dates }
    }

    /// Points tags at their images that were there before and point elsewhere, and those of images that were there.
    fn point_tags(&mut self) -> Result<(), Failure> {
        let lost = self.plan.tags.iter().filter(|(_, digest)| self.bad.contains_key(*digest));
        let lost = lost
            .map(|(tag, digest)| Damage::new(format!("tag {tag}"), format!("{digest}, which it names, is left out")));
        self.done.left_out.extend(lost);
        let wrong = self.wrong_tags()?;
        let by_digest: HashMap<&Digest, &Planned> =
            self.plan.manifests.iter().map(|planned| (&planned.digest, planned)).collect();
        // One at a time for each image: one that may not be moved keeps no other back.
        for (tag, (digest, _)) in wrong {
            let Some(planned) = by_digest.get(digest) else { continue };
            for (_, problem) in self.put(&[planned], &TagsOf::from([(digest, vec![tag])]))? {
                if let Some(problem) = problem {
                    self.done.left_out.push(Damage::new(format!("tag {tag}"), problem));
                }
            }
        }
        Ok(())
    }

    /// Returns the tags that do not point to what they should and could, with where that is and where they do.
    fn wrong_tags(&self) -> Result<WrongTags<'a>, Failure> {
        let Some(repository) = self.repository.as_ref().filter(|_| !self.taker.is_dry_run) else {
            return Ok(WrongTags::new());
        };
        let tags = self.plan.tags.keys().cloned().collect();
        let mut tags_now = self.taker.tool.run(self.taker.imports().tags(repository, tags))?;
        let could = self.plan.tags.iter().filter(|(_, digest)| !self.bad.contains_key(*digest));
        let now = could.map(|(tag, digest)| (tag, (digest, tags_now.remove(tag))));
        Ok(now.filter(|(_, (digest, now))| now.as_deref() != Some(digest.as_str())).collect())
    }

    /// Asks for everything again: both sets must be equal.
    fn finish(mut self) -> Result<Done, Failure> {
        let manifests: Vec<Digest> = self.plan.manifests.iter().map(|planned| planned.digest.clone()).collect();
        let manifests: Vec<Digest> = manifests.into_iter().filter(|digest| !self.bad.contains_key(digest)).collect();
        let tags = self.plan.tags.values().filter(|digest| !self.bad.contains_key(*digest)).count();
        (self.done.manifests, self.done.tags) = (manifests.len(), tags);
        let Some(repository) = self.repository.as_ref().filter(|_| !self.taker.is_dry_run) else {
            let is_there =
                |tag: &Tag, digest: &Digest| self.tags_before.get(tag).is_some_and(|now| now == digest.as_str());
            let could = self.plan.tags.iter().filter(|(_, digest)| !self.bad.contains_key(*digest));
            self.done.tags_sent = could.filter(|(tag, digest)| !is_there(tag, digest)).count();
            return Ok(self.done);
        };
        let there = self.taker.tool.run(self.taker.imports().held(repository, manifests.clone()))?;
        self.done.manifests_proved = there.len();
        let lost = manifests.iter().filter(|digest| !there.contains(digest));
        let lost = lost.map(|digest| Damage::new(format!("manifest {digest}"), "the data folder does not have it"));
        self.done.left_out.extend(lost);
        let wrong = self.wrong_tags()?;
        self.done.tags_proved = tags - wrong.len();
        for (tag, (digest, now)) in wrong {
            let concerns = format!("tag {tag}");
            // What was refused has been told, and why.
            if self.done.left_out.iter().all(|damage| damage.concerns != concerns) {
                let points = now.map_or_else(|| "to nothing".to_owned(), |now| format!("to {now}"));
                let problem = format!("in the data folder it points {points}, and not to {digest}");
                self.done.left_out.push(Damage::new(concerns, problem));
            }
        }
        Ok(self.done)
    }
}

/// Whether a refusal concerns one image, and the next may go in.
fn is_of_one(kind: FaultKind) -> bool {
    use FaultKind::{
        ImageChanged, LayersNotFound, ManifestInvalid, ManifestTooLarge, ManifestUnsupported, QuotaExceeded,
        ReferencedImagesNotFound, TagImmutable,
    };
    matches!(
        kind,
        ImageChanged
            | LayersNotFound
            | ManifestInvalid
            | ManifestTooLarge
            | ManifestUnsupported
            | QuotaExceeded
            | ReferencedImagesNotFound
            | TagImmutable
    )
}
