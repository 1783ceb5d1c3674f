use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is measured, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Bytes moved, 10⁹ a second.
    GbPerS,
    /// Requests answered in a second.
    RequestsPerS,
    /// Requests answered for each second of the server's processes on the processors.
    RequestsPerCoreS,
    /// Time of the server's processes on the processors, seconds for 10⁹ bytes.
    CpuSPerGb,
    /// Time of the server's processes on the processors, microseconds for a request.
    CpuUsPerRequest,
    /// Half the answers came within this time.
    P50Ms,
    /// 99 of 100 answers came within this time.
    P99Ms,
    /// The time for one answer where nothing but the server holds it up, from the throughput.
    MsPerRequest,
    /// From the start of the program to its first good answer.
    ReadyMs,
    /// Resident memory at rest.
    ResidentMib,
    /// The most resident memory there was.
    PeakMib,
    /// How long a work took.
    Seconds,
    /// Blobs removed in a second.
    BlobsPerS,
    /// Manifests brought in in a second.
    ManifestsPerS,
    /// Time of a program on the processors, or of the server's processes for one piece of work.
    CpuS,
    /// Memory that a work needs above what there is at rest.
    AddedMib,
    /// How often memory is asked for.
    Allocations,
}

/// The figures of one server in one round.
pub(crate) type Sample = BTreeMap<Figure, f64>;

impl Figure {
    /// Returns its heading in a table, with the unit.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::GbPerS => "GB/s",
            Self::RequestsPerS => "requests/s",
            Self::RequestsPerCoreS => "requests/s per core",
            Self::CpuSPerGb => "CPU s/GB",
            Self::CpuUsPerRequest => "CPU µs/request",
            Self::P50Ms => "p50 ms",
            Self::P99Ms => "p99 ms",
            Self::MsPerRequest => "ms/request",
            Self::ReadyMs => "ready ms",
            Self::ResidentMib => "resident MiB",
            Self::PeakMib => "peak MiB",
            Self::Seconds => "seconds",
            Self::BlobsPerS => "blobs/s",
            Self::ManifestsPerS => "manifests/s",
            Self::CpuS => "CPU s",
            Self::AddedMib => "added MiB",
            Self::Allocations => "allocations",
        }
    }

    /// Whether a larger value is the better one.
    pub(crate) fn is_better_larger(self) -> bool {
        match self {
            Self::GbPerS | Self::RequestsPerS | Self::RequestsPerCoreS | Self::BlobsPerS | Self::ManifestsPerS => true,
            Self::CpuSPerGb
            | Self::CpuUsPerRequest
            | Self::P50Ms
            | Self::P99Ms
            | Self::MsPerRequest
            | Self::ReadyMs
            | Self::ResidentMib
            | Self::PeakMib
            | Self::Seconds
            | Self::CpuS
            | Self::AddedMib
            | Self::Allocations => false,
        }
    }
}

/// Writes a number with three digits that say something: `0.0123`, `1.23`, `12,345`.
pub(crate) fn print_number(value: f64) -> String {
    let magnitude = value.abs();
    match magnitude {
        _ if magnitude == 0.0 => "0".into(),
        100.0.. => group(value.round()),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        0.1.. => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

fn group(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|chunk| str::from_utf8(chunk).ok()).collect();
    format!("{}{}", if value < 0.0 { "-" } else { "" }, grouped.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_the_digits_that_say_something() {
        let cases = [
            (0.0, "0"),
            (0.0123, "0.0123"),
            (0.5, "0.500"),
            (1.234, "1.23"),
            (99.96, "100.0"),
            (123.4, "123"),
            (1_234_567.0, "1,234,567"),
        ];

        for (value, text) in cases {
            assert_eq!(print_number(value), text);
        }
    }

    #[test]
    fn figures_have_names_in_json() {
        let sample = Sample::from([(Figure::CpuSPerGb, 0.5)]);

        assert_eq!(serde_json::to_string(&sample).unwrap(), r#"{"cpu_s_per_gb":0.5}"#);
    }
}
