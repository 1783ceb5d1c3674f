use gantry_fault::{Fault, FaultKind};
use gantry_words::ByteCount;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// So much of each body may always be kept: the manifests, forms and documents of everyday are not in the way of a few
/// large ones, and `requests_max` bounds what they take together.
const BYTES_FREE: u64 = 16 << 10;

/// Memory for bodies that are kept until they are whole, shared by all requests.
#[derive(Debug)]
pub(crate) struct Buffers {
    taken: AtomicU64,
    bytes_max: ByteCount,
}

/// What one body has of the shared memory; given back when dropped.
#[derive(Debug, Default)]
pub struct Held {
    /// `None` for bodies that do not come from a client.
    buffers: Option<Arc<Buffers>>,
    /// Bytes of the body, those that are free included.
    bytes: u64,
}

impl Buffers {
    pub(crate) fn new(bytes_max: ByteCount) -> Arc<Self> {
        Arc::new(Buffers { taken: AtomicU64::new(0), bytes_max })
    }

    /// So much is taken now.
    pub(crate) fn bytes(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// Nothing yet, for a body that begins.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        Held { buffers: Some(self.clone()), bytes: 0 }
    }
}

impl Held {
    /// Makes room for so many bytes more. Taken as they come, so that whoever promises much and sends nothing holds nothing.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), Fault> {
        let Some(buffers) = &self.buffers else { return Ok(()) };
        let grown = self.bytes.saturating_add(bytes);
        let more = charged(grown) - charged(self.bytes);
        if more > 0 {
            let fits = |taken: u64| taken.checked_add(more).filter(|taken| *taken <= buffers.bytes_max.get());
            if buffers.taken.fetch_update(Relaxed, Relaxed, fits).is_err() {
                let message = "The server keeps as many bytes of unfinished requests as it takes at once (buffered_bytes_max); try again in a moment";
                return Err(Fault::new(FaultKind::Unavailable, message));
            }
        }
        self.bytes = grown;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(buffers) = &self.buffers {
            buffers.taken.fetch_sub(charged(self.bytes), Relaxed);
        }
    }
}

/// How much of a body counts.
const fn charged(bytes: u64) -> u64 {
    bytes.saturating_sub(BYTES_FREE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_bodies_keep_is_bounded_and_comes_back() {
        let buffers = Buffers::new(ByteCount::bytes(100));
        let (mut first, mut second, mut small) = (buffers.hold(), buffers.hold(), buffers.hold());

        assert!(first.grow(BYTES_FREE + 60).is_ok());
        assert!(second.grow(BYTES_FREE + 40).is_ok());
        assert_eq!(second.grow(1).unwrap_err().kind, FaultKind::Unavailable);
        assert!(small.grow(BYTES_FREE).is_ok(), "small bodies pass");
        drop(first);

        assert!(second.grow(60).is_ok());
        drop((second, small));
        assert_eq!(buffers.taken.load(Relaxed), 0);
    }
}
