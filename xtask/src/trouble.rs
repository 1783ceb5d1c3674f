//! What went wrong, in a sentence for the person at the terminal.

use std::fmt;

/// A sentence that says what happened, to what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble(String);

/// What every command here answers.
pub(crate) type Outcome<T> = Result<T, Trouble>;

impl Trouble {
    /// Makes a trouble of a sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Puts what was tried before what the system said of it.
pub(crate) trait While<T> {
    /// `cannot read Cargo.toml: permission denied`, for `while_trying("read Cargo.toml")`.
    fn while_trying(self, deed: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn while_trying(self, deed: impl fmt::Display) -> Outcome<T> {
        self.map_err(|cause| Trouble(format!("cannot {deed}: {cause}")))
    }
}
