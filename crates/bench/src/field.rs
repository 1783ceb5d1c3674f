//! Several servers side by side, on the same contents, and loads that read from them in turns.

use crate::{
    bench::{Bench, Turn},
    error::{Outcome, While},
    http::{Body, Request},
    load::{Seen, asking, wrk},
    process,
    report::{Cell, Figure, Sample},
    servers::{Running, Start, kind, start},
    stores::{Contents, Filled, prepare},
    tls::Certificate,
};
use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

/// From this size on the bytes of an answer are the point, and not that there is one.
const LARGE_BYTES_MIN: u64 = 100_000;

/// The servers that take part.
pub(crate) struct Field {
    /// Those that run, with what their stores hold.
    pub(crate) servers: Vec<(Running, Filled)>,
    absent: BTreeMap<String, String>,
    scratch: PathBuf,
}

/// Something to be read.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `GET` or `HEAD`.
    pub(crate) method: &'static str,
    /// The path.
    pub(crate) path: String,
    /// What is accepted, where it matters.
    pub(crate) accept: Option<&'static str>,
    /// The scope that a token needs.
    pub(crate) scope: String,
    /// What a right answer holds.
    pub(crate) expected: Expected,
}

/// What a right answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A body of these bytes, or the announcement of so many.
    Length(u64),
    /// A list of so many names under this key.
    Entries(&'static str, usize),
}

/// Returns the scope for reading a repository.
pub(crate) fn pull_scope(name: &str) -> String {
    format!("repository:{name}:pull")
}

