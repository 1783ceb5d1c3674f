//! A worker as the server has it: a process, and how it ended.

use super::ask::{WorkerAnswer, ask, hear_greeting};
use std::{
    ffi::OsString,
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Bytes of what a worker says before it dies that are read.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;
/// Characters of these that are told.
const WORDS_CHARACTERS_MAX: usize = 300;
/// The signal for who has used up his time of the processor (signal(7), SIGXCPU).
const OUT_OF_TIME: i32 = 24;

/// How a worker is begun.
#[derive(Clone, Debug)]
pub struct WorkerProgram {
    /// The program.
    pub path: PathBuf,
    /// What it is told.
    pub arguments: Vec<OsString>,
}

/// A process that reads layers. It ends when this is dropped.
pub(super) struct Worker {
    leash: Leash,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    was_greeted: bool,
}

/// How a worker ended that should not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// It got no more memory.
    Memory,
    /// It took more time than it has.
    Time,
    /// Something else.
    Other(String),
}

/// What a worker can be ended by while another thread talks to it, and whose turn it is.
#[derive(Clone)]
pub(super) struct Leash {
    child: Arc<Mutex<Child>>,
    /// Odd while the worker is waited for; rises with each turn.
    turn: Arc<AtomicU64>,
    was_too_late: Arc<AtomicBool>,
}

impl Leash {
    /// Whose turn it is: a number of its own, and whether it is the worker's.
    pub(super) fn turn(&self) -> (u64, bool) {
        let turn = self.turn.load(Ordering::Relaxed);
        (turn, turn % 2 == 1)
    }

    fn next(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends a worker that took too long.
    pub(super) fn give_up(&self) {
        self.was_too_late.store(true, Ordering::Relaxed);
        self.kill();
    }

    /// Ends a worker.
    pub(super) fn kill(&self) {
        // It may have ended by itself.
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    fn ended(&self) -> io::Result<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // One that talks nonsense may live; to be killed changes nothing about how another one ended.
        let _ = child.kill();
        child.wait()
    }
}

impl Worker {
    /// Whether it has not ended.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.leash.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait(), Ok(None))
    }

    /// Begins one. It knows nothing of the server's environment, where secrets may be, and does not hear what is typed at its terminal.
    pub(super) fn begin(program: &WorkerProgram) -> io::Result<Worker> {
        let mut command = Command::new(&program.path);
        command.arg0("gantry").args(&program.arguments).env_clear().current_dir("/").process_group(0);
        command.envs(std::env::var_os("TMPDIR").map(|folder| ("TMPDIR", folder)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("it has no pipes"));
        };
        let leash = Leash { child: Arc::new(Mutex::new(child)), turn: Arc::default(), was_too_late: Arc::default() };
        Ok(Worker { leash, stdin, stdout, stderr, was_greeted: false })
    }

    pub(super) fn leash(&self) -> Leash {
        self.leash.clone()
    }

    /// Has a layer read.
    pub(super) fn read(&mut self, layer: &mut dyn Read) -> Result<WorkerAnswer, Death> {
        self.leash.next();
        let answer = self.talk(layer);
        self.leash.next();
        answer.map_err(|error| self.death(&error))
    }

    fn talk(&mut self, layer: &mut dyn Read) -> io::Result<WorkerAnswer> {
        let Worker { leash, stdin, stdout, was_greeted, .. } = self;
        if !*was_greeted {
            hear_greeting(stdout)?;
            *was_greeted = true;
        }
        ask(stdout, stdin, layer, &mut || leash.next())
    }

    /// Ends it, and says why it is of no use any more.
    fn death(&mut self, error: &io::Error) -> Death {
        let status = self.leash.ended();
        let mut words = Vec::new();
        // It has ended, so this does; what cannot be read is not said.
        let _ = (&mut self.stderr).take(LAST_WORDS_BYTES_MAX).read_to_end(&mut words);
        let is_late = self.leash.was_too_late.load(Ordering::Relaxed);
        match status {
            Ok(status) if !is_late => how(status, &String::from_utf8_lossy(&words), error),
            Ok(_) => Death::Time,
            Err(error) => Death::Other(error.to_string()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A process that is not waited for stays in the kernel's table.
        let _ = self.leash.ended();
    }
}

/// How a process ended, by what the system and its last words tell.
fn how(status: ExitStatus, words: &str, error: &io::Error) -> Death {
    // What Rust says when there is no memory, before it aborts.
    if words.contains("memory allocation of ") {
        return Death::Memory;
    }
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
    let word: String = lines.join(" ").chars().take(WORDS_CHARACTERS_MAX).collect();
    let word = if word.is_empty() { word } else { format!(": {word}") };
    match (status.signal(), status.code()) {
        (Some(OUT_OF_TIME), _) => Death::Time,
        // We killed it, since it talked nonsense.
        (Some(_), _) if error.kind() == io::ErrorKind::InvalidData => Death::Other(error.to_string()),
        (Some(signal), _) => Death::Other(format!("signal {signal}{word}")),
        (None, Some(code)) => Death::Other(format!("exit code {code}{word}")),
        (None, None) => Death::Other(status.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_worker_ended_is_told_by_its_status_and_its_last_words() {
        let (abort, exit) = (ExitStatus::from_raw(6), ExitStatus::from_raw(101 << 8));
        let end = io::Error::from(io::ErrorKind::UnexpectedEof);

        let cases = [
            (how(abort, "memory allocation of 8388608 bytes failed\n", &end), Death::Memory),
            (how(ExitStatus::from_raw(OUT_OF_TIME), "", &end), Death::Time),
            (how(ExitStatus::from_raw(9), "", &end), Death::Other("signal 9".into())),
            (
                how(exit, "\nthread 'main' panicked\nno!\nnote: run it\n", &end),
                Death::Other("exit code 101: thread 'main' panicked no!".into()),
            ),
            (
                how(ExitStatus::from_raw(9), "", &super::super::frames::nonsense("x")),
                Death::Other("it said what is not understood: x".into()),
            ),
        ];

        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
    }
}
