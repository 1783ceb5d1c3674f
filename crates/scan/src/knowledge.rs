//! All advisories in one compact, immutable file, found by the name of a package.

use crate::Advisory;
use std::path::Path;

/// Why a knowledge file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// The file cannot be read.
    #[error("the advisories cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Its bytes are not what was written.
    #[error("the advisories are damaged ({0}); fetch or import them again")]
    Damaged(&'static str),
    /// It is of another version of this program.
    #[error("the advisories have format {found}, this program reads {expected}; fetch or import them again")]
    Format {
        /// The file's format.
        found: u32,
        /// This program's.
        expected: u32,
    },
    /// There is more than the file can hold.
    #[error("there are too many advisories: {0}; import fewer feeds")]
    TooMany(&'static str),
}

/// One generation of advisories.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {}

impl Knowledge {
    /// Opens a file that [`Knowledge::build`] made.
    ///
    /// # Errors
    /// [`KnowledgeError`].
    pub fn open(path: &Path) -> Result<Knowledge, KnowledgeError> {
        Knowledge::read(std::fs::read(path)?)
    }

    /// Takes the bytes that [`Knowledge::build`] made.
    ///
    /// # Errors
    /// [`KnowledgeError`].
    pub fn read(_bytes: Vec<u8>) -> Result<Knowledge, KnowledgeError> {
        Ok(Knowledge {})
    }

    /// Returns the bytes of a file that holds these advisories. `read_at` are the times (RFC 3339) of the feeds by
    /// ecosystem; those without one have that of their newest record.
    ///
    /// # Errors
    /// [`KnowledgeError::TooMany`].
    pub fn build(
        _advisories: impl IntoIterator<Item = Advisory>,
        _read_at: &[(String, String)],
    ) -> Result<Vec<u8>, KnowledgeError> {
        Ok(Vec::new())
    }
}
