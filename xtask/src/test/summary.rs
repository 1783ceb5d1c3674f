//! What became of the stages.

use crate::run::print_duration;
use std::{fmt, time::Duration};

/// What became of one stage, with a note or a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All was well; the note says how much there was.
    Passed(String),
    /// Something was not.
    Failed(String),
    /// It could not be run here.
    Skipped(String),
}

/// One stage's line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its name.
    pub(super) stage: &'static str,
    /// What became of it.
    pub(super) verdict: Verdict,
    /// How long it took.
    pub(super) duration: Duration,
}

/// The table at the end, and below it the line that says how many passed and failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary(pub(super) Vec<Line>);

impl Summary {
    /// Tells whether a stage failed.
    pub(super) fn has_failed(&self) -> bool {
        self.0.iter().any(|line| matches!(line.verdict, Verdict::Failed(_)))
    }

    fn count(&self, is_so: impl Fn(&Verdict) -> bool) -> usize {
        self.0.iter().filter(|line| is_so(&line.verdict)).count()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(note) if note.is_empty() => write!(formatter, "ok"),
            Self::Passed(note) => write!(formatter, "ok, {note}"),
            Self::Failed(reason) => write!(formatter, "FAILED: {reason}"),
            Self::Skipped(reason) => write!(formatter, "skipped: {reason}"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|line| line.stage.len()).max().unwrap_or_default();
        for line in &self.0 {
            // What follows the first line of a reason stands above, where the stage ran.
            let verdict = line.verdict.to_string();
            let verdict = verdict.lines().next().unwrap_or_default();
            writeln!(formatter, "{:<width$}  {:>12}  {verdict}", line.stage, print_duration(line.duration))?;
        }
        let passed = self.count(|verdict| matches!(verdict, Verdict::Passed(_)));
        let failed = self.count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let skipped = self.count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        write!(formatter, "\n{passed} passed, {failed} failed")?;
        if skipped > 0 {
            write!(formatter, ", {skipped} skipped")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stage: &'static str, seconds: u64, verdict: Verdict) -> Line {
        Line { stage, verdict, duration: Duration::from_secs(seconds) }
    }

    #[test]
    fn the_table_ends_with_how_many_stages_passed_and_failed() {
        let summary = Summary(vec![
            line("check", 8, Verdict::Passed(String::new())),
            line("conformance-head", 75, Verdict::Failed("3 tests\nmore of it".into())),
            line("unit", 150, Verdict::Passed("412 tests".into())),
        ]);

        assert_eq!(
            summary.to_string(),
            "check                    8.0 s  ok\n\
             conformance-head          75 s  FAILED: 3 tests\n\
             unit              2 min 30 s  ok, 412 tests\n\
             \n\
             2 passed, 1 failed"
                .replace("unit              2 min", "unit                2 min")
        );
        assert!(summary.has_failed());
    }

    #[test]
    fn skipped_stages_are_counted_only_when_there_are_some() {
        let summary = Summary(vec![
            line("check", 8, Verdict::Passed(String::new())),
            line("packaging", 0, Verdict::Skipped("no helm".into())),
        ]);

        assert!(summary.to_string().ends_with("\n1 passed, 0 failed, 1 skipped"));
        assert!(!summary.has_failed());
    }
}
