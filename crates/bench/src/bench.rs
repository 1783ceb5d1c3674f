//! A run: which cells, how long, with which programs; rounds in which the servers take turns; where results go.

use crate::{
    error::{BenchError, Outcome, While},
    machine,
    report::{Cell, Machine, Measured, Results, Sample},
    scenarios,
    servers::{KINDS, Kind, Programs, ask_version},
    trivy,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    collections::BTreeMap,
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// What is run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Only cells whose names begin so; all when there are none.
    pub(crate) only: Vec<String>,
    /// How often everybody is measured.
    pub(crate) rounds: usize,
    /// How long a load runs, in seconds.
    pub(crate) seconds: u64,
    /// The checkout.
    pub(crate) root: PathBuf,
    /// The working folder.
    pub(crate) work: PathBuf,
    /// What is said of Gantry's version beside its number, such as a commit.
    pub(crate) commit: Option<String>,
    /// The version of a zot that does not know its own.
    pub(crate) zot_version: Option<String>,
    /// The version of a trivy that does not know its own.
    pub(crate) trivy_version: Option<String>,
    /// The folder of advisories, as osv.dev exports it.
    pub(crate) advisories: Option<PathBuf>,
}

/// A run.
pub(crate) struct Bench {
    /// What is run.
    pub(crate) options: Options,
    /// With what.
    pub(crate) programs: Programs,
    machine: Machine,
    versions: BTreeMap<&'static str, String>,
    results: Mutex<Results>,
}

/// Measures one contender once.
pub(crate) type Turn<'a> = Box<dyn FnMut() -> Outcome<Sample> + 'a>;

type Rounds = Vec<BTreeMap<String, Sample>>;
type Failed = BTreeMap<&'static str, BenchError>;

impl Bench {
    /// Looks at machine and programs.
    ///
    /// # Errors
    /// When a program does not answer, or earlier results cannot be read.
    pub(crate) fn new(options: Options, programs: Programs) -> Outcome<Self> {
        let mut versions = BTreeMap::new();
        for kind in KINDS {
            if let Some(program) = (kind.program)(&programs) {
                let version = kind.ask_version(program)?.0;
                let said = match (kind.stores_of, &options.commit, &options.zot_version) {
                    ("gantry", Some(commit), _) => format!("{version} ({commit})"),
                    ("zot", _, Some(version)) => format!("zot {version}"),
                    _ => version,
                };
                versions.insert(kind.name, said);
            }
        }
        if let Some(program) = &programs.trivy {
            let known = ask_version(trivy::NAME, program, &trivy::VERSION).ok().map(|version| version.0);
            let said = options
                .trivy_version
                .clone()
                .or(known)
                .unwrap_or_else(|| "a build that does not know its version".into());
            versions.insert(trivy::NAME, format!("trivy {}", said.trim_start_matches("Version: ")));
        }
        fs::create_dir_all(&options.work).while_trying(format!("make {}", options.work.display()))?;
        let results = Mutex::new(scenarios::read_results(&options.root)?);
        Ok(Self { machine: machine::look(), versions, results, options, programs })
    }

    /// Says something to the person at the terminal.
    pub(crate) fn say(&self, line: &str) {
        eprintln!("{line}");
    }

    /// Returns a bar for a long work; silent where nobody looks.
    pub(crate) fn bar(&self, what: &str, total: u64) -> ProgressBar {
        let is_seen = std::io::stderr().is_terminal();
        let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
        let bar = ProgressBar::with_draw_target(Some(total), target);
        bar.set_style(style.expect("the template above is well formed"));
        bar.set_message(what.to_string());
        bar
    }

