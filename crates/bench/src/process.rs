//! What the kernel knows of a process and its children: time on the processor, memory; and what it is asked to do.

use crate::error::{Outcome, While};
use std::{fs, path::Path};

/// A process's memory, of the whole tree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    /// Resident now, MiB (`VmRSS`).
    pub(crate) resident_mib: f64,
    /// The most that was ever resident, MiB (`VmHWM`).
    pub(crate) peak_mib: f64,
}

/// Returns the processor time of a process and its living descendants, user and system, in seconds.
///
/// It counts in the kernel's ticks, 10 ms as a rule.
///
/// # Errors
/// When the process is gone.
pub(crate) fn cpu_seconds(pid: u32) -> Outcome<f64> {
    let ticks: u64 = tree(pid)?.iter().map(|stat| stat.ticks).sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Returns the memory of a process and its living descendants; what they share is counted for each.
///
/// # Errors
/// When the process is gone.
pub(crate) fn memory(pid: u32) -> Outcome<Memory> {
    let mut sum = Memory::default();
    for stat in tree(pid)? {
        let status = fs::read_to_string(format!("/proc/{}/status", stat.pid)).unwrap_or_default();
        sum.resident_mib += read_kib(&status, "VmRSS:") as f64 / 1024.0;
        sum.peak_mib += read_kib(&status, "VmHWM:") as f64 / 1024.0;
    }
    Ok(sum)
}

/// Returns the memory of a process and its living descendants, MiB; what they share among each other or with others counts in part, so that
/// the sum is what there really is (`Pss` in proc(5), smaps_rollup).
///
/// # Errors
/// When the process is gone.
pub(crate) fn proportional_mib(pid: u32) -> Outcome<f64> {
    let text = |stat: Stat| fs::read_to_string(format!("/proc/{}/smaps_rollup", stat.pid)).unwrap_or_default();
    let kib: u64 = tree(pid)?.into_iter().map(|stat| read_kib(&text(stat), "Pss:")).sum();
    Ok(kib as f64 / 1024.0)
}

/// Returns the processor time of all children of this process that have ended and were waited for, in seconds.
///
/// It counts in the kernel's ticks, but of all of them together.
///
/// # Errors
/// When the kernel does not tell.
pub(crate) fn ended_children_seconds() -> Outcome<f64> {
    let text = fs::read_to_string("/proc/self/stat").while_trying("look at the own process")?;
    let ticks = read_stat(&text).map_or(0, |stat| stat.children_ticks);
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Has the most memory that this process ever had be counted from now on (`clear_refs` in proc(5)).
///
/// # Errors
/// When the kernel cannot.
pub(crate) fn forget_peak() -> Outcome<()> {
    fs::write("/proc/self/clear_refs", "5").while_trying("have the kernel count anew")
}

/// Asks the scheduler to prefer the session of a process before those of others on the machine.
///
/// With automatic task groups `nice` does nothing between sessions. A refusal is passed over: the figures are only noisier.
pub(crate) fn favour(pid: u32) {
    for stat in tree(pid).unwrap_or_default() {
        let _ = fs::write(format!("/proc/{}/autogroup", stat.pid), "-15");
    }
}

/// Lets this process, and those it starts, have so many descriptors, where the system allows it; returns how many it may
/// have.
pub(crate) fn raise_open_files_max(files: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let maximum = now.maximum.map(|maximum| maximum.max(files));
    let raised = Rlimit { current: Some(files), maximum };
    if setrlimit(Resource::Nofile, raised).is_err() {
        // Only root may go beyond the hard limit.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Has the system write everything that waits for it, and waits for that.
pub(crate) fn sync_disk() {
    rustix::fs::sync();
}

/// Has the page cache let go of a folder's large files, so that it reads them anew.
///
/// What was written in small pieces is kept in small folios, and costs a third more to send than what was read ahead: how a
/// store was filled must not decide how fast it is read.
///
/// # Errors
/// When a folder below cannot be listed.
pub(crate) fn forget_cached(folder: &Path) -> Outcome<()> {
    const LARGE_BYTES_MIN: u64 = 128 << 10;
    sync_disk();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).while_trying(format!("list {}", folder.display()))?;
        for entry in entries.flatten() {
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_dir() {
                folders.push(entry.path());
            } else if facts.len() >= LARGE_BYTES_MIN
                && let Ok(file) = fs::File::open(entry.path())
            {
                // Advice: where it is not taken, the file stays as it was cached.
                let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
            }
        }
    }
    Ok(())
}

/// One line of `/proc/<pid>/stat` (proc(5)), as far as it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
    children_ticks: u64,
}

fn tree(root: u32) -> Outcome<Vec<Stat>> {
    let text = fs::read_to_string(format!("/proc/{root}/stat")).while_trying(format!("look at process {root}"))?;
    let mut found: Vec<Stat> = read_stat(&text).into_iter().collect();
    let entries = fs::read_dir("/proc").while_trying("list /proc")?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<Stat> =
        pids.filter_map(|pid| read_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect();
    let mut at = 0;
    while let Some(parent) = found.get(at).map(|stat| stat.pid) {
        found.extend(all.iter().filter(|stat| stat.parent == parent));
        at += 1;
    }
    Ok(found)
}

fn read_stat(text: &str) -> Option<Stat> {
    // The name stands in parentheses and may hold anything, parentheses too.
    let (pid, _) = text.split_once(' ')?;
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let (ticks, children_ticks) = (number(11)? + number(12)?, number(13)? + number(14)?);
    Some(Stat { pid: pid.parse().ok()?, parent: u32::try_from(number(1)?).ok()?, ticks, children_ticks })
}

fn read_kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_also_where_the_name_holds_parentheses() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 15 6 3 1 20 0 1 0 100 1000 10 0";

        assert_eq!(read_stat(line), Some(Stat { pid: 42, parent: 7, ticks: 21, children_ticks: 4 }));
    }

    #[test]
    fn memory_is_read_in_kib() {
        let status = "Name:\tgantry\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";

        assert_eq!((read_kib(status, "VmRSS:"), read_kib(status, "VmHWM:"), read_kib(status, "VmX:")), (1024, 2048, 0));
    }

    #[test]
    fn this_process_has_memory_and_time() {
        let own = std::process::id();

        assert!(memory(own).unwrap().resident_mib > 0.0);
        assert!(cpu_seconds(own).unwrap() >= 0.0);
    }
}
