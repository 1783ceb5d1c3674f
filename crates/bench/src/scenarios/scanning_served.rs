use super::{
    Scenario,
    scanning::{Scanning, import, push_and_await, push_blobs},
    scanning_store::{self, Stored},
};
use crate::{
    advisories,
    bench::{Bench, Turn},
    client::Client,
    error::{BenchError, Outcome},
    field::{Expected, Target, pull_scope},
    fixture::MANIFEST_TYPE,
    http::Body,
    images::{self, Loaded, Named},
    load::{asking::percentile_ms, probing::probe_while, repeating},
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, kind, start},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Advisories, findings and gates of a server", cells, run };

const IMPORT: &str = "scan_import_advisories";
const SEARCH: &str = "scan_search_packages";
const PAGE: &str = "scan_findings_page";
const OF_IMAGE: &str = "scan_findings_image";
const GATE: &str = "scan_gate";
const RESTING: &str = "gantry at rest";
/// A running server takes what was imported within a second.
const TAKEN_WITHIN: Duration = Duration::from_millis(1_500);
/// So long pulls are looked at while nothing is imported.
const REST: Duration = Duration::from_secs(5);
/// Within this time a gate knows that an image passes.
const JUDGED_WITHIN: Duration = Duration::from_secs(20);
const GATED: &str = "gated/app";
const FREE: &str = "free/app";
const EVERY: Duration = Duration::from_millis(5);

