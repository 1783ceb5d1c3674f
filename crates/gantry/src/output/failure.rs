use std::{fmt, io::Write, process::ExitCode};

/// How a command ended, as its exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked: 0.
    Done,
    /// The check found something: damage, or a gate that failed: 1.
    Found,
    /// It was asked wrongly, arguments or configuration: 2.
    Usage,
    /// It could not do it: 3.
    Failed,
    /// It found something, and was told how to say so.
    Told(u8),
}

impl Exit {
    const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
            Exit::Told(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command could not do its work, and what to do about it.
///
/// Prints as `gantry: <problem>. <remedy>.`, followed by the details, each on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    problem: String,
    remedy: String,
    details: Vec<String>,
}

impl Failure {
    /// The check found something.
    pub(crate) fn found(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure::new(Exit::Found, problem, remedy)
    }

    /// It was asked wrongly.
    pub(crate) fn usage(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure::new(Exit::Usage, problem, remedy)
    }

    /// It could not be done.
    pub(crate) fn failed(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure::new(Exit::Failed, problem, remedy)
    }

    fn new(exit: Exit, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { exit, problem: problem.into(), remedy: remedy.into(), details: vec![] }
    }

    /// Adds lines that are printed below.
    pub(crate) fn with_details(mut self, details: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.details.extend(details.into_iter().map(Into::into));
        self
    }

    /// What is wrong, without what to do about it.
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }

    /// The exit code that goes with it.
    #[cfg(test)]
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints to standard error, and returns the exit code.
    pub(crate) fn report(&self) -> Exit {
        // Nobody is left to be told where standard error is closed too.
        let _ = writeln!(std::io::stderr(), "{self}");
        self.exit
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gantry: {}", sentence(&self.problem))?;
        if !self.remedy.is_empty() {
            write!(f, " {}", sentence(&self.remedy))?;
        }
        self.details.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Ends with one full stop, whatever the text ended with.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '?', '!']) { text.into() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_happened_and_what_to_do() {
        let failure = Failure::failed(
            "cannot open /srv/gantry/blobs: permission denied",
            "Run as the folder's owner, or set storage.path.",
        );

        assert_eq!(
            failure.to_string(),
            "gantry: cannot open /srv/gantry/blobs: permission denied. Run as the folder's owner, or set storage.path."
        );
        assert_eq!(failure.exit(), Exit::Failed);
    }

    #[test]
    fn details_stand_on_lines_of_their_own() {
        let failure = Failure::usage("two things are wrong", "Correct them").with_details(["one", "two"]);

        assert_eq!(failure.to_string(), "gantry: two things are wrong. Correct them.\n  one\n  two");
    }

    #[test]
    fn exit_codes_are_those_that_scripts_rely_on() {
        let codes = [Exit::Done, Exit::Found, Exit::Usage, Exit::Failed].map(Exit::code);

        assert_eq!(codes, [0, 1, 2, 3]);
    }
}
