//! What the cells of scanning have in common: a server that scans whatever is pushed, and images that are pushed to it.

use crate::{
    advisories,
    aws::AwsClient,
    bench::Bench,
    client::Client,
    error::{BenchError, Outcome, While},
    fixture,
    http::Body,
    images::Loaded,
    servers::{Running, Start, gantry_command, kind, start},
    stores,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// For so long a scan may take.
const SCANNED_WITHIN: Duration = Duration::from_secs(120);

/// A Gantry that scans all that is pushed, on an empty store with advisories.
pub(super) struct Scanning {
    /// The server.
    pub(super) server: Running,
    folder: PathBuf,
}

impl Scanning {
    /// Starts one. `name` is that of its folders; what lies there is removed.
    ///
    /// # Errors
    /// When it does not start, or does not take the advisories.
    pub(super) fn open(bench: &Bench, name: &str) -> Outcome<Self> {
        let folder = bench.folder("scratch").join(name);
        stores::remove(&folder)?;
        let data = folder.join("data");
        fs::create_dir_all(&data).while_trying(format!("make {}", data.display()))?;
        import(bench, &advisories::compile(bench)?, &data)?;
        let gantry = kind("gantry");
        let scratch = folder.join("scratch");
        let how = Start { data: &data, scratch: &scratch, tls: None, eatmydata: None, is_large: false };
        let server = start(gantry, bench.program(gantry)?, how)?;
        let every = json!([{"filter": "*", "filterType": "WILDCARD"}]);
        let rules = json!([{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": every}]);
        let configuration = json!({"scanType": "ENHANCED", "rules": rules});
        AwsClient::open(&server)?.call("PutRegistryScanningConfiguration", &configuration)?;
        Ok(Self { server, folder })
    }

    /// Its data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Ends it, and removes what it held.
    ///
    /// # Errors
    /// When that cannot be removed.
    pub(super) fn close(self) -> Outcome<()> {
        self.server.stop();
        stores::remove(&self.folder)
    }
}

/// Imports advisories, a folder or a compiled file, into a data folder.
///
/// # Errors
/// When they are refused.
pub(super) fn import(bench: &Bench, from: &Path, data: &Path) -> Outcome<()> {
    let mut command = gantry_command(bench.program(kind("gantry"))?);
    command.args(["advisories", "import"]).arg(from).arg("--data-dir").arg(data);
    let said = command.output().while_trying("start an import of advisories")?;
    match said.status.success() {
        true => Ok(()),
        false => {
            Err(BenchError::program("gantry advisories import", String::from_utf8_lossy(&said.stderr).into_owned()))
        }
    }
}

/// Pushes the blobs of an image: all, or its topmost layers and the configuration where the server has the others.
///
/// # Errors
/// When one is refused.
pub(super) fn push_blobs(client: &mut Client<'_>, name: &str, image: &Loaded, layers_known: usize) -> Outcome<()> {
    client.put_blob(name, &image.config)?;
    image.layers.iter().skip(layers_known).try_for_each(|layer| client.put_blob(name, layer).map(drop))
}

/// Pushes the manifest of an image whose blobs are there, and waits until it is scanned; asks `every` so often. Returns the time from the
/// acknowledgement of the manifest to the first answer that says so.
///
/// # Errors
/// When the scan fails, or takes two minutes.
pub(super) fn push_and_await(
    client: &mut Client<'_>,
    (name, tag): (&str, &str),
    image: &Loaded,
    every: Duration,
) -> Outcome<Duration> {
    client.put_manifest(name, tag, &image.manifest(tag))?;
    let (begun, path) = (Instant::now(), format!("/api/v1/repositories/{name}/images/{tag}/scan"));
    loop {
        let answer = client.call("GET", &path, &[], Body::None, 200)?;
        let taken = begun.elapsed();
        let scan: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let status = scan["status"].as_str().unwrap_or_default();
        let is_under_way = matches!(status, "IN_PROGRESS" | "NOT_SCANNED");
        match status {
            "COMPLETE" => return Ok(taken),
            _ if is_under_way && taken < SCANNED_WITHIN => thread::sleep(every),
            _ => return Err(BenchError::program("the scan", String::from_utf8_lossy(&answer.body).into_owned())),
        }
    }
}

/// Returns a tag that nobody has used.
pub(super) fn new_tag(numbers: &std::cell::Cell<u32>) -> (u32, String) {
    numbers.set(numbers.get() + 1);
    (numbers.get(), fixture::tag(numbers.get().into()))
}
