//! Which advisories speak of the packages of an image.

use crate::{Finding, Inventory, Knowledge, KnowledgeError, Undecided};

/// How to match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether kernel headers (`linux-libc-dev`) have the kernel's flaws.
    pub kernel_headers: KernelHeaders,
}

/// What becomes of kernel headers: they are built from the kernel's source, and hold no kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelHeaders {
    /// They are left out, and said to be.
    #[default]
    LeftOut,
    /// They are matched as the kernel.
    Matched,
}

/// What is wrong with an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matched {
    /// Flaws, by package and then by id.
    pub findings: Vec<Finding>,
    /// Packages about which nothing, or not all, can be said.
    pub undecided: Vec<Undecided>,
    /// Packages that were left out on purpose, and why.
    pub left_out: Vec<Undecided>,
    /// The end of the distribution's support, where its day is known: whether it is past is for the caller to say.
    pub end_of_life: Option<EndOfLife>,
}

/// When a release ceases to be looked after.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EndOfLife {
    /// The release: `Debian:9`.
    pub release: String,
    /// Its last day, `YYYY-MM-DD`, of the distribution's own (not paid) support.
    pub day: String,
}

/// Finds what advisories say about the packages of an image.
///
/// # Errors
/// [`KnowledgeError::Damaged`].
pub fn find(_inventory: &Inventory, _knowledge: &Knowledge, _options: &Options) -> Result<Matched, KnowledgeError> {
    Ok(Matched::default())
}
