use crate::{
    output::{Exit, Failure},
    process,
};
use gantry_findings::{WorkerProgram, serve_layers};
use gantry_registry::WorkerSettings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Files that are open at a time: the standard ones, and one for each file of a layer that is too long for memory.
const OPEN_FILES_MAX: u64 = 64;
/// How willingly the kernel ends this process where memory is short, rather than another: most (proc(5), oom_score_adj).
const FIRST_TO_GO: &str = "1000";

/// Read layers for a server, which begins this by itself
///
/// It takes frames on its standard input and answers on its standard output; nobody types it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry scan-worker --memory-bytes-max 536870912 --cpu-seconds-max 180")]
pub(crate) struct ScanWorkerCommand {
    /// Bytes of its address space at most
    #[arg(long, value_name = "BYTES")]
    memory_bytes_max: u64,
    /// Seconds for which one layer may keep a processor busy
    #[arg(long, value_name = "SECONDS")]
    cpu_seconds_max: u64,
}

/// How a server begins workers with these limits: from the file that it was begun from itself, also where that was replaced since.
pub(crate) fn program(settings: &WorkerSettings) -> io::Result<WorkerProgram> {
    const OWN: &str = "/proc/self/exe";
    let path = if Path::new(OWN).exists() { PathBuf::from(OWN) } else { std::env::current_exe()? };
    let cpu_seconds_max = settings.cpu_time_max.duration().as_secs();
    let arguments = [
        "scan-worker".to_string(),
        format!("--memory-bytes-max={}", settings.memory_bytes_max.get()),
        format!("--cpu-seconds-max={cpu_seconds_max}"),
    ];
    Ok(WorkerProgram { path, arguments: arguments.map(Into::into).into() })
}

impl ScanWorkerCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let limits = [
            (Resource::As, self.memory_bytes_max),
            (Resource::Nofile, OPEN_FILES_MAX),
            // Who dies here dies of what is being read, and that is in the registry.
            (Resource::Core, 0),
        ];
        for (resource, most) in limits {
            limit(resource, most)?;
        }
        // Where it is refused, the kernel chooses by itself.
        let _ = std::fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
        let mut limit_time = || {
            // A server that is killed cannot end its worker: this ends one that never would by itself. Without proc(5) the time that
            // was used is not known; the server's own watch is then all there is.
            if let Some(used) = process::cpu_seconds() {
                // What was used is rounded down.
                let most = Some(used.saturating_add(self.cpu_seconds_max).saturating_add(1));
                let maximum = getrlimit(Resource::Cpu).maximum;
                let _ = setrlimit(Resource::Cpu, Rlimit { current: most, maximum });
            }
        };
        let served = serve_layers(&mut io::stdin().lock(), &mut io::stdout().lock(), &mut limit_time);
        served.map(|()| Exit::Done).map_err(|error| {
            Failure::failed(format!("the server cannot be understood: {error}"), "A server begins this by itself")
        })
    }
}

fn limit(resource: Resource, most: u64) -> Result<(), Failure> {
    // What is allowed already may be less, and cannot be raised.
    let most = getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|error| {
        Failure::failed(format!("{resource:?} cannot be limited to {most}: {error}"), "A server begins this by itself")
    })
}
