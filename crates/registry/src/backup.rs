use crate::{
    admit::{parse_key, store_fault},
    ports::Ports,
};
use gantry_fault::{Fault, FaultKind};
use gantry_metadata::{Metadata, blobs, put_in_place};
use gantry_store::{Key, place_in};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Copies read at a time.
const BATCH: usize = 500;
/// How often the snapshot is taken again where a blob of it was collected before it could be copied.
const ATTEMPTS_MAX: usize = 5;

/// The room of backups: copies metadata and blobs into a folder that is itself a data folder, while the server serves.
///
/// A copy of a blob has a place of its own that is never used again, so what lies in the backup already is right and is
/// not copied again.
#[derive(Clone)]
pub struct Backups {
    ports: Arc<Ports>,
}

/// How far a backup has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupProgress {
    /// Blobs that are in the backup.
    pub blobs: u64,
    /// Blobs that were copied now.
    pub copied: u64,
    /// Bytes that were copied now.
    pub bytes: u64,
}

/// Where a blob lies in a backup, as it does in a data folder.
fn backup_file(folder: &Path, key: &Key) -> PathBuf {
    place_in(&folder.join("storage"), key)
}

impl Backups {
    pub(crate) fn new(ports: Arc<Ports>) -> Self {
        Backups { ports }
    }

