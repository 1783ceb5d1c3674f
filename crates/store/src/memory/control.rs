use super::{Content, InjectedFault, Kept, Memory, Operation};
use crate::Key;
use bytes::Bytes;
use std::sync::Arc;

/// Bytes at an upload's end that a crash may leave as something else.
const TORN_BYTES_MAX: u64 = 4096;

/// The other side of a store in memory: breaks it, and looks into it. Cheap to clone.
///
/// What may be injected is what a system on top **must survive**: a failing operation, one that fails after it was done, a
/// full disk, slowness, and a crash at any step. *Survive* means: nothing that was acknowledged is lost or altered, nothing
/// is served that is not what it claims to be, and what is left over is found and removed. [`MemoryControl::corrupt`],
/// [`MemoryControl::truncate`] and [`MemoryControl::remove`] do what no promise holds against: they must be *noticed*.
#[derive(Clone)]
pub struct MemoryControl {
    memory: Arc<Memory>,
}

impl MemoryControl {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        MemoryControl { memory }
    }

    /// The power goes, and comes back. What `seed` decides:
    ///
    /// * a blob whose publishing had not returned is there, whole, or not at all;
    /// * a blob whose deletion (or quarantine) had not returned is gone, or back;
    /// * an upload is gone, or has a prefix of its bytes, of which the last few may be zeros.
    ///
    /// A blob whose publishing had returned is there. Uploads and readings that were held from before take no more. The
    /// faults that were planned stay.
    pub fn crash(&self, seed: u64) {
        let mut dice = Dice(seed);
        let state = &mut *self.memory.state();
        state.life += 1;
        state.blobs.retain(|_, kept| std::mem::replace(&mut kept.is_durable, true) || dice.below(2) == 0);
        for (key, kept) in std::mem::take(&mut state.removed) {
            // What was never durably there cannot come back.
            if kept.is_durable && dice.below(2) == 0 {
                state.quarantined.remove(&key);
                state.blobs.entry(key).or_insert(kept);
            }
        }
        state.uploads.retain(|_, temporary| {
            let bytes = &mut temporary.bytes;
            bytes.truncate(dice.below(bytes.len() as u64 + 1) as usize);
            let torn = dice.below(TORN_BYTES_MAX.min(bytes.len() as u64) + 1) as usize;
            if dice.below(2) == 0 {
                let whole = bytes.len() - torn;
                bytes[whole..].fill(0);
            }
            dice.below(4) > 0
        });
    }

    /// Has an operation fail once: the `nth` of its kind from now on, where 1 is the next.
    pub fn fail_next(&self, operation: Operation, nth: u32, fault: InjectedFault) {
        self.memory.state().faults.next.push((operation, nth.saturating_sub(1), fault));
    }

    /// Asks `plan` before each operation what goes wrong with it; it is given the place, too. Replaces an earlier plan.
    ///
    /// It must not call this control.
    pub fn set_plan(&self, plan: impl FnMut(Operation, &str) -> Option<InjectedFault> + Send + 'static) {
        self.memory.state().faults.plan = Some(Box::new(plan));
    }

    /// From here on everything goes well.
    pub fn clear_faults(&self) {
        self.memory.state().faults = Default::default();
    }

    /// Says how much room there is. Below the default of `storage.min_free` uploads are refused.
    pub fn set_free_bytes(&self, bytes: u64) {
        self.memory.state().free_bytes = bytes;
    }

    /// Flips a bit of a blob. Answers whether there is a byte at `at`.
    pub fn corrupt(&self, key: &Key, at: u64) -> bool {
        let Some(content) = self.content(key) else { return false };
        let mut bytes = content.lock().expect("nothing panics while it holds a blob");
        let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) else { return false };
        *byte ^= 1;
        true
    }

    /// Cuts a blob to `length` bytes, also for those that are reading it. Answers whether it is there.
    pub fn truncate(&self, key: &Key, length: u64) -> bool {
        let Some(content) = self.content(key) else { return false };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        content.lock().expect("nothing panics while it holds a blob").truncate(length);
        true
    }

    /// Takes a blob away. Answers whether it was there.
    pub fn remove(&self, key: &Key) -> bool {
        self.memory.state().blobs.remove(key).is_some()
    }

    /// Returns the keys of all blobs, in order.
    pub fn keys(&self) -> Vec<Key> {
        self.memory.state().blobs.keys().cloned().collect()
    }

    /// Returns how many bytes of uploads were read again, to be hashed, since the beginning.
    pub fn bytes_read_again(&self) -> u64 {
        self.memory.state().bytes_read_again
    }

    /// Returns the keys of all blobs that were quarantined, in order.
    pub fn quarantined(&self) -> Vec<Key> {
        self.memory.state().quarantined.keys().cloned().collect()
    }

    /// Returns the bytes of a blob.
    pub fn bytes(&self, key: &Key) -> Option<Bytes> {
        let content = self.content(key)?;
        let bytes = content.lock().expect("nothing panics while it holds a blob");
        Some(Bytes::copy_from_slice(&bytes))
    }

    fn content(&self, key: &Key) -> Option<Content> {
        self.memory.state().blobs.get(key).map(|Kept { content, .. }| content.clone())
    }
}

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % bound
    }
}
