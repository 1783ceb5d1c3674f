use super::{PIECE, Source, Waiting};
use crate::{
    Error, Key,
    folder::read_rest,
    memory,
    pool::Pooled,
    sealed::{Object, PLACE_BYTES_MAX, Place, RUN_CHUNKS, SealedError},
    sys,
};
use bytes::Bytes;
use std::{
    fs::File,
    io,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

// A chunk fits a buffer of the pool.
const _: () = assert!(PLACE_BYTES_MAX <= PIECE);

/// Blobs that are read fast at a time: each takes up to a megabyte. Those beyond are read chunk by chunk, so that memory stays
/// bounded however many clients there are.
const FAST_MAX: usize = 32;
/// Reads under way for a blob that is read fast: each is opened on a thread of its own.
const FAST_AHEAD: usize = 3;

static FAST: AtomicUsize = AtomicUsize::new(0);

/// Leave to read a blob fast. Given back when it is dropped.
pub(super) struct Fast(());

impl Fast {
    fn take() -> Option<Fast> {
        let more = |count: usize| (count < FAST_MAX).then_some(count + 1);
        FAST.fetch_update(Relaxed, Relaxed, more).ok().map(|_| Fast(()))
    }
}

impl Drop for Fast {
    fn drop(&mut self) {
        FAST.fetch_sub(1, Relaxed);
    }
}

/// What opens the chunks of a sealed blob. Cheap to clone.
#[derive(Clone)]
pub(super) struct Unsealing {
    key: Key,
    object: Arc<Object>,
}

impl Unsealing {
    pub(super) fn new(key: Key, object: Object) -> Unsealing {
        Unsealing { key, object: Arc::new(object) }
    }

    /// Says whether so many plain bytes are to be read fast: there must be enough of them, and leave.
    pub(super) fn hurry(source: &Source, plain: u64) -> Option<Fast> {
        let is_worth_it = matches!(source, Source::File(_)) && plain > 2 * PIECE as u64;
        is_worth_it.then(Fast::take).flatten()
    }

    /// Returns how many reads are under way at the most.
    pub(super) fn ahead(fast: Option<&Fast>) -> usize {
        fast.map_or(1, |_| FAST_AHEAD)
    }

    /// Begins to read the first bytes of `plain`, to the end of a chunk. Says where that is, too.
    pub(super) fn start(&self, source: &Source, plain: Range<u64>, fast: Option<&Fast>) -> (Waiting, u64) {
        let unsealing = self.clone();
        let places = self.object.run(plain.clone(), fast.map_or(1, |_| RUN_CHUNKS));
        let end = places.last().map_or(plain.end, Place::plain_end).min(plain.end);
        let waiting = match source {
            Source::File(file) => {
                let file = file.clone();
                Waiting::Thread(tokio::task::spawn_blocking(move || unsealing.read_file(&file, &places, plain)))
            }
            Source::Memory(opened) => {
                let opened = opened.clone();
                Waiting::Memory(Mutex::new(Box::pin(async move { unsealing.read_memory(opened, plain).await })))
            }
        };
        (waiting, end)
    }

    /// Opens the chunk with the first byte of `plain` where it lies in the page cache; `None` where the disk would have to be asked.
    pub(super) fn open_cached(&self, source: &Source, plain: Range<u64>) -> Option<io::Result<Bytes>> {
        let Source::File(file) = source else { return None };
        let place = self.object.find(plain.start);
        let mut buffer = Pooled::take(place.bytes);
        // Where less comes than there should be, whoever waits for the disk finds out why.
        sys::read_cached(file, buffer.space(), place.start).ok().filter(|count| *count == place.bytes)?;
        let opened = self.object.unseal(&place, buffer.space(), plain);
        Some(match opened {
            Ok(range) => Ok(buffer.filled(place.bytes).slice(range)),
            Err(error) => Err(self.broken(error)),
        })
    }

    fn read_file(&self, file: &File, places: &[Place], plain: Range<u64>) -> io::Result<Bytes> {
        let start = places.first().map_or(0, |place| place.start);
        let mut buffer = Pooled::take(places.iter().map(|place| place.bytes).sum());
        let space = buffer.space();
        let read = read_rest(file, space, 0, start)?;
        self.check_whole(read, space.len(), plain.start)?;
        let mut opened: Option<Range<usize>> = None;
        let mut at = 0;
        for place in places {
            let piece = &mut space[at..at + place.bytes];
            let range = match self.object.unseal(place, piece, plain.clone()) {
                Ok(range) => range,
                // What came before it is whole. It is read again by itself, and found broken again.
                Err(_) if opened.is_some() => break,
                Err(error) => return Err(self.broken(error)),
            };
            let range = at + range.start..at + range.end;
            at += place.bytes;
            // What is between the chunks closes up.
            opened = Some(match opened {
                None => range,
                Some(before) => {
                    let end = before.end + range.len();
                    space.copy_within(range, before.end);
                    before.start..end
                }
            });
        }
        Ok(buffer.filled(at).slice(opened.unwrap_or_default()))
    }

    async fn read_memory(&self, opened: memory::Opened, plain: Range<u64>) -> io::Result<Bytes> {
        let place = self.object.find(plain.start);
        let mut bytes = opened.read(place.start, place.bytes).await?.to_vec();
        self.check_whole(bytes.len(), place.bytes, plain.start)?;
        let range = self.object.unseal(&place, &mut bytes, plain).map_err(|error| self.broken(error))?;
        Ok(Bytes::from(bytes).slice(range))
    }

    fn check_whole(&self, read: usize, expected: usize, at: u64) -> io::Result<()> {
        if read == expected {
            return Ok(());
        }
        let message = format!("{} ends in the chunk with byte {at}; run gantry fsck", self.key);
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, message))
    }

    fn broken(&self, source: SealedError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Error::Sealed { place: self.key.to_string(), source })
    }
}
