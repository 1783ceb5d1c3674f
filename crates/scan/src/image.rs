//! An image out of its layers: what a layer replaces, deletes or hides of those below it (OCI image specification 1.1,
//! Layer, section Applying Changesets).

mod loose;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::ecosystems::dpkg;
use crate::layer::path;
use crate::links::{FolderNames, Links, Name};
use crate::matching::is_judged;
use crate::{
    Distribution, ExposedSecret, Installed, Inventory, Layer, LayerFile, LayerSecret, Package, PackageType, SetuidFile,
    distribution,
};
pub use loose::{LooseFile, loose_files};

/// Licences of all packages together that are taken from files of their own: one file may be that of very many packages.
const OWN_LICENCES_MAX: usize = 100_000;
/// Complaints of an image at most.
const COMPLAINTS_MAX: usize = 1000;
/// Secrets of an image at most.
const SECRETS_MAX: usize = 1000;
/// Files of an image with the setuid bit at most.
const SETUID_MAX: usize = 1000;

/// Lays layers over each other, the lowest first, and returns what is to be seen from above.
///
/// A package of a distribution was brought by the layer from which on its database names it in this version, though each
/// layer that installs something replaces the whole database. Packages of languages in files of a package of the distribution
/// are left out: its advisories speak of them. They stay where they do not: a third party made that package, or nobody's advisories
/// are the distribution's.
pub fn put_together(layers: &[&Layer]) -> Inventory {
    Image::of(layers).inventory(layers)
}

/// What is to be seen from above.
#[derive(Default)]
struct Image<'a> {
    files: BTreeMap<String, Seen<'a>>,
    links: Links,
    /// Files that belong to no package of their layer.
    loose: loose::Files<'a>,
}

/// A file that is to be seen.
#[derive(Clone)]
struct Seen<'a> {
    parts: Vec<&'a LayerFile>,
    layer: u32,
    /// Layers that brought packages of a distribution, where it was not this one.
    brought: HashMap<&'a Package, u32>,
}

impl<'a> Seen<'a> {
    fn new(layer: u32) -> Seen<'a> {
        Seen { parts: Vec::new(), layer, brought: HashMap::new() }
    }

    fn packages(&self) -> impl Iterator<Item = (&'a LayerFile, &'a Package, u32)> {
        self.parts.iter().flat_map(move |part| {
            let layer = |package| self.brought.get(package).copied().unwrap_or(self.layer);
            part.found.packages.iter().map(move |package| (*part, package, layer(package)))
        })
    }

    /// Remembers who brought what an older state of the file named already.
    fn succeed(&mut self, older: &Seen<'a>) {
        let lasting = older.packages().filter(|(_, package, _)| package.kind.is_distribution());
        self.brought = lasting.map(|(_, package, layer)| (package, layer)).collect();
    }
}

