//! The person at the terminal, asked for what no flag has said.

use crate::output::Failure;
use gantry_words::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks for a line.
///
/// # Errors
/// Nobody is there to be asked.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        let remedy = "Add --user USER, or --credentials FILE";
        return Err(Failure::usage("nobody is there to be asked for the user", remedy));
    }
    let line = write!(io::stderr(), "{question}").and_then(|()| read_line());
    line.map_err(|error| Failure::failed(format!("cannot read from the terminal: {error}"), "Add --user USER"))
}

/// Asks whether something is meant; anything but `y` or `yes` says no.
///
/// # Errors
/// Nobody is there to be asked.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to be asked whether that is meant", "Add --yes"));
    }
    let line = write!(io::stderr(), "{question}").and_then(|()| read_line());
    let line = line.map_err(|error| Failure::failed(format!("cannot read from the terminal: {error}"), "Add --yes"))?;
    Ok(["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str()))
}

/// Asks for a line that is not shown while it is typed.
pub(crate) fn ask_secretly(question: &str) -> Result<Secret<String>, Failure> {
    let failed = |error: io::Error| {
        Failure::failed(format!("cannot read from the terminal: {error}"), "Add --password-file FILE, or pipe it in")
    };
    // Quiet first: who answers before he is asked is not shown either.
    let quiet = Quiet::begin().map_err(failed)?;
    write!(io::stderr(), "{question}").map_err(failed)?;
    let line = read_line();
    drop(quiet);
    // The line end that was typed was not shown either.
    let _ = writeln!(io::stderr());
    line.map(Secret::new).map_err(failed)
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_string())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Quiet> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Quiet { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that has gone needs no setting back.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
