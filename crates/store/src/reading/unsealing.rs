use super::{PIECE, Source, Waiting};
use crate::{
    Error, Key,
    folder::read_rest,
    memory,
    pool::Pooled,
    sealed::{Object, PLACE_BYTES_MAX, SealedError},
};
use bytes::Bytes;
use std::{
    fs::File,
    io,
    ops::Range,
    sync::{Arc, Mutex},
};

// A chunk fits a buffer of the pool.
const _: () = assert!(PLACE_BYTES_MAX <= PIECE);

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

    /// Begins to read the first bytes of `plain`, to the end of the chunk they are in.
    pub(super) fn start(&self, source: &Source, plain: Range<u64>) -> Waiting {
        let unsealing = self.clone();
        match source {
            Source::File(file) => {
                let file = file.clone();
                Waiting::Thread(tokio::task::spawn_blocking(move || unsealing.read_file(&file, plain)))
            }
            Source::Memory(opened) => {
                let opened = opened.clone();
                Waiting::Memory(Mutex::new(Box::pin(async move { unsealing.read_memory(opened, plain).await })))
            }
        }
    }

    fn read_file(&self, file: &File, plain: Range<u64>) -> io::Result<Bytes> {
        let place = self.object.find(plain.start);
        let mut buffer = Pooled::take(place.bytes);
        let read = read_rest(file, buffer.space(), 0, place.start)?;
        self.check_whole(read, place.bytes, plain.start)?;
        let range = self.object.unseal(&place, buffer.space(), plain).map_err(|error| self.broken(error))?;
        Ok(buffer.filled(place.bytes).slice(range))
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
