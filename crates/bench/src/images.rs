//! Images to be scanned, as OCI layouts on the disk: made once, of packages that advisories speak of, and the same whenever they are made.
//!
//! | file | what |
//! |---|---|
//! | `images/archive.rs` | layers and jars as archives |
//! | `images/contents.rs` | the files of distributions and applications |

mod archive;
mod contents;

pub(crate) use archive::{Layer, LayerArchive};
pub(crate) use contents::Named;

use crate::{
    advisories,
    bench::Bench,
    error::{BenchError, Outcome, While},
    fixture::{self, Descriptor, MANIFEST_TYPE},
    stores,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Change it when the images change.
const FOLDER: &str = "prepared/scan-images-2";

/// Packages of the large Debian image, and bytes of its files.
const DEBIAN: (usize, usize) = (120, 310_000_000);
/// The same of what lies below the applications.
const SLIM: (usize, usize) = (60, 60_000_000);
const PYTHON: (usize, usize) = (60, 30_000_000);
const JARS: (usize, usize) = (40, 16_000_000);
/// Layers of the image of 2 GB, and bytes of the files of each.
const LARGE: (u64, usize) = (4, 500_000_000);

/// An image on the disk.
pub(crate) struct Image {
    /// The folder of its OCI layout.
    pub(crate) layout: PathBuf,
    /// Its configuration.
    pub(crate) config: Descriptor,
    /// Its layers, the lowest first.
    pub(crate) layers: Vec<Descriptor>,
}

/// An image in memory, as a client pushes it.
#[derive(Clone)]
pub(crate) struct Loaded {
    /// Its configuration.
    pub(crate) config: Vec<u8>,
    /// Its layers, the lowest first.
    pub(crate) layers: Vec<Vec<u8>>,
}

/// Returns Debian 12 with 120 packages in one layer, 310 MB of files.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn debian(bench: &Bench) -> Outcome<Image> {
    prepare(bench, "debian", || Ok(vec![base(bench, DEBIAN)?]))
}

/// Returns a small Debian with 60 Python packages in a layer of their own.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn python(bench: &Bench) -> Outcome<Image> {
    prepare(bench, "python", || {
        let named = advisories::named(bench, "PyPI", "", PYTHON.0)?;
        Ok(vec![base(bench, SLIM)?, contents::python(&named, PYTHON.1)?])
    })
}

/// Returns a small Debian with 40 jars in a layer of their own.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn java(bench: &Bench) -> Outcome<Image> {
    prepare(bench, "java", || {
        let named = advisories::named(bench, "Maven", "", JARS.0)?;
        Ok(vec![base(bench, SLIM)?, contents::java(&named, JARS.1)?])
    })
}

/// Returns an image of four layers with 500 MB of files each, packages in the lowest.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn large(bench: &Bench) -> Outcome<Image> {
    prepare(bench, "large", || {
        let named = advisories::named(bench, "Debian", "12", DEBIAN.0)?;
        let mut layers = vec![contents::debian(&named, LARGE.1, true)?];
        for number in 1..LARGE.0 {
            layers.push(contents::data(number, LARGE.1)?);
        }
        Ok(layers)
    })
}

/// Returns a layer of its own for a number, with one text file of so many bytes that hardly gets smaller.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn own_layer(number: u64, bytes: usize) -> Outcome<Layer> {
    let mut layer = LayerArchive::quick();
    let half = bytes / 2;
    layer.file("opt/app/data.bin", 0o644, &fixture::bytes(number, half))?;
    layer.file("opt/app/program", 0o755, &fixture::bytes(number.wrapping_add(1 << 40), bytes - half))?;
    layer.finish()
}

/// Returns a layer with the database of a Debian 12 that holds one package of that version.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn tiny_layer(named: &Named) -> Outcome<Layer> {
    contents::debian(std::slice::from_ref(named), 100_000, true)
}

fn base(bench: &Bench, (count, bytes): (usize, usize)) -> Outcome<Layer> {
    contents::debian(&advisories::named(bench, "Debian", "12", count)?, bytes, false)
}

/// Returns the configuration of an image with these layers, unpacked.
pub(crate) fn config(diff_ids: &[String]) -> Vec<u8> {
    json!({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}})
    .to_string()
    .into_bytes()
}

fn prepare(bench: &Bench, name: &str, make: impl FnOnce() -> Outcome<Vec<Layer>>) -> Outcome<Image> {
    let layout = bench.folder(FOLDER).join(name);
    if !layout.join("index.json").is_file() {
        bench.say(&format!("making the image {name} …"));
        stores::remove(&layout)?;
        write_layout(&layout, name, &make()?)?;
    }
    read_layout(&layout)
}

/// Writes an OCI layout (OCI Image 1.1.1, Image Layout), its index last.
fn write_layout(layout: &Path, name: &str, layers: &[Layer]) -> Outcome<()> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| layer.diff_id.clone()).collect();
    let config = config(&diff_ids);
    let described: Vec<Descriptor> = layers.iter().map(|layer| fixture::describe(&layer.packed)).collect();
    let manifest = fixture::manifest(&fixture::describe(&config), &described, name);
    let folder = layout.join("blobs/sha256");
    fs::create_dir_all(&folder).while_trying(format!("make {}", folder.display()))?;
    let packed = layers.iter().map(|layer| layer.packed.as_slice());
    for bytes in packed.chain([config.as_slice(), manifest.as_slice()]) {
        write(&place(layout, &fixture::digest(&[bytes])), bytes)?;
    }
    write(&layout.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let of_manifest = fixture::describe(&manifest);
    let index = json!({"schemaVersion": 2, "manifests": [
        {"mediaType": MANIFEST_TYPE, "digest": of_manifest.digest, "size": of_manifest.size}
    ]});
    write(&layout.join("index.json"), index.to_string().as_bytes())
}