impl Field {
    /// Starts these kinds of servers, those that are at hand, each on its prepared store, and waits until they are quiet.
    ///
    /// # Errors
    /// When one cannot be filled or started.
    pub(crate) fn open(
        bench: &Bench,
        names: &[&'static str],
        contents: &Contents,
        tls: Option<&Certificate>,
    ) -> Outcome<Self> {
        let scratch = bench.folder("scratch");
        fs::create_dir_all(&scratch).while_trying(format!("make {}", scratch.display()))?;
        let mut field = Self { servers: Vec::new(), absent: BTreeMap::new(), scratch };
        for kind in names.iter().map(|name| kind(name)) {
            if !bench.has(kind) {
                field.absent.insert(kind.name.into(), "not at hand".into());
                continue;
            }
            let (data, filled) = prepare(bench, kind, contents)?;
            if !contents.is_large {
                process::forget_cached(&data)?;
            }
            let scratch = field.scratch.join(kind.name);
            let how = Start { data: &data, scratch: &scratch, tls, eatmydata: None, is_large: contents.is_large };
            field.servers.push((start(kind, bench.program(kind)?, how)?, filled));
        }
        process::favour(std::process::id());
        field.servers.iter().try_for_each(|(server, _)| server.settle())?;
        Ok(field)
    }

    /// Measures a cell: each server is read from, in turns. `target` says what, from what the server's store holds;
    /// it may differ where a store holds less.
    ///
    /// # Errors
    /// When a server does not answer as it should, before or during the load.
    pub(crate) fn read(
        &self,
        bench: &Bench,
        cell: &Cell,
        connections: u32,
        target: impl Fn(&Filled) -> Target,
    ) -> Outcome<()> {
        let mut turns: Vec<(&'static str, Turn<'_>)> = Vec::new();
        let mut notes = BTreeMap::new();
        for (server, filled) in self.servers.iter().filter(|(server, _)| cell.contenders.contains(&server.kind.name)) {
            let target = target(filled);
            check(server, &target)?;
            turns.push((
                server.kind.name,
                Box::new(move || read_once(bench, &self.scratch, server, &target, connections)),
            ));
            notes.extend(filled.note.clone().map(|note| (server.kind.name.to_string(), note)));
        }
        let absent = self.absent.iter().filter(|(name, _)| cell.contenders.contains(&name.as_str()));
        let absent = absent.map(|(name, reason)| (name.clone(), reason.clone())).collect();
        bench.measure(cell, turns, absent, notes)
    }
}

/// Sees that a server answers what is about to be read many times: a benchmark of 404 would be fast and worthless.
///
/// # Errors
/// When it answers otherwise.
pub(crate) fn check(server: &Running, target: &Target) -> Outcome<()> {
    let authorization = server.bearer(std::slice::from_ref(&target.scope))?;
    let headers: Vec<_> = target.accept.map(|accept| ("Accept", accept)).into_iter().collect();
    let request = Request {
        method: target.method,
        path: &target.path,
        authorization: authorization.as_deref(),
        headers: &headers,
    };
    let answer = server.connect()?.send(&request, Body::None)?;
    let found = match &target.expected {
        Expected::Length(_) => {
            let length = if target.method == "HEAD" { answer.content_length() } else { Some(answer.body.len() as u64) };
            length.map(Expected::Length)
        }
        Expected::Entries(key, _) => {
            let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            document[key].as_array().map(|entries| Expected::Entries(key, entries.len()))
        }
    };
    if answer.status == 200 && found.as_ref() == Some(&target.expected) {
        return Ok(());
    }
    Err(server.wrong(
        target.method,
        &target.path,
        format!("{} and {found:?}", answer.status),
        &format!("200 and {:?}", target.expected),
    ))
}

/// Reads once, for the time of the run, with a token made just now, and sees what it cost the server.
///
/// # Errors
/// When an answer is an error.
pub(crate) fn read_once(
    bench: &Bench,
    scratch: &std::path::Path,
    server: &Running,
    target: &Target,
    connections: u32,
) -> Outcome<Sample> {
    let authorization = server.bearer(std::slice::from_ref(&target.scope))?;
    read_with(bench, scratch, server, target, connections, authorization)
}

/// The same with this `Authorization` header.
///
/// # Errors
/// When an answer is an error.
pub(crate) fn read_with(
    bench: &Bench,
    scratch: &std::path::Path,
    server: &Running,
    target: &Target,
    connections: u32,
    authorization: Option<String>,
) -> Outcome<Sample> {
    let mut headers: Vec<(&str, String)> =
        target.accept.map(|accept| ("Accept", accept.to_string())).into_iter().collect();
    headers.extend(authorization.map(|value| ("Authorization", value)));
    let before = process::cpu_seconds(server.pid())?;
    let seen = match target.method {
        "HEAD" => {
            let duration = Duration::from_secs(bench.options.seconds);
            let asking = asking::Asking { address: server.address, path: &target.path, headers, connections, duration };
            asking::run(&asking)?
        }
        _ => {
            let (url, seconds) = (server.url(&target.path), bench.options.seconds);
            let reading = wrk::Reading { url, headers, authorizations: &[], connections, seconds };
            wrk::run(&bench.programs.wrk, scratch, &reading)?
        }
    };
    let cpu = process::cpu_seconds(server.pid())? - before;
    let is_large = matches!(&target.expected, Expected::Length(length) if *length >= LARGE_BYTES_MIN);
    let mut sample = figures(&seen, cpu, is_large && target.method == "GET");
    let memory = process::memory(server.pid())?;
    sample.insert(Figure::ResidentMib, memory.resident_mib);
    sample.insert(Figure::PeakMib, memory.peak_mib);
    Ok(sample)
}

/// Returns the figures of a load that took `cpu` seconds of the server's processors; by bytes where they are the point.
pub(crate) fn figures(seen: &Seen, cpu: f64, by_bytes: bool) -> Sample {
    let (gigabytes, requests) = (seen.bytes as f64 / 1e9, seen.requests as f64);
    let mut sample = Sample::new();
    // A short load may end before one large answer does.
    if requests > 0.0 {
        sample.extend([(Figure::P50Ms, seen.p50_ms), (Figure::P99Ms, seen.p99_ms)]);
    }
    let of = |amount: f64, value: f64| if amount > 0.0 { value / amount } else { 0.0 };
    match by_bytes {
        true => {
            sample.insert(Figure::GbPerS, of(seen.seconds, gigabytes));
            sample.insert(Figure::CpuSPerGb, of(gigabytes, cpu));
        }
        false => {
            sample.insert(Figure::RequestsPerS, of(seen.seconds, requests));
            sample.insert(Figure::CpuUsPerRequest, of(requests, cpu * 1e6));
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen { requests: 100, bytes: 2_000_000_000, seconds: 2.0, p50_ms: 1.0, p99_ms: 3.0 };

    #[test]
    fn large_answers_count_by_their_bytes() {
        let sample = figures(&SEEN, 0.5, true);

        assert_eq!((sample[&Figure::GbPerS], sample[&Figure::CpuSPerGb]), (1.0, 0.25));
    }

    #[test]
    fn small_answers_count_each() {
        let sample = figures(&SEEN, 0.5, false);

        assert_eq!((sample[&Figure::RequestsPerS], sample[&Figure::CpuUsPerRequest]), (50.0, 5000.0));
        assert_eq!((sample[&Figure::P50Ms], sample[&Figure::P99Ms]), (1.0, 3.0));
    }
}
