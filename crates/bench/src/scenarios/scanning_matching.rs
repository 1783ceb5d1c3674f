use super::{Scenario, decisions::ms_per_call, scanning_cold::timed};
use crate::{
    advisories,
    bench::{Bench, Turn},
    error::{BenchError, Outcome},
    images, process,
    report::{Against, Bound, Cell, Figure, Goal, Sample},
    trivy::{self, Trivy},
};
use gantry_scan::{
    Advisory, Distribution, Installed, Interned, Inventory, Knowledge, KnowledgeError, Match, Options, Package,
    PackageType, Until, find, match_all, match_names,
};
use std::{collections::BTreeMap, hint::black_box, time::Instant};

pub(super) const SCENARIO: Scenario =
    Scenario { about: "Matching advisories again, without a server around it", cells, run };

const ONE: &str = "scan_match_one";
const FULL: &str = "scan_rematch_full";
const DELTA: &str = "scan_rematch_delta";
/// Images, and packages of each.
pub(super) const IMAGES: usize = 10_000;
const PACKAGES: usize = 300;
/// Whose advisories are matched.
const ECOSYSTEMS: [&str; 11] =
    ["AlmaLinux", "Alpine", "Bitnami", "Debian", "Go", "Maven", "NuGet", "Packagist", "PyPI", "RubyGems", "npm"];
/// What the one image holds.
const OF_ONE: [(PackageType, &str, &str, usize); 2] =
    [(PackageType::Deb, "Debian", "12", 240), (PackageType::Pypi, "PyPI", "", 60)];
/// One record of so many is another in the delta.
const CHANGED: usize = 1_000;
/// How often trivy scans an image in a round.
const TIMES: u32 = 5;

fn cells() -> Vec<Cell> {
    let at_most = |figure, must, aim| Goal::new(figure, Against::Nothing, Bound::AtMost(must), Bound::AtMost(aim));
    let of = "10,000 images with 300 packages each";
    let thousandth =
        Goal::new(Figure::CpuS, Against::One(trivy::NAME), Bound::AtMost(1.0 / 1000.0), Bound::AtMost(1.0 / 5000.0));
    let cell = |name: &str, title: String, goals| Cell { name: name.into(), title, contenders: vec!["gantry"], goals };
    let full =
        cell(FULL, format!("matching {of} with all advisories"), vec![at_most(Figure::Seconds, 1.0, 0.5), thousandth]);
    vec![
        cell(
            ONE,
            "matching one known image of 240 packages of Debian and 60 of Python".into(),
            vec![at_most(Figure::MsPerRequest, 1.0, 0.5)],
        ),
        Cell { contenders: vec!["gantry", trivy::NAME], ..full },
        cell(
            DELTA,
            format!("matching {of} again after one advisory of {CHANGED} has changed"),
            vec![at_most(Figure::Seconds, 0.05, 0.01)],
        ),
    ]
}

fn run(bench: &Bench, cells: &[Cell]) -> Outcome<()> {
    let world = &World::make(bench)?;
    for cell in cells {
        let mut absent = BTreeMap::new();
        let mut notes = BTreeMap::new();
        let mut turns: Vec<(&'static str, Turn<'_>)> = match cell.name.as_str() {
            ONE => vec![("gantry", Box::new(|| world.one(bench)))],
            FULL => vec![("gantry", Box::new(|| world.full()))],
            _ => vec![("gantry", Box::new(|| world.delta()))],
        };
        if cell.name == FULL {
            match Trivy::open(bench, "warm")? {
                Some(trivy) => {
                    let image = images::debian(bench)?;
                    // From here on it has the layer in its cache.
                    trivy.scan(&image.layout, &[])?;
                    let turn = move || -> Outcome<Sample> {
                        let one = timed(TIMES, || trivy.scan(&image.layout, &[]))?;
                        Ok(one.into_iter().map(|(figure, value)| (figure, value * IMAGES as f64)).collect())
                    };
                    turns.push((trivy::NAME, Box::new(turn)));
                    let note = format!(
                        "{}: {IMAGES} times what one image of 120 packages takes, whose layer it knows",
                        cell.title
                    );
                    notes.insert(trivy::NAME.to_string(), note);
                }
                None => {
                    absent.insert(trivy::NAME.to_string(), "not at hand".to_string());
                }
            }
        }
        bench.measure(cell, turns, absent, notes)?;
    }
    Ok(())
}

/// Images, and what is known of flaws, today and tomorrow.
struct World {
    knowledge: Knowledge,
    later: Knowledge,
    interned: Interned,
    /// The package versions of each image.
    numbers: Vec<Vec<u32>>,
    one: Inventory,
}

