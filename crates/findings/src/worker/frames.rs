//! What a server and its worker say to each other, in turns: a server asks for a layer to be read, the worker asks for its bytes
//! until it knows what the layer holds. A frame is a byte for its kind, four for the length of its content (little endian), and that.

use std::io::{self, Read, Write};

/// Which version of this talk it is; other than this one no talk begins.
pub(super) const VERSION: u16 = 1;
/// Bytes of a layer that are sent at once.
pub(super) const PIECE_BYTES_MAX: usize = 256 << 10;
/// Bytes of what a layer holds, packed, at most. A hundred thousand packages are some 3 MB.
pub(super) const PACKED_BYTES_MAX: usize = 64 << 20;
/// Bytes of a sentence at most.
pub(super) const REASON_BYTES_MAX: usize = 4 << 10;

/// What a frame says, and by which byte it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The worker is there: which version it talks, and which revision its readers have.
    Ready = b'R',
    /// The server wants a layer to be read.
    Read = b'L',
    /// The worker wants the next bytes of it.
    More = b'M',
    /// The next bytes.
    Bytes = b'B',
    /// There are no more.
    End = b'E',
    /// There are no more, since they cannot be had: why.
    Broken = b'X',
    /// What the layer holds, packed.
    Layer = b'P',
    /// Why it cannot be read.
    Failed = b'F',
}

impl Kind {
    const ALL: [Kind; 8] =
        [Kind::Ready, Kind::Read, Kind::More, Kind::Bytes, Kind::End, Kind::Broken, Kind::Layer, Kind::Failed];

    fn bytes_max(self) -> usize {
        match self {
            Kind::Ready => greeting(0).len(),
            Kind::Read | Kind::More | Kind::End => 0,
            Kind::Bytes => PIECE_BYTES_MAX,
            Kind::Broken | Kind::Failed => REASON_BYTES_MAX,
            Kind::Layer => PACKED_BYTES_MAX,
        }
    }
}

/// What a worker says first, whose readers have a revision.
pub(super) fn greeting(revision: u32) -> [u8; 6] {
    let ([a, b], [c, d, e, f]) = (VERSION.to_le_bytes(), revision.to_le_bytes());
    [a, b, c, d, e, f]
}

/// Writes a frame; sentences that are too long are cut.
///
/// # Errors
/// Those of `output`, and content that is too long.
pub(super) fn write(output: &mut dyn Write, kind: Kind, content: &[u8]) -> io::Result<()> {
    let is_sentence = matches!(kind, Kind::Broken | Kind::Failed);
    let content = if is_sentence { &content[..content.len().min(REASON_BYTES_MAX)] } else { content };
    let length = u32::try_from(content.len()).ok().filter(|_| content.len() <= kind.bytes_max());
    let length = length.ok_or_else(|| io::Error::other(format!("{} bytes are too many for a frame", content.len())))?;
    let [a, b, c, d] = length.to_le_bytes();
    output.write_all(&[kind as u8, a, b, c, d])?;
    output.write_all(content)?;
    output.flush()
}

/// Reads a frame, its content into `content`; `None` where the other side has ended.
///
/// # Errors
/// Those of `input`, and what is no frame: never more is read, or held, than its kind may have.
pub(super) fn read(input: &mut dyn Read, content: &mut Vec<u8>) -> io::Result<Option<Kind>> {
    let mut header = Vec::with_capacity(5);
    (&mut *input).take(5).read_to_end(&mut header)?;
    let (kind, length) = match header[..] {
        [] => return Ok(None),
        [kind, a, b, c, d] => (kind, u32::from_le_bytes([a, b, c, d])),
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    let known = Kind::ALL.into_iter().find(|known| *known as u8 == kind);
    let kind = known.ok_or_else(|| nonsense(&format!("a frame of the kind {kind}")))?;
    if length as usize > kind.bytes_max() {
        return Err(nonsense(&format!("a frame of {length} bytes")));
    }
    content.clear();
    // As bytes come, not as many as are announced: whoever announces may not mean it.
    if (&mut *input).take(u64::from(length)).read_to_end(content)? < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(kind))
}

/// Something that is no part of the talk.
pub(super) fn nonsense(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it said what is not understood: {what}"))
}
