//! Reading, with `wrk`: the same few bytes of request over and over, on many connections.

use super::Seen;
use crate::{
    error::{BenchError, Outcome, While},
    process,
    servers::end_with_us,
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What stands before the line that the script below prints.
const MARK: &str = "seen ";
/// It has no hook for single requests or answers, so it costs nothing while the load runs.
const SCRIPT: &str = r#"done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('seen {"requests":%d,"bytes":%d,"us":%d,"p50_us":%d,"p99_us":%d,"failed":%d,"refused":%d}\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout, e.status))
end
"#;

/// Requests that differ in nothing but their `Authorization` take turns: a hook for single requests, which costs the load a
/// little and stands only where there are some.
const TURNS: &str = r"local requests, at = {}, 0
init = function(args)
  for number, value in ipairs(values) do
    requests[number] = wrk.format(nil, nil, { Authorization = value })
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
";

/// A reading load.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    /// The whole address.
    pub(crate) url: String,
    /// Headers, such as `Authorization`.
    pub(crate) headers: Vec<(&'a str, String)>,
    /// Values of `Authorization` that take turns, in the place of the headers; none where one request is like the other.
    pub(crate) authorizations: &'a [String],
    /// Connections, one request at a time on each.
    pub(crate) connections: u32,
    /// For how long; wrk knows whole seconds only.
    pub(crate) seconds: u64,
}

#[derive(serde::Deserialize)]
struct Summary {
    requests: u64,
    bytes: u64,
    us: u64,
    p50_us: u64,
    p99_us: u64,
    failed: u64,
    refused: u64,
}

/// Runs a load and returns what it saw.
///
/// # Errors
/// When wrk fails, or any answer was an error: a figure made of errors is worth nothing.
pub(crate) fn run(wrk: &Path, scratch: &Path, reading: &Reading<'_>) -> Outcome<Seen> {
    let script = scratch.join("seen.lua");
    fs::write(&script, print_script(reading.authorizations)).while_trying(format!("write {}", script.display()))?;
    let mut command = Command::new(wrk);
    let threads = reading.connections.min(2);
    command.args([format!("-t{threads}"), format!("-c{}", reading.connections), format!("-d{}s", reading.seconds)]);
    // An answer of 64 MiB to each of 64 readers takes its time.
    command.args(["--timeout", "120s", "--latency", "-s"]).arg(&script);
    for (name, value) in &reading.headers {
        command.args(["-H", &format!("{name}: {value}")]);
    }
    command.arg(&reading.url).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    end_with_us(&mut command);
    let child = command.spawn().while_trying(format!("start {}", wrk.display()))?;
    process::favour(child.id());
    let output = child.wait_with_output().while_trying("wait for wrk")?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    read_summary(&said).map_err(|what| BenchError::program("wrk", format!("{} at {}", what, reading.url)))
}

fn print_script(authorizations: &[String]) -> String {
    if authorizations.is_empty() {
        return SCRIPT.into();
    }
    let values: Vec<String> = authorizations.iter().map(|value| format!("{value:?}")).collect();
    format!("local values = {{ {} }}\n{TURNS}{SCRIPT}", values.join(", "))
}

/// Reads the line of the script out of what wrk says.
fn read_summary(said: &str) -> Result<Seen, String> {
    let line =
        said.lines().find_map(|line| line.strip_prefix(MARK)).ok_or_else(|| format!("says no figures: {said}"))?;
    let summary: Summary = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
    if summary.failed + summary.refused > 0 {
        return Err(format!("saw {} errors and {} answers that were not 2xx", summary.failed, summary.refused));
    }
    Ok(Seen {
        requests: summary.requests,
        bytes: summary.bytes,
        seconds: summary.us as f64 / 1e6,
        p50_ms: summary.p50_us as f64 / 1e3,
        p99_ms: summary.p99_us as f64 / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_read_from_the_line_that_holds_them() {
        let said = "Running 1s test\nseen {\"requests\":7,\"bytes\":9,\"us\":2000000,\"p50_us\":10,\"p99_us\":2500,\"failed\":0,\"refused\":0}\n";

        let seen = read_summary(said).unwrap();

        assert_eq!(seen, Seen { requests: 7, bytes: 9, seconds: 2.0, p50_ms: 0.01, p99_ms: 2.5 });
    }

    #[test]
    fn requests_take_turns_only_where_they_differ() {
        let script = print_script(&["Basic YTpi".into(), "Basic Yzpk".into()]);

        assert!(script.starts_with("local values = { \"Basic YTpi\", \"Basic Yzpk\" }\n"), "{script}");
        assert!(script.contains("request = function()") && script.ends_with(SCRIPT), "{script}");
        assert_eq!(print_script(&[]), SCRIPT);
    }

    #[test]
    fn a_run_with_refused_requests_gives_no_figures() {
        let said = "seen {\"requests\":7,\"bytes\":9,\"us\":1,\"p50_us\":1,\"p99_us\":2,\"failed\":0,\"refused\":3}\n";

        assert_eq!(read_summary(said).unwrap_err(), "saw 0 errors and 3 answers that were not 2xx");
    }
}
