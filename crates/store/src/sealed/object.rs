use super::{
    CHUNK_BYTES, DataKey, HEADER_BYTES, LAYERS_MAX, SealedError, TAG_BYTES, Table,
    cipher::Cipher,
    header::{Facts, Header, Kind},
    sealed_length,
    table::Chunk,
};
use std::{
    io,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// Sealed bytes of a [`Place`], at the most.
pub(crate) const PLACE_BYTES_MAX: usize = CHUNK_BYTES + (HEADER_BYTES + TAG_BYTES) * LAYERS_MAX;
/// Chunks that are read and opened in one go where a blob is read fast.
pub(crate) const RUN_CHUNKS: usize = 4;
/// Sealed bytes of so many, at the most.
pub(crate) const RUN_BYTES_MAX: usize = RUN_CHUNKS * PLACE_BYTES_MAX;

/// An object whose key was found right and whose segments are known.
pub(crate) struct Object {
    key: Arc<DataKey>,
    table: Table,
    /// The segment that was read last, and what opens it.
    last: Mutex<Option<(usize, Arc<Cipher>)>>,
}

/// Where a chunk lies: the first of a segment with the header before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    chunk: Chunk,
    header_bytes: usize,
    /// Where it begins in the sealed bytes.
    pub(crate) start: u64,
    /// How many sealed bytes it has, at most [`PLACE_BYTES_MAX`].
    pub(crate) bytes: usize,
}

impl Place {
    /// Returns where its last plain byte ends.
    pub(crate) fn plain_end(&self) -> u64 {
        self.chunk.plain_start + self.chunk.plain_bytes as u64
    }
}

/// Why an object cannot be opened.
pub(crate) enum OpenError {
    /// Its bytes could not be read.
    Read(io::Error),
    /// They are not what was written.
    Sealed(SealedError),
}

impl From<SealedError> for OpenError {
    fn from(error: SealedError) -> Self {
        OpenError::Sealed(error)
    }
}

impl Object {
    /// Looks at an object of `sealed` bytes on the disk and `plain` bytes otherwise; `read` fills a buffer from an offset.
    pub(crate) fn open(
        key: Arc<DataKey>,
        (sealed, plain): (u64, u64),
        mut read: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
    ) -> Result<Object, OpenError> {
        let layers = key.layers();
        let header_bytes = HEADER_BYTES * layers;
        let mut header = vec![0; header_bytes];
        let mut table = Table::new(layers);
        if sealed == sealed_length(plain, layers) {
            read(0, &mut header).map_err(OpenError::Read)?;
            let expected = Facts { kind: Kind::Segment, number: 0, offset: 0 };
            let found = Header::read(&header, layers).filter(|(_, facts)| *facts == expected);
            table.push(found.ok_or(SealedError::Header { segment: 0 })?.0, plain);
        } else {
            let at = sealed.checked_sub(header_bytes as u64).ok_or(SealedError::Length)?;
            read(at, &mut header).map_err(OpenError::Read)?;
            let (header, bytes) = Table::read_directory_header(&header, layers, plain)?;
            let start = sealed.checked_sub(bytes).ok_or(SealedError::Length)?;
            // Bounded by the number of segments that an object may have.
            let mut entries = vec![0; (at - start) as usize];
            read(start, &mut entries).map_err(OpenError::Read)?;
            table = Table::read_directory(&key, header, &mut entries, (sealed, plain))?;
        }
        Ok(Object { key, table, last: Mutex::default() })
    }

    /// Returns where the chunk lies that has the plain byte at `offset`, or the last chunk.
    pub(crate) fn find(&self, offset: u64) -> Place {
        let chunk = self.table.chunk_at(offset);
        let header_bytes = if chunk.number == 0 { HEADER_BYTES * self.table.layers() } else { 0 };
        Place {
            start: chunk.sealed_start - header_bytes as u64,
            bytes: header_bytes + chunk.plain_bytes + TAG_BYTES * self.table.layers(),
            header_bytes,
            chunk,
        }
    }

    /// Returns where the chunks lie that have the first of the plain bytes of `plain`, up to `count` of them: one behind the
    /// other in the sealed bytes, too.
    pub(crate) fn run(&self, plain: Range<u64>, count: usize) -> Vec<Place> {
        let mut places = vec![self.find(plain.start)];
        while let Some(last) = places.last().filter(|last| places.len() < count && last.plain_end() < plain.end) {
            places.push(self.find(last.plain_end()));
        }
        places
    }

    /// Opens what was read from a place, in place; returns where in it the plain bytes `from..to` are, cut to those that it
    /// has. After an error nothing in it may be looked at.
    pub(crate) fn unseal(
        &self,
        place: &Place,
        bytes: &mut [u8],
        plain: Range<u64>,
    ) -> Result<Range<usize>, SealedError> {
        let Chunk { segment, number, is_last, plain_start, plain_bytes, .. } = place.chunk;
        let (header, sealed) = bytes.split_at_mut(place.header_bytes);
        if !header.is_empty() && header != self.table.header(segment).bytes() {
            return Err(SealedError::Header { segment });
        }
        let opened = self.cipher(segment).open(number, is_last, sealed);
        if opened != Some(plain_bytes) {
            return Err(SealedError::Chunk { segment, chunk: number.into() });
        }
        let within =
            |at: u64| (at.max(plain_start) - plain_start).min(plain_bytes as u64) as usize + place.header_bytes;
        Ok(within(plain.start)..within(plain.end))
    }

    fn cipher(&self, segment: usize) -> Arc<Cipher> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((number, cipher)) if *number == segment => cipher.clone(),
            _ => {
                let cipher = Arc::new(Cipher::new(&self.key, *self.table.header(segment), Kind::Segment));
                *last = Some((segment, cipher.clone()));
                cipher
            }
        }
    }
}

/// Opens a whole object in memory that must have `plain` bytes: what reading from a store does chunk by chunk.
///
/// # Errors
/// Where any byte of it is not what was written.
pub fn open_bytes(key: DataKey, plain: u64, object: &[u8]) -> Result<Vec<u8>, SealedError> {
    let read = |offset: u64, buffer: &mut [u8]| {
        let found = usize::try_from(offset).ok().and_then(|start| object.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    };
    let opened = Object::open(Arc::new(key), (object.len() as u64, plain), read).map_err(|error| match error {
        OpenError::Read(_) => SealedError::Length,
        OpenError::Sealed(error) => error,
    })?;
    let mut bytes = Vec::new();
    loop {
        let done = bytes.len() as u64;
        let place = opened.find(done);
        let mut piece = vec![0; place.bytes];
        read(place.start, &mut piece).map_err(|_| SealedError::Length)?;
        let range = opened.unseal(&place, &mut piece, done..plain)?;
        bytes.extend_from_slice(&piece[range]);
        if place.plain_end() >= plain {
            return Ok(bytes);
        }
    }
}
