use super::Scenario;
use crate::{
    bench::{Bench, Turn},
    error::{BenchError, Outcome, While},
    fixture, process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    servers::{Start, kind, start},
    stores,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

pub(super) const SCENARIO: Scenario = Scenario { about: "Moving in", cells, run };

/// Images in the folder that is imported, in so many repositories.
const IMAGES: u64 = 20_000;
const REPOSITORIES: u64 = 20;

fn cells() -> Vec<Cell> {
    vec![Cell {
        name: "import_distribution".into(),
        title: "importing a data folder of distribution with 20,000 images into a data folder, blobs linked".into(),
        contenders: vec!["gantry"],
        goals: vec![Goal::new(
            Figure::ManifestsPerS,
            Against::Nothing,
            Bound::AtLeast(5_000.0),
            Bound::AtLeast(10_000.0),
        )],
    }]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let source = prepare(bench)?;
    let target = bench.folder("scratch/import");
    for cell in cells {
        let turns: Vec<(&'static str, Turn<'_>)> = vec![("gantry", Box::new(|| import(bench, &source, &target)))];
        bench.measure(cell, turns, BTreeMap::new(), BTreeMap::new())?;
    }
    stores::remove(&target)
}

/// Imports all of it into a new data folder, and lets it be proved that all arrived: that is in the time.
fn import(bench: &Bench, source: &Path, target: &Path) -> Outcome<Sample> {
    stores::remove(target)?;
    fs::create_dir_all(target).while_trying(format!("make {}", target.display()))?;
    let (gantry, scratch) = (kind("gantry"), bench.folder("scratch/import-server"));
    let program = bench.program(gantry)?;
    // An import needs a folder that a server was started on.
    let how = Start { data: target, scratch: &scratch, tls: None, eatmydata: None, is_large: false };
    start(gantry, program, how)?.stop();
    process::sync_disk();
    let mut command = Command::new(program);
    command.arg("import").arg(source).arg("--data-dir").arg(target).args(["--output", "json"]);
    let begun = Instant::now();
    let said = command.output().while_trying("start an import")?;
    let seconds = begun.elapsed().as_secs_f64();
    let report: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
    let count = |of: &Value| of["manifestsSent"].as_u64().unwrap_or(0);
    let sent: u64 = report["repositories"].as_array().into_iter().flatten().map(count).sum();
    if !said.status.success() || sent != IMAGES {
        let errors = String::from_utf8_lossy(&said.stderr).into_owned();
        return Err(BenchError::program("gantry import", format!("{sent} of {IMAGES} manifests went in: {errors}")));
    }
    Ok(Sample::from([(Figure::ManifestsPerS, IMAGES as f64 / seconds), (Figure::Seconds, seconds)]))
}

/// Writes the folder as distribution 3 would, where it is not there yet: each image has a manifest of its own, a tag, and
/// shares its blobs.
fn prepare(bench: &Bench) -> Outcome<PathBuf> {
    let folder = bench.folder("prepared/distribution-folder-1");
    let mark = folder.join("filled");
    if mark.is_file() {
        return Ok(folder.join("data"));
    }
    stores::remove(&folder)?;
    bench.say(&format!("writing {IMAGES} images as distribution does …"));
    let root = folder.join("data/docker/registry/v2");
    let (config, layer) = (fixture::config(1), fixture::bytes(1, 64 << 10));
    for bytes in [&config, &layer] {
        write(&blob(&root, &fixture::digest(&[bytes])), bytes)?;
    }
    let (config, layer) = (fixture::describe(&config), fixture::describe(&layer));
    for number in 0..IMAGES {
        let repository = root.join(format!("repositories/team/app-{}", number % REPOSITORIES));
        let tag = fixture::tag(number);
        let manifest = fixture::manifest(&config, std::slice::from_ref(&layer), &tag);
        let digest = fixture::digest(&[&manifest]);
        write(&blob(&root, &digest), &manifest)?;
        if number < REPOSITORIES {
            for named in [&config, &layer] {
                let link = repository.join("_layers").join(named.digest.as_str().replace(':', "/")).join("link");
                write(&link, named.digest.as_bytes())?;
            }
        }
        let (revision, tags) = (digest.replace(':', "/"), repository.join("_manifests/tags").join(&tag));
        for link in [
            repository.join("_manifests/revisions").join(&revision).join("link"),
            tags.join("current/link"),
            tags.join("index").join(&revision).join("link"),
        ] {
            write(&link, digest.as_bytes())?;
        }
    }
    write(&mark, b"")?;
    Ok(folder.join("data"))
}

fn blob(root: &Path, digest: &str) -> PathBuf {
    let (algorithm, hex) = digest.split_once(':').unwrap_or(("sha256", digest));
    root.join("blobs").join(algorithm).join(&hex[..2]).join(hex).join("data")
}

fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).while_trying(format!("make {}", parent.display()))?;
    }
    fs::write(path, bytes).while_trying(format!("write {}", path.display()))
}
