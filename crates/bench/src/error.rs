//! What can keep a measurement from being made.

use std::{fmt, io};

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// The system refused something.
    #[error("cannot {deed}: {cause}")]
    Io {
        /// What was tried, such as `write docs/benchmarks.json`.
        deed: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A program failed, or said what cannot be read.
    #[error("{program}: {what}")]
    Program {
        /// Its name.
        program: String,
        /// What it said, or did.
        what: String,
    },
    /// A server answered something that makes a measurement worthless.
    #[error("{server} answers {request} with {found}; {expected} was expected")]
    Answer {
        /// The server.
        server: String,
        /// The request, such as `GET /v2/`.
        request: String,
        /// What came.
        found: String,
        /// What should have come.
        expected: String,
    },
    /// Something asked for does not exist.
    #[error("{0}")]
    Usage(String),
}

/// What most functions here answer.
pub(crate) type Outcome<T> = Result<T, BenchError>;

/// Puts what was tried before what the system said of it.
pub(crate) trait While<T> {
    /// `cannot write x: permission denied`, for `while_trying("write x")`.
    fn while_trying(self, deed: impl fmt::Display) -> Outcome<T>;
}

impl<T> While<T> for io::Result<T> {
    fn while_trying(self, deed: impl fmt::Display) -> Outcome<T> {
        self.map_err(|cause| BenchError::Io { deed: deed.to_string(), cause })
    }
}

impl BenchError {
    /// A program's failure.
    pub(crate) fn program(name: impl Into<String>, what: impl fmt::Display) -> Self {
        BenchError::Program { program: name.into(), what: what.to_string() }
    }
}