fn read_layout(layout: &Path) -> Outcome<Image> {
    let read = |path: &Path| {
        let bytes = fs::read(path).while_trying(format!("read {}", path.display()))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| BenchError::program("an image", error))?;
        Ok(value)
    };
    let index = read(&layout.join("index.json"))?;
    let digest = index["manifests"][0]["digest"].as_str().unwrap_or_default();
    let manifest = read(&place(layout, digest))?;
    let descriptor = |value: &Value| Descriptor {
        digest: value["digest"].as_str().unwrap_or_default().to_string(),
        size: value["size"].as_u64().unwrap_or(0),
    };
    let layers = manifest["layers"].as_array().into_iter().flatten().map(descriptor).collect();
    Ok(Image { layout: layout.to_path_buf(), config: descriptor(&manifest["config"]), layers })
}

fn place(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replacen(':', "/", 1))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    fs::write(path, bytes).while_trying(format!("write {}", path.display()))
}

impl Image {
    /// Bytes of its layers, packed.
    pub(crate) fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    /// Reads it.
    ///
    /// # Errors
    /// When a file of it is gone.
    pub(crate) fn load(&self) -> Outcome<Loaded> {
        let read = |blob: &Descriptor| {
            fs::read(place(&self.layout, &blob.digest)).while_trying(format!("read {}", blob.digest))
        };
        let layers = self.layers.iter().map(read).collect::<Outcome<Vec<_>>>()?;
        Ok(Loaded { config: read(&self.config)?, layers })
    }
}

impl Loaded {
    /// Makes every layer another blob with the same files: by the time in the header of gzip (RFC 1952), which says nothing.
    pub(crate) fn renew(&mut self, number: u32) {
        for layer in &mut self.layers {
            if let Some(time) = layer.get_mut(4..8) {
                time.copy_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// Returns the image that has a layer more.
    pub(crate) fn with(&self, layer: Layer) -> Outcome<Loaded> {
        let mut value: Value =
            serde_json::from_slice(&self.config).map_err(|error| BenchError::program("an image", error))?;
        if let Some(diff_ids) = value["rootfs"]["diff_ids"].as_array_mut() {
            diff_ids.push(layer.diff_id.into());
        }
        let layers = self.layers.iter().cloned().chain([layer.packed]).collect();
        Ok(Loaded { config: value.to_string().into_bytes(), layers })
    }

    /// Returns what its manifest is, by a name of its own.
    pub(crate) fn manifest(&self, name: &str) -> Vec<u8> {
        let layers: Vec<Descriptor> = self.layers.iter().map(|layer| fixture::describe(layer)).collect();
        fixture::manifest(&fixture::describe(&self.config), &layers, name)
    }
}

#[cfg(test)]
mod tests {
    use super::{contents::Filler, *};
    use gantry_scan::{Limits, Spool, read_layer};
    use std::io::{self, Cursor};

    fn named(name: &str, version: &str) -> Named {
        Named { name: name.into(), version: version.into() }
    }

    fn packages(layer: &Layer) -> Vec<(String, String)> {
        let mut spool = || -> io::Result<Box<dyn Spool>> { Err(io::Error::other("nothing here is so long")) };
        let read = read_layer(&mut Cursor::new(&layer.packed), &Limits::default(), &mut spool).unwrap();
        read.packages().map(|package| (package.name.clone(), package.version.clone())).collect()
    }

    #[test]
    fn the_scanner_finds_the_packages_that_the_images_are_made_of() {
        let debian = contents::debian(&[named("openssl", "3.0.11-1~deb12u2")], 10_000, false).unwrap();
        let python = contents::python(&[named("jinja2", "2.10")], 10_000).unwrap();
        let java = contents::java(&[named("org.example:shop", "1.2")], 10_000).unwrap();

        assert_eq!(packages(&debian), [("openssl".into(), "3.0.11-1~deb12u2".into())]);
        assert_eq!(packages(&python), [("jinja2".into(), "2.10".into())]);
        assert_eq!(packages(&java), [("org.example:shop".into(), "1.2".into())]);
    }

    #[test]
    fn an_image_that_was_written_is_read_again_and_renewed_with_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        let layer = contents::debian(&[named("openssl", "3.0.11-1~deb12u2")], 10_000, true).unwrap();

        write_layout(folder.path(), "one", std::slice::from_ref(&layer)).unwrap();
        let image = read_layout(folder.path()).unwrap();
        let mut loaded = image.load().unwrap();
        loaded.renew(7);

        assert_eq!((image.bytes(), image.layers.len()), (layer.packed.len() as u64, 1));
        assert_ne!(loaded.layers[0], layer.packed);
        let renewed = Layer { packed: loaded.layers.remove(0), diff_id: String::new() };
        assert_eq!(packages(&renewed), packages(&layer));
    }

    #[test]
    fn fillers_follow_from_their_seed_and_get_smaller_as_programs_do() {
        let made = Filler::new(3).bytes(1_000_000, false);
        let mut layer = LayerArchive::usual();
        layer.file("a", 0o644, &made).unwrap();

        let packed = layer.finish().unwrap().packed.len();

        assert_eq!(made, Filler::new(3).bytes(1_000_000, false));
        assert!((300_000..500_000).contains(&packed), "{packed}");
    }
}
