//! The same layers, laid over each other as a tree of files in memory, show the same packages.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::{seen, seen_loose};
use crate::layer::tests::{Item, layer};

#[derive(Clone, Debug)]
enum What {
    /// With the package in it, if there is one.
    File(Option<u8>),
    Folder,
    Link(&'static str),
    Whiteout,
    Opaque,
}

/// Paths by name; what lies below something that is no folder is left out.
type Changes = BTreeMap<String, What>;

#[derive(Clone, Debug)]
enum Node {
    File(Option<(u8, usize)>),
    Folder,
    Link(&'static str),
}

fn changes() -> impl Strategy<Value = Changes> {
    let folders = prop_oneof![Just(What::Folder), Just(What::Whiteout), Just(What::Opaque)];
    let targets = prop_oneof![select(vec!["d1", "/d2"]).prop_map(What::Link), folders.clone()];
    let anything = prop_oneof![
        4 => proptest::option::of(0_u8..9).prop_map(What::File),
        1 => folders.clone(),
    ];
    let top = prop_oneof![
        (select(vec!["d1", "d2"]), folders),
        (select(vec!["l1", "l2"]), targets),
        (select(vec!["a", "b"]), anything.clone()),
    ];
    let top = top.prop_map(|(name, what)| (name.to_owned(), what));
    let names = || select(vec!["a", "b", "c"]);
    let first = select(vec!["a", "b", "d1", "d2", "l1", "l2"]);
    let deep = (first, names(), proptest::option::of(names()), anything).prop_map(|(first, second, third, what)| {
        let third = third.map(|third| format!("/{third}")).unwrap_or_default();
        (format!("{first}/{second}{third}"), what)
    });
    proptest::collection::vec(prop_oneof![1 => top, 3 => deep], 0..8).prop_map(well_formed)
}

fn well_formed(pairs: Vec<(String, What)>) -> Changes {
    let all: Changes = pairs.into_iter().collect();
    let stands = |path: &str| {
        path.match_indices('/').all(|(at, _)| match all.get(&path[..at]) {
            None | Some(What::Folder | What::Opaque) => true,
            Some(What::File(_) | What::Link(_) | What::Whiteout) => false,
        })
    };
    // Below a folder that the layer itself puts over a link, deletions would be of nothing.
    let is_told = |path: &str, what: &What| {
        !matches!(what, What::Whiteout | What::Opaque) || !path.starts_with('l') || !all.contains_key(&path[..2])
    };
    // Nor does a layer name a file twice, once through a link.
    let has_targets = all.keys().any(|path| path.starts_with('d'));
    let is_once = |path: &str| !(has_targets && path.starts_with('l') && path.contains('/'));
    let keeps = |path: &str, what: &What| stands(path) && is_told(path, what) && is_once(path);
    all.clone().into_iter().filter(|(path, what)| keeps(path, what)).collect()
}

/// A tree of files, without cleverness.
#[derive(Default)]
struct Tree(BTreeMap<String, Node>);

impl Tree {
    fn apply(&mut self, number: usize, changes: &Changes) {
        for (path, what) in changes {
            match what {
                What::Whiteout => {
                    let path = self.parent(path);
                    self.make_parents(&path);
                    self.remove(&path);
                }
                What::Opaque => {
                    let inner = self.parent(&format!("{path}/x"));
                    self.make_parents(&inner);
                    self.remove_below(inner.trim_end_matches("/x"));
                }
                What::File(_) | What::Folder | What::Link(_) => {}
            }
        }
        for (path, what) in changes {
            let node = match what {
                What::File(package) => Node::File(package.map(|package| (package, number))),
                What::Folder => Node::Folder,
                What::Link(target) => Node::Link(target),
                What::Whiteout | What::Opaque => continue,
            };
            let path = self.parent(path);
            self.make_parents(&path);
            if !matches!((&node, self.0.get(&path)), (Node::Folder, Some(Node::Folder))) {
                self.remove(&path);
            }
            self.0.insert(path, node);
        }
    }

    /// Links lead to folders of the root only, and lie there.
    fn parent(&self, path: &str) -> String {
        match path.split_once('/') {
            Some((first, rest)) => match self.0.get(first) {
                Some(Node::Link(target)) => format!("{}/{rest}", target.trim_start_matches('/')),
                _ => path.to_owned(),
            },
            None => path.to_owned(),
        }
    }

    fn make_parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            if !matches!(self.0.get(&path[..at]), Some(Node::Folder)) {
                self.remove(&path[..at]);
                self.0.insert(path[..at].to_owned(), Node::Folder);
            }
        }
    }

    fn remove(&mut self, path: &str) {
        self.0.remove(path);
        self.remove_below(path);
    }

    fn remove_below(&mut self, folder: &str) {
        self.0.retain(|path, _| !path.starts_with(&format!("{folder}/")));
    }

    /// Files without a package, and links.
    fn loose(&self) -> Vec<String> {
        let is_loose = |node: &Node| matches!(node, Node::File(None) | Node::Link(_));
        self.0.iter().filter(|(_, node)| is_loose(node)).map(|(path, _)| path.clone()).collect()
    }

    fn packages(&self) -> Vec<String> {
        let packages = self.0.iter().filter_map(|(path, node)| match node {
            Node::File(Some((package, number))) => Some(format!("{path}=p{package}@{number}")),
            _ => None,
        });
        packages.collect()
    }
}

fn read(changes: &Changes) -> crate::Layer {
    let entries: Vec<(String, String, &What)> = changes
        .iter()
        .map(|(path, what)| {
            let (folder, name) = path.rsplit_once('/').map_or(("", &**path), |(folder, name)| (folder, name));
            let dash = if folder.is_empty() { "" } else { "/" };
            match what {
                What::Whiteout => (format!("{folder}{dash}.wh.{name}"), String::new(), what),
                What::Opaque => (format!("{path}/.wh..wh..opq"), String::new(), what),
                What::File(Some(package)) => (path.clone(), format!("PKG p{package} 1"), what),
                What::File(None) | What::Folder | What::Link(_) => (path.clone(), String::new(), what),
            }
        })
        .collect();
    let items: Vec<Item<'_>> = entries
        .iter()
        .map(|(name, content, what)| match what {
            What::Folder => Item::folder(name),
            What::Link(target) => Item::link(name, target),
            What::File(_) | What::Whiteout | What::Opaque => Item::file(name, content),
        })
        .collect();
    layer(&items)
}

proptest! {
    #[test]
    fn layers_show_what_a_tree_of_their_files_shows(layers in proptest::collection::vec(changes(), 1..5)) {
        let mut tree = Tree::default();
        let mut base = layers;
        base.insert(0, [("d1".to_owned(), What::Folder), ("d2".to_owned(), What::Folder)].into());
        for (number, changes) in base.iter().enumerate() {
            tree.apply(number, changes);
        }

        let layers: Vec<_> = base.iter().map(read).collect();

        prop_assert_eq!(seen(&layers), tree.packages());
        prop_assert_eq!(seen_loose(&layers), tree.loose());
    }
}
