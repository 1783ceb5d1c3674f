use crate::{
    quotas::{self, Adds, Blob, Reached},
    repositories,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{
    Act, Locks, Reader, Trail, Tx, archive as archive_rows, blobs, manifests, quotas as quota_rows,
    repositories as repository_rows, site_settings, uploads, usage,
};
use gantry_oci::Digest;
use gantry_words::{AccountId, RepositoryName, Timestamp};
use std::time::Duration;

/// The act that makes a blob visible in a repository: by bytes that have just been stored, by a copy that is there
/// already, or by the link of another repository (a mount).
#[derive(Clone, Debug)]
pub(crate) struct LinkBlob {
    pub(crate) account: AccountId,
    pub(crate) repository: i64,
    pub(crate) name: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// The encryption of the repository: only copies of the same are linked. Empty where it is plain.
    pub(crate) domain: String,
    pub(crate) from: Source,
    /// The upload that ends with this.
    pub(crate) upload: Option<String>,
    /// The revision of the upload that must still be the last; `None` where no other server can write to it.
    pub(crate) hold: Option<i64>,
    /// For how long it stays at hand though only archived manifests name it.
    pub(crate) grace: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Bytes that are durable at `location`, to become the copy `id`.
    New { id: i64, location: String, sealed: Option<blobs::SealedRow> },
    /// Whatever copy is there.
    Present,
    /// The copy another repository links.
    Repository(i64),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) repository_exists: bool,
    pub(crate) upload_exists: bool,
    pub(crate) present: Option<blobs::CopyRow>,
    pub(crate) absent: Vec<blobs::CopyRow>,
    pub(crate) link: Option<blobs::LinkRow>,
    /// The only repository that links the present copy, where that is another.
    pub(crate) sole_holder: Option<i64>,
    /// Manifests that name the blob though it is not linked yet: a nondistributable layer may come after them.
    pub(crate) named_by: manifests::Naming,
    pub(crate) source_link: Option<blobs::LinkRow>,
    /// The quotas that a new link has to be within.
    pub(crate) quotas: Vec<quota_rows::QuotaRow>,
    /// How many bytes these keep for the upload that ends with it.
    pub(crate) reserved_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// There is no copy to link to: the bytes are needed.
    NeedBytes,
    Link(Box<Linking>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linking {
    /// The copy to write; `None` where one is there.
    new_copy: Option<(i64, String, Option<blobs::SealedRow>)>,
    /// The copy the link points to.
    copy: i64,
    /// Whether one of them was in the archive. Where nobody comes to need it, it goes back there.
    is_back: bool,
    /// Copies that are corrupt or in the archive, whose links move to `copy`, with how many each has.
    healed: Vec<(i64, i64)>,
    /// The link that the repository gets; `None` where its link is renewed.
    new_link: Option<blobs::LinkRow>,
    /// The repository that linked the copy alone until now.
    sharer: Option<i64>,
    /// Whether nobody else links the copy then.
    is_unique: bool,
    /// What is to be told of quotas.
    reached: Vec<Reached>,
    /// Whether they keep room for the upload that ends.
    gives_back: bool,
    size: i64,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    /// Visible. `is_new_copy_used` is false where the bytes brought along were not needed, and may go.
    Done { is_new_copy_used: bool },
    /// Nothing was changed: there is no copy, bring the bytes.
    NeedBytes,
}

impl Act for LinkBlob {
    type Seen = Seen;
    type Plan = Plan;
    type Answer = Linked;
    const NAME: &'static str = "registry.link_blob";
    const TRAIL: Trail = Trail::Kept;

    fn gather(&self, rows: &mut Reader) -> Result<Seen, Fault> {
        let digest = self.digest.as_str();
        rows.lock(&format!("repository {}", self.repository))?;
        rows.lock(&format!("blob {digest}"))?;
        if let (Some(id), Some(_)) = (&self.upload, self.hold) {
            rows.lock(&format!("upload {id}"))?;
        }
        let link = blobs::link(rows, self.repository, digest)?;
        let source_link = match self.from {
            Source::Repository(source) => blobs::link(rows, source, digest)?,
            Source::New { .. } | Source::Present => None,
        };
        let repository = repository_rows::by_id(rows, self.repository)?;
        let quotas = match &repository {
            Some(repository) if link.is_none() => {
                quotas::gather(rows, repository, Blob { digest, domain: &self.domain })?
            }
            Some(_) | None => vec![],
        };
        let upload = match &self.upload {
            Some(id) => uploads::find(rows, id)?,
            None => None,
        };
        let is_ours = |row: &uploads::UploadRow| self.hold.is_none_or(|hold| hold == row.revision);
        let present = blobs::present_copy(rows, digest, &self.domain)?;
        let is_shared_now = |copy: &&blobs::CopyRow| link.is_none() && copy.link_count == 1;
        let sole_holder = match present.as_ref().filter(is_shared_now) {
            Some(copy) => usage::sole_holder(rows, digest, copy.id)?,
            None => None,
        };
        Ok(Seen {
            repository_exists: repository.is_some(),
            upload_exists: self.upload.is_none() || upload.as_ref().is_some_and(is_ours),
            reserved_bytes: upload.map_or(0, |row| row.reserved_bytes),
            present,
            sole_holder,
            absent: blobs::absent_copies(rows, digest, &self.domain)?,
            named_by: match link {
                None => manifests::naming(rows, self.repository, digest)?,
                Some(_) => manifests::Naming::default(),
            },
            link,
            source_link,
            quotas,
        })
    }

    fn decide(&self, seen: Seen, now: Timestamp) -> Result<Plan, Fault> {
        if !seen.repository_exists {
            return Err(repositories::not_found(&self.name, self.account));
        }
        if !seen.upload_exists {
            let message =
                "The upload has expired, was cancelled or taken over while its last bytes arrived; start a new one";
            return Err(Fault::new(FaultKind::UploadNotFound, message));
        }
        if matches!(self.from, Source::Repository(_)) && seen.source_link.is_none() {
            return Ok(Plan::NeedBytes);
        }
        let (new_copy, copy) = match (&seen.present, &self.from) {
            (Some(copy), _) => (None, copy.id),
            (None, Source::New { id, location, sealed }) => (Some((*id, location.clone(), sealed.clone())), *id),
            (None, Source::Present | Source::Repository(_)) => return Ok(Plan::NeedBytes),
        };
        let size = seen.present.as_ref().map_or(self.size as i64, |copy| copy.size);
        let bytes = if seen.link.is_none() { u64::try_from(size).unwrap_or(0) } else { 0 };
        let reached = quotas::decide(&seen.quotas, Adds { bytes, images: 0, released: seen.reserved_bytes })?;
        let is_linked = |copy: &&blobs::CopyRow| copy.link_count > 0;
        let healed: Vec<_> = seen.absent.iter().filter(is_linked).map(|copy| (copy.id, copy.link_count)).collect();
        let is_back = seen.absent.iter().any(|copy| copy.link_count > 0 && copy.storage_class == "ARCHIVE");
        // Links that move are counted by themselves, before and after.
        let is_first = healed.is_empty() && seen.present.as_ref().is_none_or(|copy| copy.link_count == 0);
        let new_link = seen.link.is_none().then(|| blobs::LinkRow {
            digest: self.digest.as_str().into(),
            size,
            copy,
            manifest_count: seen.named_by.manifests,
            archived_count: seen.named_by.archived,
            candidate_since: (seen.named_by.manifests == 0).then_some(now),
        });
        Ok(Plan::Link(Box::new(Linking {
            new_copy,
            copy,
            is_back,
            sharer: seen.sole_holder.filter(|_| healed.is_empty()),
            is_unique: new_link.is_some() && is_first,
            healed,
            new_link,
            reached,
            gives_back: seen.reserved_bytes > 0,
            size,
            at: now,
        })))
    }

    fn apply(&self, tx: &mut Tx, plan: Plan) -> Result<Linked, Fault> {
        let Plan::Link(plan) = plan else { return Ok(Linked::NeedBytes) };
        let digest = self.digest.as_str();
        let links = i64::from(plan.new_link.is_some()) + plan.healed.iter().map(|(_, links)| links).sum::<i64>();
        let healed = || plan.healed.iter().map(|(copy, _)| *copy).chain([plan.copy]);
        if !plan.healed.is_empty() {
            usage::count_unique(tx, healed(), -1)?;
        }
        match &plan.new_copy {
            Some((id, location, sealed)) => {
                let copy = blobs::CopyRow {
                    id: *id,
                    digest: digest.into(),
                    size: plan.size,
                    location: location.clone(),
                    state: "present".into(),
                    link_count: links,
                    storage_class: "STANDARD".into(),
                    sealed: sealed.clone(),
                };
                blobs::insert_copy(tx, &copy, plan.at)?;
            }
            None if links > 0 => blobs::count_copy(tx, plan.copy, links)?,
            None => {}
        }
        for (old, links) in &plan.healed {
            blobs::repoint(tx, *old, plan.copy, digest)?;
            blobs::count_copy(tx, *old, -links)?;
            blobs::set_copy_state(tx, *old, "deleting")?;
        }
        if plan.is_back {
            archive_rows::ask_from(tx, [digest], plan.at.plus(self.grace))?;
        }
        if let Some(link) = &plan.new_link {
            self.count(tx, &plan)?;
            blobs::insert_link(tx, self.repository, link)?;
        } else {
            blobs::touch(tx, self.repository, digest, plan.at)?;
        }
        if !plan.healed.is_empty() {
            usage::count_unique(tx, healed(), 1)?;
        }
        if let Some(link) = &plan.new_link {
            quota_rows::count_linked(tx, self.repository, link.size, [link.copy])?;
        }
        for reached in &plan.reached {
            tx.event(reached.event(self.repository))?;
        }
        match &self.upload {
            Some(upload) if plan.gives_back => uploads::delete(tx, upload)?,
            Some(upload) => uploads::delete_unreserved(tx, upload)?,
            None => {}
        }
        Ok(Linked::Done { is_new_copy_used: plan.new_copy.is_some() })
    }
}

impl LinkBlob {
    /// Counts the new link: its bytes here, and where they were alone until now.
    fn count(&self, tx: &mut Tx, plan: &Linking) -> Result<(), Fault> {
        let unique_bytes = if plan.is_unique { plan.size } else { 0 };
        let counts = repository_rows::Counts { blob_bytes: plan.size, unique_bytes, ..Default::default() };
        // In the order of their numbers: two that link each other's blobs would wait for each other for ever.
        let (before, after) = match plan.sharer {
            Some(sharer) if sharer < self.repository => (Some(sharer), None),
            sharer => (None, sharer),
        };
        if let Some(sharer) = before {
            usage::add_unique(tx, sharer, -plan.size)?;
        }
        repository_rows::count(tx, self.repository, counts)?;
        match after {
            Some(sharer) => usage::add_unique(tx, sharer, -plan.size),
            None => Ok(()),
        }
    }
}

/// The act that renews the grace time of a blob that a client has just been told of: of a candidate before it is collected,
/// and of one that only archived manifests name before it follows them. Answers whether it is here.
pub(crate) struct TouchLink {
    pub(crate) repository: i64,
    pub(crate) digest: Digest,
    /// For how long it stays at hand though only archived manifests name it.
    pub(crate) grace: Duration,
}

/// A blob that was found, and how it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// As a candidate, from now on.
    Renew(Timestamp),
    /// At hand, until then.
    KeepAtHand(Timestamp),
}

impl Act for TouchLink {
    type Seen = Option<blobs::LocatedRow>;
    type Plan = Option<Touch>;
    type Answer = bool;
    const NAME: &'static str = "registry.touch_link";
    const TRAIL: Trail = Trail::Housekeeping;

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        rows.lock(&format!("repository {}", self.repository))?;
        blobs::located(rows, self.repository, self.digest.as_str())
    }

    fn decide(&self, seen: Self::Seen, now: Timestamp) -> Result<Option<Touch>, Fault> {
        let found = seen.filter(blobs::LocatedRow::is_at_hand);
        Ok(found.map(|found| match found.link.is_archived() {
            true => Touch::KeepAtHand(now.plus(self.grace)),
            false => Touch::Renew(now),
        }))
    }

    fn apply(&self, tx: &mut Tx, plan: Option<Touch>) -> Result<bool, Fault> {
        match plan {
            Some(Touch::Renew(now)) => blobs::touch(tx, self.repository, self.digest.as_str(), now)?,
            Some(Touch::KeepAtHand(until)) => archive_rows::ask_from(tx, [self.digest.as_str()], until)?,
            None => {}
        }
        Ok(plan.is_some())
    }
}

