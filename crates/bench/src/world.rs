//! The big world: a million manifests with a tag each, and a million blobs that manifests name.

use crate::{
    bench::{Bench, short_hash},
    client::Client,
    error::{Outcome, While},
    filling::{self, Filling},
    fixture,
    http::Body,
    servers::Running,
    stock,
    stores::{Contents, Filled},
};
use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// The repository of a million tags.
pub(crate) const MILLION: &str = "bench/million";
/// The repository of a hundred images that have a label of their own: `seed=1`.
pub(crate) const LABELLED: &str = "bench/labelled";
/// How many.
const LABELLED_MANY: u64 = 100;
/// The repository of many blobs.
pub(crate) const LIVE: &str = "bench/live";
/// How many there are, of tags in one and of blobs in the other.
pub(crate) const MANY: u64 = 1_000_000;
/// And in the small world beside it.
pub(crate) const FEW: u64 = 10_000;

/// Images and lists, a hundred that have a label, and a million manifests more, each with a tag.
pub(crate) const MANIFESTS: Contents =
    Contents { name: "million-manifests-2", is_large: true, fill: fill_manifests, fill_files: no_files };
/// A million blobs, named by manifests.
pub(crate) const BLOBS: Contents = Contents {
    name: "million-blobs-1",
    is_large: true,
    fill: |bench, server| fill_blobs(bench, server, MANY),
    fill_files: no_files,
};
/// Ten thousand blobs, named by manifests.
pub(crate) const BLOBS_FEW: Contents = Contents {
    name: "few-blobs-1",
    is_large: true,
    fill: |bench, server| fill_blobs(bench, server, FEW),
    fill_files: no_files,
};

/// Blobs that one manifest names.
const NAMED: u64 = 1_000;
const BLOB_BYTES: usize = 1_000;
/// The writer puts what waits into one transaction: the more wait, the less each costs.
const CONNECTIONS: usize = 32;
/// For so long the index may take that searches look in, after the last push.
const INDEXED_WITHIN: Duration = Duration::from_secs(3600);
/// Nothing here takes so long; a fill that does shows that something is wrong.
const WITHIN: Duration = Duration::from_secs(4 * 3600);

/// Returns a blob of the world by its number; those from [`MANY`] on are not in it.
pub(crate) fn blob(number: u64) -> Vec<u8> {
    fixture::bytes(1 << 32 | number, BLOB_BYTES)
}

/// Returns tag and manifest of the image that is pulled from the repository of many blobs.
pub(crate) fn live_manifest() -> (String, Vec<u8>) {
    manifest_of(0)
}

fn manifest_of(group: u64) -> (String, Vec<u8>) {
    let numbers = group * NAMED..(group + 1) * NAMED;
    let layers: Vec<_> = numbers.map(|number| fixture::describe(&blob(number))).collect();
    let tag = fixture::tag(group);
    let manifest = fixture::manifest(&fixture::describe(&fixture::config(0)), &layers, &tag);
    (tag, manifest)
}

fn fill_manifests(bench: &Bench, server: &Running) -> Outcome<Filled> {
    (stock::IMAGES.fill)(bench, server)?;
    let filled = (stock::LISTS.fill)(bench, server)?;
    let mut client = Client::with_password(server)?;
    for bytes in stock::blobs() {
        client.put_blob(MILLION, &bytes)?;
    }
    let config = client.put_blob(LABELLED, &fixture::config(1))?;
    for number in 0..LABELLED_MANY {
        let tag = fixture::tag(number);
        client.put_manifest(LABELLED, &tag, &fixture::manifest(&config, &[], &tag))?;
    }
    let manifest_of = stock::manifests();
    let filling = Filling { what: "manifests", count: MANY, connections: CONNECTIONS, within: WITHIN };
    filling::run(bench, server, &filling, |client, number| {
        let (tag, manifest) = manifest_of(number);
        client.put_manifest(MILLION, &tag, &manifest)
    })?;
    if server.kind.stores_of == "gantry" {
        await_index(bench, server)?;
    }
    Ok(filled)
}

/// Waits until the last of the million is in the index that Gantry's searches look in: it comes there after the push.
///
/// # Errors
/// When that takes an hour.
pub(crate) fn await_index(bench: &Bench, server: &Running) -> Outcome<()> {
    let (path, last) = ("/api/v1/images?limit=100&sort=-pushed", fixture::tag(MANY - 1));
    let (begun, mut has_told) = (Instant::now(), false);
    loop {
        // Until all are in it, there are too many to be looked at one by one, and that is said.
        let answer = Client::with_password(server)?.call("GET", path, &[], Body::None, 200);
        let body = answer.map(|answer| answer.body).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let images = document["images"].as_array().into_iter().flatten();
        if images.filter_map(|image| image["tags"].as_array()).flatten().any(|tag| *tag == last.as_str()) {
            return Ok(());
        }
        if begun.elapsed() > INDEXED_WITHIN {
            return Err(server.wrong("GET", path, "other images", &format!("{MILLION}:{last}")));
        }
        if !has_told {
            bench.say("  the images are put into the index that searches look in …");
            has_told = true;
        }
        thread::sleep(Duration::from_secs(1));
    }
}

fn fill_blobs(bench: &Bench, server: &Running, count: u64) -> Outcome<Filled> {
    Client::with_password(server)?.put_blob(LIVE, &fixture::config(0))?;
    let filling =
        Filling { what: "thousands of blobs", count: count / NAMED, connections: CONNECTIONS, within: WITHIN };
    filling::run(bench, server, &filling, |client, group| {
        for number in group * NAMED..(group + 1) * NAMED {
            client.post_blob(LIVE, &blob(number))?;
        }
        let (tag, manifest) = manifest_of(group);
        client.put_manifest(LIVE, &tag, &manifest)
    })?;
    Ok(Filled::default())
}

fn no_files(_: &Path) -> Outcome<Filled> {
    Ok(Filled::default())
}

/// Returns a hash of Gantry's migrations: what one build has filled, another of the same schema can serve.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn schema_fingerprint(root: &Path) -> Outcome<String> {
    let folder = root.join("crates/metadata/migrations");
    let entries = fs::read_dir(&folder).while_trying(format!("list {}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut pieces = Vec::new();
    for file in files {
        pieces.push(file.file_name().unwrap_or_default().as_encoded_bytes().to_vec());
        pieces.push(fs::read(&file).while_trying(format!("read {}", file.display()))?);
    }
    Ok(short_hash(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_migration_is_another_world() {
        let folder = tempfile::tempdir().unwrap();
        let migrations = folder.path().join("crates/metadata/migrations");
        fs::create_dir_all(&migrations).unwrap();
        fs::write(migrations.join("1.sql"), "CREATE TABLE a(b)").unwrap();
        let before = schema_fingerprint(folder.path()).unwrap();

        fs::write(migrations.join("2.sql"), "CREATE TABLE c(d)").unwrap();

        assert_ne!(schema_fingerprint(folder.path()).unwrap(), before);
    }
}
