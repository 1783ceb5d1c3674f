use super::{Scenario, blobs::blob_target, manifests::manifest_target};
use crate::{
    bench::{Bench, Turn},
    error::Outcome,
    load::{
        crowd::{Crowd, Habit},
        probing::probe_while,
    },
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, kind, start},
    stock::{self, IMAGES},
    stores,
};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

pub(super) const SCENARIO: Scenario = Scenario { about: "10,000 clients that ask for little", cells, run };

const CLIENTS: u64 = 10_000;
/// Besides the clients.
const OPEN_FILES_OTHERS: u64 = 256;
/// The server without them.
const ALONE: &str = "gantry without them";
/// nginx shows what the kernel and the crowd's own work on the same processors cost others.
const NGINX: &str = "nginx";
const NGINX_ALONE: &str = "nginx without them";
/// 200 MB.
const RESIDENT_MIB_MAX: f64 = 190.0;

fn cells() -> Vec<Cell> {
    let memory = Goal {
        aim: None,
        ..Goal::new(Figure::ResidentMib, Against::Nothing, Bound::AtMost(RESIDENT_MIB_MAX), Bound::AtMost(0.0))
    };
    let others =
        Goal { aim: None, ..Goal::new(Figure::P99Ms, Against::One(ALONE), Bound::AtMost(2.0), Bound::AtMost(0.0)) };
    let cell = |(name, title): (&str, &str)| Cell {
        name: name.into(),
        title: format!("{title}; p99 of others' manifest GET"),
        contenders: vec!["gantry", ALONE, NGINX, NGINX_ALONE],
        goals: vec![memory.clone(), others.clone()],
    };
    [
        ("clients_idle", "10,000 clients idle on kept connections"),
        ("clients_slow", "10,000 clients reading 1 KB/s of a blob of 64 MiB"),
    ]
    .map(cell)
    .into()
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let allowed = process::raise_open_files_max(CLIENTS + 2 * OPEN_FILES_OTHERS);
    let clients = CLIENTS.min(allowed.saturating_sub(OPEN_FILES_OTHERS));
    let stores =
        (stores::prepare(bench, kind("gantry"), &IMAGES)?.0, stores::prepare(bench, kind("nginx"), &IMAGES)?.0);
    // Each turn has a server of its own: memory that was once taken is not always given back.
    let begin = |name: &str, scratch: &str| {
        let (kind, data) = if name == "gantry" { (kind(name), &stores.0) } else { (kind(name), &stores.1) };
        let scratch = bench.folder(&format!("scratch/clients-{name}-{scratch}"));
        let how = Start { data, scratch: &scratch, tls: None, eatmydata: None, is_large: IMAGES.is_large };
        let server = start(kind, bench.program(kind)?, how)?;
        process::favour(std::process::id());
        server.settle().map(|()| server)
    };
    let begin = &begin;
    for cell in cells {
        let habit = if cell.name == "clients_slow" { Habit::ReadSlowly } else { Habit::Rest };
        let note = (clients < CLIENTS)
            .then(|| ("gantry".to_string(), format!("{clients} clients: the system allows {allowed} open files")));
        let crowded = |name| move || with_crowd(bench, &begin(name, "crowded")?, habit, clients);
        let alone = |name| move || others(bench, &begin(name, "alone")?);
        let turns: Vec<(&'static str, Turn<'_>)> = vec![
            ("gantry", Box::new(crowded("gantry"))),
            (ALONE, Box::new(alone("gantry"))),
            (NGINX, Box::new(crowded("nginx"))),
            (NGINX_ALONE, Box::new(alone("nginx"))),
        ];
        bench.measure(cell, turns, BTreeMap::new(), note.into_iter().collect())?;
    }
    Ok(())
}

fn with_crowd(bench: &Bench, server: &Running, habit: Habit, clients: u64) -> Outcome<Sample> {
    let target = match habit {
        Habit::Rest => manifest_target(),
        Habit::ReadSlowly => blob_target(&stock::large()),
    };
    let mut crowd = Crowd::gather(server, &target, clients, habit)?;
    // What it cost to come is over.
    thread::sleep(Duration::from_secs(2));
    let (before, begun) = (crowd.bytes(), Instant::now());
    let mut sample = others(bench, server)?;
    if habit == Habit::ReadSlowly {
        sample.insert(Figure::GbPerS, (crowd.bytes() - before) as f64 / begun.elapsed().as_secs_f64() / 1e9);
    }
    crowd.check()?;
    Ok(sample)
}

/// What a few others see, and the memory there is meanwhile.
fn others(bench: &Bench, server: &Running) -> Outcome<Sample> {
    let duration = Duration::from_secs(bench.options.seconds);
    let ((), seen) = probe_while(server, &manifest_target(), || {
        thread::sleep(duration);
        Ok(())
    })?;
    let memory = process::memory(server.pid())?;
    Ok(Sample::from([
        (Figure::P50Ms, seen.p50_ms),
        (Figure::P99Ms, seen.p99_ms),
        (Figure::ResidentMib, memory.resident_mib),
        (Figure::PeakMib, memory.peak_mib),
    ]))
}
