use super::BucketError;
use gantry_words::Timestamp;

/// Keys that are kept at most; each takes its own length and some forty bytes.
pub(super) const KEYS_MAX: usize = 5_000_000;
/// Bytes of all keys together at most.
const TEXT_BYTES_MAX: usize = 1 << 30;

/// The keys of a bucket in order, as a tree of folders: a slash parts them.
#[derive(Default)]
pub(super) struct KeyIndex {
    /// All keys, one after the other.
    text: String,
    entries: Vec<Entry>,
}

struct Entry {
    begin: usize,
    end: usize,
    facts: Facts,
}

/// What is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) length: u64,
    pub(super) written_at: Option<Timestamp>,
}

impl KeyIndex {
    /// Adds a key, in any order.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn add(&mut self, key: &str, facts: Facts) -> Result<(), BucketError> {
        if self.entries.len() >= KEYS_MAX || self.text.len() + key.len() > TEXT_BYTES_MAX {
            return Err(BucketError::TooMany);
        }
        let begin = self.text.len();
        self.text.push_str(key);
        self.entries.push(Entry { begin, end: self.text.len(), facts });
        Ok(())
    }

    /// Puts all keys in order: only then are they found.
    pub(super) fn sort(&mut self) {
        let text = &self.text;
        self.entries.sort_unstable_by_key(|entry| &text[entry.begin..entry.end]);
        self.entries.dedup_by_key(|entry| &text[entry.begin..entry.end]);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn key(&self, entry: &Entry) -> &str {
        &self.text[entry.begin..entry.end]
    }

    /// The place of the first key that is not before this one.
    fn place(&self, key: &str) -> usize {
        self.entries.partition_point(|entry| self.key(entry) < key)
    }

    /// Returns what is known of a key; `None` where there is none.
    pub(super) fn find(&self, key: &str) -> Option<Facts> {
        self.entries.get(self.place(key)).filter(|entry| self.key(entry) == key).map(|entry| entry.facts)
    }

    /// Whether any key lies in a folder of this name.
    pub(super) fn has_folder(&self, name: &str) -> bool {
        let begin = inside(name);
        self.entries.get(self.place(&begin)).is_some_and(|entry| self.key(entry).starts_with(&begin))
    }

    /// Lists the folders in a folder, in order.
    pub(super) fn folders(&self, name: &str) -> Vec<String> {
        self.children(name).filter(|(_, is_folder)| *is_folder).map(|(child, _)| child.to_owned()).collect()
    }

    /// Lists the files in a folder, in order.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        self.children(name).filter(|(_, is_folder)| !*is_folder).map(|(child, _)| child.to_owned()).collect()
    }

    /// What lies directly in a folder, each with whether it is a folder itself.
    fn children(&self, folder: &str) -> std::vec::IntoIter<(&str, bool)> {
        let begin = inside(folder);
        let (mut place, mut found) = (self.place(&begin), Vec::new());
        while let Some(rest) = self.entries.get(place).and_then(|entry| self.key(entry).strip_prefix(&begin)) {
            match rest.split_once('/') {
                Some((child, _)) => {
                    found.push((child, true));
                    // Past all that lies in it: `0` is what comes after the slash.
                    place = self.place(&format!("{begin}{child}0"));
                }
                None => {
                    found.push((rest, false));
                    place += 1;
                }
            }
        }
        // By their keys `a-b/` comes before `a/`.
        found.sort_unstable();
        found.into_iter()
    }
}

/// What the keys in a folder begin with.
fn inside(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("{folder}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(keys: &[&str]) -> KeyIndex {
        let mut index = KeyIndex::default();
        for (number, key) in keys.iter().enumerate() {
            index.add(key, Facts { length: number as u64, written_at: None }).unwrap();
        }
        index.sort();
        index
    }

    #[test]
    fn keys_are_a_tree_of_folders() {
        let index = index(&["a/x/1", "a-b/2", "a/x/0", "a0", "a/y", "b"]);

        assert_eq!(index.folders(""), ["a", "a-b"]);
        assert_eq!(index.names(""), ["a0", "b"]);
        assert_eq!(index.folders("a"), ["x"]);
        assert_eq!(index.names("a"), ["y"]);
        assert_eq!(index.names("a/x"), ["0", "1"]);
        assert_eq!(index.names("a/x/1"), [""; 0]);
        assert!(index.has_folder("a/x") && index.has_folder("") && !index.has_folder("a/y") && !index.has_folder("a/"));
        assert_eq!(index.find("a/y").unwrap().length, 4);
        assert_eq!((index.find("a"), index.find("c")), (None, None));
    }

    #[test]
    fn a_key_that_was_listed_twice_is_there_once() {
        assert_eq!(index(&["a/b", "a/b"]).names("a"), ["b"]);
    }

    #[test]
    fn an_empty_index_has_no_folder_at_all() {
        let index = index(&[]);

        assert!(index.is_empty() && !index.has_folder("") && index.folders("").is_empty());
    }
}
