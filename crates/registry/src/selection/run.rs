use super::{
    BulkAction, BulkAsked, Chosen, Kept, KeptImage, SelectionStatus,
    acts::{BeginSelection, NoteSelection, REPORTED_FOR},
    status,
};
use crate::{
    archive::{ActivateImage, Archive, ArchiveImage, Archived},
    hold::{HoldImage, ReleaseImage},
    images::Images,
    labels::LabelImage,
    remove::RemoveImage,
    repositories::{self, Repository},
};
use futures_util::future::join_all;
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Reader,
    selections::{self, FINISHED, LeftoverRow, SelectionCounts, SelectionRow},
};
use gantry_oci::Tag;
use gantry_words::Cx;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Images that are worked on at a time: their acts share the disk's work of a commit.
const AT_A_TIME: usize = 16;
/// How often it is written down how far a run is.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// What a run works with.
struct Run<'a, F> {
    images: &'a Images,
    archive: &'a Archive,
    cx: &'a Cx,
    action: BulkAction,
    watches_pulls: bool,
    /// Those that are there still, by their names.
    repositories: BTreeMap<String, Repository>,
    may: F,
}

impl Images {
    /// Does to the images of a list what it was made for, once, and says what has come of it.
    ///
    /// An image that is not as it was chosen is left alone: it has to be there, with the tags that it had, without a pull since
    /// where the query asked about pulls, and with the same labels where it asked about labels. Each is asked for on its own: `may` says whether it may be done now. What
    /// fails is told with the list, and the others go on.
    ///
    /// # Errors
    /// [`FaultKind::SelectionNotFound`], also where it is another's; [`FaultKind::SelectionUsed`].
    pub async fn run_selection(
        &self,
        cx: &Cx,
        archive: &Archive,
        token: &str,
        may: impl Fn(BulkAsked<'_>) -> bool + Send + Sync,
    ) -> Result<SelectionStatus, Fault> {
        let begin = BeginSelection { account: cx.account, actor: cx.actor.clone(), token: token.into() };
        let (row, images) = self.ports.metadata.perform(cx, begin).await?;
        let kept: Kept = serde_json::from_str(&images).map_err(Fault::internal)?;
        let action = serde_json::from_str(&row.action).map_err(Fault::internal)?;
        let names: BTreeSet<&str> = kept.images.iter().map(|image| image.name.as_str()).collect();
        let mut repositories = BTreeMap::new();
        for name in names {
            let parsed = name.parse().map_err(|error| Fault::internal(format!("kept name {name:?}: {error}")))?;
            if let Some(found) = repositories::find(&self.ports, cx.account, &parsed).await? {
                repositories.insert(name.to_string(), found);
            }
        }
        let run = Run { images: self, archive, cx, action, watches_pulls: kept.watches_pulls, repositories, may };
        let counts = run.all(&row, &kept.images).await?;
        self.finished(SelectionRow { counts, state: FINISHED.into(), ..row }).await
    }

    async fn finished(&self, row: SelectionRow) -> Result<SelectionStatus, Fault> {
        let id = row.id.clone();
        let look = move |rows: &mut Reader| selections::leftovers(rows, &id, super::CHOSEN_IMAGES_MAX);
        let leftovers = self.ports.metadata.read_long(look).await?;
        let now = self.ports.env.now();
        status(SelectionRow { ends_at: now.plus(REPORTED_FOR), ..row }, leftovers, now)
    }
}

/// What has come of a run so far, and what of it is not written down yet.
#[derive(Default)]
struct Tally {
    counts: SelectionCounts,
    leftovers: Vec<LeftoverRow>,
}

impl Tally {
    fn add(&mut self, place: usize, image: &KeptImage, came: Result<Vec<Tag>, Fault>) {
        let (outcome, code, message) = match came {
            Ok(waiting) => {
                self.counts.done += 1;
                let Some(tag) = waiting.first() else { return };
                let message = format!("The tag '{}' waits in quarantine until the image passes", tag.as_str());
                ("waiting", "Quarantined".to_string(), message)
            }
            Err(fault) if fault.kind == FaultKind::ImageChanged => {
                self.counts.changed += 1;
                ("changed", format!("{:?}", fault.kind), fault.message)
            }
            Err(fault) => {
                self.counts.failed += 1;
                if fault.kind == FaultKind::Internal {
                    tracing::error!(error = ?fault, "it could not be done to {} of {}", image.digest, image.name);
                }
                ("failed", format!("{:?}", fault.kind), fault.message)
            }
        };
        let (repository, digest, outcome) = (image.name.clone(), image.digest.clone(), outcome.to_string());
        self.leftovers.push(LeftoverRow { place: place as u64, repository, digest, outcome, code, message });
    }
}

/// Whether an image may go when what it belongs to is gone.
fn may_go_later(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::ImageReferenced | FaultKind::StorageClassUpdateUnsupported)
}

