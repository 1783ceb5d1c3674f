//! Patterns of paths, and a filter that tells of most lists of paths that no path in them is as a pattern says.

use std::collections::HashSet;

/// Bits of a filter for each piece that it remembers.
const BITS_PER_PIECE: usize = 8;
/// Bits that are set for a piece.
const BITS_SET: u64 = 3;
/// Bytes of a filter at least.
const BYTES_MIN: usize = 8;
/// Bytes of a filter at most: of longer lists it tells less.
const BYTES_MAX: usize = 32 << 10;
/// Bytes of a piece of a path.
const PIECE_BYTES: usize = 3;

/// Whether a text is as a pattern says, in which `*` stands for any characters.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(end)
}

/// Which paths are meant: `*` stands for any characters, slashes too. A pattern without a slash also means files of that name,
/// wherever they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    is_name: bool,
    /// What every path has that is meant, as filters remember it.
    pieces: Vec<u64>,
}

impl PathPattern {
    /// Takes a pattern as it is written; slashes at its beginning stand for the root.
    pub fn new(written: &str) -> PathPattern {
        let text = written.trim_start_matches('/').to_owned();
        let mut pieces = HashSet::new();
        format!("/{text}/").split('*').for_each(|part| add_pieces(&mut pieces, part.as_bytes()));
        let name = text.rsplit('/').next().filter(|name| !name.is_empty() && !name.contains('*'));
        pieces.extend(name.map(name_piece));
        let mut pieces: Vec<u64> = pieces.into_iter().collect();
        pieces.sort_unstable();
        PathPattern { text, is_name: !written.contains('/'), pieces }
    }

    /// Whether a normalised path is meant.
    pub fn fits(&self, path: &str) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        fits(&self.text, path) || self.is_name && fits(&self.text, name)
    }
}

/// Bits that are set for what occurs in the paths of a list (a Bloom filter): the names of its files, and three bytes in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFilter(Box<[u8]>);

impl PathFilter {
    /// Makes one for paths; sorted ones are faster.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> PathFilter {
        let mut pieces = HashSet::new();
        let mut last = "";
        for path in paths {
            let same = last.bytes().zip(path.bytes()).take_while(|(one, other)| one == other).count();
            let whole = format!("/{path}/");
            // What lies within the beginning that both have is known already: one byte more of it, for the slash before it.
            let new = (same + 1).saturating_sub(PIECE_BYTES - 1);
            add_pieces(&mut pieces, whole.as_bytes().get(new..).unwrap_or_default());
            pieces.insert(name_piece(path.rsplit('/').next().unwrap_or(path)));
            last = path;
        }
        let bytes = (pieces.len() * BITS_PER_PIECE).div_ceil(8).clamp(BYTES_MIN, BYTES_MAX);
        let mut bits = vec![0_u8; bytes].into_boxed_slice();
        for piece in pieces {
            for (byte, mask) in places(piece, bytes) {
                bits[byte] |= mask;
            }
        }
        PathFilter(bits)
    }

    /// Whether a path that is meant may be among those of the list: where there is one, always.
    pub fn may_have(&self, pattern: &PathPattern) -> bool {
        let has = |piece: &u64| places(*piece, self.0.len()).all(|(byte, mask)| self.0[byte] & mask != 0);
        pattern.pieces.iter().all(has)
    }

    /// Its bytes, to be kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what was kept; `None` where that is none.
    pub fn read(bytes: &[u8]) -> Option<PathFilter> {
        (BYTES_MIN..=BYTES_MAX).contains(&bytes.len()).then(|| PathFilter(bytes.into()))
    }
}

fn add_pieces(pieces: &mut HashSet<u64>, bytes: &[u8]) {
    pieces.extend(bytes.windows(PIECE_BYTES).map(|window| mixed(window, 0)));
}

fn name_piece(name: &str) -> u64 {
    mixed(name.as_bytes(), 1)
}