impl World {
    fn make(bench: &Bench) -> Outcome<Self> {
        bench.say(&format!("making {IMAGES} images to be matched …"));
        let mut advisories: Vec<Advisory> = Vec::new();
        advisories::read(bench, &ECOSYSTEMS, &mut |advisory| advisories.push(advisory))?;
        let families = families(&advisories);
        let knowledge = build(advisories.iter().cloned())?;
        for advisory in advisories.iter_mut().step_by(CHANGED) {
            advisory.modified = Some("2100-01-01T00:00:00Z".into());
        }
        let later = build(advisories)?;
        let mut interned = Interned::default();
        let numbers = (0..IMAGES).map(|at| interned.add(&image(at, &families), &Options::default())).collect();
        let mut packages = Vec::new();
        for (kind, ecosystem, release, count) in OF_ONE {
            let named = advisories::named(bench, ecosystem, release, count)?;
            packages.extend(named.into_iter().map(|named| installed(Package::new(kind, named.name, named.version))));
        }
        Ok(Self { knowledge, later, interned, numbers, one: inventory(packages) })
    }

    fn one(&self, bench: &Bench) -> Outcome<Sample> {
        let call = || -> Outcome<()> {
            let matched = find(black_box(&self.one), &self.knowledge, &Options::default()).map_err(failed)?;
            black_box(matched);
            Ok(())
        };
        Ok(Sample::from([(Figure::MsPerRequest, ms_per_call(bench, call)?)]))
    }

    /// Matches all, and counts the findings of each image.
    fn full(&self) -> Outcome<Sample> {
        measured(|| {
            let found = match_all(&self.interned, &self.knowledge).map_err(failed)?;
            Ok(self.count(&found))
        })
    }

    /// Finds out what has changed, and matches that.
    fn delta(&self) -> Outcome<Sample> {
        measured(|| {
            let changed = self.later.changed_since(&self.knowledge).map_err(failed)?;
            let (looked_at, _) = match_names(&self.interned, &self.later, &changed).map_err(failed)?;
            Ok(looked_at.len() as u64)
        })
    }

    fn count(&self, found: &[Match]) -> u64 {
        let mut flaws = vec![0_u32; self.interned.len()];
        for one in found {
            flaws[one.package as usize] += 1;
        }
        self.numbers.iter().flatten().map(|number| u64::from(flaws[*number as usize])).sum()
    }
}

fn measured(work: impl FnOnce() -> Outcome<u64>) -> Outcome<Sample> {
    let own = std::process::id();
    let (before, begun) = (process::cpu_seconds(own)?, Instant::now());
    let found = work()?;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), process::cpu_seconds(own)? - before);
    match found {
        0 => Err(BenchError::program("matching", "found nothing")),
        // Ticks say nothing of what takes a few of them.
        _ => Ok(Sample::from([(Figure::Seconds, seconds), (Figure::CpuS, if cpu < 0.05 { seconds } else { cpu })])),
    }
}

fn build(advisories: impl IntoIterator<Item = Advisory>) -> Outcome<Knowledge> {
    Knowledge::read(Knowledge::build(advisories, &[]).map_err(failed)?).map_err(failed)
}

fn failed(error: KnowledgeError) -> BenchError {
    BenchError::program("the advisories", error)
}

/// A package in all versions that mend something.
pub(super) struct Family {
    kind: PackageType,
    pub(super) name: String,
    versions: Vec<String>,
}

/// Returns the packages of Debian 12 and of languages, by kind and name.
pub(super) fn families(advisories: &[Advisory]) -> Vec<Family> {
    let mut known: BTreeMap<(PackageType, &str), Vec<String>> = BTreeMap::new();
    for affected in advisories.iter().flat_map(|advisory| &advisory.affected) {
        let is_of_image = affected.source.release() == "12" || affected.source.release().is_empty();
        let Some(kind) = affected.source.kind().filter(|_| is_of_image) else { continue };
        for range in &affected.ranges {
            if let Until::Fixed(version) = &range.until {
                known.entry((kind, &affected.package)).or_default().push(version.clone());
            }
        }
    }
    let family =
        |((kind, name), versions): ((PackageType, &str), Vec<String>)| Family { kind, name: name.into(), versions };
    known.into_iter().map(family).collect()
}

/// Returns an image by its number: four fifths of its packages are those of one of fifty bases, and each image of a base has them in other
/// versions than the one before; a third of the images have all in versions that no advisory names.
pub(super) fn image(at: usize, families: &[Family]) -> Inventory {
    const OF_BASE: usize = PACKAGES * 4 / 5;
    let (base, generation) = (at % 50 * 97, at / 50);
    let others = families.len().saturating_sub(OF_BASE).max(1);
    let place =
        |number: usize| if number < OF_BASE { base + number } else { base + OF_BASE + (at * 61 + number) % others };
    let installed = (0..PACKAGES).map(|number| {
        let family = &families[place(number) % families.len()];
        let mut version = family.versions[(generation + number) % family.versions.len()].clone();
        if at.is_multiple_of(3) {
            version.push('1');
        }
        installed(Package::new(family.kind, family.name.clone(), version))
    });
    inventory(installed.collect())
}

fn installed(package: Package) -> Installed {
    Installed { package, path: "var/lib/dpkg/status".into(), layer: 0 }
}

fn inventory(packages: Vec<Installed>) -> Inventory {
    let distribution = Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() };
    Inventory { distribution: Some(distribution), packages, ..Inventory::default() }
}
