use super::{
    CHUNK_BYTES, DataKey, HEADER_BYTES, SEGMENTS_MAX, Sealing, TAG_BYTES, Table,
    cipher::Cipher,
    header::{Facts, Header, Kind, MAGIC},
};
use crate::{Algorithm, hash::Hasher};
use gantry_env::Env;
use std::{convert::Infallible, sync::Arc};

/// Ends of one segment that are tried. More than one is found only where somebody wrote them there.
const ENDS_TRIED_MAX: usize = 4;

/// Reads the segments of an upload of `length` sealed bytes that lie behind those that are known, and hashes their plain
/// bytes. Ends at the first that is not whole; what comes from there on is to be cut off.
///
/// `read` fills a buffer from an offset, as far as there are bytes; it returns how many there were.
pub(crate) fn scan<E>(
    sealing: Sealing,
    hasher: &mut Hasher,
    length: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<Sealing, E> {
    let (key, mut table) = (sealing.key().clone(), sealing.table().clone());
    let mut buffer = vec![0; CHUNK_BYTES + (TAG_BYTES + HEADER_BYTES) * key.layers()];
    // There is one where the upload was to be published, and was not.
    let header = &mut buffer[..HEADER_BYTES * key.layers()];
    let found = read(length.saturating_sub(header.len() as u64), header)?;
    let end = length - Table::directory_bytes_of(&header[..found], key.layers()).unwrap_or(0).min(length);
    while table.len() < SEGMENTS_MAX {
        let mut attempt = hasher.clone();
        match scan_segment(&key, (&table, end), &mut attempt, &mut buffer, &mut read)? {
            Some((header, plain)) => table.push(header, plain),
            None => break,
        }
        *hasher = attempt;
    }
    Ok(Sealing::new(key, sealing.env().clone(), table))
}

/// Returns what of an upload in memory is kept when it is taken up again: how many plain bytes, and how many sealed ones.
pub fn scan_bytes(key: DataKey, env: &Env, upload: &[u8]) -> (u64, u64) {
    let table = Table::new(key.layers());
    let read = |at: u64, buffer: &mut [u8]| {
        let rest = usize::try_from(at).ok().and_then(|at| upload.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok::<_, Infallible>(count)
    };
    let sealing = Sealing::new(Arc::new(key), env.clone(), table);
    let Ok(sealing) = scan(sealing, &mut Hasher::new(Algorithm::Sha256), upload.len() as u64, read);
    (sealing.table().plain_end(), sealing.table().sealed_end())
}

/// Reads one segment; returns its header and how many plain bytes it has, or `None` where there is no whole one.
fn scan_segment<E>(
    key: &DataKey,
    (table, end): (&Table, u64),
    hasher: &mut Hasher,
    buffer: &mut [u8],
    read: &mut impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<Option<(Header, u64)>, E> {
    let (layers, start) = (key.layers(), table.sealed_end());
    let (header_bytes, tags_bytes) = (HEADER_BYTES * layers, TAG_BYTES * layers);
    let number = table.len() as u32;
    let found = read(start, &mut buffer[..header_bytes])?;
    let expected = Facts { kind: Kind::Segment, number, offset: table.plain_end() };
    let found = Header::read(&buffer[..found], layers).filter(|(_, facts)| *facts == expected);
    let Some((header, _)) = found else { return Ok(None) };
    let cipher = Cipher::new(key, header, Kind::Segment);
    let (mut at, mut plain) = (start + header_bytes as u64, 0);
    for chunk in 0.. {
        let count = read(at, buffer)?;
        if count >= CHUNK_BYTES + tags_bytes {
            let sealed = &mut buffer[..CHUNK_BYTES + tags_bytes];
            if let Some(bytes) = cipher.open(chunk, false, sealed) {
                hasher.update(&sealed[..bytes]);
                at += sealed.len() as u64;
                plain += bytes as u64;
                continue;
            }
        }
        // Opening leaves nothing to look at where it fails: it is read again for each end that is tried.
        let count = read(at, buffer)?.min(usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX));
        for last in ends(&buffer[..count], layers, number + 1, expected.offset + plain) {
            let count = read(at, buffer)?;
            if let Some(bytes) = buffer[..count].get_mut(..last).and_then(|sealed| cipher.open(chunk, true, sealed)) {
                hasher.update(&buffer[..bytes]);
                return Ok(Some((header, plain + bytes as u64)));
            }
        }
        return Ok(None);
    }
    Ok(None)
}

/// Returns where the last chunk of a segment may end, of which `window` begins with the sealed bytes: before a header that
/// says so, `next` being its number and `plain` the plain bytes before this chunk, before one of which only the first bytes
/// are there, or at the end of all.
fn ends(window: &[u8], layers: usize, next: u32, plain: u64) -> Vec<usize> {
    let (header_bytes, tags_bytes) = (HEADER_BYTES * layers, TAG_BYTES * layers);
    let is_end = |at: &usize| {
        let header = window.get(*at..*at + header_bytes).and_then(|header| Header::read(header, layers));
        header.is_some_and(|(_, facts)| {
            let is_segment = facts.kind == Kind::Segment;
            is_segment && facts.number == next && facts.offset == plain + (*at - tags_bytes) as u64
        })
    };
    let last = window.len().min(CHUNK_BYTES + tags_bytes);
    let mut ends: Vec<usize> = (tags_bytes..=last).filter(is_end).take(ENDS_TRIED_MAX).collect();
    let torn = window.len().saturating_sub(header_bytes - 1).max(tags_bytes)..window.len();
    ends.extend(torn.filter(|at| *at <= last && is_begun(&window[*at..])));
    if window.len() <= CHUNK_BYTES + tags_bytes {
        ends.push(window.len());
    }
    ends
}

/// Whether these may be the first bytes of a header.
fn is_begun(bytes: &[u8]) -> bool {
    bytes.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic)
}