    /// Returns a folder below the working folder; it need not exist.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.options.work.join(name)
    }

    /// Whether a cell was asked for.
    pub(crate) fn is_wanted(&self, cell: &Cell) -> bool {
        is_chosen(&cell.name, &self.options.only)
    }

    /// Returns a kind's program.
    ///
    /// # Errors
    /// When it is not at hand.
    pub(crate) fn program(&self, kind: &Kind) -> Outcome<&Path> {
        let missing = || BenchError::Usage(format!("{} is not at hand", kind.name));
        (kind.program)(&self.programs).ok_or_else(missing)
    }

    /// Whether a kind's program is at hand.
    pub(crate) fn has(&self, kind: &Kind) -> bool {
        (kind.program)(&self.programs).is_some()
    }

    /// Returns what a prepared store of a kind is valid for: Gantry's for a schema, the others' for a version.
    ///
    /// # Errors
    /// When the migrations cannot be read.
    pub(crate) fn store_key(&self, kind: &Kind) -> Outcome<String> {
        match kind.stores_of {
            "gantry" => crate::world::schema_fingerprint(&self.options.root),
            _ => {
                let version = self.versions.get(kind.name).map_or("", String::as_str);
                let bytes = fs::metadata(self.program(kind)?).map_or(0, |facts| facts.len());
                Ok(short_hash(&[version.as_bytes(), &bytes.to_le_bytes()]))
            }
        }
    }

    /// Measures the contenders of a cell in turns, each once a round, and keeps what came out.
    ///
    /// # Errors
    /// When one of Gantry's turns fails, or the results cannot be written. A peer that fails is noted as absent.
    pub(crate) fn measure(
        &self,
        cell: &Cell,
        mut turns: Vec<(&'static str, Turn<'_>)>,
        mut absent: BTreeMap<String, String>,
        notes: BTreeMap<String, String>,
    ) -> Outcome<()> {
        let begun = Instant::now();
        let (rounds, failed) = take_turns(self.options.rounds, &mut turns)?;
        for (name, error) in failed {
            self.say(&format!("{}: {name} failed: {error}", cell.name));
            absent.insert(name.into(), "failed".into());
        }
        let names: Vec<&str> = turns.iter().map(|(name, _)| *name).collect();
        self.say(&line(cell, &rounds, &names, begun.elapsed().as_secs()));
        let measured = Measured {
            date: today(),
            machine: self.machine.clone(),
            versions: self.versions_of(&names),
            seconds: self.options.seconds,
            rounds,
            absent,
            notes,
        };
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.merge(&cell.name, measured);
        // At once, so that nothing is lost when a later cell fails.
        scenarios::write_results(&self.options.root, &results)
    }

    fn versions_of(&self, contenders: &[&str]) -> BTreeMap<String, String> {
        let version = |name: &&str| {
            // `gantry at 10,000` is Gantry too.
            let kind = name.split(' ').next().unwrap_or_default();
            Some((kind.to_string(), self.versions.get(kind)?.clone()))
        };
        contenders.iter().filter_map(version).collect()
    }
}

/// Whether a name begins as one of these; every name does where there are none.
pub(crate) fn is_chosen(name: &str, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|beginning| name.starts_with(beginning.as_str()))
}

/// Returns the first characters of a sha256, for names of folders.
pub(crate) fn short_hash(pieces: &[&[u8]]) -> String {
    let digest = crate::fixture::digest(pieces);
    digest.trim_start_matches("sha256:").chars().take(12).collect()
}

/// Lets everybody take one turn a round; each round begins with another, so that nobody is always measured in somebody's
/// wake. Returns the figures of the rounds, and the peers that failed: they take no further turns, and lose their figures.
fn take_turns(rounds: usize, turns: &mut [(&'static str, Turn<'_>)]) -> Outcome<(Rounds, Failed)> {
    let (mut all, mut failed) = (Vec::new(), BTreeMap::new());
    for round in 0..rounds {
        let mut samples = BTreeMap::new();
        for at in order(round, turns.len()) {
            let (name, turn) = &mut turns[at];
            if failed.contains_key(name) {
                continue;
            }
            match turn() {
                Ok(sample) => {
                    samples.insert((*name).to_string(), rounded(sample));
                }
                Err(error) if name.starts_with("gantry") => return Err(error),
                Err(error) => {
                    failed.insert(*name, error);
                }
            }
        }
        all.push(samples);
    }
    all.iter_mut().for_each(|samples: &mut BTreeMap<String, Sample>| {
        samples.retain(|name, _| !failed.contains_key(name.as_str()))
    });
    Ok((all, failed))
}