fn cells() -> Vec<Cell> {
    let at_most = |figure, must, aim| Goal::new(figure, Against::Nothing, Bound::AtMost(must), Bound::AtMost(aim));
    let cell = |name: &str, title: &str, goals| Cell {
        name: name.into(),
        title: title.into(),
        contenders: vec!["gantry"],
        goals,
    };
    let undisturbed = Goal::new(Figure::P99Ms, Against::One(RESTING), Bound::AtMost(2.0), Bound::AtMost(1.2));
    let import = cell(
        IMPORT,
        "importing all advisories of the folder while four clients pull a manifest every 2 ms",
        vec![at_most(Figure::Seconds, 20.0, 10.0), undisturbed],
    );
    vec![
        Cell { contenders: vec!["gantry", RESTING], ..import },
        cell(
            SEARCH,
            "which of 10,000 images with 300 packages each hold a package in a range of versions",
            vec![at_most(Figure::P99Ms, 50.0, 10.0)],
        ),
        cell(PAGE, "a page of 100 of the findings in 10,000 images", vec![at_most(Figure::P99Ms, 10.0, 5.0)]),
        cell(OF_IMAGE, "the findings of one of 10,000 images", vec![at_most(Figure::P99Ms, 10.0, 5.0)]),
        cell(
            GATE,
            "GET of a manifest that a scan policy lets pass: what the policy adds to it",
            vec![at_most(Figure::MsPerRequest, 0.1, 0.02)],
        ),
    ]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let (asked, others): (Vec<&Cell>, Vec<&Cell>) =
        cells.iter().partition(|cell| matches!(cell.name.as_str(), SEARCH | PAGE | OF_IMAGE));
    if !asked.is_empty() {
        search(bench, &asked)?;
    }
    for cell in others {
        let turns: Vec<(&'static str, Turn<'_>)> = match cell.name.as_str() {
            IMPORT => vec![
                ("gantry", Box::new(|| pulled_while(bench, true))),
                (RESTING, Box::new(|| pulled_while(bench, false))),
            ],
            _ => vec![("gantry", Box::new(|| gate(bench)))],
        };
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    Ok(())
}

/// Pulls a manifest from a new server, while advisories are imported or nothing is.
fn pulled_while(bench: &Bench, is_importing: bool) -> Outcome<Sample> {
    let scanning = Scanning::open(bench, "scan-import")?;
    let server = &scanning.server;
    let image = clean_image(bench)?;
    let mut client = Client::with_password(server)?;
    push_blobs(&mut client, FREE, &image, 0)?;
    push_and_await(&mut client, (FREE, "v1"), &image, EVERY)?;
    let target = Target {
        method: "GET",
        path: format!("/v2/{FREE}/manifests/v1"),
        accept: Some(MANIFEST_TYPE),
        scope: pull_scope(FREE),
        expected: Expected::Length(0),
    };
    server.settle()?;
    let work = || -> Outcome<f64> {
        if !is_importing {
            thread::sleep(REST);
            return Ok(0.0);
        }
        let begun = Instant::now();
        import(bench, advisories::folder(bench)?, &scanning.data())?;
        let seconds = begun.elapsed().as_secs_f64();
        thread::sleep(TAKEN_WITHIN);
        Ok(seconds)
    };
    let (seconds, seen) = probe_while(server, &target, work)?;
    let mut sample = Sample::from([(Figure::P50Ms, seen.p50_ms), (Figure::P99Ms, seen.p99_ms)]);
    if is_importing {
        sample.insert(Figure::Seconds, seconds);
    }
    drop(client);
    scanning.close()?;
    Ok(sample)
}

/// Returns a small image of whose one package no advisory speaks.
fn clean_image(bench: &Bench) -> Outcome<Loaded> {
    let mut named = advisories::named(bench, "Debian", "12", 1)?;
    let Named { name, .. } = named.remove(0);
    let layer = images::tiny_layer(&Named { name, version: "999:1-1".into() })?;
    let config = images::config(std::slice::from_ref(&layer.diff_id));
    Ok(Loaded { config, layers: vec![layer.packed] })
}

/// Asks for a manifest of a repository with a scan policy and of one without, in turns, and compares how long that takes.
fn gate(bench: &Bench) -> Outcome<Sample> {
    let scanning = Scanning::open(bench, "scan-gate")?;
    let server = &scanning.server;
    let image = clean_image(bench)?;
    let mut client = Client::with_password(server)?;
    for name in [GATED, FREE] {
        push_blobs(&mut client, name, &image, 0)?;
        push_and_await(&mut client, (name, "v1"), &image, EVERY)?;
    }
    let policy = br#"{"severity": "CRITICAL"}"#;
    let kind = [("Content-Type", "application/json")];
    client.call("PUT", "/api/v1/scan-policies/gated/*", &kind, Body::Sized(&[policy]), 200)?;
    await_judged(server)?;
    process::favour(std::process::id());
    let mut client = Client::with_token(server, &[pull_scope(GATED), pull_scope(FREE)])?;
    let (until, mut gated, mut free) =
        (Instant::now() + Duration::from_secs(bench.options.seconds), Vec::new(), Vec::new());
    while Instant::now() < until {
        for (name, micros) in [(GATED, &mut gated), (FREE, &mut free)] {
            let begun = Instant::now();
            client.call("GET", &format!("/v2/{name}/manifests/v1"), &[("Accept", MANIFEST_TYPE)], Body::None, 200)?;
            micros.push(u32::try_from(begun.elapsed().as_nanos() / 100).unwrap_or(u32::MAX));
        }
    }
    // Counted in tenths of a microsecond.
    let [gated, free] = [&mut gated, &mut free].map(|times| percentile_ms(times, 50.0) / 10.0);
    drop(client);
    scanning.close()?;
    Ok(Sample::from([(Figure::MsPerRequest, (gated - free).max(0.0)), (Figure::P50Ms, gated)]))
}

fn await_judged(server: &Running) -> Outcome<()> {
    let (begun, path) = (Instant::now(), format!("/v2/{GATED}/manifests/v1"));
    loop {
        let mut client = Client::with_password(server)?;
        match client.call("GET", &path, &[("Accept", MANIFEST_TYPE)], Body::None, 200) {
            Err(_) if begun.elapsed() < JUDGED_WITHIN => thread::sleep(EVERY),
            answered => return answered.map(drop),
        }
    }
}

/// Asks a server with 10,000 scanned images.
fn search(bench: &Bench, cells: &[&Cell]) -> Outcome<()> {
    let (data, stored) = scanning_store::prepare(bench)?;
    let gantry = kind("gantry");
    let scratch = bench.folder("scratch/scan-search");
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: true };
    let server = start(gantry, bench.program(gantry)?, how)?;
    process::favour(std::process::id());
    scanning_store::await_index(bench, &server, &stored)?;
    server.settle()?;
    for cell in cells {
        let Stored { package, repository, tag } = &stored;
        let (path, key) = match cell.name.as_str() {
            SEARCH => (format!("/api/v1/packages?name={package}&version=%3E%3D0%2C%3C%3D99999&limit=100"), "packages"),
            PAGE => ("/api/v1/findings?limit=100".to_string(), "findings"),
            _ => (format!("/api/v1/repositories/{repository}/images/{tag}/findings"), "findings"),
        };
        let turn = || {
            let mut client = Client::with_password(&server)?;
            repeating::run(&server, bench.options.seconds, || {
                let begun = Instant::now();
                let answer = client.call("GET", &path, &[], Body::None, 200)?;
                let taken = begun.elapsed();
                let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                match document[key].as_array().is_some_and(|found| !found.is_empty()) {
                    true => Ok(taken),
                    false => Err(BenchError::program(path.clone(), "found nothing")),
                }
            })
        };
        let turns: Vec<(&'static str, Turn<'_>)> = vec![("gantry", Box::new(turn))];
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    Ok(())
}
