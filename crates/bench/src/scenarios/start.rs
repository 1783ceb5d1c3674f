use super::{Scenario, blobs::blob_target, collection::collect, manifests::manifest_target};
use crate::{
    bench::{Bench, Turn},
    error::Outcome,
    field::read_once,
    load::pushing::{Layers, Way, push_images},
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample, median},
    servers::{Kind, Start, kind, start},
    stock::{self, IMAGES},
    stores::{self, Contents},
    world::MANIFESTS,
};
use std::{collections::BTreeMap, path::Path};

pub(super) const SCENARIO: Scenario = Scenario { about: "Starting, and memory", cells, run };

const CONTENDERS: [&str; 3] = ["gantry", "zot", "distribution"];
/// Of so many starts the median is taken.
const STARTS: usize = 10;
const CONNECTIONS: u32 = 64;
const LAYER_BYTES: usize = 8 << 20;
const PUSHERS: usize = 8;
const LAYERS: usize = 5;

fn cells() -> Vec<Cell> {
    let memory = |figure| Goal::new(figure, Against::One("zot"), Bound::AtMost(1.0 / 2.0), Bound::AtMost(1.0 / 4.0));
    let ready =
        Goal { aim: None, ..Goal::new(Figure::ReadyMs, Against::Nothing, Bound::AtMost(100.0), Bound::AtMost(0.0)) };
    vec![Cell {
        name: "start_million".into(),
        title: "start with 1,000,000 manifests, then 64 readers and 8 pushers".into(),
        contenders: CONTENDERS.into(),
        goals: vec![ready, memory(Figure::ResidentMib), memory(Figure::PeakMib)],
    }]
}

fn contents(kind: &Kind) -> &'static Contents {
    if kind.name == "gantry" { &MANIFESTS } else { &IMAGES }
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let folder = bench.folder("scratch/start");
    stores::remove(&folder)?;
    let (mut ready, mut absent, mut notes) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for kind in CONTENDERS.map(kind) {
        if !bench.has(kind) {
            absent.insert(kind.name.to_string(), "not at hand".to_string());
            continue;
        }
        let (prepared, _) = stores::prepare(bench, kind, contents(kind))?;
        // What is pushed into the big world is collected again below: it is too big to be copied.
        let is_copied = kind.name != "gantry";
        let data = if is_copied { folder.join(kind.name) } else { prepared.clone() };
        if is_copied {
            stores::copy(&prepared, &data)?;
            notes.insert(kind.name.to_string(), "starts on a small store of its own, of 100 images".to_string());
        }
        ready.push((kind, data));
    }
    for cell in cells {
        let turns = ready.iter().map(|(kind, data)| {
            let turn = move || measure(bench, kind, data);
            (kind.name, Box::new(turn) as Turn<'_>)
        });
        bench.measure(cell, turns.collect(), absent.clone(), notes.clone())?;
    }
    for (_, data) in ready.iter().filter(|(kind, _)| kind.name == "gantry") {
        collect(bench, data)?;
    }
    stores::remove(&folder)
}

/// Starts ten times, then lets the last one rest, and last puts a load on it.
fn measure(bench: &Bench, kind: &'static Kind, data: &Path) -> Outcome<Sample> {
    let scratch = bench.folder("scratch/start").join(format!("{}-scratch", kind.name));
    let how = Start { data, scratch: &scratch, tls: None, eatmydata: None, is_large: contents(kind).is_large };
    let (mut times, mut last) = (Vec::new(), None);
    for _ in 0..STARTS {
        drop(last.take());
        let server = start(kind, bench.program(kind)?, how)?;
        times.push(server.ready().as_secs_f64() * 1e3);
        last = Some(server);
    }
    let server = last.expect("it was started more than once");
    server.settle()?;
    let idle = process::memory(server.pid())?.resident_mib;
    for target in [manifest_target(), blob_target(&stock::small()), blob_target(&stock::large())] {
        read_once(bench, &scratch, &server, &target, CONNECTIONS)?;
    }
    let layers = Layers::of(LAYER_BYTES);
    let queues: Vec<_> = (0..PUSHERS).map(|_| vec![layers.make(LAYERS)]).collect();
    push_images(&server, &layers, Way::Streamed, &queues)?;
    let peak = process::memory(server.pid())?.peak_mib;
    Ok(Sample::from([
        (Figure::ReadyMs, median(&times).unwrap_or(0.0)),
        (Figure::ResidentMib, idle),
        (Figure::PeakMib, peak),
    ]))
}
