use super::{
    Scenario,
    scanning::{Scanning, new_tag, push_and_await, push_blobs},
};
use crate::{
    bench::{Bench, Turn},
    client::Client,
    error::Outcome,
    images::{self, Loaded},
    load::asking::percentile_ms,
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
};
use std::{
    cell::Cell as Counter,
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Scanning what was pushed", cells, run };

const APP: &str = "scan_after_push_app";
const SMALL: &str = "scan_after_push_small";
const WHOLE: &str = "scan_after_push_whole";
const LARGE: &str = "scan_large";
const SHARED: &str = "scan_shared_base";
/// The image of which no layer is known.
const ALL_NEW: &str = "gantry with all layers new";
/// Bytes of the layer of an application, and of one that changes little.
const APP_BYTES: usize = 10 << 20;
const OWN_BYTES: usize = 1 << 20;
/// Whoever waits for a scan asks so often; where the server's processor time counts, seldom.
const EVERY: Duration = Duration::from_millis(1);
const SELDOM: Duration = Duration::from_millis(25);
/// So often memory is looked at.
const LOOKED_EVERY: Duration = Duration::from_millis(10);
const NAME: &str = "team/app";

fn cells() -> Vec<Cell> {
    let pushed = |name: &str, title: &str| Cell {
        name: name.into(),
        title: format!("from the acknowledgement of the manifest to the scan's end: {title}"),
        contenders: vec!["gantry"],
        goals: [Figure::P50Ms, Figure::P99Ms]
            .map(|figure| Goal::new(figure, Against::Nothing, Bound::AtMost(100.0), Bound::AtMost(50.0)))
            .into(),
    };
    let added = Goal::new(Figure::AddedMib, Against::Nothing, Bound::AtMost(30.0), Bound::AtMost(15.0));
    let shared = Goal::new(Figure::CpuS, Against::One(ALL_NEW), Bound::AtMost(1.0 / 20.0), Bound::AtMost(1.0 / 50.0));
    vec![
        pushed(APP, "an application's layer of 10 MiB on Debian with 120 packages, which is known"),
        pushed(SMALL, "a small Debian with Python packages, every layer new"),
        pushed(WHOLE, "Debian with 120 packages, the layer new"),
        Cell {
            name: LARGE.into(),
            title: "scanning an image with 2 GB of files: memory of server and worker above that at rest".into(),
            contenders: vec!["gantry"],
            goals: vec![added],
        },
        Cell {
            name: SHARED.into(),
            title: "scanning an image with a layer of 1 MiB on a base that is known".into(),
            contenders: vec!["gantry", ALL_NEW],
            goals: vec![shared],
        },
    ]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    for cell in cells {
        match cell.name.as_str() {
            LARGE => {
                let turns: Vec<(&'static str, Turn<'_>)> = vec![("gantry", Box::new(|| large(bench)))];
                bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
            }
            SHARED => shared(bench, cell)?,
            _ => after_push(bench, cell)?,
        }
    }
    Ok(())
}

/// Pushes images one after the other, and sees when each is scanned.
fn after_push(bench: &Bench, cell: &Cell) -> Outcome<()> {
    let (image, pushes) = match cell.name.as_str() {
        APP => (images::debian(bench)?.load()?, 40),
        SMALL => (images::python(bench)?.load()?, 15),
        _ => (images::debian(bench)?.load()?, 6),
    };
    let is_app = cell.name == APP;
    let scanning = Scanning::open(bench, "scan-pushed")?;
    let (server, numbers) = (&scanning.server, Counter::new(0));
    {
        // The worker is there from here on, as it is where somebody pushed within five minutes.
        let mut client = Client::with_password(server)?;
        push_blobs(&mut client, NAME, &image, 0)?;
        push_and_await(&mut client, (NAME, "base"), &image, SELDOM)?;
    }
    process::favour(std::process::id());
    let turn = || -> Outcome<Sample> {
        let mut micros = Vec::new();
        for _ in 0..pushes {
            let (number, tag) = new_tag(&numbers);
            let pushed = if is_app {
                image.with(images::own_layer(number.into(), APP_BYTES)?)?
            } else {
                renewed(&image, number)
            };
            let mut client = Client::with_password(server)?;
            push_blobs(&mut client, NAME, &pushed, if is_app { image.layers.len() } else { 0 })?;
            let taken = push_and_await(&mut client, (NAME, &tag), &pushed, EVERY)?;
            micros.push(u32::try_from(taken.as_micros()).unwrap_or(u32::MAX));
        }
        let [p50, p99] = [50.0, 99.0].map(|percent| percentile_ms(&mut micros, percent));
        Ok(Sample::from([(Figure::P50Ms, p50), (Figure::P99Ms, p99)]))
    };
    let turns: Vec<(&'static str, Turn<'_>)> = vec![("gantry", Box::new(turn))];
    let note = format!("{pushes} images one after the other in each round: {}", cell.title);
    bench.measure(cell, turns, BTreeMap::new(), BTreeMap::from([("gantry".to_string(), note)]))?;
    scanning.close()
}

fn renewed(image: &Loaded, number: u32) -> Loaded {
    let mut renewed = image.clone();
    renewed.renew(number);
    renewed
}

/// Scans one large image on a new server, and looks at the memory of its processes meanwhile.
fn large(bench: &Bench) -> Outcome<Sample> {
    let image = images::large(bench)?.load()?;
    let scanning = Scanning::open(bench, "scan-large")?;
    let server = &scanning.server;
    let mut client = Client::with_password(server)?;
    push_blobs(&mut client, NAME, &image, 0)?;
    server.settle()?;
    let (pid, is_over) = (server.pid(), AtomicBool::new(false));
    let idle = process::proportional_mib(pid)?;
    let seen: Outcome<(Duration, f64)> = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(pid, &is_over));
        let taken = push_and_await(&mut client, (NAME, "v1"), &image, SELDOM);
        is_over.store(true, Ordering::Relaxed);
        let peak = watch.join().expect("nothing panics while it looks");
        Ok((taken?, peak?))
    });
    let (taken, peak) = seen?;
    let sample = Sample::from([
        (Figure::AddedMib, (peak - idle).max(0.0)),
        (Figure::ResidentMib, idle),
        (Figure::PeakMib, peak),
        (Figure::Seconds, taken.as_secs_f64()),
    ]);
    drop(client);
    scanning.close()?;
    Ok(sample)
}

