use super::Scenario;
use crate::{
    bench::{Bench, Turn},
    error::Outcome,
    field,
    load::pushing::{Layer, Layers, Way, push_images},
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Running, Start, kind, start},
    stores,
};
use std::collections::BTreeMap;

pub(super) const SCENARIO: Scenario = Scenario { about: "Pushing images of five layers of 8 MiB", cells, run };

const CONTENDERS: [&str; 4] = ["gantry", "zot", "zotsync", "distribution"];
const LAYER_BYTES: usize = 8 << 20;
const LAYERS: usize = 5;
const CHUNK_BYTES: usize = 2 << 20;
/// Images pushed one after the other, by a single client and by each of eight.
const IMAGES_ALONE: usize = 8;
const IMAGES_EACH: usize = 2;

fn cells() -> Vec<Cell> {
    let goal =
        |other, must, aim| Goal::new(Figure::GbPerS, Against::One(other), Bound::AtLeast(must), Bound::AtLeast(aim));
    let whole = |aim| vec![goal("zotsync", 1.3, aim), goal("zot", 0.8, 1.0)];
    let cell = |name: &str, title: &str, goals| Cell {
        name: name.into(),
        title: title.into(),
        contenders: CONTENDERS.into(),
        goals,
    };
    vec![
        cell("push_stream_p1", "push as docker does (PATCH, PUT), one image", whole(1.5)),
        cell("push_stream_p8", "push as docker does (PATCH, PUT), eight images", whole(1.8)),
        cell("push_whole_p1", "push as containerd does (one PUT), one image", whole(1.5)),
        cell("push_whole_p8", "push as containerd does (one PUT), eight images", whole(1.8)),
        cell("push_chunk_p1", "push in chunks of 2 MiB, one image", vec![]),
        cell("push_chunk_p8", "push in chunks of 2 MiB, eight images", vec![goal("zotsync", 1.2, 1.5)]),
    ]
}

fn way(cell: &Cell) -> (Way, usize) {
    let clients = if cell.name.ends_with("p8") { 8 } else { 1 };
    let way = match cell.name.as_str() {
        "push_stream_p1" | "push_stream_p8" => Way::Streamed,
        "push_whole_p1" | "push_whole_p8" => Way::Whole,
        _ => Way::Chunked(CHUNK_BYTES),
    };
    (way, clients)
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let layers = Layers::of(LAYER_BYTES);
    cells.iter().try_for_each(|cell| measure(bench, cell, &layers))
}

/// Each cell has servers of its own, on empty stores, which are removed behind it: pushes fill a disk.
fn measure(bench: &Bench, cell: &Cell, layers: &Layers) -> Outcome<()> {
    let folder = bench.folder("scratch/push");
    stores::remove(&folder)?;
    let (mut servers, mut absent) = (Vec::new(), BTreeMap::new());
    for kind in CONTENDERS.map(kind) {
        if !bench.has(kind) {
            absent.insert(kind.name.to_string(), "not at hand".to_string());
            continue;
        }
        let (data, scratch) = (folder.join(kind.name), folder.join(format!("{}-scratch", kind.name)));
        let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: false };
        servers.push(start(kind, bench.program(kind)?, how)?);
    }
    process::favour(std::process::id());
    let (way, clients) = way(cell);
    for server in &servers {
        // The first push of a program finds cold code and makes its folders.
        push(server, layers, way, vec![vec![layers.make(1)]])?;
    }
    let turns = servers.iter().map(|server| {
        let turn = move || {
            let images = if clients == 1 { IMAGES_ALONE } else { IMAGES_EACH };
            let queues = (0..clients).map(|_| (0..images).map(|_| layers.make(LAYERS)).collect()).collect();
            push(server, layers, way, queues)
        };
        (server.kind.name, Box::new(turn) as Turn<'_>)
    });
    bench.measure(cell, turns.collect(), absent, BTreeMap::new())?;
    drop(servers);
    stores::remove(&folder)
}

fn push(server: &Running, layers: &Layers, way: Way, queues: Vec<Vec<Vec<Layer>>>) -> Outcome<Sample> {
    // What the one before has left in the page cache must not be written on this one's time.
    process::sync_disk();
    let before = process::cpu_seconds(server.pid())?;
    let seen = push_images(server, layers, way, &queues)?;
    let cpu = process::cpu_seconds(server.pid())? - before;
    let mut sample = field::figures(&seen, cpu, true);
    sample.insert(Figure::PeakMib, process::memory(server.pid())?.peak_mib);
    Ok(sample)
}