/// Returns who takes the turns of a round: everybody once, beginning with another each time.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |at| (at + round) % count)
}

/// Leaves four digits of each figure: the others say nothing and fill the file.
fn rounded(sample: Sample) -> Sample {
    let round = |value: f64| format!("{value:.3e}").parse().unwrap_or(value);
    sample.into_iter().map(|(figure, value)| (figure, round(value))).collect()
}

/// Writes what a cell gave in a line: the two figures that say most of each contender.
fn line(cell: &Cell, rounds: &[BTreeMap<String, Sample>], names: &[&str], seconds: u64) -> String {
    let of = |name: &&str| {
        let figures: std::collections::BTreeSet<_> =
            rounds.iter().filter_map(|round| round.get(*name)).flat_map(|sample| sample.keys().copied()).collect();
        let said = figures.iter().filter_map(|figure| {
            let values: Vec<f64> = rounds.iter().filter_map(|round| round.get(*name)?.get(figure).copied()).collect();
            Some(format!("{} {}", crate::report::print_number(crate::report::median(&values)?), figure.heading()))
        });
        format!("  {name}: {}", said.collect::<Vec<_>>().join(", "))
    };
    let all: Vec<_> = names.iter().map(of).collect();
    format!("{} ({seconds} s)\n{}", cell.name, all.join("\n"))
}

fn today() -> String {
    let now = crate::aws::now().to_string();
    now.split('T').next().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Figure;

    #[test]
    fn each_round_begins_with_another_and_leaves_nobody_out() {
        let orders: Vec<Vec<usize>> = (0..4).map(|round| order(round, 3).collect()).collect();

        assert_eq!(orders, [vec![0, 1, 2], vec![1, 2, 0], vec![2, 0, 1], vec![0, 1, 2]]);
    }

    #[test]
    fn a_peer_that_fails_takes_no_further_turns_and_leaves_no_figures() {
        let sample = || Sample::from([(Figure::GbPerS, 1.0)]);
        let taken = std::cell::Cell::new(0);
        let fails_later = || {
            taken.set(taken.get() + 1);
            if taken.get() < 2 { Ok(sample()) } else { Err(BenchError::Usage("gone".into())) }
        };
        let mut turns: Vec<(&str, Turn<'_>)> =
            vec![("gantry", Box::new(|| Ok(sample()))), ("zot", Box::new(fails_later))];

        let (rounds, failed) = take_turns(3, &mut turns).unwrap();

        assert!(rounds.iter().all(|round| round.contains_key("gantry") && !round.contains_key("zot")));
        assert_eq!((rounds.len(), failed["zot"].to_string(), taken.get()), (3, "gone".to_string(), 2));
    }

    #[test]
    fn where_gantry_fails_there_are_no_figures() {
        let mut turns: Vec<(&str, Turn<'_>)> =
            vec![("gantry at rest", Box::new(|| Err(BenchError::Usage("gone".into()))))];

        assert!(take_turns(1, &mut turns).is_err());
    }

    #[test]
    fn cells_are_chosen_by_the_beginning_of_their_names() {
        let only = ["blob64m".to_string(), "push_".to_string()];

        assert!(is_chosen("blob64m_c8", &only) && is_chosen("push_put_p1", &only) && is_chosen("x", &[]));
        assert!(!is_chosen("blob256k_c8", &only));
    }

    #[test]
    fn figures_keep_four_digits() {
        let sample = Sample::from([(Figure::RequestsPerS, 123_456.789), (Figure::GbPerS, 0.123_456)]);

        assert_eq!(rounded(sample), Sample::from([(Figure::RequestsPerS, 123_500.0), (Figure::GbPerS, 0.1235)]));
    }
}
