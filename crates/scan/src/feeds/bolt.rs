//! Reads a bbolt file (go.etcd.io/bbolt, file format 2): a tree of buckets of keys and values, in pages. Read only, from
//! memory, and bounded: no page is visited twice in a walk, and nothing is called recursively.
//!
//! ```text
//! page:   id u64 | flags u16 | count u16 | overflow u32 | elements …         (little-endian, as it is written everywhere)
//! meta:   magic u32 | version u32 | page size u32 | flags u32 | root page u64 | sequence u64 | freelist u64
//!         | high water mark u64 | transaction u64 | checksum u64 (FNV-1a, 64 bits, of what is before it)
//! branch: pos u32 | key size u32 | page u64                                   pos counts from the element's own start
//! leaf:   flags u32 | pos u32 | key size u32 | value size u32                 flags 1: the value is a bucket
//! bucket: root page u64 | sequence u64 [| a page, where the root is 0]
//! ```

const MAGIC: u32 = 0xed0c_daed;
const VERSION: u32 = 2;
const PAGE_HEADER_BYTES: usize = 16;
const META_BYTES: usize = 64;
const BUCKET_HEADER_BYTES: usize = 16;
const ELEMENT_BYTES: usize = 16;
const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
const META: u16 = 0x04;
const BUCKET_LEAF: u32 = 0x01;
/// Sizes of pages that systems have: 4 KiB in most cases.
const PAGE_BYTES: std::ops::RangeInclusive<usize> = 1024..=65536;

/// Why a file is no bbolt file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoltError {
    /// Neither of its first pages describes it.
    #[error("it is no bbolt file, or its first pages are damaged")]
    Meta,
    /// A page is not there, or is none of a tree.
    #[error("page {page} is damaged")]
    Page {
        /// The page's number.
        page: u64,
    },
    /// A bucket's header is too short.
    #[error("a bucket is damaged")]
    Bucket,
}

/// A file of buckets.
#[derive(Clone, Copy, Debug)]
pub struct Bolt<'a> {
    bytes: &'a [u8],
    page_bytes: usize,
    root: u64,
}

/// A bucket within a file.
#[derive(Clone, Copy, Debug)]
pub struct Bucket<'a> {
    root: Root<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Root<'a> {
    Page(u64),
    Inline(&'a [u8]),
}

/// What a bucket holds.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// A value.
    Value {
        /// Its key.
        key: &'a [u8],
        /// Its bytes.
        value: &'a [u8],
    },
    /// A bucket within.
    Bucket {
        /// Its name.
        key: &'a [u8],
        /// What it holds.
        bucket: Bucket<'a>,
    },
}

struct Meta {
    page_bytes: usize,
    root: u64,
    transaction: u64,
}

impl<'a> Bolt<'a> {
    /// Reads what describes a file: of its two descriptions the newest that is whole.
    ///
    /// # Errors
    /// [`BoltError::Meta`] where none is.
    pub fn open(bytes: &'a [u8]) -> Result<Bolt<'a>, BoltError> {
        let first = meta(bytes, 0);
        // The second page's place depends on the size of pages, which only a description tells.
        let second = match &first {
            Some(first) => meta(bytes, first.page_bytes),
            None => {
                [4096, 8192, 16384, 65536].into_iter().find_map(|at| meta(bytes, at).filter(|m| m.page_bytes == at))
            }
        };
        let newest = first.into_iter().chain(second).max_by_key(|meta| meta.transaction).ok_or(BoltError::Meta)?;
        Ok(Bolt { bytes, page_bytes: newest.page_bytes, root: newest.root })
    }

    /// Returns the bucket of all buckets.
    pub fn root(&self) -> Bucket<'a> {
        Bucket { root: Root::Page(self.root) }
    }

