use std::io;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no bytes at this place.
    #[error("there is nothing at {place}")]
    Missing {
        /// A key, or the id of an upload.
        place: String,
    },
    /// The bytes are more or fewer than they should be.
    #[error("{place} has {found} bytes where {expected} belong")]
    Length {
        /// The key.
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
    /// The disk, or the system, failed.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        place: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Io { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::TimedOut | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset
                ) || source.raw_os_error() == Some(libc::EMFILE)
                    || source.raw_os_error() == Some(libc::ENFILE)
            }
            Error::Missing { .. } | Error::Length { .. } | Error::Full { .. } => false,
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

    pub(crate) fn of(action: &'static str, place: impl std::fmt::Display, source: io::Error) -> Error {
        let place = place.to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full { action, place },
            io::ErrorKind::NotFound => Error::Missing { place },
            _ => Error::Io { action, place, source },
        }
    }
}

/// Why a body was not appended to an upload.
#[derive(Debug, thiserror::Error)]
pub enum AppendError<E> {
    /// More bytes came than were allowed; none of them was kept.
    #[error("more bytes came than were allowed")]
    TooLong,
    /// The body broke off; what came is kept.
    #[error("the body broke off: {0}")]
    Body(E),
    /// The store could not write; none of the bytes was kept.
    #[error(transparent)]
    Store(Error),
}