    /// Copies everything into `to`. `open` opens the metadata of a folder, to learn what a snapshot names.
    ///
    /// The blobs that are there now are copied before the metadata, and those that came meanwhile after it; where one of
    /// these was collected in between, the snapshot is taken again.
    pub async fn run(
        &self,
        to: &Path,
        open: impl Fn(&Path) -> Result<Metadata, Fault>,
        mut progress: impl FnMut(BackupProgress),
    ) -> Result<BackupProgress, Fault> {
        let mut done = BackupProgress::default();
        let trouble = |error: io::Error| {
            let message = format!("cannot write into {}: {error}. Name a folder with room, with --to", to.display());
            Fault::new(FaultKind::StorageFull, message).because(error)
        };
        fs::create_dir_all(to).map_err(trouble)?;
        // No further: who copied what is pushed as long as others push would not come to an end.
        let newest = self.ports.metadata.read(blobs::newest_copy).await?;
        self.copy_blobs(&self.ports.metadata, newest, to, &mut done, &mut progress).await?;
        for _ in 0..ATTEMPTS_MAX {
            let fresh = to.join("metadata.new");
            match fs::remove_dir_all(&fresh) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(error)),
                _ => fs::create_dir(&fresh).map_err(trouble)?,
            }
            self.ports.metadata.backup(&fresh.join("metadata.db")).await?;
            let is_whole = {
                let snapshot = open(&fresh)?;
                done.blobs = 0;
                self.copy_blobs(&snapshot, i64::MAX, to, &mut done, &mut progress).await?
            };
            if is_whole {
                // The folder may have been served with other metadata; its blobs belong to these from now on.
                gantry_store::disown(&to.join("storage")).map_err(trouble)?;
                put_in_place(&fresh.join("metadata.db"), &to.join("metadata.db")).map_err(|error| {
                    let message = format!("cannot put the copy into {}: {error}", to.display());
                    Fault::new(FaultKind::Internal, message).because(error)
                })?;
                fs::remove_dir_all(&fresh).map_err(trouble)?;
                return Ok(done);
            }
        }
        let message = "Blobs were collected faster than they could be copied; back up again when the collection rests";
        Err(Fault::new(FaultKind::Unavailable, message))
    }

    /// Copies the blobs that `metadata` knows, up to the number `newest`; says whether each was there.
    async fn copy_blobs(
        &self,
        metadata: &Metadata,
        newest: i64,
        to: &Path,
        done: &mut BackupProgress,
        progress: &mut impl FnMut(BackupProgress),
    ) -> Result<bool, Fault> {
        let (mut after, mut is_whole) = (0, true);
        loop {
            let mut copies = metadata.read_long(move |rows| blobs::each_copy(rows, after, BATCH)).await?;
            copies.retain(|copy| copy.id <= newest);
            let Some(last) = copies.last() else { return Ok(is_whole) };
            after = last.id;
            for copy in copies.iter().filter(|copy| copy.state == "present") {
                let key = parse_key(&copy.location)?;
                let file = backup_file(to, &key);
                if fs::metadata(&file).is_ok_and(|found| found.len() == copy.stored_size()) {
                    done.blobs += 1;
                    continue;
                }
                let length = copy.stored_size();
                match self.ports.store.copy_out(&key, length, &file).await {
                    Ok(()) => {
                        done.blobs += 1;
                        done.copied += 1;
                        done.bytes += length;
                    }
                    Err(error) if error.is_missing() && self.is_collected(copy.id).await? => is_whole = false,
                    Err(error) => return Err(store_fault(error)),
                }
                progress(*done);
            }
        }
    }

    async fn is_collected(&self, copy: i64) -> Result<bool, Fault> {
        let row = self.ports.metadata.read(move |rows| blobs::copy(rows, copy)).await?;
        Ok(row.is_none_or(|row| row.state != "present"))
    }

    /// Takes the blobs of a backup into this site's store, and says which are missing there. Those that are here already,
    /// from a restore that was interrupted, are not copied again.
    pub async fn take_blobs(
        &self,
        from: &Path,
        mut progress: impl FnMut(BackupProgress),
    ) -> Result<(BackupProgress, Vec<String>), Fault> {
        let (mut after, mut done, mut missing) = (0, BackupProgress::default(), Vec::new());
        loop {
            let copies = self.ports.metadata.read_long(move |rows| blobs::each_copy(rows, after, BATCH)).await?;
            let Some(last) = copies.last() else { return Ok((done, missing)) };
            after = last.id;
            for copy in copies.iter().filter(|copy| copy.state == "present") {
                let key = parse_key(&copy.location)?;
                let is_here = self.ports.store.exists(&key).await.map_err(store_fault)?;
                if is_here == Some(copy.stored_size()) {
                    done.blobs += 1;
                    continue;
                }
                let id = self.ports.env.request_id().to_string().parse().expect("a UUID is an upload id");
                match self.ports.store.copy_in(&key, &id, &backup_file(from, &key)).await {
                    Ok(bytes) => {
                        done.blobs += 1;
                        done.copied += 1;
                        done.bytes += bytes;
                        progress(done);
                    }
                    Err(error) if error.is_missing() => missing.push(copy.digest.clone()),
                    Err(error) => return Err(store_fault(error)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trash::tests::Ground;
    use gantry_env::Env;
    use tokio::{runtime::Handle, task::block_in_place};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_backup_comes_to_an_end_although_a_blob_is_pushed_for_each_that_it_copies() {
        // So many are pushed at most: a backup that runs after what is pushed copies them all.
        const PUSHED_MAX: u64 = 100;
        for ground in Ground::both().await {
            for number in 0..3 {
                ground.blob(&format!("before {number}")).await;
            }
            let to = std::env::temp_dir().join(format!("gantry-backup-{}", ground.cx().request_id));
            let open = |folder: &Path| {
                Metadata::open(&gantry_metadata::Settings::default(), folder, Env::real()).map_err(Fault::internal)
            };

            let push = |done: BackupProgress| {
                if done.copied <= PUSHED_MAX {
                    let text = format!("meanwhile {}", done.copied);
                    block_in_place(|| Handle::current().block_on(ground.blob(&text)));
                }
            };
            let done = ground.registry.backups.run(&to, open, push).await.unwrap();

            fs::remove_dir_all(&to).unwrap();
            // Three were there, three came while those were copied; what came while these were copied is for the next time.
            assert_eq!((done.blobs, done.copied), (6, 6));
        }
    }
}