impl<'a> Image<'a> {
    fn of(layers: &[&'a Layer]) -> Image<'a> {
        let mut image = Image { loose: loose::Files::of(layers), ..Image::default() };
        for (number, layer) in (0..).zip(layers.iter().copied()) {
            image.lay(number, layer);
        }
        image.leave_out_owned();
        image
    }

    fn lay(&mut self, number: u32, layer: &'a Layer) {
        let cover = Cover::new(layer, &self.links);
        self.links.retain(|link| !cover.takes_link(link));
        for link in &layer.links {
            self.links.insert(&link.path, &link.target);
        }
        let cover = Cover::new(layer, &self.links);
        let reverse = self.links.reversed();
        self.loose.cover(&cover, &self.links, &reverse);
        self.loose.lay(layer, &self.links);
        let mut gone = HashMap::new();
        self.files = std::mem::take(&mut self.files)
            .into_iter()
            .filter_map(|(path, seen)| {
                if cover.takes_file(&path) || reverse.names(&path).iter().any(|name| cover.takes_name(name)) {
                    gone.insert(path, seen);
                    return None;
                }
                Some((path, seen))
            })
            .collect();
        let mut added: BTreeMap<String, Seen<'a>> = BTreeMap::new();
        for file in &layer.files {
            let Some(path) = self.links.resolve_parents(&file.path) else { continue };
            let seen = added.entry(path).or_insert_with(|| Seen::new(number));
            // One file under two names, through a link: the archive's order is not known any more.
            seen.parts.retain(|part| part.path == file.path);
            seen.parts.push(file);
        }
        for (path, seen) in &mut added {
            if let Some(older) = gone.get(path) {
                seen.succeed(older);
            }
        }
        self.files.extend(added);
        for link in &layer.hard_links {
            let Some(target) = self.links.resolve_parents(&link.target) else { continue };
            let Some(path) = self.links.resolve_parents(&link.path) else { continue };
            if let Some(seen) = self.files.get(&target).cloned() {
                self.files.insert(path, seen);
            }
        }
    }

    /// Leaves out files that belong to a package of any layer.
    fn leave_out_owned(&mut self) {
        let owned = self.owned();
        let reverse = self.links.reversed();
        let mut names = FolderNames::new(&reverse);
        let has_packages = |seen: &Seen<'_>| seen.parts.iter().any(|part| !part.found.packages.is_empty());
        self.loose.leave_out(|path| {
            owned.contains(&path::hash(path))
                || self.files.get(path).is_some_and(has_packages)
                || names.of(path).any(|name| owned.contains(&path::hash(&name.path)))
        });
    }

    fn parts(&self) -> impl Iterator<Item = &'a LayerFile> {
        self.files.values().flat_map(|seen| seen.parts.iter().copied())
    }

    /// Hashes of what the package managers of all layers own.
    fn owned(&self) -> HashSet<u64> {
        self.parts().flat_map(|part| part.owners.hashes()).collect()
    }

    /// Hashes of what those packages own that the advisories of the distribution speak of.
    fn judged(&self, distribution: Option<&Distribution>) -> HashSet<u64> {
        let mut judged: HashMap<&str, bool> = HashMap::new();
        for part in self.parts() {
            for package in part.found.packages.iter().filter(|package| package.kind.is_distribution()) {
                // Where several have the same name, whose list it is cannot be told.
                let name = dpkg::listed_name(&part.path, &package.name);
                *judged.entry(name).or_insert(true) &= is_judged(package, distribution);
            }
        }
        let owners = self.parts().flat_map(|part| part.owners.iter());
        let owners = owners.filter(|(package, _)| judged.get(package).is_some_and(|is_judged| *is_judged));
        owners.flat_map(|(_, hashes)| hashes.iter()).collect()
    }

    fn inventory(self, layers: &[&Layer]) -> Inventory {
        let mut complaints: Vec<String> = layers.iter().flat_map(|layer| layer.complaints.iter().cloned()).collect();
        let distribution = self.distribution();
        let (mut packages, mut of_languages) = (Vec::new(), Vec::new());
        let mut licences_left = OWN_LICENCES_MAX;
        for (path, seen) in &self.files {
            for part in &seen.parts {
                let shown = shown(path, part);
                complaints.extend(part.found.complaints.iter().map(|complaint| format!("{shown}: {complaint}")));
            }
            for (part, package, layer) in seen.packages() {
                let mut installed = Installed { package: package.clone(), path: shown(path, part), layer };
                if package.kind == PackageType::Deb && package.licences.is_empty() {
                    let licences = self.licences_of(&package.name);
                    if let Some(left) = licences_left.checked_sub(licences.len()) {
                        licences_left = left;
                        installed.package.licences = licences;
                    }
                }
                if package.kind.is_distribution() {
                    packages.push(installed);
                } else {
                    of_languages.push((path, installed));
                }
            }
        }
        if !of_languages.is_empty() {
            let judged = self.judged(distribution.as_ref());
            let reverse = self.links.reversed();
            let is_left_out = |path: &str| {
                judged.contains(&path::hash(path))
                    || reverse.names(path).iter().any(|name| judged.contains(&path::hash(&name.path)))
            };
            packages.extend(of_languages.into_iter().filter(|(path, _)| !is_left_out(path)).map(|(_, found)| found));
        }
        packages.sort_unstable();
        packages.dedup();
        complaints.truncate(COMPLAINTS_MAX);
        Inventory {
            distribution,
            packages,
            complaints,
            secrets: self.secrets(layers),
            setuid: self.setuid(),
            loose: Some(self.loose.layers()),
            ..Inventory::default()
        }
    }

    /// What a package of dpkg's says of its licences, in a file of its own that may lie in another layer.
    fn licences_of(&self, package: &str) -> Vec<String> {
        let path = self.links.resolve(&dpkg::copyright_of(package));
        let parts = path.and_then(|path| self.files.get(&path)).into_iter().flat_map(|seen| &seen.parts);
        parts.flat_map(|part| part.found.licences.iter().cloned()).collect()
    }

    /// The secrets that are to be seen, and then those that are not any more, each once in a layer and at a path.
    fn secrets(&self, layers: &[&Layer]) -> Vec<LayerSecret> {
        let mut known = HashSet::new();
        let seen = self
            .files
            .iter()
            .flat_map(|(path, seen)| seen.parts.iter().map(move |part| (shown(path, part), *part, seen.layer, false)));
        let all = (0..).zip(layers).flat_map(|(number, layer)| {
            layer.files.iter().map(move |part| (shown(&part.path, part), part, number, true))
        });
        let mut secrets = Vec::new();
        for (path, part, layer, is_deleted) in seen.chain(all) {
            for secret in &part.secrets {
                if secrets.len() < SECRETS_MAX && known.insert((layer, std::ptr::from_ref(secret))) {
                    let secret = ExposedSecret { path: path.clone(), ..secret.clone() };
                    secrets.push(LayerSecret { secret, layer, is_deleted });
                }
            }
        }
        secrets
    }

    fn setuid(&self) -> Vec<SetuidFile> {
        let mode = |seen: &Seen<'_>| seen.parts.iter().find_map(|part| part.setuid);
        let files =
            self.files.iter().filter_map(|(path, seen)| Some(SetuidFile { path: path.clone(), mode: mode(seen)? }));
        files.take(SETUID_MAX).collect()
    }

    fn distribution(&self) -> Option<Distribution> {
        distribution::choose(&|path| {
            let path = self.links.resolve(path)?;
            self.files.get(&path)?.parts.iter().find_map(|part| part.found.distribution.as_ref())
        })
    }
}

fn shown(path: &str, part: &LayerFile) -> String {
    part.within.as_ref().map_or_else(|| path.to_owned(), |within| format!("{path}!{within}"))
}

/// What a layer takes away from those below it.
struct Cover<'a> {
    layer: &'a Layer,
    whiteouts: HashSet<String>,
    opaque: HashSet<String>,
}

