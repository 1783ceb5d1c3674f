use super::Sample;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that was measured: `docs/benchmarks.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The cells by name.
    pub(crate) cells: BTreeMap<String, Measured>,
}

/// One cell, as it was measured last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The day, such as `2026-11-21`.
    pub(crate) date: String,
    /// On what.
    pub(crate) machine: Machine,
    /// What each program says of its version.
    pub(crate) versions: BTreeMap<String, String>,
    /// How long each load ran, in seconds; 0 where the work itself sets the time.
    pub(crate) seconds: u64,
    /// The figures of every contender in every round.
    pub(crate) rounds: Vec<BTreeMap<String, Sample>>,
    /// Contenders that could not be measured, with the reason.
    pub(crate) absent: BTreeMap<String, String>,
    /// What must be known of single contenders.
    pub(crate) notes: BTreeMap<String, String>,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// What the processor calls itself.
    pub(crate) model: String,
    /// Processors that the system sees.
    pub(crate) cores: usize,
    /// Memory, in GiB.
    pub(crate) memory_gib: u64,
    /// The kernel.
    pub(crate) kernel: String,
}

impl Results {
    /// Reads the JSON of a page; nothing where the text is empty.
    ///
    /// # Errors
    /// When it is no such JSON.
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        if text.trim().is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }

    /// Writes the JSON, with a line end.
    pub(crate) fn print(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("names and numbers can be written");
        format!("{text}\n")
    }

    /// Puts a cell in the place of what was known of it.
    pub(crate) fn merge(&mut self, name: &str, measured: Measured) {
        self.cells.insert(name.to_string(), measured);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(date: &str) -> Measured {
        Measured { date: date.into(), ..Measured::default() }
    }

    #[test]
    fn a_partial_run_leaves_the_other_cells_as_they_were() {
        let mut results = Results::default();
        results.merge("a", measured("2026-01-01"));
        results.merge("b", measured("2026-01-01"));

        results.merge("b", measured("2026-02-02"));

        assert_eq!(results.cells["a"].date, "2026-01-01");
        assert_eq!(results.cells["b"].date, "2026-02-02");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let mut results = Results::default();
        results.merge("a", measured("2026-01-01"));

        assert_eq!(Results::read(&results.print()).unwrap(), results);
        assert_eq!(Results::read("").unwrap(), Results::default());
    }
}
