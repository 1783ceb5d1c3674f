use gantry_fault::Fault;
use gantry_metadata::{Act, Locks, Reader, Trail, Tx, archive as archive_rows, archive::Need, blobs, blobs::CopyRow};
use gantry_words::Timestamp;

/// Which way the bytes of a blob go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToArchive,
    ToStandard,
}

/// The copies of a blob in one encryption, and who needs them.
pub(crate) type Standing = (Option<CopyRow>, Option<CopyRow>, Need);

/// Reads the copies of a blob in each encryption.
pub(crate) fn standings(rows: &mut Reader, digest: &str) -> Result<Vec<Standing>, Fault> {
    let domains = blobs::domains(rows, digest)?;
    let each = domains.iter().map(|domain| {
        let standard = blobs::present_copy(rows, digest, domain)?;
        Ok((standard, blobs::archived_copy(rows, digest, domain)?, archive_rows::need(rows, digest, domain)?))
    });
    each.collect()
}

/// Says which copy of a blob has to move, and where to: into the archive where only archived manifests name it and no push is
/// about to, out of it where another one does.
pub(crate) fn direction((standard, archived, need): Standing) -> Option<(CopyRow, Direction)> {
    match (standard, archived) {
        (Some(copy), _) if copy.link_count > 0 && need.named == 0 && need.unnamed == 0 => {
            Some((copy, Direction::ToArchive))
        }
        (None, Some(copy)) if need.named > 0 => Some((copy, Direction::ToStandard)),
        _ => None,
    }
}

/// The act that lets every link of a blob go over to bytes in the other storage class, which are durable. Answers whether it
/// did: what was asked for may have changed meanwhile. Without such bytes it only notes that nothing is to be done.
pub(crate) struct MoveBlob {
    pub(crate) digest: String,
    /// The copy that moves, where to, and the number and the place of the new one.
    pub(crate) to: Option<(i64, Direction, i64, String)>,
}

pub(crate) struct MoveSeen {
    standings: Vec<Standing>,
    /// Whether every repository that links it is locked.
    is_locked: bool,
    /// From when on it is to be looked at: a client that is about to push an image of it was told that it is here.
    asked_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MovePlan {
    /// It is where it belongs.
    Settle,
    /// Something has changed: another round looks again.
    Again,
    /// From the copy of this number to the new one; whether nothing is left to be moved then.
    Move(i64, Box<CopyRow>, bool, Timestamp),
}

impl Act for MoveBlob {
    type Seen = MoveSeen;
    type Plan = MovePlan;
    type Answer = bool;
    const NAME: &'static str = "registry.move_blob";
    const TRAIL: Trail = Trail::Housekeeping;
    const LOCKS: Locks = Locks::Unlocked("the first question says what to lock; it is asked again behind the locks");

    fn gather(&self, rows: &mut Reader) -> Result<MoveSeen, Fault> {
        let repositories = archive_rows::repositories(rows, &self.digest)?;
        for repository in &repositories {
            rows.lock(&format!("repository {repository}"))?;
        }
        rows.lock(&format!("blob {}", self.digest))?;
        let now = archive_rows::repositories(rows, &self.digest)?;
        Ok(MoveSeen {
            standings: standings(rows, &self.digest)?,
            asked_at: archive_rows::asked_at(rows, &self.digest)?,
            is_locked: now.iter().all(|repository| repositories.contains(repository)),
        })
    }

    fn decide(&self, seen: MoveSeen, now: Timestamp) -> Result<MovePlan, Fault> {
        if !seen.is_locked || seen.asked_at.is_some_and(|at| at > now) {
            return Ok(MovePlan::Again);
        }
        let mut wanted: Vec<_> = seen.standings.into_iter().filter_map(direction).collect();
        if wanted.is_empty() {
            return Ok(MovePlan::Settle);
        }
        let Some((copy, direction, id, location)) = &self.to else { return Ok(MovePlan::Again) };
        let Some(at) = wanted.iter().position(|(from, wanted)| (from.id, *wanted) == (*copy, *direction)) else {
            return Ok(MovePlan::Again);
        };
        let (from, _) = wanted.swap_remove(at);
        let storage_class = match direction {
            Direction::ToArchive => "ARCHIVE",
            Direction::ToStandard => "STANDARD",
        };
        let to = CopyRow { id: *id, location: location.clone(), storage_class: storage_class.into(), ..from };
        Ok(MovePlan::Move(*copy, Box::new(to), wanted.is_empty(), now))
    }

    fn apply(&self, tx: &mut Tx, plan: MovePlan) -> Result<bool, Fault> {
        match plan {
            MovePlan::Again => Ok(false),
            MovePlan::Settle => archive_rows::settle(tx, &self.digest).map(|()| false),
            MovePlan::Move(old, to, is_last, at) => {
                blobs::set_copy_count(tx, old, 0)?;
                blobs::set_copy_state(tx, old, "deleting")?;
                blobs::insert_copy(tx, &to, at)?;
                blobs::repoint(tx, old, to.id, &self.digest)?;
                if is_last {
                    archive_rows::settle(tx, &self.digest)?;
                }
                Ok(true)
            }
        }
    }
}
