use crate::{PASSWORD, USER, binary};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Returns the binary under test as a command, without what is set for the tests themselves (`GANTRY_SEED` and such):
/// it would take that for settings of its own, and refuse them.
pub fn program() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GANTRY_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the binary to its end; returns exit code, output and errors.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    run_with(arguments, &[])
}

/// Runs the binary to its end with variables set; returns exit code, output and errors.
pub fn run_with(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = program();
    let output =
        command.args(arguments).env("NO_COLOR", "1").envs(variables.iter().copied()).stdin(Stdio::null()).output();
    let output = output.expect("the binary starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Asks until the answer is yes; `false` where it was not within the limit.
pub fn until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns how many descriptors a process has open.
pub fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs, and is ours").count()
}

/// Returns how many bytes of memory a process has resident.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says how much is resident");
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number of kB");
    kibibytes << 10
}

/// Lets this process, and those it starts, have as many descriptors as the system allows at all; returns how many.
pub fn raise_open_files_max() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls read or write the one struct they are given, which lives until they return.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
    limit.rlim_cur
}

/// Starts a server on a folder and kills it after so long, in the midst of its start.
pub fn start_and_kill(data: &Path, listen: &str, settings: &[(String, String)], after: Duration) {
    let mut child = program()
        .args(["serve", "--listen", listen, "--data-dir"])
        .arg(data)
        .env("GANTRY_ROOT_ACCESS_KEY_ID", USER)
        .env("GANTRY_ROOT_SECRET_ACCESS_KEY", PASSWORD)
        .env("GANTRY_CREATE_ON_PUSH", "true")
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    thread::sleep(after);
    child.kill().expect("our own child can be killed");
    child.wait().expect("our own child can be waited for");
}