    /// Returns what a bucket holds, in the order of the keys.
    pub fn entries(&self, bucket: Bucket<'a>) -> Entries<'a> {
        // No tree has more pages than the file.
        let pages_left = self.bytes.len() / self.page_bytes + 1;
        Entries { file: *self, waiting: vec![Place { root: bucket.root, element: 0 }], pages_left }
    }

    fn page(&self, number: u64) -> Result<&'a [u8], BoltError> {
        let damaged = BoltError::Page { page: number };
        let start = usize::try_from(number).ok().and_then(|number| number.checked_mul(self.page_bytes));
        let rest = start.and_then(|start| self.bytes.get(start..)).ok_or(damaged)?;
        if u64_at(rest, 0) != Some(number) {
            return Err(damaged);
        }
        let overflow = u32_at(rest, 12).ok_or(damaged)? as usize;
        let length = overflow.checked_add(1).and_then(|pages| pages.checked_mul(self.page_bytes)).ok_or(damaged)?;
        rest.get(..length).ok_or(damaged)
    }
}

/// A walk through a bucket.
pub struct Entries<'a> {
    file: Bolt<'a>,
    waiting: Vec<Place<'a>>,
    pages_left: usize,
}

/// How far a page was read.
struct Place<'a> {
    root: Root<'a>,
    element: u16,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, BoltError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if matches!(next, Some(Err(_))) {
            self.waiting.clear();
        }
        next
    }
}

impl<'a> Entries<'a> {
    fn advance(&mut self) -> Result<Option<Entry<'a>>, BoltError> {
        while let Some(place) = self.waiting.last_mut() {
            let (page, number) = match place.root {
                Root::Inline(page) => (page, 0),
                Root::Page(number) => (self.file.page(number)?, number),
            };
            let damaged = BoltError::Page { page: number };
            if place.element >= u16_at(page, 10).ok_or(damaged)? {
                self.waiting.pop();
                continue;
            }
            let start = PAGE_HEADER_BYTES + usize::from(place.element) * ELEMENT_BYTES;
            place.element += 1;
            let element = page.get(start..).ok_or(damaged)?;
            match u16_at(page, 8).ok_or(damaged)? {
                BRANCH if matches!(place.root, Root::Page(_)) => {
                    let child = u64_at(element, 8).ok_or(damaged)?;
                    // A page that leads back to itself would be walked for ever.
                    self.pages_left = self.pages_left.checked_sub(1).ok_or(damaged)?;
                    self.waiting.push(Place { root: Root::Page(child), element: 0 });
                }
                LEAF => return leaf(element).ok_or(damaged)?.map(Some),
                _ => return Err(damaged),
            }
        }
        Ok(None)
    }
}

fn leaf(element: &[u8]) -> Option<Result<Entry<'_>, BoltError>> {
    let number = |at| u32_at(element, at).map(|number| number as usize);
    let (flags, position, key_bytes, value_bytes) = (u32_at(element, 0)?, number(4)?, number(8)?, number(12)?);
    let value_at = position.checked_add(key_bytes)?;
    let key = element.get(position..value_at)?;
    let value = element.get(value_at..value_at.checked_add(value_bytes)?)?;
    if flags & BUCKET_LEAF == 0 {
        return Some(Ok(Entry::Value { key, value }));
    }
    let bucket = match u64_at(value, 0) {
        Some(0) => value.get(BUCKET_HEADER_BYTES..).map(|page| Bucket { root: Root::Inline(page) }),
        Some(page) => Some(Bucket { root: Root::Page(page) }),
        None => None,
    };
    Some(bucket.ok_or(BoltError::Bucket).map(|bucket| Entry::Bucket { key, bucket }))
}

fn meta(bytes: &[u8], at: usize) -> Option<Meta> {
    let page = bytes.get(at..)?.get(..PAGE_HEADER_BYTES + META_BYTES)?;
    let meta = page.get(PAGE_HEADER_BYTES..)?;
    let page_bytes = u32_at(meta, 8)? as usize;
    let is_whole = u16_at(page, 8)? & META != 0
        && u32_at(meta, 0)? == MAGIC
        && u32_at(meta, 4)? == VERSION
        && PAGE_BYTES.contains(&page_bytes)
        && u64_at(meta, META_BYTES - 8)? == checksum(meta.get(..META_BYTES - 8)?);
    is_whole.then_some(Meta { page_bytes, root: u64_at(meta, 16)?, transaction: u64_at(meta, 48)? })
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests;
