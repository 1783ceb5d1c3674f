use super::{HEADER_BYTES, LAYERS_MAX};

pub(super) const MAGIC: [u8; 4] = *b"GBE1";
const VERSION: u8 = 1;
const CHUNK_BYTES_LOG2: u8 = 16;

/// What a header stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The chunks of a segment.
    Segment,
    /// Nothing: it ends the object, behind the entries of the directory.
    Directory,
}

/// What the header of each layer says; salts and ids differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    /// The segment's number, or how many there are.
    pub(crate) number: u32,
    /// Where the segment begins in the plain bytes, or how many there are.
    pub(crate) offset: u64,
}

/// The headers of all layers, as they lie on the disk, innermost first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    bytes: [u8; HEADER_BYTES * LAYERS_MAX],
    layers: usize,
}

impl Header {
    /// Makes a header with an id and a salt for each layer from `random`.
    pub(crate) fn new(facts: Facts, layers: usize, mut random: impl FnMut() -> [u8; 40]) -> Header {
        let mut header = Header { bytes: [0; HEADER_BYTES * LAYERS_MAX], layers };
        for part in header.bytes.chunks_exact_mut(HEADER_BYTES).take(layers) {
            let random = random();
            part[..4].copy_from_slice(&MAGIC);
            part[4..7].copy_from_slice(&[VERSION, layers as u8, CHUNK_BYTES_LOG2]);
            part[7..15].copy_from_slice(&random[..8]);
            part[15] = match facts.kind {
                Kind::Segment => 0,
                Kind::Directory => 1,
            };
            part[16..20].copy_from_slice(&facts.number.to_be_bytes());
            part[20..28].copy_from_slice(&facts.offset.to_be_bytes());
            part[32..].copy_from_slice(&random[8..]);
        }
        header
    }

    /// Reads a header of so many layers, whose parts must agree; `None` where it is none, or of another length.
    pub(crate) fn read(bytes: &[u8], layers: usize) -> Option<(Header, Facts)> {
        if bytes.len() != HEADER_BYTES * layers || !(1..=LAYERS_MAX).contains(&layers) {
            return None;
        }
        let mut parts = bytes.chunks_exact(HEADER_BYTES).map(|part| read_part(part, layers));
        let facts = parts.next()??;
        if !parts.all(|part| part == Some(facts)) {
            return None;
        }
        let mut header = Header { bytes: [0; HEADER_BYTES * LAYERS_MAX], layers };
        header.bytes[..bytes.len()].copy_from_slice(bytes);
        Some((header, facts))
    }

    /// Returns all of it: what is written, and what each layer authenticates.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..HEADER_BYTES * self.layers]
    }

    /// Returns the salt of each layer.
    pub(crate) fn salts(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes().chunks_exact(HEADER_BYTES).map(|part| &part[32..])
    }
}

fn read_part(part: &[u8], layers: usize) -> Option<Facts> {
    let (magic, rest) = part.split_first_chunk::<4>()?;
    let is_known = *magic == MAGIC && rest[..3] == [VERSION, layers as u8, CHUNK_BYTES_LOG2] && part[28..32] == [0; 4];
    let kind = match part[15] {
        0 => Kind::Segment,
        1 => Kind::Directory,
        _ => return None,
    };
    let number = u32::from_be_bytes(*part[16..].first_chunk()?);
    let offset = u64::from_be_bytes(*part[20..].first_chunk()?);
    is_known.then_some(Facts { kind, number, offset })
}
