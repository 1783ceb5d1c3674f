use super::Scenario;
use crate::{
    bench::{Bench, Turn},
    error::Outcome,
    field,
    load::pushing::push_manifests,
    process,
    report::{Against, Bound, Cell, Figure, Goal},
    servers::{Start, kind, start},
    stock::{self, LISTS, TAGS},
    stores,
};
use std::{collections::BTreeMap, sync::atomic::AtomicU64, time::Duration};

pub(super) const SCENARIO: Scenario =
    Scenario { about: "Pushing manifests into a repository of 10,000 tags", cells, run };

const CONTENDERS: [&str; 4] = ["gantry", "distribution", "zot", "zotsync"];
/// The first number of a manifest that the stock does not hold.
const NUMBER_FIRST: u64 = 1_000_000;

fn cells() -> Vec<Cell> {
    let cell = |(name, title, must, aim): (&str, &str, f64, f64)| Cell {
        name: name.into(),
        title: format!("manifest PUT by a new tag, {title}"),
        contenders: CONTENDERS.into(),
        goals: vec![Goal::new(
            Figure::RequestsPerS,
            Against::One("distribution"),
            Bound::AtLeast(must),
            Bound::AtLeast(aim),
        )],
    };
    [("manifest_push_c1", "1 client", 4.0, 8.0), ("manifest_push_c8", "8 clients", 5.0, 10.0)].map(cell).into()
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let folder = bench.folder("scratch/manifests");
    stores::remove(&folder)?;
    let (mut servers, mut absent, mut notes) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for kind in CONTENDERS.map(kind) {
        if !bench.has(kind) {
            absent.insert(kind.name.to_string(), "not at hand".to_string());
            continue;
        }
        // A copy: what is pushed here must not be found by the next run.
        let (prepared, filled) = stores::prepare(bench, kind, &LISTS)?;
        let (data, scratch) = (folder.join(kind.name), folder.join(format!("{}-scratch", kind.name)));
        stores::copy(&prepared, &data)?;
        let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: LISTS.is_large };
        servers.push(start(kind, bench.program(kind)?, how)?);
        notes.extend(filled.note.map(|note| (kind.name.to_string(), note)));
    }
    process::favour(std::process::id());
    servers.iter().try_for_each(|server| server.settle())?;
    let (numbers, manifest_of) = (AtomicU64::new(NUMBER_FIRST), stock::manifests());
    for cell in cells {
        let clients = if cell.name.ends_with("c8") { 8 } else { 1 };
        let turns = servers.iter().map(|server| {
            let (numbers, manifest_of) = (&numbers, &manifest_of);
            let turn = move || {
                process::sync_disk();
                let before = process::cpu_seconds(server.pid())?;
                let duration = Duration::from_secs(bench.options.seconds);
                let seen = push_manifests(server, TAGS, clients, duration, numbers, manifest_of)?;
                Ok(field::figures(&seen, process::cpu_seconds(server.pid())? - before, false))
            };
            (server.kind.name, Box::new(turn) as Turn<'_>)
        });
        bench.measure(cell, turns.collect(), absent.clone(), notes.clone())?;
    }
    drop(servers);
    stores::remove(&folder)
}