/// A hash that is stored: FNV-1a with 64 bits, and MurmurHash3's finish, since pieces are short.
fn mixed(bytes: &[u8], kind: u8) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = std::iter::once(&kind).chain(bytes).fold(0xcbf2_9ce4_8422_2325, fold);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The bits of a piece among so many bytes, each as its byte and its mask.
fn places(piece: u64, bytes: usize) -> impl Iterator<Item = (usize, u8)> {
    let (bits, step) = (bytes as u64 * 8, (piece >> 32) | 1);
    (0..BITS_SET).map(move |turn| {
        let bit = (piece & 0xffff_ffff).wrapping_add(turn.wrapping_mul(step)) % bits;
        ((bit / 8) as usize, 1 << (bit % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("log4j-core", "log4j-core", true),
            ("log4j", "log4j-core", false),
            ("log4j*", "log4j-core", true),
            ("*core", "log4j-core", true),
            ("l*4*e", "log4j-core", true),
            ("*", "", true),
            ("a*a", "a", false),
        ];
        for (pattern, text, wanted) in cases {
            assert_eq!(fits(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_without_a_slash_is_the_name_of_a_file_too() {
        let cases = [
            ("run.sh", "run.sh", true),
            ("run.sh", "opt/app/run.sh", true),
            ("run.sh", "opt/run.sh/x", false),
            ("/run.sh", "opt/app/run.sh", false),
            ("/run.sh", "run.sh", true),
            ("log4j-core-*.jar", "opt/log4j-core-2.14.jar", true),
            ("app/run.sh", "opt/app/run.sh", false),
            ("*/app/run.sh", "opt/app/run.sh", true),
            ("opt*", "opt/app/run.sh", true),
        ];
        for (pattern, path, wanted) in cases {
            assert_eq!(PathPattern::new(pattern).fits(path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn most_lists_are_known_not_to_have_what_is_looked_for() {
        let list =
            |number: usize| (0..200).map(move |file| format!("srv/app-{number}/file-{file}.txt")).collect::<Vec<_>>();
        let filters: Vec<PathFilter> =
            (0..100).map(|number| PathFilter::of(list(number).iter().map(String::as_str))).collect();
        let may_have = |pattern: &str| {
            let pattern = PathPattern::new(pattern);
            filters.iter().filter(|filter| filter.may_have(&pattern)).count()
        };

        assert!(may_have("*/kubectl") <= 2 && may_have("log4j-core-*.jar") <= 2);
        assert!(may_have("srv/app-57/file-3.txt") <= 10);
        assert_eq!(may_have("file-3.txt"), 100);
        assert_eq!(may_have("*"), 100);
    }

    #[test]
    fn a_filter_is_the_same_after_it_was_kept_and_other_bytes_are_none() {
        let filter = PathFilter::of(["usr/bin/x", "usr/bin/y"]);

        assert_eq!(PathFilter::read(filter.as_bytes()), Some(filter));
        for length in [0, BYTES_MIN - 1, BYTES_MAX + 1] {
            assert_eq!(PathFilter::read(&vec![0; length]), None, "{length}");
        }
    }

    #[test]
    fn a_long_list_has_no_longer_filter_than_it_may() {
        let paths: Vec<String> =
            (0..100_000_u64).map(|number| format!("{:016x}", mixed(&number.to_le_bytes(), 2))).collect();

        let filter = PathFilter::of(paths.iter().map(String::as_str));

        assert_eq!(filter.as_bytes().len(), BYTES_MAX);
        assert!(filter.may_have(&PathPattern::new(&paths[77_777])));
    }

    fn path() -> impl Strategy<Value = String> {
        proptest::collection::vec("[ab.]{1,3}|é", 1..4).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #[test]
        fn what_fits_is_never_filtered_out(paths in proptest::collection::vec(path(), 0..8), pattern in "/?[ab./*é]{0,6}") {
            let mut paths = paths;
            paths.sort();
            let filter = PathFilter::of(paths.iter().map(String::as_str));
            let pattern = PathPattern::new(&pattern);

            let is_there = paths.iter().any(|path| pattern.fits(path));

            prop_assert!(!is_there || filter.may_have(&pattern), "{:?} {:?}", pattern, paths);
        }
    }
}
