//! Which files that belong to no package are to be seen, once layers lie over each other.

use std::ops::Range;

use super::Cover;
use crate::layer::path;
use crate::links::{FolderNames, Links, Reversed};
use crate::{Inventory, Layer, LooseLayer};

/// Files of an image at most, each counted once for each of its layers, of which it is worked out which are to be seen: each layer is asked
/// of each file below it whether it takes it away.
const FILES_IN_LAYERS_MAX: usize = if cfg!(test) { 10_000 } else { 10_000_000 };

/// The files of the layers that lie over each other.
#[derive(Default)]
pub(super) struct Files<'a> {
    layers: Vec<OfLayer<'a>>,
    /// Whether they are too many, so that none are kept.
    are_too_many: bool,
}

/// Those of one layer.
struct OfLayer<'a> {
    layer: &'a Layer,
    names: Vec<&'a str>,
    folders: Vec<Folder>,
    /// Of each, whether it is to be seen.
    seen: Vec<bool>,
}

/// Files that lie in the same folder, one after the other in the list.
struct Folder {
    /// Where it really lies.
    path: String,
    files: Range<usize>,
}

impl<'a> Files<'a> {
    /// Those of layers that are not laid over each other yet.
    pub(super) fn of(layers: &[&Layer]) -> Files<'a> {
        let files: usize = layers.iter().map(|layer| layer.loose.iter().count()).sum();
        let are_too_many = files.saturating_mul(layers.len()) > FILES_IN_LAYERS_MAX;
        Files { layers: Vec::new(), are_too_many }
    }

    /// Takes away what a layer covers, whose links are among `links` already.
    pub(super) fn cover(&mut self, cover: &Cover<'_>, links: &Links, reversed: &Reversed<'_>) {
        let mut names = FolderNames::new(reversed);
        for OfLayer { names: files, folders, seen, .. } in &mut self.layers {
            for folder in folders.iter().filter(|folder| !folder.files.is_empty()) {
                let takes_folder = cover.takes_parents(&path::join(&folder.path, "-"));
                for place in folder.files.clone().filter(|place| seen[*place]).collect::<Vec<_>>() {
                    let path = path::join(&folder.path, files[place]);
                    // A link stays where the layer puts something into the folder to which it leads.
                    let takes_file =
                        || if links.is_link(&path) { cover.takes_link(&path) } else { cover.takes_last(&path) };
                    let is_taken = takes_folder || takes_file() || names.of(&path).any(|name| cover.takes_name(&name));
                    seen[place] = !is_taken;
                }
            }
        }
    }

    /// Lays those of a layer over the others.
    pub(super) fn lay(&mut self, layer: &'a Layer, links: &Links) {
        let (mut names, mut folders, mut last): (Vec<&str>, Vec<Folder>, Option<&str>) = (Vec::new(), Vec::new(), None);
        let mut seen = Vec::new();
        let kept = layer.loose.iter().filter(|_| !self.are_too_many);
        for (place, file) in kept.enumerate() {
            let (folder, name) = path::split(file);
            names.push(name);
            if last == Some(folder)
                && let Some(known) = folders.last_mut()
            {
                known.files.end = place + 1;
                seen.push(seen.last().copied().unwrap_or_default());
                continue;
            }
            let real = links.resolve(folder);
            // Where links go round in circles, nothing is to be seen.
            seen.push(real.is_some());
            folders.push(Folder { path: real.unwrap_or_default(), files: place..place + 1 });
            last = Some(folder);
        }
        self.layers.push(OfLayer { layer, names, folders, seen });
    }

    /// Takes away what is of a package after all, by where files really lie.
    pub(super) fn leave_out(&mut self, mut is_of_package: impl FnMut(&str) -> bool) {
        for OfLayer { names, folders, seen, .. } in &mut self.layers {
            for folder in folders.iter() {
                for place in folder.files.clone() {
                    seen[place] = seen[place] && !is_of_package(&path::join(&folder.path, names[place]));
                }
            }
        }
    }

    /// Returns, of each layer, which of its files are to be seen.
    pub(super) fn layers(&self) -> Vec<LooseLayer> {
        let layer = |OfLayer { layer, seen, .. }: &OfLayer<'_>| match self.are_too_many {
            true => LooseLayer { is_truncated: !layer.loose.is_empty(), ..LooseLayer::default() },
            false => LooseLayer {
                list: layer.loose.fingerprint(),
                hidden: hidden(seen),
                is_truncated: layer.loose.is_truncated(),
            },
        };
        self.layers.iter().map(layer).collect()
    }

    /// Where those that are to be seen really lie.
    #[cfg(test)]
    pub(super) fn real_paths(&self) -> Vec<String> {
        let of_folder = |of: &OfLayer<'_>, folder: &Folder| {
            let seen = folder.files.clone().filter(|place| of.seen[*place]);
            seen.map(|place| path::join(&folder.path, of.names[place])).collect::<Vec<_>>()
        };
        let mut paths: Vec<String> =
            self.layers.iter().flat_map(|of| of.folders.iter().flat_map(move |folder| of_folder(of, folder))).collect();
        paths.sort_unstable();
        paths
    }
}

/// The places of what is not to be seen: where each run of them begins, and how many they are.
fn hidden(seen: &[bool]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (place, _) in (0_u32..).zip(seen).filter(|(_, is_seen)| !**is_seen) {
        match runs.last_mut() {
            Some((begin, count)) if *begin + *count == place => *count += 1,
            Some(_) | None => runs.push((place, 1)),
        }
    }
    runs
}

/// A file of an image that belongs to no package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct LooseFile {
    /// Its path, as its layer names it.
    pub path: String,
    /// Which layer brought it, counted from 0 at the bottom.
    pub layer: u32,
}

/// Returns the files of an image that belong to no package and are to be seen, by path. The inventory is that of these layers.
pub fn loose_files(layers: &[&Layer], inventory: &Inventory) -> Vec<LooseFile> {
    let known = inventory.loose.as_deref().unwrap_or_default();
    // One without a list has no files, or too many.
    let are_kept = |(_, (_, of)): &(u32, (&&Layer, &LooseLayer))| !of.list.is_empty();
    let of_layer = |(number, (layer, of)): (u32, (&&Layer, &LooseLayer))| {
        let seen = (0_u32..).zip(layer.loose.iter()).filter(|(place, _)| of.shows(*place));
        seen.map(|(_, path)| LooseFile { path: path.to_owned(), layer: number }).collect::<Vec<_>>()
    };
    let mut files: Vec<LooseFile> =
        (0_u32..).zip(layers.iter().zip(known)).filter(are_kept).flat_map(of_layer).collect();
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests;
