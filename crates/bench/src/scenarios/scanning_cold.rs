use super::Scenario;
use crate::{
    advisories,
    bench::{Bench, Turn},
    error::{BenchError, Outcome, While},
    images::{self, Image},
    process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{gantry_command, kind},
    stores,
    trivy::{self, Trivy},
};
use std::{collections::BTreeMap, fs, path::Path, time::Instant};

pub(super) const SCENARIO: Scenario = Scenario { about: "Scanning an image that was never seen before", cells, run };

/// trivy, told to look for no secrets, though Gantry does.
const NO_SECRETS: &str = "trivy without secrets";
/// The cells: the name, the image, and how often it is scanned in a round.
const COLD: [(&str, &str, u32); 3] = [
    ("scan_cold_debian", "Debian, 120 packages in one layer", 2),
    ("scan_cold_java", "a small Debian with 40 jars", 8),
    ("scan_cold_python", "a small Debian with 60 Python packages", 6),
];

fn cells() -> Vec<Cell> {
    let cell = |(name, title, _): (&str, &str, u32)| Cell {
        name: name.into(),
        title: format!("cold scan of an OCI layout (gzip): {title}"),
        contenders: vec!["gantry", trivy::NAME, NO_SECRETS],
        goals: vec![Goal::new(Figure::CpuS, Against::One(trivy::NAME), Bound::AtMost(0.5), Bound::AtMost(0.3))],
    };
    COLD.map(cell).into()
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let cache = bench.folder("scratch/scan-cache");
    stores::remove(&cache)?;
    fs::create_dir_all(&cache).while_trying(format!("make {}", cache.display()))?;
    let trivy = Trivy::open(bench, "cold")?;
    for cell in cells {
        let times = COLD.iter().find(|(name, ..)| *name == cell.name).map_or(1, |(.., times)| *times);
        let image = match cell.name.as_str() {
            "scan_cold_debian" => images::debian(bench)?,
            "scan_cold_java" => images::java(bench)?,
            _ => images::python(bench)?,
        };
        let image = &image;
        // Compiles the advisories, and reads the image into the page cache.
        gantry(bench, image, &cache)?;
        let own = || timed(times, || gantry(bench, image, &cache));
        let mut turns: Vec<(&'static str, Turn<'_>)> = vec![("gantry", Box::new(own))];
        let mut absent = BTreeMap::new();
        for (name, arguments) in [(trivy::NAME, &[][..]), (NO_SECRETS, &["--scanners", "vuln"][..])] {
            match &trivy {
                Some(trivy) => {
                    let scan = move || {
                        trivy.forget_layers()?;
                        trivy.scan(&image.layout, arguments)
                    };
                    turns.push((name, Box::new(move || timed(times, scan))));
                }
                None => {
                    absent.insert(name.to_string(), "not at hand".to_string());
                }
            }
        }
        let mib = image.bytes() >> 20;
        let notes = BTreeMap::from([("gantry".to_string(), format!("{} has {mib} MiB of packed layers", cell.title))]);
        bench.measure(cell, turns, absent, notes)?;
    }
    stores::remove(&cache)
}

/// Does something so often, and returns what it took each time.
pub(super) fn timed(times: u32, mut scan: impl FnMut() -> Outcome<()>) -> Outcome<Sample> {
    let (before, begun) = (process::ended_children_seconds()?, Instant::now());
    (0..times).try_for_each(|_| scan())?;
    let seconds = begun.elapsed().as_secs_f64() / f64::from(times);
    let cpu = (process::ended_children_seconds()? - before) / f64::from(times);
    Ok(Sample::from([(Figure::CpuS, cpu), (Figure::Seconds, seconds)]))
}

/// Scans an image on the disk. Nothing is kept between two scans but the compiled advisories.
fn gantry(bench: &Bench, image: &Image, cache: &Path) -> Outcome<()> {
    let mut command = gantry_command(bench.program(kind("gantry"))?);
    command.arg("scan").arg("--input").arg(&image.layout).arg("--advisories").arg(advisories::folder(bench)?);
    command.args(["--format", "json"]).env("XDG_CACHE_HOME", cache);
    let said = command.output().while_trying("start a scan")?;
    let report: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
    let has_found = report["packages"].as_u64().unwrap_or(0) > 0 && report["complaints"] == serde_json::json!([]);
    match said.status.success() && has_found {
        true => Ok(()),
        false => {
            let errors = String::from_utf8_lossy(&said.stderr).into_owned();
            Err(BenchError::program("gantry scan", format!("{errors}{}", report["complaints"])))
        }
    }
}
