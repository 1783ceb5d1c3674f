//! Asking again and again, one question after another.

use super::{Seen, asking::percentile_ms};
use crate::{error::Outcome, field::figures, process, report::Sample, servers::Running};
use std::time::{Duration, Instant};

/// Asks for so many seconds, and returns what that took. `ask` asks once, and returns how long the answer took.
///
/// # Errors
/// Those of `ask`.
pub(crate) fn run(server: &Running, seconds: u64, mut ask: impl FnMut() -> Outcome<Duration>) -> Outcome<Sample> {
    let (until, mut micros) = (Instant::now() + Duration::from_secs(seconds), Vec::new());
    let (before, begun) = (process::cpu_seconds(server.pid())?, Instant::now());
    while Instant::now() < until {
        micros.push(u32::try_from(ask()?.as_micros()).unwrap_or(u32::MAX));
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), process::cpu_seconds(server.pid())? - before);
    let [p50_ms, p99_ms] = [50.0, 99.0].map(|percent| percentile_ms(&mut micros, percent));
    Ok(figures(&Seen { requests: micros.len() as u64, bytes: 0, seconds, p50_ms, p99_ms }, cpu, false))
}