impl<F: Fn(BulkAsked<'_>) -> bool + Send + Sync> Run<'_, F> {
    /// Works through a list: indexes before what belongs to them.
    async fn all(&self, row: &SelectionRow, images: &[KeptImage]) -> Result<SelectionCounts, Fault> {
        let (env, mut tally) = (&self.images.ports.env, Tally::default());
        let mut noted_at = env.elapsed();
        let (first, last): (Vec<usize>, Vec<usize>) = (0..images.len()).partition(|place| !images[*place].is_child);
        let mut left = [first, last].concat();
        while !left.is_empty() {
            let (count, mut later) = (left.len(), Vec::new());
            for some in left.chunks(AT_A_TIME) {
                // What comes too early, beside the index that it belongs to, is tried again.
                for (place, came) in self.some(images, some).await {
                    match came {
                        Err(fault) if may_go_later(&fault) => later.push((place, fault)),
                        came => tally.add(place, &images[place], came),
                    }
                }
                if env.elapsed().saturating_sub(noted_at) >= NOTE_EVERY {
                    // How far it is matters less than that it goes on.
                    if let Err(fault) = self.note(row, &mut tally, false).await {
                        tracing::warn!(error = ?fault, "it cannot be written down how far a list of images is: {fault}");
                    }
                    noted_at = env.elapsed();
                }
            }
            if later.len() < count {
                left = later.into_iter().map(|(place, _)| place).collect();
                continue;
            }
            for (place, fault) in later {
                tally.add(place, &images[place], Err(fault));
            }
            break;
        }
        self.note(row, &mut tally, true).await?;
        Ok(tally.counts)
    }

    async fn some(&self, images: &[KeptImage], places: &[usize]) -> Vec<(usize, Result<Vec<Tag>, Fault>)> {
        let came = join_all(places.iter().map(|place| self.one(&images[*place]))).await;
        places.iter().copied().zip(came).collect()
    }

    async fn note(&self, row: &SelectionRow, tally: &mut Tally, is_finished: bool) -> Result<(), Fault> {
        let (token, leftovers) = (row.id.clone(), tally.leftovers.clone());
        let note = NoteSelection { token, counts: tally.counts, leftovers, is_finished };
        self.images.ports.metadata.perform(&self.cx(), note).await?;
        tally.leftovers.clear();
        Ok(())
    }

    /// Who acts, at the present time: a run may take minutes.
    fn cx(&self) -> Cx {
        Cx { now: self.images.ports.env.now(), ..self.cx.clone() }
    }

    /// Does it to one image, by the act that does it to a single one. Returns tags that wait in quarantine.
    async fn one(&self, image: &KeptImage) -> Result<Vec<Tag>, Fault> {
        let chosen = Chosen::read(image, self.watches_pulls)?;
        let found = self.repositories.get(&image.name).filter(|found| found.id == image.repository);
        let Some(repository) = found else {
            let message = format!("The repository '{}' is not the one that the image was chosen in", image.name);
            return Err(Fault::new(FaultKind::ImageChanged, message));
        };
        let asked =
            BulkAsked { action: &self.action, repository: &repository.name, digest: &image.digest, tags: &image.tags };
        if !(self.may)(asked) {
            let message = format!("You may not do that to {} of the repository '{}'", image.digest, repository.name);
            return Err(Fault::new(FaultKind::AccessDenied, message));
        }
        match &self.action {
            BulkAction::Delete => self.delete(repository, chosen).await.map(|()| vec![]),
            BulkAction::Tag { tag } => {
                let tag = tag.tag(&image.digest);
                let tag = tag.map_err(|error| Fault::new(FaultKind::TagInvalid, error.to_string()))?;
                self.images.tag_chosen(&self.cx(), repository, tag, chosen).await
            }
            BulkAction::Label { labels } => {
                let (name, digest, change) = (repository.name.clone(), chosen.digest.clone(), labels.clone());
                let act = LabelImage { repository: repository.id, name, digest, change };
                let labelled = self.images.ports.metadata.perform(&self.cx(), chosen.still(repository.id, act)).await;
                labelled.map(|()| vec![])
            }
            BulkAction::Archive => self.archive(repository, chosen).await.map(|()| vec![]),
            BulkAction::Restore => self.restore(repository, chosen).await.map(|()| vec![]),
            BulkAction::Hold { .. } | BulkAction::Release => self.hold(repository, chosen).await.map(|()| vec![]),
        }
    }

    async fn delete(&self, repository: &Repository, chosen: Chosen) -> Result<(), Fault> {
        let (digest, ports) = (chosen.digest.clone(), &self.images.ports);
        let act = RemoveImage {
            repository: repository.id,
            name: repository.name.clone(),
            digest: digest.clone(),
            is_kept: ports.keeps_trash(),
            rule: None,
            actor: self.cx.actor.clone(),
            request_id: self.cx.request_id,
        };
        let removed = ports.metadata.perform(&self.cx(), chosen.still(repository.id, act)).await.map(Some);
        self.images.forget(repository, Some(&digest), removed).map(drop)
    }

    async fn archive(&self, repository: &Repository, chosen: Chosen) -> Result<(), Fault> {
        let (name, digest) = (repository.name.clone(), chosen.digest.clone());
        let act = ArchiveImage { repository: repository.id, name, digest, rule: None };
        let archived = self.images.ports.metadata.perform(&self.cx(), chosen.still(repository.id, act)).await;
        match &archived {
            Err(fault) if fault.kind == FaultKind::ImageChanged || may_go_later(fault) => {}
            archived => self.archive.forget(repository, archived.as_ref().ok()),
        }
        archived.map(drop)
    }

    async fn restore(&self, repository: &Repository, chosen: Chosen) -> Result<(), Fault> {
        let act =
            ActivateImage { repository: repository.id, name: repository.name.clone(), digest: chosen.digest.clone() };
        self.images.ports.metadata.perform(&self.cx(), chosen.still(repository.id, act)).await?;
        // Nothing is to be forgotten, but its bytes are to come.
        self.archive.forget(repository, Some(&Archived::default()));
        Ok(())
    }

    async fn hold(&self, repository: &Repository, chosen: Chosen) -> Result<(), Fault> {
        let (id, name, digest) = (repository.id, repository.name.clone(), chosen.digest.clone());
        let metadata = &self.images.ports.metadata;
        if let BulkAction::Hold { reason } = &self.action {
            let (reason, actor) = (reason.clone(), self.cx.actor.clone());
            let act = HoldImage { repository: id, name, digest, reason, actor };
            return metadata.perform(&self.cx(), chosen.still(id, act)).await;
        }
        metadata.perform(&self.cx(), chosen.still(id, ReleaseImage { repository: id, name, digest })).await
    }
}
