//! Names of archives as normalised paths, and their hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path as files of archives and folders name it, normalised: without a leading `/`, empty parts and `.`; the root is
/// empty. `None` where it has `..` or NUL.
pub(crate) fn normalise(name: &str) -> Option<String> {
    let mut path = String::with_capacity(name.len());
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            _ if part.contains('\0') => return None,
            _ => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    Some(path)
}

/// Returns the folder of a path and its last part; the folder is empty for what lies in the root.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Puts a name into a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Returns all folders that a path lies in, the outermost first, without the root.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// A hash that is stored: FNV-1a with 64 bits, so that it never changes with a library.
pub(crate) fn hash(path: &str) -> u64 {
    more(0xcbf2_9ce4_8422_2325, path.as_bytes())
}

/// The hash of a folder that an archive names.
pub(crate) fn hash_of_folder(path: &str) -> u64 {
    more(hash(path), b"/")
}

/// The hash of a folder that an archive does not name: something lies in it.
pub(crate) fn hash_of_implied_folder(path: &str) -> u64 {
    more(hash(path), b"//")
}

fn more(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A set of hashes, written as base64 of its sorted members, eight bytes each, little-endian.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hashes(Vec<u64>);

impl Hashes {
    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<u64> for Hashes {
    fn from_iter<I: IntoIterator<Item = u64>>(hashes: I) -> Hashes {
        let mut hashes: Vec<u64> = hashes.into_iter().collect();
        hashes.sort_unstable();
        hashes.dedup();
        Hashes(hashes)
    }
}

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hashes, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(serde::de::Error::custom)?;
        let (hashes, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("hashes have eight bytes each"));
        }
        Ok(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect())
    }
}
