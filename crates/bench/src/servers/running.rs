//! A server that runs: started, awaited, asked for tokens, stopped.

use super::{Kind, Launch};
use crate::{
    error::{BenchError, Outcome, While},
    http::{Body, Connection, Request},
    process,
    tls::Certificate,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a server may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long a server is given to become quiet after its start, and what counts as quiet.
const QUIET_WITHIN: Duration = Duration::from_secs(180);
const QUIET_CPU_MAX: f64 = 0.05;
const QUIET_LOOKS: u32 = 5;
/// How long it may take to end before it is killed.
const ENDED_WITHIN: Duration = Duration::from_secs(40);

/// A running server; stopped when dropped.
pub(crate) struct Running {
    /// What it is.
    pub(crate) kind: &'static Kind,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    certificate: Option<Vec<u8>>,
    child: Child,
    log: PathBuf,
    ready: Duration,
}

/// How a server is to be started.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    /// Its data folder; made where it does not exist.
    pub(crate) data: &'a Path,
    /// A folder for configuration and log; made where it does not exist.
    pub(crate) scratch: &'a Path,
    /// The certificate to serve with.
    pub(crate) tls: Option<&'a Certificate>,
    /// The program that keeps it from waiting for the disk: only for filling stores, never while something is measured.
    pub(crate) eatmydata: Option<&'a Path>,
    /// Whether the store holds thousands of manifests.
    pub(crate) is_large: bool,
}

/// Starts a server and waits until it answers.
///
/// # Errors
/// When it does not answer within two minutes; the error holds the end of its log.
pub(crate) fn start(kind: &'static Kind, program: &Path, start: Start<'_>) -> Outcome<Running> {
    for folder in [start.data, start.scratch] {
        fs::create_dir_all(folder).while_trying(format!("make {}", folder.display()))?;
    }
    let address = free_address()?;
    let Start { data, scratch, tls, is_large, .. } = start;
    let launch = Launch { program, data, scratch, port: address.port(), tls, is_large };
    let mut command = (kind.command)(&launch)?;
    if let Some(eatmydata) = start.eatmydata {
        command = beneath(eatmydata, &command);
    }
    let log = start.scratch.join(format!("{}.log", kind.name));
    let output = File::create(&log).while_trying(format!("make {}", log.display()))?;
    let errors = output.try_clone().while_trying(format!("write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    end_with_us(&mut command);
    let begun = Instant::now();
    let child = command.spawn().while_trying(format!("start {}", program.display()))?;
    let certificate = start.tls.map(|tls| tls.der.clone());
    let mut running = Running { kind, address, certificate, child, log, ready: Duration::ZERO };
    running.await_answer(begun)?;
    process::favour(running.pid());
    Ok(running)
}

/// Puts a program before a command that runs it.
fn beneath(wrapper: &Path, command: &Command) -> Command {
    let mut wrapped = Command::new(wrapper);
    wrapped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

/// Has a child asked to end when the thread that starts it ends, however that comes: no server is left behind.
pub(crate) fn end_with_us(command: &mut Command) {
    let ask =
        || rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM)).map_err(Into::into);
    // SAFETY: between fork and exec only one system call is made, which touches no memory of ours.
    unsafe { command.pre_exec(ask) };
}

/// Returns the `Authorization` header of a user name and a password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn free_address() -> Outcome<SocketAddr> {
    let find = || TcpListener::bind(("127.0.0.1", 0))?.local_addr();
    find().while_trying("find a free port")
}

impl Running {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How long it took from its start to its first answer.
    pub(crate) fn ready(&self) -> Duration {
        self.ready
    }

    /// Returns the address of a path on it.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// Connects to it.
    ///
    /// # Errors
    /// When it does not listen.
    pub(crate) fn connect(&self) -> Outcome<Connection> {
        match &self.certificate {
            Some(certificate) => Connection::open_tls(self.address, certificate),
            None => Connection::open(self.address),
        }
    }

    /// Returns the `Authorization` header of a Bearer token for these scopes, made just now; `None` where the server
    /// asks for none.
    ///
    /// # Errors
    /// When no token is given.
    pub(crate) fn bearer(&self, scopes: &[String]) -> Outcome<Option<String>> {
        self.basic().map(|basic| self.bearer_for(&basic, scopes)).transpose()
    }

    /// The same for whoever brings this header.
    ///
    /// # Errors
    /// When no token is given.
    pub(crate) fn bearer_for(&self, basic: &str, scopes: &[String]) -> Outcome<String> {
        let query: Vec<String> = scopes.iter().map(|scope| format!("scope={scope}")).collect();
        let path = format!("/token?service=gantry&{}", query.join("&"));
        let request = Request { method: "GET", path: &path, authorization: Some(basic), headers: &[] };
        let answer = self.connect()?.send(&request, Body::None)?;
        let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match document["token"].as_str() {
            Some(token) => Ok(format!("Bearer {token}")),
            None => Err(self.wrong("GET", &path, answer.status, "a token")),
        }
    }

    /// Returns the `Authorization` header of the user who may do everything; `None` where the server asks for none.
    pub(crate) fn basic(&self) -> Option<String> {
        self.kind.user.map(|(user, password)| basic(user, password))
    }

    /// Returns the error of an answer that should have been another.
    pub(crate) fn wrong(&self, method: &str, path: &str, found: impl ToString, expected: &str) -> BenchError {
        BenchError::Answer {
            server: self.kind.name.into(),
            request: format!("{method} {path}"),
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    /// Waits until it does nothing of its own accord any more, for at most three minutes: some servers clean up after
    /// their start.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn settle(&self) -> Outcome<()> {
        let begun = Instant::now();
        let mut quiet = 0;
        while quiet < QUIET_LOOKS && begun.elapsed() < QUIET_WITHIN {
            let before = process::cpu_seconds(self.pid())?;
            thread::sleep(Duration::from_millis(500));
            let used = (process::cpu_seconds(self.pid())? - before) / 0.5;
            quiet = if used < QUIET_CPU_MAX { quiet + 1 } else { 0 };
        }
        Ok(())
    }

    fn await_answer(&mut self, begun: Instant) -> Outcome<()> {
        let request = Request { method: "GET", path: self.kind.alive, authorization: None, headers: &[] };
        let wants_ok = self.kind.alive == "/readyz";
        loop {
            let answer = self.connect().and_then(|mut connection| connection.send(&request, Body::None));
            if answer.is_ok_and(|answer| answer.status == 200 || !wants_ok) {
                self.ready = begun.elapsed();
                return Ok(());
            }
            let has_ended = !matches!(self.child.try_wait(), Ok(None));
            if has_ended || begun.elapsed() > READY_WITHIN {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let end: Vec<&str> = log.lines().rev().take(12).collect();
                let end: Vec<&str> = end.into_iter().rev().collect();
                return Err(BenchError::program(
                    self.kind.name,
                    format!("does not answer; it says:\n{}", end.join("\n")),
                ));
            }
            thread::sleep(Duration::from_micros(500));
        }
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(self) {
        // Dropping does it.
    }

    fn end(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // It fails only where the process has just ended.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let begun = Instant::now();
        while begun.elapsed() < ENDED_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