/// What is written whenever a copy is found corrupt, a new number each time: a server that remembers where blobs lie looks
/// at it, since it may have been another process that found it.
pub(crate) const CORRUPTION: &str = "corruption-found";

/// The act that takes a copy out of service: its bytes are missing or wrong. The next push of the digest heals it.
pub(crate) struct MarkCorrupt {
    pub(crate) location: String,
}

impl Act for MarkCorrupt {
    type Seen = Option<blobs::CopyRow>;
    type Plan = Option<i64>;
    type Answer = bool;
    const NAME: &'static str = "registry.mark_corrupt";
    const LOCKS: Locks = Locks::Unlocked("the first question says what to lock; it is asked again behind the lock");

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        let Some(copy) = blobs::copy_at(rows, &self.location)? else { return Ok(None) };
        rows.lock(&format!("blob {}", copy.digest))?;
        blobs::copy_at(rows, &self.location)
    }

    fn decide(&self, seen: Self::Seen, _now: Timestamp) -> Result<Option<i64>, Fault> {
        Ok(seen.filter(|copy| copy.state == "present").map(|copy| copy.id))
    }

    fn apply(&self, tx: &mut Tx, plan: Option<i64>) -> Result<bool, Fault> {
        if let Some(id) = plan {
            blobs::set_copy_state(tx, id, "corrupt")?;
            let (mark, now) = (tx.fresh_id().to_string(), tx.now());
            site_settings::put(tx, CORRUPTION, &mark, now)?;
        }
        Ok(plan.is_some())
    }
}

