//! What the machine is.

use crate::report::Machine;
use std::{fs, thread};

/// Asks the system what it runs on.
pub(crate) fn look() -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let uname = rustix::system::uname();
    let kib = find(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    Machine {
        model: find(&cpu, "model name").unwrap_or("unknown processor").to_string(),
        cores: thread::available_parallelism().map_or(0, usize::from),
        memory_gib: (kib + (1 << 19)) >> 20,
        kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
    }
}

/// Finds the value of `name : value`.
fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let values = text.lines().filter_map(|line| line.split_once(':'));
    values.filter(|(found, _)| found.trim() == name).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_behind_their_names() {
        let text = "processor\t: 0\nmodel name\t: Xeon\nmodel name\t: Other\nMemTotal:       100 kB\n";

        assert_eq!(
            (find(text, "model name"), find(text, "MemTotal"), find(text, "x")),
            (Some("Xeon"), Some("100 kB"), None)
        );
    }
}
