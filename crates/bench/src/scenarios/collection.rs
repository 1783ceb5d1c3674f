use super::Scenario;
use crate::{
    bench::{Bench, Turn},
    client::Client,
    error::{BenchError, Outcome, While},
    field::{Expected, Target, pull_scope},
    filling::{self, Filling},
    fixture::MANIFEST_TYPE,
    load::probing::probe_while,
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, gantry_command, kind, start},
    stores::{self, Contents},
    world::{self, BLOBS, BLOBS_FEW, LIVE, MANY},
};
use std::{
    cell::Cell as Counter,
    collections::BTreeMap,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Garbage collection of 1,000 dead blobs", cells, run };

/// Among so many living ones.
const SMALL: &str = "gantry at 10,000";
const AT_REST: &str = "gantry at rest";
const DEAD: u64 = 1_000;
/// Taken while others pull: fewer would be gone before the slowest of their requests say anything.
const DEAD_WHILE_PULLING: u64 = 10_000;

fn cells() -> Vec<Cell> {
    let time = Goal::new(Figure::Seconds, Against::One(SMALL), Bound::AtMost(1.5), Bound::AtMost(1.0));
    let rate = Goal {
        must: None,
        ..Goal::new(Figure::BlobsPerS, Against::Nothing, Bound::AtLeast(0.0), Bound::AtLeast(1000.0))
    };
    let others = Goal::new(Figure::P99Ms, Against::One(AT_REST), Bound::AtMost(1.2), Bound::AtMost(1.0));
    vec![
        Cell {
            name: "gc_million".into(),
            title: "1,000 dead blobs among 1,000,000 living ones".into(),
            contenders: vec!["gantry", SMALL],
            goals: vec![time, rate],
        },
        Cell {
            name: "gc_pulls".into(),
            title: "p99 of others' manifest GET while 10,000 are collected".into(),
            contenders: vec!["gantry", AT_REST],
            goals: vec![others],
        },
    ]
}

/// A server with its data folder.
struct Site {
    server: Running,
    data: PathBuf,
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let large = open(bench, &BLOBS, "large")?;
    let small = open(bench, &BLOBS_FEW, "small")?;
    process::favour(std::process::id());
    large.server.settle()?;
    // Dead blobs are new ones each time: their numbers go on.
    let number = Counter::new(first_number());
    let (large, small, number) = (&large, &small, &number);
    for cell in cells {
        let turns: Vec<(&'static str, Turn<'_>)> = match cell.name.as_str() {
            "gc_million" => vec![
                ("gantry", Box::new(move || collect_once(bench, large, number))),
                (SMALL, Box::new(move || collect_once(bench, small, number))),
            ],
            _ => vec![
                ("gantry", Box::new(move || pulls_while_collecting(bench, large, number))),
                (AT_REST, Box::new(move || pulls_at_rest(bench, large))),
            ],
        };
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    Ok(())
}

/// Beyond every living blob, and beyond the dead ones of earlier runs that were not collected.
fn first_number() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    MANY + since.map_or(0, |since| since.as_secs() % (1 << 20)) * DEAD
}

fn open(bench: &Bench, contents: &Contents, name: &str) -> Outcome<Site> {
    let gantry = kind("gantry");
    let (data, _) = stores::prepare(bench, gantry, contents)?;
    let scratch = bench.folder(&format!("scratch/collection-{name}"));
    let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: contents.is_large };
    let site = Site { server: start(gantry, bench.program(gantry)?, how)?, data };
    // An earlier run that was stopped has left dead ones; what a collection leaves is the world as it was.
    collect(bench, &site.data)?;
    Ok(site)
}

/// Pushes blobs that nothing will ever name.
fn push_dead(bench: &Bench, site: &Site, number: &Counter<u64>, count: u64) -> Outcome<()> {
    let first = number.replace(number.get() + count);
    let filling = Filling { what: "dead blobs", count, connections: 8, within: Duration::from_secs(600) };
    let push = |client: &mut Client<'_>, at: u64| client.post_blob(LIVE, &world::blob(first + at));
    filling::run(bench, &site.server, &filling, push)?;
    process::sync_disk();
    Ok(())
}

/// Runs `gantry gc` on a folder, with its server running or not, and returns how many blobs it took and how long.
pub(super) fn collect(bench: &Bench, data: &Path) -> Outcome<(u64, Duration)> {
    let begun = Instant::now();
    let mut command = gantry_command(&bench.programs.gantry);
    command.arg("gc").arg("--data-dir").arg(data).args(["--grace", "0s", "--output", "json"]);
    let output = command.output().while_trying("start gantry gc")?;
    let taken = begun.elapsed();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match document["blobs"].as_u64() {
        Some(blobs) if output.status.success() => Ok((blobs, taken)),
        _ => Err(BenchError::program("gantry gc", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// Collects, and sees that exactly the dead ones went.
fn collect_dead(bench: &Bench, site: &Site, count: u64) -> Outcome<Duration> {
    match collect(bench, &site.data)? {
        (blobs, taken) if blobs == count => Ok(taken),
        (blobs, _) => Err(BenchError::program("gantry gc", format!("took {blobs} blobs in place of {count}"))),
    }
}

fn collect_once(bench: &Bench, site: &Site, number: &Counter<u64>) -> Outcome<Sample> {
    push_dead(bench, site, number, DEAD)?;
    let seconds = collect_dead(bench, site, DEAD)?.as_secs_f64();
    Ok(Sample::from([(Figure::Seconds, seconds), (Figure::BlobsPerS, DEAD as f64 / seconds)]))
}

fn target() -> Target {
    let (tag, manifest) = world::live_manifest();
    Target {
        method: "GET",
        path: format!("/v2/{LIVE}/manifests/{tag}"),
        accept: Some(MANIFEST_TYPE),
        scope: pull_scope(LIVE),
        expected: Expected::Length(manifest.len() as u64),
    }
}

fn pulls_while_collecting(bench: &Bench, site: &Site, number: &Counter<u64>) -> Outcome<Sample> {
    push_dead(bench, site, number, DEAD_WHILE_PULLING)?;
    let collect = || collect_dead(bench, site, DEAD_WHILE_PULLING);
    let (taken, seen) = probe_while(&site.server, &target(), collect)?;
    Ok(Sample::from([
        (Figure::P50Ms, seen.p50_ms),
        (Figure::P99Ms, seen.p99_ms),
        (Figure::Seconds, taken.as_secs_f64()),
    ]))
}

fn pulls_at_rest(bench: &Bench, site: &Site) -> Outcome<Sample> {
    let duration = Duration::from_secs(bench.options.seconds);
    let ((), seen) = probe_while(&site.server, &target(), || {
        thread::sleep(duration);
        Ok(())
    })?;
    Ok(Sample::from([(Figure::P50Ms, seen.p50_ms), (Figure::P99Ms, seen.p99_ms)]))
}