impl<'a> Cover<'a> {
    fn new(layer: &'a Layer, links: &Links) -> Cover<'a> {
        Cover {
            layer,
            whiteouts: layer.whiteouts.iter().filter_map(|path| links.resolve_parents(path)).collect(),
            opaque: layer.opaque.iter().filter_map(|path| links.resolve(path)).collect(),
        }
    }

    fn takes_file(&self, path: &str) -> bool {
        self.takes_parents(path) || self.takes_last(path)
    }

    /// Tells the same of another name of the file, of which the first `known` bytes are a link.
    fn takes_name(&self, name: &Name) -> bool {
        let folders = path::parents(&name.path).filter(|folder| folder.len() > name.known);
        folders.map(path::hash).any(|hash| self.layer.paths.contains(hash)) || {
            let hash = path::hash(&name.path);
            let paths = &self.layer.paths;
            [hash, path::folder(hash), path::implied_folder(hash)].iter().any(|hash| paths.contains(*hash))
        }
    }

    /// Tells whether a symbolic link is gone: unlike a file it stays where something lies in it.
    fn takes_link(&self, path: &str) -> bool {
        let hash = path::hash(path);
        self.takes_parents(path)
            || self.whiteouts.contains(path)
            || self.layer.paths.contains(hash)
            || self.layer.paths.contains(path::folder(hash))
    }

    /// Tells whether one of the folders of a path is gone, or no folder any more.
    fn takes_parents(&self, path: &str) -> bool {
        self.opaque.contains("")
            || path::parents(path).any(|folder| {
                self.whiteouts.contains(folder)
                    || self.opaque.contains(folder)
                    || self.layer.paths.contains(path::hash(folder))
            })
    }

    fn takes_last(&self, path: &str) -> bool {
        let hash = path::hash(path);
        let paths = &self.layer.paths;
        self.whiteouts.contains(path)
            || [hash, path::folder(hash), path::implied_folder(hash)].iter().any(|hash| paths.contains(*hash))
    }
}

#[cfg(test)]
mod tests;
