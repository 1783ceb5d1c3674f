use super::{
    CHUNK_BYTES, DataKey, HEADER_BYTES, SEGMENTS_MAX, SealedError, TAG_BYTES,
    cipher::Cipher,
    header::{Facts, Header, Kind},
    sealed_length,
};

/// Where the segments of an object lie, in its plain and in its sealed bytes.
#[derive(Clone)]
pub(crate) struct Table {
    layers: usize,
    segments: Vec<Segment>,
}

#[derive(Clone)]
struct Segment {
    header: Header,
    plain_end: u64,
    sealed_end: u64,
}

/// A chunk, where it lies, and what of the plain bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) segment: usize,
    /// In its segment.
    pub(crate) number: u32,
    pub(crate) is_last: bool,
    pub(crate) plain_start: u64,
    pub(crate) plain_bytes: usize,
    /// Where it begins in the sealed bytes; for the first of a segment, that is behind the header.
    pub(crate) sealed_start: u64,
}

impl Table {
    /// Of an object without a byte yet.
    pub(crate) fn new(layers: usize) -> Table {
        Table { layers, segments: Vec::new() }
    }

    pub(crate) fn layers(&self) -> usize {
        self.layers
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Returns how many plain bytes there are.
    pub(crate) fn plain_end(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.plain_end)
    }

    /// Returns where the last segment ends in the sealed bytes.
    pub(crate) fn sealed_end(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.sealed_end)
    }

    /// Returns how many bytes the whole object has once it is complete.
    pub(crate) fn object_bytes(&self) -> u64 {
        match self.len() {
            0 => sealed_length(0, self.layers),
            1 => self.sealed_end(),
            count => self.sealed_end() + directory_bytes(count, self.layers),
        }
    }

    /// Adds a segment of so many plain bytes.
    pub(crate) fn push(&mut self, header: Header, plain: u64) {
        let (plain_end, sealed_end) = (self.plain_end() + plain, self.sealed_end() + sealed_length(plain, self.layers));
        self.segments.push(Segment { header, plain_end, sealed_end });
    }

    pub(crate) fn header(&self, segment: usize) -> &Header {
        &self.segments[segment].header
    }

    /// Returns the chunk with the plain byte at `offset`, or the last. There must be a segment.
    pub(crate) fn chunk_at(&self, offset: u64) -> Chunk {
        let beyond = self.segments.partition_point(|segment| segment.plain_end <= offset);
        let segment = beyond.min(self.segments.len() - 1);
        let (plain_start, sealed_start) = match segment {
            0 => (0, 0),
            _ => (self.segments[segment - 1].plain_end, self.segments[segment - 1].sealed_end),
        };
        let plain = self.segments[segment].plain_end - plain_start;
        let last = plain.div_ceil(CHUNK_BYTES as u64).saturating_sub(1);
        let number = ((offset - plain_start) / CHUNK_BYTES as u64).min(last);
        let before = number * CHUNK_BYTES as u64;
        Chunk {
            segment,
            number: number as u32,
            is_last: number == last,
            plain_start: plain_start + before,
            plain_bytes: (plain - before).min(CHUNK_BYTES as u64) as usize,
            sealed_start: sealed_start
                + (HEADER_BYTES * self.layers) as u64
                + number * (CHUNK_BYTES + TAG_BYTES * self.layers) as u64,
        }
    }

    /// Adds the directory to `bytes`.
    pub(crate) fn write_directory(&self, key: &DataKey, random: impl FnMut() -> [u8; 40], bytes: &mut Vec<u8>) {
        let facts = Facts { kind: Kind::Directory, number: self.len() as u32, offset: self.plain_end() };
        let cipher = Cipher::new(key, Header::new(facts, self.layers, random), Kind::Directory);
        let start = bytes.len();
        for segment in &self.segments {
            bytes.extend_from_slice(&segment.plain_end.to_be_bytes());
            bytes.extend_from_slice(segment.header.bytes());
        }
        cipher.seal(0, true, bytes, start);
        bytes.extend_from_slice(cipher.header().bytes());
    }

    /// Returns how many bytes a directory has by its header, itself included; `None` where that is none.
    pub(crate) fn directory_bytes_of(header: &[u8], layers: usize) -> Option<u64> {
        let (_, facts) = Header::read(header, layers)?;
        Table::read_directory_header(header, layers, facts.offset).ok().map(|(_, bytes)| bytes)
    }

    /// Reads the header of a directory: returns it and how many bytes of the object the directory has, itself included.
    pub(crate) fn read_directory_header(
        header: &[u8],
        layers: usize,
        plain: u64,
    ) -> Result<(Header, u64), SealedError> {
        let (header, facts) = Header::read(header, layers).ok_or(SealedError::Directory)?;
        let count = facts.number as usize;
        let fits = facts.kind == Kind::Directory && facts.offset == plain && (2..=SEGMENTS_MAX).contains(&count);
        fits.then(|| (header, directory_bytes(count, layers))).ok_or(SealedError::Directory)
    }

    /// Opens the entries of a directory, which come before its header, of an object of `object` sealed and `plain` plain
    /// bytes.
    pub(crate) fn read_directory(
        key: &DataKey,
        header: Header,
        entries: &mut [u8],
        (object, plain): (u64, u64),
    ) -> Result<Table, SealedError> {
        let layers = key.layers();
        let length = Cipher::new(key, header, Kind::Directory).open(0, true, entries).ok_or(SealedError::Directory)?;
        let mut table = Table::new(layers);
        for entry in entries[..length].chunks(entry_bytes(layers)) {
            let (end, header) = entry.split_first_chunk().ok_or(SealedError::Directory)?;
            let (header, facts) = Header::read(header, layers).ok_or(SealedError::Directory)?;
            let (end, start) = (u64::from_be_bytes(*end), table.plain_end());
            let expected = Facts { kind: Kind::Segment, number: table.len() as u32, offset: start };
            if facts != expected || end <= start || end > plain {
                return Err(SealedError::Directory);
            }
            table.push(header, end - start);
        }
        if table.plain_end() != plain || table.object_bytes() != object {
            return Err(SealedError::Length);
        }
        Ok(table)
    }
}

fn entry_bytes(layers: usize) -> usize {
    8 + HEADER_BYTES * layers
}

fn directory_bytes(count: usize, layers: usize) -> u64 {
    (count * entry_bytes(layers) + (TAG_BYTES + HEADER_BYTES) * layers) as u64
}
