//! What the servers hold: blobs and a repository of 100 images to be read, a repository of 10,000 tags and 5,000 others
//! to be listed.

use crate::{
    bench::Bench,
    client::Client,
    error::{Outcome, While},
    filling::{self, Filling},
    fixture::{self, Descriptor},
    servers::Running,
    stores::{Contents, Filled},
};
use std::{fs, path::Path, time::Duration};

/// The repository that is pulled from.
pub(crate) const PULL: &str = "bench/pull";
/// The repository of many tags.
pub(crate) const TAGS: &str = "bench/tags";
/// Before the number of each of the many repositories.
const MANY: &str = "bench/many/r";

const IMAGES_MAX: u64 = 100;
const TAGS_MAX: u64 = 10_000;
const REPOSITORIES_MAX: u64 = 5_000;
/// Filling tags, or repositories, ends after this time with what there is by then: one of the peers rewrites a list of
/// all tags at each push.
const FILL_WITHIN: Duration = Duration::from_secs(240);
const CONNECTIONS: usize = 8;

const LARGE_BYTES: usize = 64 << 20;
const SMALL_BYTES: usize = 256 << 10;
const LAYERS: u64 = 4;

/// What is read, for [`crate::stores::prepare`].
pub(crate) const IMAGES: Contents = Contents { name: "images-1", is_large: false, fill: fill_images, fill_files };
/// What is listed.
pub(crate) const LISTS: Contents =
    Contents { name: "lists-1", is_large: true, fill: fill_lists, fill_files: |_| Ok(Filled::default()) };

/// A blob of 64 MiB.
pub(crate) fn large() -> Vec<u8> {
    fixture::bytes(64, LARGE_BYTES)
}

/// A blob of 256 KiB.
pub(crate) fn small() -> Vec<u8> {
    fixture::bytes(256, SMALL_BYTES)
}

/// The image that is pulled: its tag and its manifest.
pub(crate) fn image() -> (String, Vec<u8>) {
    manifests()(IMAGES_MAX / 2)
}

/// The blobs that every image here names: a config, then layers.
pub(crate) fn blobs() -> Vec<Vec<u8>> {
    let layers = (0..LAYERS).map(|number| fixture::bytes(1000 + number, 4096));
    std::iter::once(fixture::config(0)).chain(layers).collect()
}

/// Returns a function that makes tag and manifest of an image by its number, naming [`blobs`].
pub(crate) fn manifests() -> impl Fn(u64) -> (String, Vec<u8>) + Sync {
    let named: Vec<Descriptor> = blobs().iter().map(|bytes| fixture::describe(bytes)).collect();
    move |number| {
        let tag = fixture::tag(number);
        let manifest = fixture::manifest(&named[0], &named[1..], &tag);
        (tag, manifest)
    }
}

/// Returns the name of one of the many repositories.
pub(crate) fn repository(number: u64) -> String {
    format!("{MANY}{number:05}")
}

fn fill_images(_: &Bench, server: &Running) -> Outcome<Filled> {
    let mut client = Client::with_password(server)?;
    let all = blobs();
    for bytes in [large(), small()].iter().chain(&all) {
        client.put_blob(PULL, bytes)?;
    }
    let manifest_of = manifests();
    for number in 0..IMAGES_MAX {
        let (tag, manifest) = manifest_of(number);
        client.put_manifest(PULL, &tag, &manifest)?;
    }
    // The two large ones are named too, or a collection would take them.
    let named = [fixture::describe(&large()), fixture::describe(&small())];
    let config = fixture::describe(&all[0]);
    client.put_manifest(PULL, "large", &fixture::manifest(&config, &named, "large"))?;
    Ok(Filled::default())
}

fn fill_lists(bench: &Bench, server: &Running) -> Outcome<Filled> {
    let all = blobs();
    let mut client = Client::with_password(server)?;
    for bytes in &all {
        client.put_blob(TAGS, bytes)?;
    }
    let repositories = fill_repositories(bench, server, &all)?;
    let tags = fill_tags(bench, server)?;
    let note = (tags < TAGS_MAX || repositories < REPOSITORIES_MAX).then(|| {
        format!(
            "holds {tags} tags in place of {TAGS_MAX} and {repositories} repositories in place of {REPOSITORIES_MAX}: \
             each was filled for {} s",
            FILL_WITHIN.as_secs()
        )
    });
    Ok(Filled { tags, repositories, note })
}

fn fill_repositories(bench: &Bench, server: &Running, blobs: &[Vec<u8>]) -> Outcome<u64> {
    let named: Vec<Descriptor> = blobs.iter().map(|bytes| fixture::describe(bytes)).collect();
    let filling =
        Filling { what: "repositories", count: REPOSITORIES_MAX, connections: CONNECTIONS, within: FILL_WITHIN };
    filling::run(bench, server, &filling, |client, number| {
        let name = repository(number);
        client.mount_blob(&name, TAGS, &named[0], &blobs[0])?;
        client.mount_blob(&name, TAGS, &named[1], &blobs[1])?;
        client.put_manifest(&name, "v1", &fixture::manifest(&named[0], &named[1..2], &name))
    })
}

fn fill_tags(bench: &Bench, server: &Running) -> Outcome<u64> {
    let manifest_of = manifests();
    let filling = Filling { what: "tags", count: TAGS_MAX, connections: CONNECTIONS, within: FILL_WITHIN };
    filling::run(bench, server, &filling, |client, number| {
        let (tag, manifest) = manifest_of(number);
        client.put_manifest(TAGS, &tag, &manifest)
    })
}

/// Lays the same bytes out as files, at the paths of the registry's addresses.
fn fill_files(root: &Path) -> Outcome<Filled> {
    let put = |folder: &str, name: &str, bytes: &[u8]| {
        let folder = root.join("v2").join(PULL).join(folder);
        fs::create_dir_all(&folder).while_trying(format!("make {}", folder.display()))?;
        fs::write(folder.join(name), bytes).while_trying(format!("write {name} in {}", folder.display()))
    };
    for bytes in [large(), small()].iter().chain(&blobs()) {
        put("blobs", &fixture::digest(&[bytes]), bytes)?;
    }
    let manifest_of = manifests();
    for number in 0..IMAGES_MAX {
        let (tag, manifest) = manifest_of(number);
        put("manifests", &tag, &manifest)?;
        put("manifests", &fixture::digest(&[&manifest]), &manifest)?;
    }
    Ok(Filled::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_lie_at_the_addresses_of_the_registry() {
        let folder = tempfile::tempdir().unwrap();

        fill_files(folder.path()).unwrap();

        let (tag, manifest) = image();
        let of_pull = folder.path().join("v2/bench/pull");
        assert_eq!(fs::read(of_pull.join("manifests").join(tag)).unwrap(), manifest);
        assert_eq!(fs::metadata(of_pull.join("blobs").join(fixture::digest(&[&small()]))).unwrap().len(), 256 << 10);
    }
}
