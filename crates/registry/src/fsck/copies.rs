//! The bytes of each copy: whole, damaged, or whole again.

use super::{BATCH, Fsck, FsckOptions, FsckProgress, FsckReport};
use crate::{
    admit::{parse_key, store_fault, take_out},
    caches::PLACES_BELIEVED,
    images::{parse_digest, store_algorithm},
    keys::Unopened,
    link::MarkWhole,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::blobs;
use gantry_oci::Digest;
use gantry_store::{Error as StoreError, Key, Whereabouts};
use gantry_words::Cx;

/// What a look at the bytes of a copy has shown.
#[derive(PartialEq, Eq)]
enum Bytes {
    Whole,
    Wrong(String),
    /// Nothing: the key is off, or not here.
    Unknown,
    /// Nothing: the disk does not give them out.
    Unreadable(String),
}

/// What is said of a copy that is not served, or not as it should be.
enum Problem {
    Damage(String),
    /// They may be whole: a cable is loose, or another disk is in its place.
    Unreadable(String),
}

impl Fsck {
    /// Each copy that metadata knows has its bytes in the store.
    pub(super) async fn check_copies(
        &self,
        cx: &Cx,
        options: FsckOptions,
        report: &mut FsckReport,
        progress: &(impl Fn(FsckProgress) + Send + Sync),
    ) -> Result<(), Fault> {
        let bytes_total = self.ports.metadata.read_long(blobs::stored).await?.bytes;
        let hear = |bytes, blobs| progress(FsckProgress { bytes, blobs, bytes_total });
        let mut after = 0;
        let mut is_any_taken_out = false;
        loop {
            let copies = self.ports.metadata.read_long(move |rows| blobs::each_copy(rows, after, BATCH)).await?;
            let Some(last) = copies.last() else { break };
            after = last.id;
            for copy in &copies {
                let problem = match copy.state.as_str() {
                    "present" => self.check_copy(cx, copy, options, report, &hear).await?,
                    "corrupt" => self.look_again(cx, copy, options, report, &hear).await?,
                    _ => None,
                };
                match problem {
                    None => {}
                    // Taken out of service only where that is asked for: then a push can heal it, and the next repair serves it
                    // again if the disk has come back.
                    Some(Problem::Unreadable(problem)) if !options.repair => {
                        let advice = "look after the disk; where it does not come back, --repair takes it out of service, \
                                      and a push heals it";
                        report
                            .note_unreadable(format!("blob {} at {}: {problem}; {advice}", copy.digest, copy.location));
                    }
                    Some(Problem::Damage(problem) | Problem::Unreadable(problem)) => {
                        is_any_taken_out = true;
                        self.report_copy(cx, copy, problem, options, report).await?;
                    }
                }
            }
        }
        if is_any_taken_out && !options.is_alone {
            // Until then a running server may serve from what it remembers; the report says that it does no more.
            self.ports.env.sleep(PLACES_BELIEVED).await;
        }
        Ok(())
    }

    /// Looks whether the bytes of a copy that was found corrupt are whole after all, in its place or in quarantine: the
    /// disk may have come back. Returns that it is still corrupt where repair has to move it into quarantine.
    async fn look_again(
        &self,
        cx: &Cx,
        copy: &blobs::CopyRow,
        options: FsckOptions,
        report: &mut FsckReport,
        progress: &(impl Fn(u64, u64) + Send + Sync),
    ) -> Result<Option<Problem>, Fault> {
        let key = parse_key(&copy.location)?;
        let is_here = self.ports.store.exists(&key).await.map_err(store_fault)?.is_some();
        if copy.sealed.is_some() && !is_here {
            return self.look_at_sealed(cx, copy, options, report, progress).await.map(|()| None);
        }
        let whereabouts = if is_here { Whereabouts::Served } else { Whereabouts::Quarantined };
        if !options.quick && self.find_wrong_bytes(cx, &key, whereabouts, copy, report, progress).await? == Bytes::Whole
        {
            return self.heal(cx, copy, whereabouts, options, report).await.map(|()| None);
        }
        Ok((options.repair && is_here).then(|| Problem::Damage("it was found corrupt before".to_string())))
    }

    /// The same for sealed bytes in quarantine. They are opened in their place only: they are put back there, where nobody
    /// is served them while they count as corrupt, and taken away again where they are not whole.
    async fn look_at_sealed(
        &self,
        cx: &Cx,
        copy: &blobs::CopyRow,
        options: FsckOptions,
        report: &mut FsckReport,
        progress: &(impl Fn(u64, u64) + Send + Sync),
    ) -> Result<(), Fault> {
        if options.quick || !options.repair {
            return Ok(());
        }
        let key = parse_key(&copy.location)?;
        match self.ports.store.release(&key).await {
            Ok(()) => {}
            Err(error) if error.is_missing() => return Ok(()),
            Err(error) => return Err(store_fault(error)),
        }
        match self.find_wrong_bytes(cx, &key, Whereabouts::Served, copy, report, progress).await {
            Ok(Bytes::Whole) => self.heal(cx, copy, Whereabouts::Served, options, report).await,
            looked => {
                self.ports.store.quarantine(&key).await.map_err(store_fault)?;
                looked.map(drop)
            }
        }
    }

    /// Serves a copy again whose bytes are whole after all, or says that it could be served.
    async fn heal(
        &self,
        cx: &Cx,
        copy: &blobs::CopyRow,
        whereabouts: Whereabouts,
        options: FsckOptions,
        report: &mut FsckReport,
    ) -> Result<(), Fault> {
        if options.repair {
            let key = parse_key(&copy.location)?;
            if whereabouts == Whereabouts::Quarantined {
                self.ports.store.release(&key).await.map_err(store_fault)?;
            }
            if !self.ports.metadata.perform(cx, MarkWhole { location: copy.location.clone() }).await? {
                // A push has healed it meanwhile; the collection removes what is not needed any more.
                return Ok(());
            }
        }
        let outcome = match options.repair {
            true => "it is served again",
            false => "run with --repair to serve it again, or push it again",
        };
        let message = format!(
            "blob {} at {}: it was found corrupt, but its bytes are whole; {outcome}",
            copy.digest, copy.location
        );
        report.note(true, message, options.repair);
        Ok(())
    }

    /// Returns what is wrong with the bytes of a copy.
    async fn check_copy(
        &self,
        cx: &Cx,
        copy: &blobs::CopyRow,
        options: FsckOptions,
        report: &mut FsckReport,
        progress: &(impl Fn(u64, u64) + Send + Sync),
    ) -> Result<Option<Problem>, Fault> {
        let key = parse_key(&copy.location)?;
        let wanted = copy.stored_size();
        report.blobs += 1;
        let found = self.ports.store.exists(&key).await.map_err(store_fault)?;
        let problem = match found {
            None => Some(Problem::Damage("its bytes are missing".to_string())),
            Some(length) if length != wanted => {
                Some(Problem::Damage(format!("it has {length} bytes where {wanted} belong")))
            }
            Some(_) if options.quick => None,
            Some(_) => match self.find_wrong_bytes(cx, &key, Whereabouts::Served, copy, report, progress).await? {
                Bytes::Whole => None,
                Bytes::Unknown => {
                    report.unverified += 1;
                    None
                }
                Bytes::Wrong(problem) => Some(Problem::Damage(problem)),
                Bytes::Unreadable(problem) => Some(Problem::Unreadable(problem)),
            },
        };
        report.bytes += wanted;
        progress(report.bytes, report.blobs);
        Ok(problem)
    }

    /// Hashes the bytes of a copy, opened with its key where it is sealed.
    async fn find_wrong_bytes(
        &self,
        cx: &Cx,
        key: &Key,
        whereabouts: Whereabouts,
        copy: &blobs::CopyRow,
        report: &FsckReport,
        progress: &(impl Fn(u64, u64) + Send + Sync),
    ) -> Result<Bytes, Fault> {
        let digest = parse_digest(&copy.digest)?;
        let (done, blobs) = (report.bytes, report.blobs);
        let hear = |bytes| progress(done + bytes, blobs);
        let algorithm = store_algorithm(digest.algorithm());
        let hashed = match &copy.sealed {
            None => self.ports.store.hash(key, whereabouts, algorithm, hear).await.map(|(_, hash)| hash),
            Some(sealed) => {
                let data_key = match self.ports.data_key(cx, &copy.digest, sealed).await {
                    Ok(data_key) => data_key,
                    Err(fault) if fault.kind == FaultKind::RepositoryKeyUnavailable => return Ok(Bytes::Unknown),
                    Err(fault) if fault.source.as_deref().is_some_and(|cause| cause.is::<Unopened>()) => {
                        let cause = fault.source.map_or(fault.message, |cause| cause.to_string());
                        return Ok(Bytes::Wrong(cause));
                    }
                    Err(fault) => return Err(fault),
                };
                let length = u64::try_from(copy.size).unwrap_or(0);
                self.ports.store.hash_sealed(key, length, data_key, algorithm, hear).await
            }
        };
        match hashed {
            Ok(hash) => {
                let found = Digest::from_hash(digest.algorithm(), &hash);
                Ok(if found == digest {
                    Bytes::Whole
                } else {
                    Bytes::Wrong(format!("its bytes have the digest {found}"))
                })
            }
            // What may work the next time says nothing of the bytes.
            Err(error) if error.is_transient() => Err(store_fault(error)),
            Err(error @ StoreError::Io { .. }) if !error.is_broken_seal() => {
                Ok(Bytes::Unreadable(format!("its bytes could not be read: {error}")))
            }
            Err(error) => Ok(Bytes::Wrong(error.to_string())),
        }
    }

    async fn report_copy(
        &self,
        cx: &Cx,
        copy: &blobs::CopyRow,
        problem: String,
        options: FsckOptions,
        report: &mut FsckReport,
    ) -> Result<(), Fault> {
        let key = parse_key(&copy.location)?;
        let is_here = self.ports.store.exists(&key).await.map_err(store_fault)?.is_some();
        // Bytes that are missing cannot be served, and a disk that is not mounted misses them all: marking is left to repair.
        let is_marked = is_here || options.repair;
        if is_marked {
            take_out(&self.ports, cx, &key).await?;
        }
        // Beside a running server the copy may have been collected since its row was read.
        let id = copy.id;
        let now = self.ports.metadata.read(move |rows| blobs::copy(rows, id)).await?;
        if now.is_none_or(|now| now.state != if is_marked { "corrupt" } else { "present" }) {
            return Ok(());
        }
        if options.repair && is_here {
            self.ports.store.quarantine(&key).await.map_err(store_fault)?;
        }
        let advice = match (options.repair, is_here) {
            (true, true) => "quarantined; push it again to heal it",
            (true, false) => "taken out of service; push it again to heal it",
            (false, true) => {
                "it is no longer served; push it again to heal it, or run with --repair to move it into quarantine"
            }
            (false, false) => "push it again to heal it, or run with --repair to take it out of service",
        };
        report.note(true, format!("blob {} at {}: {problem}; {advice}", copy.digest, copy.location), options.repair);
        Ok(())
    }
}
