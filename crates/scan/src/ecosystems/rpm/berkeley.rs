//! Berkeley DB's hash tables (`Packages`), as far as rpm uses them: a header is too long for a page, so its item points to a
//! chain of overflow pages (Berkeley DB's sources, `src/dbinc/db_page.h`). Numbers are in the order of the machine that
//! wrote them.

use super::{DatabaseError, HEADER_BYTES_MAX, Pages};

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_HEADER: usize = 26;
/// Pages of a hash table, the first before Berkeley DB 4.6.
const HASH_UNSORTED: u8 = 2;
const HASH: u8 = 13;
const OVERFLOW: u8 = 7;
/// Items: bytes in the page itself, and on overflow pages.
const INLINE: u8 = 1;
const OFF_PAGE: u8 = 3;

/// How a file's numbers are written.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    fn number(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    fn short(self, bytes: &[u8], at: usize) -> Option<usize> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(usize::from(match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }))
    }
}

/// Returns how numbers are written, if the first 16 bytes are those of a hash table.
pub(super) fn order(head: &[u8]) -> Option<Order> {
    [Order::Little, Order::Big].into_iter().find(|order| order.number(head, 12) == Some(HASH_MAGIC))
}

struct Table<'a, 'b> {
    pages: &'a mut Pages<'b>,
    order: Order,
    page_bytes: usize,
}

pub(super) fn read(pages: &mut Pages<'_>, each: &mut dyn FnMut(&[u8])) -> Result<(), DatabaseError> {
    const DAMAGED: DatabaseError = DatabaseError::Damaged("its first page is damaged");
    let mut first = [0; 72];
    pages.read(0, &mut first)?;
    let order = order(&first).ok_or(DAMAGED)?;
    let page_bytes = order.number(&first, 20).filter(|bytes| bytes.is_power_of_two()).ok_or(DAMAGED)?;
    if !(512..=65536).contains(&page_bytes) {
        return Err(DAMAGED);
    }
    let last = order.number(&first, 32).ok_or(DAMAGED)?;
    let mut table = Table { pages, order, page_bytes: page_bytes as usize };
    for number in 1..=last {
        let page = table.page(number)?;
        if matches!(page[25], HASH | HASH_UNSORTED) {
            table.read_page(&page, each)?;
        }
    }
    Ok(())
}

impl Table<'_, '_> {
    fn page(&mut self, number: u32) -> Result<Vec<u8>, DatabaseError> {
        self.pages.read_vec(u64::from(number) * self.page_bytes as u64, self.page_bytes as u64)
    }

    /// Reads the items of a page: keys and values take turns, and lie from its end downward.
    fn read_page(&mut self, page: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), DatabaseError> {
        const DAMAGED: DatabaseError = DatabaseError::Damaged("an item of it lies outside of its page");
        let count = self.order.short(page, 20).ok_or(DAMAGED)?;
        for index in (1..count).step_by(2) {
            let place = |index: usize| self.order.short(page, PAGE_HEADER + 2 * index);
            let (begin, end) = (place(index).ok_or(DAMAGED)?, place(index - 1).ok_or(DAMAGED)?);
            match *page.get(begin).ok_or(DAMAGED)? {
                // Under the key 0 lies how many packages there are.
                INLINE => match page.get(begin + 1..end).ok_or(DAMAGED)? {
                    value if value.len() <= 4 => {}
                    value => each(value),
                },
                OFF_PAGE => {
                    let first = self.order.number(page, begin + 4).ok_or(DAMAGED)?;
                    let length = self.order.number(page, begin + 8).ok_or(DAMAGED)?;
                    each(&self.overflow(first, u64::from(length))?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a chain of pages that hold `length` bytes.
    fn overflow(&mut self, first: u32, length: u64) -> Result<Vec<u8>, DatabaseError> {
        const DAMAGED: DatabaseError = DatabaseError::Damaged("a chain of its pages is broken");
        if length > HEADER_BYTES_MAX {
            return Err(DatabaseError::Damaged("a part of it is too long"));
        }
        let (mut value, mut next) = (Vec::new(), first);
        while (value.len() as u64) < length {
            let page = self.page(next)?;
            if next == 0 || page[25] != OVERFLOW {
                return Err(DAMAGED);
            }
            let filled = self.order.short(&page, 22).filter(|filled| *filled > 0).ok_or(DAMAGED)?;
            value.extend_from_slice(page.get(PAGE_HEADER..PAGE_HEADER + filled).ok_or(DAMAGED)?);
            next = self.order.number(&page, 16).ok_or(DAMAGED)?;
        }
        value.truncate(length as usize);
        Ok(value)
    }
}
