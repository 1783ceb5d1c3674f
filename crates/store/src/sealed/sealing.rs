use super::{
    CHUNK_BYTES, DataKey, SEGMENT_BYTES_MAX, SEGMENTS_MAX, Table,
    cipher::Cipher,
    header::{Facts, Header, Kind},
};
use gantry_env::Env;
use std::sync::Arc;

/// An upload whose bytes are sealed before they are written: what is there, and the segment that is being made.
pub(crate) struct Sealing {
    key: Arc<DataKey>,
    env: Env,
    /// The segments that are whole.
    table: Table,
    open: Option<Segment>,
    /// Sealed bytes that are not yet written, then the plain ones of the chunk that fills.
    bytes: Vec<u8>,
    /// Bytes of the object that came before these.
    written: u64,
}

/// Seals a whole object in memory: a segment for each part that is not empty, what is random from `env`.
pub fn seal_bytes(key: DataKey, env: &Env, parts: &[&[u8]]) -> Vec<u8> {
    let table = Table::new(key.layers());
    let mut sealing = Sealing::new(Arc::new(key), env.clone(), table);
    for part in parts {
        sealing.push(part, |_| {});
        sealing.close();
    }
    sealing.complete();
    sealing.bytes
}

/// A segment in the making.
struct Segment {
    cipher: Cipher,
    /// Chunks that are sealed.
    chunks: u32,
    /// Plain bytes of the chunk that fills.
    filled: usize,
}

impl Sealing {
    /// Goes on behind the segments of `table`.
    pub(crate) fn new(key: Arc<DataKey>, env: Env, table: Table) -> Sealing {
        let written = table.sealed_end();
        Sealing { key, env, table, open: None, bytes: Vec::new(), written }
    }

    /// Returns what goes on behind the same whole segments, with segments of its own.
    pub(crate) fn fork(&self) -> Sealing {
        Sealing::new(self.key.clone(), self.env.clone(), self.table.clone())
    }

    pub(crate) fn key(&self) -> &Arc<DataKey> {
        &self.key
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Whether there is a segment that [`Sealing::close`] must end.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether so many more plain bytes and the segment that is open still fit an object.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        (self.table.len() as u64) + 2 + bytes / SEGMENT_BYTES_MAX < SEGMENTS_MAX as u64
    }

    /// Takes plain bytes; `seen` is shown them where they have just been copied to.
    pub(crate) fn push(&mut self, mut plain: &[u8], mut seen: impl FnMut(&[u8])) {
        while !plain.is_empty() {
            let (chunks, filled) = self.open.as_ref().map_or((0, 0), |segment| (segment.chunks, segment.filled));
            if u64::from(chunks) * CHUNK_BYTES as u64 + filled as u64 == SEGMENT_BYTES_MAX {
                self.close();
            } else if filled == CHUNK_BYTES {
                // Only now is it known not to be the last.
                self.seal(false);
            }
            let (taken, rest) = plain.split_at(plain.len().min(CHUNK_BYTES - filled % CHUNK_BYTES));
            // First, for its header comes first.
            self.opened().filled += taken.len();
            self.bytes.extend_from_slice(taken);
            seen(&self.bytes[self.bytes.len() - taken.len()..]);
            plain = rest;
        }
    }

    /// Ends the segment that is open, if one is.
    pub(crate) fn close(&mut self) {
        if self.open.is_none() {
            return;
        }
        self.seal(true);
        let segment = self.open.take().expect("it has just been sealed");
        let plain = u64::from(segment.chunks - 1) * CHUNK_BYTES as u64 + segment.filled as u64;
        self.table.push(*segment.cipher.header(), plain);
    }

    /// Ends the object. Nothing may be pushed any more.
    pub(crate) fn complete(&mut self) {
        self.close();
        if self.table.len() == 0 {
            self.opened();
            self.close();
        }
        if self.table.len() > 1 {
            let env = &self.env;
            self.table.write_directory(&self.key, || env.random(), &mut self.bytes);
        }
    }

    /// Returns where in the object the sealed bytes go that are not yet written, and those bytes: up to a multiple of
    /// `alignment` where there is one among them and more is to come, else all.
    pub(crate) fn unwritten(&self, alignment: usize) -> (u64, &[u8]) {
        let filled = self.open.as_ref().map_or(0, |segment| segment.filled);
        let sealed = self.bytes.len() - filled;
        let beyond = (self.written as usize + sealed) % alignment;
        let wanted = if self.open.is_some() && beyond < sealed { sealed - beyond } else { sealed };
        (self.written, &self.bytes[..wanted])
    }

    /// Lets go of the first so many of these bytes.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.bytes.drain(..bytes);
        self.written += bytes as u64;
    }

    fn seal(&mut self, is_last: bool) {
        let Some(segment) = &mut self.open else { return };
        let start = self.bytes.len() - segment.filled;
        segment.cipher.seal(segment.chunks, is_last, &mut self.bytes, start);
        segment.chunks += 1;
        if !is_last {
            segment.filled = 0;
        }
    }

    /// The segment that is open, or a new one.
    fn opened(&mut self) -> &mut Segment {
        let Sealing { key, env, table, bytes, .. } = self;
        self.open.get_or_insert_with(|| {
            let facts = Facts { kind: Kind::Segment, number: table.len() as u32, offset: table.plain_end() };
            let header = Header::new(facts, table.layers(), || env.random());
            bytes.extend_from_slice(header.bytes());
            Segment { cipher: Cipher::new(key, header, Kind::Segment), chunks: 0, filled: 0 }
        })
    }
}
