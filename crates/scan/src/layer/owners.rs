//! What the packages of a distribution own, by hashes of the paths.

use super::path::{self, Hashes};
use crate::Owned;

/// Names of packages, as lists of files have them, each with the hashes ([`path::hash`]) of what it owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Owners(Vec<(String, Hashes)>);

impl Owners {
    /// Takes what a package manager says; paths that lead out of the image are left out.
    pub(super) fn of(owned: Vec<Owned>) -> Owners {
        let hash = |path: String| path::normalise(&path).map(|path| path::hash(&path));
        let hashes = |paths: Vec<String>| paths.into_iter().filter_map(hash).collect::<Hashes>();
        let owners = owned.into_iter().map(|Owned { package, paths }| (package, hashes(paths)));
        Owners(owners.filter(|(_, hashes)| !hashes.is_empty()).collect())
    }

    pub(super) fn retain(&mut self, keeps: impl Fn(u64) -> bool) {
        self.0.retain_mut(|(_, hashes)| {
            hashes.retain(&keeps);
            !hashes.is_empty()
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the packages, each with what it owns.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Hashes)> {
        self.0.iter().map(|(package, hashes)| (package.as_str(), hashes))
    }

    /// Returns what all of them own.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(_, hashes)| hashes.iter())
    }
}
