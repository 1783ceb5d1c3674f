//! rpm's own database (`Packages.db`): a table of slots, each of which points to a header (rpm's sources,
//! `lib/backend/ndb/rpmpkg.c`). All numbers are little-endian.

use super::{DatabaseError, Pages};

pub(super) const MAGIC: [u8; 4] = *b"RpmP";
const SLOT_MAGIC: [u8; 4] = *b"Slot";
const BLOB_MAGIC: [u8; 4] = *b"BlbS";
/// Slots lie in pages of 4 KiB; the file's own header takes the place of the first two.
const PAGE: u64 = 4096;
const SLOT: u64 = 16;
/// Headers lie at multiples of this.
const BLOCK: u64 = 16;

pub(super) fn read(pages: &mut Pages<'_>, each: &mut dyn FnMut(&[u8])) -> Result<(), DatabaseError> {
    let mut header = [0; 32];
    pages.read(0, &mut header)?;
    if number(&header, 4) != 0 {
        return Err(DatabaseError::Damaged("it is of a later version of rpm's database"));
    }
    let slots = pages.read_vec(0, u64::from(number(&header, 12)) * PAGE)?;
    for slot in slots.chunks_exact(SLOT as usize).skip(2) {
        if slot[..4] != SLOT_MAGIC {
            return Err(DatabaseError::Damaged("a slot is none"));
        }
        let (package, at) = (number(slot, 4), u64::from(number(slot, 8)) * BLOCK);
        if package == 0 {
            continue;
        }
        let mut blob = [0; 16];
        pages.read(at, &mut blob)?;
        if blob[..4] != BLOB_MAGIC || number(&blob, 4) != package {
            return Err(DatabaseError::Damaged("a slot points to what is not its package"));
        }
        each(&pages.read_vec(at + 16, u64::from(number(&blob, 12)))?);
    }
    Ok(())
}

/// The number at a place that the caller knows to be there; 0 otherwise.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
