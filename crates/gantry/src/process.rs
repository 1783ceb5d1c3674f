//! What the kernel knows of this process, under the names every Prometheus client gives it (proc(5)).

use gantry_api::Figures;
use gantry_words::Timestamp;
use rustix::param::{clock_ticks_per_second, page_size};
use std::fs;

/// Adds the figures of this process; those that cannot be read are left out.
pub(crate) fn collect(figures: &mut Figures, started: Timestamp) {
    let help = "When the process started, in seconds since 1970";
    figures.gauge("process_start_time_seconds", help, &[], started.millis() as f64 / 1e3);
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse) {
        let seconds = stat.cpu_ticks as f64 / clock_ticks_per_second() as f64;
        figures.counter("process_cpu_seconds", "Time on the processors, of user and system", &[], seconds);
        let bytes = stat.resident_pages as f64 * page_size() as f64;
        figures.gauge("process_resident_memory_bytes", "Memory that is in use", &[], bytes);
        figures.gauge("process_threads", "Threads", &[], stat.threads as f64);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        figures.gauge("process_open_fds", "Open files and connections", &[], open.count() as f64);
    }
}

/// The whole seconds for which this process has kept processors busy; `None` where that cannot be read.
pub(crate) fn cpu_seconds() -> Option<u64> {
    let stat = Stat::parse(&fs::read_to_string("/proc/self/stat").ok()?)?;
    stat.cpu_ticks.checked_div(clock_ticks_per_second())
}

/// What matters of `/proc/self/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    resident_pages: u64,
}

impl Stat {
    /// The second field is the program's name in parentheses, and may hold anything; the third comes after the last.
    fn parse(text: &str) -> Option<Stat> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat { cpu_ticks: field(14)? + field(15)?, threads: field(20)?, resident_pages: field(24)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_anything_in_it_does_not_shift_the_fields() {
        let text = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 100 1000 2560 18446744073709551615";

        let stat = Stat::parse(text).unwrap();

        assert_eq!(stat, Stat { cpu_ticks: 200, threads: 9, resident_pages: 2560 });
        assert_eq!(Stat::parse("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let stat = Stat::parse(&fs::read_to_string("/proc/self/stat").unwrap()).unwrap();

        assert!(stat.threads > 0 && stat.resident_pages > 0);
    }
}
