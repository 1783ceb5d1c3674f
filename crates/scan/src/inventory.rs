//! What an image holds, once its layers are put together.

use crate::{Distribution, Package};

/// All that is known of an image without looking at its layers again.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inventory {
    /// The distribution; `None` where no file of the image names one.
    pub distribution: Option<Distribution>,
    /// Packages, each at each path that holds it, sorted.
    pub packages: Vec<Installed>,
    /// What could not be read, in sentences for people.
    pub complaints: Vec<String>,
}

/// A package at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Installed {
    /// The package.
    pub package: Package,
    /// The file that names it, normalised; `outer.jar!inner.jar` within archives.
    pub path: String,
    /// Which layer brought it, counted from 0 at the bottom.
    pub layer: u32,
}