/// The act that takes a copy into service again that was found corrupt: its bytes are whole after all. Answers whether it
/// did: a push may have healed the blob meanwhile.
pub(crate) struct MarkWhole {
    pub(crate) location: String,
}

impl Act for MarkWhole {
    type Seen = (Option<blobs::CopyRow>, bool);
    type Plan = Option<i64>;
    type Answer = bool;
    const NAME: &'static str = "registry.mark_whole";
    const LOCKS: Locks = Locks::Unlocked("the first question says what to lock; it is asked again behind the lock");

    fn gather(&self, rows: &mut Reader) -> Result<Self::Seen, Fault> {
        let Some(copy) = blobs::copy_at(rows, &self.location)? else { return Ok((None, false)) };
        rows.lock(&format!("blob {}", copy.digest))?;
        let is_another_present = blobs::present_copy(rows, &copy.digest, copy.domain())?.is_some();
        Ok((blobs::copy_at(rows, &self.location)?, is_another_present))
    }

    fn decide(&self, (copy, is_another_present): Self::Seen, _now: Timestamp) -> Result<Option<i64>, Fault> {
        Ok(copy.filter(|copy| copy.state == "corrupt" && !is_another_present).map(|copy| copy.id))
    }

    fn apply(&self, tx: &mut Tx, plan: Option<i64>) -> Result<bool, Fault> {
        if let Some(id) = plan {
            blobs::set_copy_state(tx, id, "present")?;
        }
        Ok(plan.is_some())
    }
}
