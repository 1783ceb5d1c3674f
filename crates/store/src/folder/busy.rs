use super::Folder;
use crate::UploadId;
use std::{
    collections::HashSet,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

/// The uploads at which a thread is working.
///
/// A request that is given up leaves its last write to the thread that does it. Whoever takes the upload up again waits
/// for that thread, so that there is never a second writer.
#[derive(Default)]
pub(super) struct Busy {
    ids: Mutex<HashSet<UploadId>>,
    ended: Condvar,
}

/// Says that a thread is at work, until dropped.
pub(super) struct Mark {
    folder: Arc<Folder>,
    id: UploadId,
}

impl Mark {
    /// Set before the thread is asked for, so that there is no moment between.
    pub(super) fn set(folder: &Arc<Folder>, id: &UploadId) -> Mark {
        folder.busy.ids().insert(id.clone());
        Mark { folder: folder.clone(), id: id.clone() }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.folder.busy.ids().remove(&self.id);
        self.folder.busy.ended.notify_all();
    }
}

impl Busy {
    /// Waits until no thread is at work. Only for threads that may wait.
    ///
    /// Work is begun in the order in which it was asked for, so what is waited for has a thread already.
    pub(super) fn wait(&self, id: &UploadId) {
        let is_busy = |ids: &mut HashSet<UploadId>| ids.contains(id);
        drop(self.ended.wait_while(self.ids(), is_busy).expect("nothing panics while it holds the set"));
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<UploadId>> {
        self.ids.lock().expect("nothing panics while it holds the set")
    }
}
