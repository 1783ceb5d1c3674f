//! Other programs: started, waited for, and named when they fail; and the stopwatch that times them.

mod relay;

use crate::trouble::{Outcome, Trouble, While};
pub(crate) use relay::say;
use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Times what a command does.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to count.
    #[expect(clippy::disallowed_methods, reason = "the one place where these commands read a clock")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Writes a duration as people say it: `0.4 s`, `12 s`, `3 min 20 s`.
pub(crate) fn print_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// Writes a command as it would be typed, without its environment.
pub(crate) fn print_command(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c));
        if plain && !word.is_empty() { word.into_owned() } else { format!("'{word}'") }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Runs a command with our own output, and no input.
///
/// # Errors
/// When it cannot be started or does not end with zero.
pub(crate) fn run(command: &mut Command) -> Outcome<()> {
    let status = command.stdin(Stdio::null()).status().while_trying(format!("start {}", print_command(command)))?;
    if status.success() { Ok(()) } else { Err(failed(command, &status)) }
}

/// Runs a command that may say much, of which the beginning and the end are shown; returns what stands behind `prefix` on the lines of
/// its standard error that begin so.
///
/// # Errors
/// When it cannot be started or does not end with zero.
pub(crate) fn run_noting(prefix: &str, command: &mut Command) -> Outcome<Vec<String>> {
    let start = format!("start {}", print_command(command));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().while_trying(start)?;
    let output = child.stdout.take().expect("it was asked for");
    let errors = child.stderr.take().expect("it was asked for");
    let mut noted = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| relay::relay(output, io::stdout(), |_| {}));
        relay::relay(errors, io::stderr(), |line| noted.extend(line.strip_prefix(prefix).map(str::to_string)));
    });
    let status = child.wait().while_trying(format!("wait for {}", print_command(command)))?;
    if status.success() { Ok(noted) } else { Err(failed(command, &status)) }
}

/// Runs a command and returns what it wrote to standard output; what it writes to standard error is shown only when it fails.
///
/// # Errors
/// When it cannot be started or does not end with zero.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().while_trying(format!("start {}", print_command(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut shown = Vec::new();
    relay::relay(said.trim_end().as_bytes(), &mut shown, |_| {});
    let said = String::from_utf8_lossy(&shown);
    Err(Trouble::new(format!("{}\n{}", failed(command, &output.status), said.trim_end())))
}

/// Runs a command and returns what it wrote to standard output; what it writes to standard error is shown as it comes.
///
/// # Errors
/// When it cannot be started or does not end with zero.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let start = format!("start {}", print_command(command));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().while_trying(start)?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(command, &output.status)),
    }
}

fn failed(command: &Command, status: &std::process::ExitStatus) -> Trouble {
    Trouble::new(format!("`{}` failed ({status})", print_command(command)))
}

/// Returns the cargo that runs us, at the root of the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Returns where a program lies, as a shell would find it; Debian keeps some for administrators outside of `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Returns a command that does the same with what others leave of the processors, and says nothing.
pub(crate) fn in_idle_time(command: &Command) -> Command {
    let mut idle = Command::new("nice");
    idle.args(["-n", "19"]).arg(command.get_program()).args(command.get_args());
    idle.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        idle.current_dir(folder);
    }
    idle.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    idle
}

/// Returns `PATH` with a folder put before all others.
pub(crate) fn path_with(folder: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_path_buf()).chain(env::split_paths(&path));
    env::join_paths(folders).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_grow_coarser_as_they_grow_longer() {
        let cases = [(420, "0.4 s"), (9_990, "10.0 s"), (12_300, "12 s"), (119_000, "119 s"), (200_000, "3 min 20 s")];

        for (milliseconds, expected) in cases {
            assert_eq!(print_duration(Duration::from_millis(milliseconds)), expected);
        }
    }

    #[test]
    fn lines_of_standard_error_are_noted_by_their_beginning() {
        let noted =
            run_noting("skipped: ", Command::new("sh").args(["-c", "echo noise >&2; echo skipped: no tool >&2"]));

        assert_eq!(noted.unwrap(), ["no tool"]);
        assert!(run_noting("skipped: ", Command::new("sh").args(["-c", "exit 3"])).is_err());
    }

    #[test]
    fn a_failed_command_is_named_as_it_would_be_typed() {
        let trouble = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();

        assert_eq!(trouble.to_string(), "`sh -c 'exit 3'` failed (exit status: 3)");
    }

    #[test]
    fn a_captured_command_shows_its_complaints_when_it_fails() {
        let trouble = capture(Command::new("sh").args(["-c", "echo no such thing >&2; exit 1"])).unwrap_err();

        assert!(trouble.to_string().ends_with("no such thing"), "{trouble}");
    }
}
