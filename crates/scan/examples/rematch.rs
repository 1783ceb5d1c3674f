//! Imports advisories, and measures how long it takes to match a registry again.
//!
//! `cargo run --release -p gantry-scan --example rematch -- FOLDER`, where FOLDER holds archives of OSV records. The
//! images are made up of the packages that the advisories name, so that each of them has something to be compared with.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "it measures, outside of the product")]

use gantry_scan::feeds::osv;
use gantry_scan::{
    Advisory, Distribution, Installed, Interned, Inventory, Knowledge, Options, Package, PackageType, Until, find,
    find_without_texts, match_all, match_names,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

const IMAGES: usize = 10_000;
const PACKAGES: usize = 300;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("say where the advisories are"));
    let start = Instant::now();
    let mut advisories: Vec<Advisory> = Vec::new();
    osv::read_path(&folder, &mut |advisory| advisories.push(advisory)).unwrap();
    println!("{} records read in {:?}", advisories.len(), start.elapsed());
    let start = Instant::now();
    let file = Knowledge::build(advisories.iter().cloned(), &[]).unwrap();
    println!("{} bytes written in {:?}", file.len(), start.elapsed());
    let mut later = advisories.clone();
    for advisory in later.iter_mut().step_by(1000) {
        advisory.modified = Some("2030-01-01T00:00:00Z".into());
    }
    let later = Knowledge::read(Knowledge::build(later, &[]).unwrap()).unwrap();
    let start = Instant::now();
    let knowledge = Knowledge::read(file).unwrap();
    println!("opened in {:?}, {} sources", start.elapsed(), knowledge.sources().len());

    let images = images(&advisories);
    let start = Instant::now();
    let mut interned = Interned::default();
    let numbers: Vec<Vec<u32>> = images.iter().map(|image| interned.add(image, &Options::default())).collect();
    println!("{} package versions of {IMAGES} images interned in {:?}", interned.len(), start.elapsed());

    let start = Instant::now();
    let found = match_all(&interned, &knowledge).unwrap();
    println!("all matched in {:?}: {} flaws", start.elapsed(), found.len());
    let start = Instant::now();
    let mut flaws = vec![0_u32; interned.len()];
    for one in &found {
        flaws[one.package as usize] += 1;
    }
    let total: u64 = numbers.iter().flatten().map(|number| u64::from(flaws[*number as usize])).sum();
    println!("joined with the images in {:?}: {total} findings", start.elapsed());
    let start = Instant::now();
    let changed = later.changed_since(&knowledge).unwrap();
    let (looked_at, found) = match_names(&interned, &later, &changed).unwrap();
    println!(
        "delta of {} names in {:?}: {} versions, {} flaws",
        changed.len(),
        start.elapsed(),
        looked_at.len(),
        found.len()
    );
    find_all(&images, &knowledge);
    let start = Instant::now();
    let matched = find(&images[0], &knowledge, &Options::default()).unwrap();
    println!("one image in {:?}: {} findings", start.elapsed(), matched.findings.len());
}

/// Finds the flaws of all packages of all images, each once, as a server does that keeps them at hand.
fn find_all(images: &[Inventory], knowledge: &Knowledge) {
    let mut distinct: BTreeMap<(PackageType, &str, &str), &Installed> = BTreeMap::new();
    for installed in images.iter().flat_map(|image| &image.packages) {
        let Package { kind, name, version, .. } = &installed.package;
        distinct.entry((*kind, name, version)).or_insert(installed);
    }
    let all: Vec<Installed> = distinct.into_values().cloned().collect();
    let start = Instant::now();
    let of_some = |some: &[Installed]| {
        let distribution = images[0].distribution.clone();
        let inventory = Inventory { distribution, packages: some.to_vec(), ..Inventory::default() };
        find_without_texts(&inventory, knowledge, &Options::default()).unwrap().findings.len()
    };
    let count: usize = all.chunks(1_000).map(of_some).sum();
    println!("{} package versions looked up in {:?}: {count} findings", all.len(), start.elapsed());
}

/// Takes versions that advisories name as ends of ranges, the next ones for each image; a fifth of each image is its own.
fn images(advisories: &[Advisory]) -> Vec<Inventory> {
    let distribution = Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() };
    let named = |advisory: &Advisory| {
        let affected = advisory.affected.first()?;
        let is_of_image = affected.source.release() == "12" || affected.source.release().is_empty();
        let Until::Fixed(version) = &affected.ranges.first()?.until else { return None };
        let kind = affected.source.kind().filter(|_| is_of_image)?;
        Some(Package::new(kind, affected.package.clone(), version.clone()))
    };
    let packages: Vec<Package> = advisories.iter().filter_map(named).collect();
    let image = |at: usize| {
        let place =
            |package: usize| if package < PACKAGES * 4 / 5 { at % 50 * 977 + package } else { at * 61 + package };
        let installed = (0..PACKAGES).map(|package| {
            let mut package = packages[place(package) % packages.len()].clone();
            if at.is_multiple_of(3) {
                package.version.push('1');
            }
            Installed { package, path: "a".into(), layer: 0 }
        });
        Inventory { distribution: Some(distribution.clone()), packages: installed.collect(), ..Inventory::default() }
    };
    (0..IMAGES).map(image).collect()
}
