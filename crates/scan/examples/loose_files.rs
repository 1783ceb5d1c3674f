//! Measures how long it takes to find files that belong to no package among the layers of a registry, and what the filters take.
//!
//! `cargo run --release -p gantry-scan --example loose_files`. The layers are made up: a hundred names of each are those of many
//! layers, and as many its own. One in a thousand has a `kubectl`.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "it measures, outside of the product")]

use gantry_scan::{LooseFiles, PathFilter, PathPattern};
use std::time::Instant;

const LAYERS: usize = 20_000;
const FILES: usize = 200;
const PATTERNS: [&str; 5] = ["kubectl", "/usr/local/bin/kubectl", "log4j-core-*.jar", "*/app-77/*.py", "run.sh"];

fn main() {
    let start = Instant::now();
    let lists: Vec<LooseFiles> = (0..LAYERS).map(list).collect();
    println!("{LAYERS} lists of {FILES} files made in {:?}", start.elapsed());
    let start = Instant::now();
    let filters: Vec<PathFilter> = lists.iter().filter_map(LooseFiles::filter).collect();
    let bytes: usize = filters.iter().map(|filter| filter.as_bytes().len()).sum();
    println!(
        "filters made in {:?}: {bytes} bytes, {:.1} for each file",
        start.elapsed(),
        bytes as f64 / (LAYERS * FILES) as f64
    );
    let packed: Vec<Vec<u8>> =
        lists.iter().map(|list| zstd::encode_all(&serde_json::to_vec(list).unwrap()[..], 3).unwrap()).collect();
    let bytes: usize = packed.iter().map(Vec::len).sum();
    println!("lists packed: {bytes} bytes, {:.1} for each file", bytes as f64 / (LAYERS * FILES) as f64);

    for pattern in PATTERNS {
        let wanted = PathPattern::new(pattern);
        let start = Instant::now();
        let may_have: Vec<usize> = (0..LAYERS).filter(|layer| filters[*layer].may_have(&wanted)).collect();
        let asked = start.elapsed();
        let start = Instant::now();
        let unpacked: Vec<LooseFiles> = may_have
            .iter()
            .map(|layer| serde_json::from_slice(&zstd::decode_all(&packed[*layer][..]).unwrap()).unwrap())
            .collect();
        let unpacking = start.elapsed();
        let start = Instant::now();
        let found: usize = unpacked.iter().map(|list| list.iter().filter(|path| wanted.fits(path)).count()).sum();
        let looking = start.elapsed();
        println!(
            "{pattern}: filters asked in {asked:?}, {} layers unpacked in {unpacking:?}, looked through in {looking:?}: {found} files",
            may_have.len()
        );
    }
}

/// The files of a layer.
fn list(layer: usize) -> LooseFiles {
    let shared = (0..FILES / 2).map(|file| format!("usr/lib/python3.12/module_{}/part_{file}.py", layer % 50));
    let own = (0..FILES / 2)
        .map(|file| format!("srv/app-{layer}/static/chunk-{:08x}.js", layer.wrapping_mul(2_654_435_761) ^ file));
    let mut paths: Vec<String> = shared.chain(own).collect();
    if layer.is_multiple_of(1_000) {
        paths.push("usr/local/bin/kubectl".into());
    }
    if layer.is_multiple_of(100) {
        paths.push(format!("opt/log4j-core-2.{}.jar", layer % 17));
    }
    paths.sort_unstable();
    paths.iter().map(String::as_str).collect()
}
