use crate::sealed::SealedError;
use std::{fmt, io, path::PathBuf};

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no bytes at this place.
    #[error("there is nothing at {place}")]
    Missing {
        /// A key, or the id of an upload.
        place: String,
    },
    /// There are bytes already where new ones should go: places are used once.
    #[error("{place} is taken; what is there was left as it is")]
    Exists {
        /// A key, or the id of an upload.
        place: String,
    },
    /// The bytes are more or fewer than they should be.
    #[error("{place} has {found} bytes where {expected} belong")]
    Length {
        /// A key, or the id of an upload.
        place: String,
        /// What should be there.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The disk is full, or down to its reserve.
    #[error("no room to {action} {place}: the disk is full or down to its reserve (storage.min_free)")]
    Full {
        /// What was tried.
        action: &'static str,
        /// On what.
        place: String,
    },
    /// An earlier write to this upload failed, so that nobody knows what is on the disk.
    #[error("an earlier write to the upload {place} failed, so it takes no more; begin a new one")]
    Broken {
        /// The id of the upload.
        place: String,
    },
    /// A sealed upload has as many parts as there may be.
    #[error("the upload {place} came in too many parts to be sealed; begin a new one and send it in larger parts")]
    Parts {
        /// The id of the upload.
        place: String,
    },
    /// A sealed blob does not open with its key.
    #[error("{place} is not what was sealed: {source}; run gantry fsck")]
    Sealed {
        /// The key.
        place: String,
        /// What is wrong with it.
        source: SealedError,
    },
    /// The disk, or the system, failed.
    #[error("cannot {action} {place}{at}: {source}", at = AtPath(path))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what: a key, the id of an upload, or the store itself.
        place: String,
        /// Where that is in the file system, for backends that have one.
        path: Option<PathBuf>,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Io { source, .. } => {
                use io::ErrorKind::{ConnectionReset, Interrupted, OutOfMemory, ResourceBusy, TimedOut, WouldBlock};
                matches!(
                    source.kind(),
                    TimedOut | Interrupted | ConnectionReset | WouldBlock | ResourceBusy | OutOfMemory
                ) || matches!(source.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
            }
            Error::Missing { .. }
            | Error::Exists { .. }
            | Error::Length { .. }
            | Error::Full { .. }
            | Error::Broken { .. }
            | Error::Parts { .. }
            | Error::Sealed { .. } => false,
        }
    }

    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        matches!(self, Error::Full { .. })
    }

    /// Whether the bytes are not there, or not all of them.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::Missing { .. } | Error::Length { .. })
    }

    /// Whether the bytes are there and are not what was sealed. A chunk that does not open is found when it is read, and told
    /// as the cause of [`Error::Io`].
    pub fn is_broken_seal(&self) -> bool {
        match self {
            Error::Sealed { .. } => true,
            Error::Io { source, .. } => {
                source.get_ref().and_then(|cause| cause.downcast_ref::<Error>()).is_some_and(Error::is_broken_seal)
            }
            Error::Missing { .. }
            | Error::Exists { .. }
            | Error::Length { .. }
            | Error::Full { .. }
            | Error::Broken { .. }
            | Error::Parts { .. } => false,
        }
    }

    pub(crate) fn of(action: &'static str, place: impl fmt::Display, source: io::Error) -> Error {
        let place = place.to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full { action, place },
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Missing { place },
            io::ErrorKind::AlreadyExists => Error::Exists { place },
            _ => Error::Io { action, place, path: None, source },
        }
    }

    /// Adds where in the file system it happened.
    pub(crate) fn at(self, at: impl Into<PathBuf>) -> Error {
        match self {
            Error::Io { action, place, source, .. } => Error::Io { action, place, path: Some(at.into()), source },
            other => other,
        }
    }

    pub(crate) fn panicked(action: &'static str, place: impl fmt::Display) -> Error {
        Error::of(action, place, io::Error::other("a thread of the store panicked, or the program is ending"))
    }
}

struct AtPath<'a>(&'a Option<PathBuf>);
impl fmt::Display for AtPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |path| write!(f, " ({})", path.display()))
    }
}

/// Why a body was not appended to an upload.
#[derive(Debug, thiserror::Error)]
pub enum AppendError<E> {
    /// More bytes came than were allowed; none of them was kept.
    #[error("more bytes came than were allowed")]
    TooLong,
    /// The body ended before it had the bytes it was to have; none of them was kept.
    #[error("fewer bytes came than were announced")]
    TooShort,
    /// The body broke off; what came is kept.
    #[error("the body broke off: {0}")]
    Body(E),
    /// The store could not write. Where there was no room ([`Error::is_full`]) none of the bytes was kept and the upload
    /// can go on later; after any other failure it takes no more ([`Error::Broken`]).
    #[error(transparent)]
    Store(Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_act_place_path_and_cause() {
        let cause = io::Error::from_raw_os_error(libc::EIO);

        let error = Error::of("publish", "sha256/ab/abc.1", cause).at("/srv/blobs/sha256/ab/abc.1");

        let text = error.to_string();
        assert!(
            text.starts_with("cannot publish sha256/ab/abc.1 (/srv/blobs/sha256/ab/abc.1): Input/output error"),
            "{text}"
        );
        assert!(!error.is_transient() && !error.is_full() && !error.is_missing());
    }

    #[test]
    fn a_full_disk_and_a_used_up_quota_are_both_full() {
        for code in [libc::ENOSPC, libc::EDQUOT] {
            assert!(Error::of("write", "x", io::Error::from_raw_os_error(code)).is_full());
        }
    }

    #[test]
    fn a_chunk_that_does_not_open_is_told_apart_from_one_that_cannot_be_read() {
        let broken = || Error::Sealed { place: "x".into(), source: SealedError::Directory };
        let read = io::Error::new(io::ErrorKind::InvalidData, broken());

        assert!(broken().is_broken_seal() && Error::of("read", "x", read).is_broken_seal());
        assert!(!Error::of("read", "x", io::Error::from_raw_os_error(libc::EIO)).is_broken_seal());
        assert!(!Error::of("read", "x", io::ErrorKind::InvalidData.into()).is_broken_seal());
    }

    #[test]
    fn too_many_open_files_will_pass() {
        assert!(Error::of("open", "x", io::Error::from_raw_os_error(libc::EMFILE)).is_transient());
    }
}
