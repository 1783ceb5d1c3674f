//! Folders as an archive of an image, as `docker save` writes it: both scanners read that.

use gantry_e2e::digest;
use serde_json::json;
use std::{fs::File, path::Path};

/// A layer, as an archive.
pub(super) struct Layer(Vec<u8>);

impl Layer {
    /// What a folder holds; links stay links.
    pub(super) fn of_folder(folder: &Path) -> Layer {
        let mut archive = tar::Builder::new(Vec::new());
        archive.follow_symlinks(false);
        archive.append_dir_all(".", folder).unwrap();
        Layer(archive.into_inner().unwrap())
    }
}

/// What a layer deletes of those below it.
pub(super) struct Marks(Vec<String>);

impl Marks {
    pub(super) fn none() -> Marks {
        Marks(Vec::new())
    }

    /// A file or a folder, with what is in it.
    pub(super) fn delete(mut self, path: &str) -> Marks {
        let (folder, name) = path.rsplit_once('/').unwrap();
        self.0.push(format!("{folder}/.wh.{name}"));
        self
    }

    /// What layers below have in a folder, which stays (an opaque whiteout).
    pub(super) fn empty(mut self, folder: &str) -> Marks {
        self.0.push(format!("{folder}/.wh..wh..opq"));
        self
    }

    pub(super) fn layer(&self) -> Layer {
        let files: Vec<(&str, &str)> = self.0.iter().map(|mark| (mark.as_str(), "")).collect();
        Layer(crate::scan::layer(&files))
    }
}

/// Writes layers, the lowest first, as one archive.
pub(super) fn write_archive(path: &Path, layers: &[Layer]) {
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(&layer.0)).collect();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": vec![json!({"created_by": "COPY . ."}); layers.len()]});
    let name = |number: usize| format!("{number}/layer.tar");
    let names: Vec<String> = (0..layers.len()).map(name).collect();
    let manifest = json!([{"Config": "config.json", "RepoTags": ["compared:v1"], "Layers": names}]);
    let mut archive = tar::Builder::new(File::create(path).unwrap());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    for (number, layer) in layers.iter().enumerate() {
        add(&name(number), &layer.0);
    }
    add("config.json", config.to_string().as_bytes());
    add("manifest.json", manifest.to_string().as_bytes());
    archive.into_inner().unwrap();
}
