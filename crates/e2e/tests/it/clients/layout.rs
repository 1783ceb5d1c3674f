use super::{Home, print};
use gantry_e2e::{Client, Random, digest};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path};
use tempfile::TempDir;

/// An image layout on disk (OCI image layout 1.1), made on the spot.
pub(crate) struct Layout {
    folder: TempDir,
}

/// Whose manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Oci,
    Docker,
}

/// How a layer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Format {
    /// The media type of an image's manifest.
    pub(crate) fn manifest(self) -> &'static str {
        match self {
            Format::Oci => "application/vnd.oci.image.manifest.v1+json",
            Format::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        }
    }

    /// The media type of a list of images.
    pub(crate) fn index(self) -> &'static str {
        match self {
            Format::Oci => "application/vnd.oci.image.index.v1+json",
            Format::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        }
    }

    fn config(self) -> &'static str {
        match self {
            Format::Oci => "application/vnd.oci.image.config.v1+json",
            Format::Docker => "application/vnd.docker.container.image.v1+json",
        }
    }

    fn layer(self, packing: Packing) -> &'static str {
        match (self, packing) {
            (Format::Oci, Packing::Plain) => "application/vnd.oci.image.layer.v1.tar",
            (Format::Oci, Packing::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (Format::Oci, Packing::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (Format::Docker, Packing::Plain) => "application/vnd.docker.image.rootfs.diff.tar",
            (Format::Docker, Packing::Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (Format::Docker, Packing::Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
        }
    }
}

impl Layout {
    /// A layout of one image for amd64, under the tag `v1`, with a small layer for each packing.
    pub(crate) fn image(seed: u64, format: Format, packings: &[Packing]) -> Layout {
        let layout = Layout::empty();
        let image = layout.add_image(seed, format, "amd64", packings);
        layout.name(&[image]);
        layout
    }

    /// A layout of images for amd64 and arm64, under the tag `v1`.
    pub(crate) fn index(seed: u64, format: Format, packings: &[Packing]) -> Layout {
        let layout = Layout::empty();
        let add = |(architecture, seed)| layout.add_image(seed, format, architecture, packings);
        let images: Vec<Value> = [("amd64", seed), ("arm64", seed + 1)].map(add).into();
        let index = json!({"schemaVersion": 2, "mediaType": format.index(), "manifests": images});
        let index = layout.add(format.index(), index.to_string().as_bytes());
        layout.name(&[index]);
        layout
    }

    /// A layout of one image whose only layer, uncompressed, holds so many random bytes.
    pub(crate) fn large(seed: u64, byte_count: usize) -> Layout {
        Layout::of_bytes(seed, &Random::new(seed).bytes(byte_count))
    }

    /// The same with zeros, which clients that pack and unpack are quick with.
    pub(crate) fn empty_bytes(seed: u64, byte_count: usize) -> Layout {
        Layout::of_bytes(seed, &vec![0; byte_count])
    }

    /// A layout of something that is no image: a manifest with an `artifactType`, an empty config and a file.
    pub(crate) fn artifact(content: &[u8]) -> Layout {
        let layout = Layout::empty();
        let config = layout.add("application/vnd.oci.empty.v1+json", b"{}");
        let file = layout.add("application/vnd.example.model", content);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": Format::Oci.manifest(), "artifactType": "application/vnd.example.artifact",
            "config": config, "layers": [file],
        });
        let artifact = layout.add(Format::Oci.manifest(), manifest.to_string().as_bytes());
        layout.name(&[artifact]);
        layout
    }

    fn of_bytes(seed: u64, bytes: &[u8]) -> Layout {
        let layout = Layout::empty();
        let layer = tar("large.bin", bytes);
        let diff_id = digest(&layer);
        let layer = layout.add(Format::Oci.layer(Packing::Plain), &layer);
        let image = layout.add_manifest(seed, Format::Oci, "amd64", &[layer], &[diff_id]);
        layout.name(&[image]);
        layout
    }

    fn empty() -> Layout {
        let folder =
            tempfile::Builder::new().prefix("gantry-layout-").tempdir().expect("a temporary folder can be made");
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Layout { folder }
    }

    /// Returns its folder, as clients are told it.
    pub(crate) fn path(&self) -> String {
        print(self.folder.path())
    }

    /// Pushes it under the tag `v1` as it lies there.
    pub(crate) fn push(&self, client: &Client, name: &str) {
        let (top, media_type) = (self.digest(), self.top()["mediaType"].as_str().unwrap_or_default().to_string());
        let read = |digest: &str| fs::read(self.folder.path().join("blobs").join(digest.replace(':', "/"))).unwrap();
        let put = |reference: &str, media_type: &str, bytes: &[u8]| {
            let path = format!("/v2/{name}/manifests/{reference}");
            let pushed = client.send("PUT", &path, &[("content-type", media_type)], bytes);
            assert_eq!(pushed.status, 201, "{}", pushed.text());
        };
        let (manifests, blobs): (Vec<_>, Vec<_>) =
            self.blobs().into_iter().partition(|digest| self.is_manifest(digest));
        for digest in &blobs {
            assert_eq!(client.push_blob(name, &read(digest)).unwrap().status, 201, "{digest}");
        }
        for digest in manifests.iter().filter(|digest| **digest != top) {
            put(digest, self.read(digest)["mediaType"].as_str().unwrap_or_default(), &read(digest));
        }
        put("v1", &media_type, &read(&top));
    }

    /// Returns a name for it in a home: podman and buildah make a repository's name of the path, which has small letters only.
    pub(crate) fn linked_in(&self, home: &Home) -> &'static str {
        std::os::unix::fs::symlink(self.folder.path(), home.path("layout")).unwrap();
        "layout"
    }

    /// Returns the digest of what the tag `v1` names.
    pub(crate) fn digest(&self) -> String {
        self.top()["digest"].as_str().unwrap_or_default().into()
    }

    /// Returns the digests of everything in it, having seen that each is what it says.
    pub(crate) fn blobs(&self) -> BTreeSet<String> {
        blobs(self.folder.path())
    }

    /// Returns a manifest or configuration in it.
    pub(crate) fn read(&self, digest: &str) -> Value {
        let path = self.folder.path().join("blobs").join(digest.replace(':', "/"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Returns whether this is a manifest or an index of it.
    pub(crate) fn is_manifest(&self, digest: &str) -> bool {
        let bytes = fs::read(self.folder.path().join("blobs").join(digest.replace(':', "/"))).unwrap();
        serde_json::from_slice::<Value>(&bytes).is_ok_and(|document| document["schemaVersion"] == 2)
    }

    fn top(&self) -> Value {
        let index: Value = serde_json::from_slice(&fs::read(self.folder.path().join("index.json")).unwrap()).unwrap();
        index["manifests"][0].clone()
    }

    fn add(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        fs::write(self.folder.path().join("blobs").join(digest.replace(':', "/")), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    fn add_image(&self, seed: u64, format: Format, architecture: &str, packings: &[Packing]) -> Value {
        let mut random = Random::new(seed);
        let (mut layers, mut diff_ids) = (Vec::new(), Vec::new());
        for (number, packing) in packings.iter().enumerate() {
            let layer = tar(&format!("layer-{number}.bin"), &random.bytes(200_000));
            diff_ids.push(digest(&layer));
            layers.push(self.add(format.layer(*packing), &pack(*packing, &layer)));
        }
        self.add_manifest(seed, format, architecture, &layers, &diff_ids)
    }

    fn add_manifest(
        &self,
        seed: u64,
        format: Format,
        architecture: &str,
        layers: &[Value],
        diff_ids: &[String],
    ) -> Value {
        let config = json!({
            "architecture": architecture, "os": "linux", "created": "2026-01-02T03:04:05Z",
            "config": {"Cmd": ["/none"], "Labels": {"seed": seed.to_string()}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": diff_ids.iter().map(|_| json!({"created_by": "a test"})).collect::<Vec<_>>(),
        });
        let config = self.add(format.config(), config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": format.manifest(), "config": config, "layers": layers});
        let mut descriptor = self.add(format.manifest(), manifest.to_string().as_bytes());
        descriptor["platform"] = json!({"architecture": architecture, "os": "linux"});
        descriptor
    }

    fn name(&self, descriptors: &[Value]) {
        let mut named = descriptors.to_vec();
        for descriptor in &mut named {
            descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
        }
        let index = json!({"schemaVersion": 2, "mediaType": Format::Oci.index(), "manifests": named});
        fs::write(self.folder.path().join("index.json"), index.to_string()).unwrap();
    }
}

/// Returns the digests of everything in a layout, having seen that each is what it says.
#[track_caller]
pub(crate) fn blobs(layout: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(layout.join("blobs/sha256")).expect("it is a layout");
    let check = |entry: fs::DirEntry| {
        let said = format!("sha256:{}", entry.file_name().to_string_lossy());
        assert_eq!(digest(&fs::read(entry.path()).unwrap()), said, "a blob in {}", layout.display());
        said
    };
    entries.map(|entry| check(entry.unwrap())).collect()
}

/// Returns an archive of one file (POSIX ustar).
pub(crate) fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = Vec::with_capacity(content.len() + 2048);
    archive.extend_from_slice(&header);
    archive.extend_from_slice(content);
    // The content is filled up to a whole block; two empty blocks are the end.
    archive.resize(archive.len().next_multiple_of(512) + 1024, 0);
    archive
}

/// Packs without making smaller, which every reader unpacks the same and no test waits for.
fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Plain => bytes.to_vec(),
        Packing::Gzip => gzip(bytes),
        Packing::Zstd => zstd(bytes),
    }
}

/// Packs as gzip (RFC 1952) in stored blocks (RFC 1951, 3.2.4).
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("it was cut so");
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(&(!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    packed.extend_from_slice(&crc32(bytes).to_le_bytes());
    packed.extend_from_slice(&u32::try_from(bytes.len()).expect("small layers only").to_le_bytes());
    packed
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Packs as one zstd frame (RFC 8878) of raw blocks.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    // One segment, and the length of the content in eight bytes.
    let mut packed = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    packed.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    let mut blocks = bytes.chunks(1 << 17).peekable();
    while let Some(block) = blocks.next() {
        let header = u32::try_from(block.len()).expect("it was cut so") << 3 | u32::from(blocks.peek().is_none());
        packed.extend_from_slice(&header.to_le_bytes()[..3]);
        packed.extend_from_slice(block);
    }
    packed
}
