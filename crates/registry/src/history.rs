use crate::{Images, Repository, Trash, ports::Ports};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Reader, manifests, tags, trash};
use gantry_oci::{Digest, Reference, Tag};
use gantry_words::{Cx, Page, Timestamp};
use std::sync::Arc;

/// The room of tags that moved: their history, and the way back.
#[derive(Clone)]
pub struct Tags {
    ports: Arc<Ports>,
    images: Images,
    trash: Trash,
}

/// A move of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagMove {
    /// Its number: later moves have greater ones.
    pub id: i64,
    /// Where the tag pointed before; `None` where it is new.
    pub from: Option<String>,
    /// Where it has pointed since; `None` where it was removed.
    pub to: Option<String>,
    /// When it was moved.
    pub at: Timestamp,
    /// Who moved it.
    pub actor: String,
    /// The request that did.
    pub request_id: String,
}

/// How far back a tag goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Back {
    /// So many moves, at least one: to where it pointed before the last, the last but one, …
    Steps(usize),
    /// To an image that it once pointed to.
    To(Digest),
}

impl Tags {
    pub(crate) fn new(ports: Arc<Ports>, images: Images, trash: Trash) -> Self {
        Tags { ports, images, trash }
    }

    /// Returns up to `count` moves of a tag, the last first; behind the move `before` where given.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`] where there never was such a tag.
    pub async fn history(
        &self,
        repository: &Repository,
        tag: &Tag,
        before: Option<i64>,
        count: usize,
    ) -> Result<Page<TagMove>, Fault> {
        let moves = self.moves(repository.id, tag, before.unwrap_or(i64::MAX), count + 1).await?;
        if moves.is_empty() && before.is_none() {
            return Err(never_was(repository, tag));
        }
        Ok(Page::cut(moves, count))
    }

    /// Moves a tag to where it pointed before, and returns that. It is a move like any other, so the next one may undo it.
    /// The image is taken out of the trash where it is there, without its other tags. To where the tag pointed only in
    /// another registry, of which an import told, it goes like a push: it may have to wait in quarantine.
    ///
    /// # Errors
    /// [`FaultKind::ImageNotFound`] where the tag never was, never pointed there, or the image is gone; whatever forbids to
    /// move the tag.
    pub async fn rollback(&self, cx: &Cx, repository: &Repository, tag: &Tag, back: Back) -> Result<Digest, Fault> {
        let digest = match back {
            Back::Steps(steps) => {
                let moves = self.moves(repository.id, tag, i64::MAX, steps.max(1)).await?;
                choose(repository, tag, &moves, steps.max(1))?
            }
            Back::To(digest) => {
                let (id, name, wanted) = (repository.id, tag.clone(), digest.clone());
                let look = move |rows: &mut Reader| tags::has_pointed_to(rows, id, name.as_str(), wanted.as_str());
                if !self.ports.metadata.read_long(look).await? {
                    let message = format!(
                        "The tag '{tag}' of the repository '{}' never pointed to {digest}; see where it did with: gantry tag \
                         history {}:{tag}, or point it anywhere with: gantry image tag",
                        repository.name, repository.name
                    );
                    return Err(Fault::new(FaultKind::ImageNotFound, message));
                }
                digest
            }
        };
        self.take_out(cx, repository, tag, &digest).await?;
        let to = Reference::Digest(digest.clone());
        let image = self.images.load(cx, repository, &to).await?;
        // The same act as a push of the same bytes, but it does not wait: a way back is asked for when something is on fire. Of
        // what only an import tells nobody has ever judged whether the tag may point there.
        let may_wait = !self.has_pointed_here(repository.id, tag, &digest).await?;
        self.images.point(cx, repository, tag.clone(), image, may_wait).await?;
        Ok(digest)
    }

    async fn has_pointed_here(&self, repository: i64, tag: &Tag, digest: &Digest) -> Result<bool, Fault> {
        let (name, wanted) = (tag.clone(), digest.clone());
        let look = move |rows: &mut Reader| tags::has_pointed_to_here(rows, repository, name.as_str(), wanted.as_str());
        self.ports.metadata.read_long(look).await
    }

    /// Sees to it that an image lives: where it is in the trash it comes back, without its tags.
    async fn take_out(&self, cx: &Cx, repository: &Repository, tag: &Tag, digest: &Digest) -> Result<(), Fault> {
        let (id, wanted) = (repository.id, digest.clone());
        let look = move |rows: &mut Reader| {
            let lives = manifests::find(rows, id, wanted.as_str())?.is_some();
            Ok((lives, trash::find(rows, id, wanted.as_str())?.is_some()))
        };
        match self.ports.metadata.read(look).await? {
            (true, _) => Ok(()),
            (false, true) => {
                let digest = digest.to_string();
                self.trash.restore_in(cx, repository.id, &repository.name, digest, false).await.map(drop)
            }
            (false, false) => {
                let message = format!(
                    "The tag '{tag}' of the repository '{}' pointed to {digest}, but that image is gone: it was deleted, and \
                     is no longer in the trash. Push it again, or go further back",
                    repository.name
                );
                Err(Fault::new(FaultKind::ImageNotFound, message))
            }
        }
    }

    async fn moves(&self, repository: i64, tag: &Tag, before: i64, count: usize) -> Result<Vec<TagMove>, Fault> {
        let name = tag.clone();
        let look = move |rows: &mut Reader| tags::moves(rows, repository, name.as_str(), before, count);
        let rows = self.ports.metadata.read_long(look).await?;
        let moved = |row: tags::HistoryRow| TagMove {
            id: row.id,
            from: row.previous,
            to: row.digest,
            at: row.at,
            actor: row.actor,
            request_id: row.request_id,
        };
        Ok(rows.into_iter().map(moved).collect())
    }
}

/// Returns where a tag pointed before the last `steps` of its `moves`, which come the last first.
fn choose(repository: &Repository, tag: &Tag, moves: &[TagMove], steps: usize) -> Result<Digest, Fault> {
    let Some(first) = moves.get(steps - 1) else {
        if moves.is_empty() {
            return Err(never_was(repository, tag));
        }
        let message = format!(
            "The tag '{tag}' of the repository '{}' has moved {} times, not {steps}; see its moves with: gantry tag history {}:{tag}",
            repository.name,
            moves.len(),
            repository.name
        );
        return Err(Fault::new(FaultKind::InvalidParameter, message));
    };
    match &first.from {
        Some(digest) => crate::images::parse_digest(digest),
        None => {
            let message = format!(
                "The tag '{tag}' of the repository '{}' did not exist before {}; remove it with: gantry image rm {}:{tag}",
                repository.name, first.at, repository.name
            );
            Err(Fault::new(FaultKind::ImageNotFound, message))
        }
    }
}

fn never_was(repository: &Repository, tag: &Tag) -> Fault {
    let message = format!("The repository '{}' never had a tag '{tag}'", repository.name);
    Fault::new(FaultKind::ImageNotFound, message)
}

#[cfg(test)]
mod tests;
