//! Symbolic links of an image: where a path really lies, and which other names a file has.

use std::collections::{BTreeMap, HashMap};

use crate::layer::path;

/// Links that are followed for one path at most, as Linux does.
const FOLLOWED_MAX: u32 = 40;
/// Other names of one file that are looked at.
const NAMES_MAX: usize = 64;
/// A name that stands for those of all files of a folder.
const ANY_NAME: &str = "-";

/// Symbolic links by where they really lie.
#[derive(Default)]
pub(crate) struct Links(BTreeMap<String, String>);

impl Links {
    pub(crate) fn retain(&mut self, keeps: impl Fn(&str) -> bool) {
        self.0.retain(|path, _| keeps(path));
    }

    pub(crate) fn insert(&mut self, path: &str, target: &str) {
        if let Some(path) = self.resolve_parents(path) {
            self.0.insert(path, target.to_owned());
        }
    }

    /// Whether a link lies there.
    pub(crate) fn is_link(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Returns where a path lies when all links are followed; `None` where they go round in circles. What is above the
    /// root is the root.
    pub(crate) fn resolve(&self, path: &str) -> Option<String> {
        self.walk(path, true)
    }

    /// The same, but what the path itself names is not followed.
    pub(crate) fn resolve_parents(&self, path: &str) -> Option<String> {
        self.walk(path, false)
    }

    fn walk(&self, path: &str, follows_last: bool) -> Option<String> {
        if self.0.is_empty() {
            return Some(path.to_owned());
        }
        let mut waiting: Vec<&str> = path.rsplit('/').collect();
        let (mut real, mut followed) = (String::new(), 0);
        while let Some(part) = waiting.pop() {
            match part {
                "" | "." => continue,
                ".." => {
                    real.truncate(path::split(&real).0.len());
                    continue;
                }
                _ => {}
            }
            let next = path::join(&real, part);
            match self.0.get(&next) {
                Some(target) if follows_last || !waiting.is_empty() => {
                    followed += 1;
                    if followed > FOLLOWED_MAX {
                        return None;
                    }
                    if target.starts_with('/') {
                        real.clear();
                    }
                    waiting.extend(target.rsplit('/'));
                }
                _ => real = next,
            }
        }
        Some(real)
    }

    /// Turns the links round.
    pub(crate) fn reversed(&self) -> Reversed<'_> {
        let mut links: HashMap<String, Vec<&str>> = HashMap::new();
        for link in self.0.keys() {
            if let Some(target) = self.resolve(link) {
                links.entry(target).or_default().push(link);
            }
        }
        Reversed(links)
    }
}

/// Links by where they lead.
pub(crate) struct Reversed<'a>(HashMap<String, Vec<&'a str>>);

/// Another name of a file.
pub(crate) struct Name {
    /// A path that leads through a link, and that is no link itself.
    pub(crate) path: String,
    /// Bytes of its beginning that are the link.
    pub(crate) known: usize,
}

impl Reversed<'_> {
    /// Returns the other names of a file that lies at `path`, through links to one of its folders.
    pub(crate) fn names(&self, path: &str) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        if self.0.is_empty() {
            return names;
        }
        let mut looked_at = 0;
        self.add_names(path, &mut names);
        // A link may lie in a folder that has other names, too.
        while let Some(name) = names.get(looked_at).map(|name| name.path.clone()).filter(|_| names.len() < NAMES_MAX) {
            self.add_names(&name, &mut names);
            looked_at += 1;
        }
        names
    }

    fn add_names(&self, path: &str, names: &mut Vec<Name>) {
        for folder in path::parents(path) {
            for link in self.0.get(folder).into_iter().flatten() {
                let name = format!("{link}{}", &path[folder.len()..]);
                if names.len() < NAMES_MAX && name != path && names.iter().all(|known| known.path != name) {
                    names.push(Name { path: name, known: link.len() });
                }
            }
        }
    }
}

/// Other names of files, asked for folder by folder.
pub(crate) struct FolderNames<'a> {
    links: &'a Reversed<'a>,
    folder: Option<String>,
    names: Vec<Name>,
}

impl<'a> FolderNames<'a> {
    pub(crate) fn new(links: &'a Reversed<'a>) -> FolderNames<'a> {
        FolderNames { links, folder: None, names: Vec::new() }
    }

    /// Returns what [`Reversed::names`] does; for files of one folder after each other it is looked up once.
    pub(crate) fn of(&mut self, path: &str) -> impl Iterator<Item = Name> {
        let (folder, name) = path::split(path);
        if self.folder.as_deref() != Some(folder) {
            self.names = self.links.names(&path::join(folder, ANY_NAME));
            self.folder = Some(folder.to_owned());
        }
        let with_name = move |Name { path, known }: &Name| {
            let folder = path.strip_suffix(ANY_NAME).unwrap_or(path);
            Name { path: format!("{folder}{name}"), known: *known }
        };
        self.names.iter().map(with_name)
    }
}
