//! What makes the load: readers, askers of HEAD, those that ask one after another, pushers, probes and slow clients.

pub(crate) mod asking;
pub(crate) mod crowd;
pub(crate) mod probing;
pub(crate) mod pushing;
pub(crate) mod repeating;
pub(crate) mod wrk;

/// What a load saw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// Answers that came whole.
    pub(crate) requests: u64,
    /// Bytes that came, those of unfinished answers too.
    pub(crate) bytes: u64,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Half the answers came within this time.
    pub(crate) p50_ms: f64,
    /// 99 of 100 answers came within this time.
    pub(crate) p99_ms: f64,
}