fn watch(pid: u32, is_over: &AtomicBool) -> Outcome<f64> {
    let mut peak: f64 = 0.0;
    while !is_over.load(Ordering::Relaxed) {
        peak = peak.max(process::proportional_mib(pid)?);
        thread::sleep(LOOKED_EVERY);
    }
    Ok(peak)
}

/// Scans images that share their base, beside such of which every layer is new.
fn shared(bench: &Bench, cell: &Cell) -> Outcome<()> {
    let base = images::debian(bench)?.load()?;
    let scanning = Scanning::open(bench, "scan-shared")?;
    let (server, numbers) = (&scanning.server, Counter::new(0));
    {
        let mut client = Client::with_password(server)?;
        push_blobs(&mut client, NAME, &base, 0)?;
        push_and_await(&mut client, (NAME, "base"), &base, SELDOM)?;
    }
    let cpu_of = |count: u32, make: &dyn Fn(u32) -> Outcome<(Loaded, usize)>| -> Outcome<Sample> {
        let mut cpu = 0.0;
        for _ in 0..count {
            let (number, tag) = new_tag(&numbers);
            let (image, layers_known) = make(number)?;
            let mut client = Client::with_password(server)?;
            push_blobs(&mut client, NAME, &image, layers_known)?;
            server.settle()?;
            let before = process::cpu_seconds(server.pid())?;
            push_and_await(&mut client, (NAME, &tag), &image, SELDOM)?;
            cpu += process::cpu_seconds(server.pid())? - before;
        }
        Ok(Sample::from([(Figure::CpuS, cpu / f64::from(count))]))
    };
    let own = |number: u32| -> Outcome<(Loaded, usize)> {
        Ok((base.with(images::own_layer(number.into(), OWN_BYTES)?)?, base.layers.len()))
    };
    let all = |number: u32| -> Outcome<(Loaded, usize)> { Ok((renewed(&base, number), 0)) };
    let turns: Vec<(&'static str, Turn<'_>)> =
        vec![("gantry", Box::new(|| cpu_of(4, &own))), (ALL_NEW, Box::new(|| cpu_of(2, &all)))];
    bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    scanning.close()
}
