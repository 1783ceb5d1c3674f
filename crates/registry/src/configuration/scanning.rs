use super::matches_wildcard;
use serde::{Deserialize, Serialize};

/// Which images of a registry are scanned, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanningConfiguration {
    /// What kind of scan.
    pub scan_type: ScanKind,
    /// When, by repositories; where none is meant, a repository's own setting holds.
    pub rules: Vec<ScanRule>,
}

/// What kind of scan it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ScanKind {
    /// Packages of the operating system.
    #[default]
    Basic,
    /// Those of programming languages too, and again when something new is known.
    Enhanced,
}

/// When images are scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScanFrequency {
    /// When somebody asks for it.
    Manual,
    /// When they are pushed.
    ScanOnPush,
    /// When they are pushed, and again when something new is known.
    ContinuousScan,
}

/// Which repositories are scanned when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanRule {
    /// When.
    pub scan_frequency: ScanFrequency,
    /// Which.
    pub repository_filters: Vec<ScanFilter>,
}

/// Repositories by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanFilter {
    /// A name with `*` for any characters; without one, a part of the name.
    pub filter: String,
    /// `WILDCARD`.
    pub filter_type: String,
}

/// Why a configuration is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanningError {
    /// A frequency that this kind of scan does not have.
    #[error("{} scanning has no rule {}; it has {}", print(*kind), print(*frequency), allowed(*kind))]
    Frequency {
        /// The kind.
        kind: ScanKind,
        /// The frequency.
        frequency: ScanFrequency,
    },
    /// Two rules for one frequency.
    #[error("Two rules have the scan frequency {}; join their filters", print(*frequency))]
    Twice {
        /// The frequency.
        frequency: ScanFrequency,
    },
}

/// What holds for one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedScanning {
    /// When its images are scanned.
    pub frequency: ScanFrequency,
    /// The filters that made it so; none where the repository's own setting did.
    pub filters: Vec<ScanFilter>,
}

impl ScanningConfiguration {
    /// Checks that the rules fit the kind of scan.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ScanningError> {
        for (at, rule) in self.rules.iter().enumerate() {
            let frequency = rule.scan_frequency;
            if !frequencies(self.scan_type).contains(&frequency) {
                return Err(ScanningError::Frequency { kind: self.scan_type, frequency });
            }
            if self.rules[..at].iter().any(|other| other.scan_frequency == frequency) {
                return Err(ScanningError::Twice { frequency });
            }
        }
        Ok(())
    }

    /// Returns what holds for a repository, which may ask itself to be scanned on push. Of several rules the one that
    /// scans most holds.
    pub fn applied(&self, repository: &str, scans_on_push: bool) -> AppliedScanning {
        let meant = |rule: &ScanRule| {
            let filters = rule.repository_filters.iter().filter(|filter| filter.matches(repository)).cloned();
            AppliedScanning { frequency: rule.scan_frequency, filters: filters.collect() }
        };
        let found = self.rules.iter().map(meant).filter(|applied| !applied.filters.is_empty());
        let own = if scans_on_push { ScanFrequency::ScanOnPush } else { ScanFrequency::Manual };
        found.max_by_key(|applied| applied.frequency).unwrap_or(AppliedScanning { frequency: own, filters: vec![] })
    }
}

impl ScanFilter {
    fn matches(&self, repository: &str) -> bool {
        match self.filter.contains('*') {
            true => matches_wildcard(&self.filter, repository),
            false => repository.contains(&self.filter),
        }
    }
}

const fn frequencies(kind: ScanKind) -> [ScanFrequency; 2] {
    match kind {
        ScanKind::Basic => [ScanFrequency::ScanOnPush, ScanFrequency::Manual],
        ScanKind::Enhanced => [ScanFrequency::ScanOnPush, ScanFrequency::ContinuousScan],
    }
}

fn allowed(kind: ScanKind) -> String {
    frequencies(kind).map(print).join(" and ")
}

/// As the API writes it.
fn print(value: impl Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    text.as_ref().and_then(|text| text.as_str()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(scan_frequency: ScanFrequency, filters: &[&str]) -> ScanRule {
        let filter = |text: &&str| ScanFilter { filter: text.to_string(), filter_type: "WILDCARD".into() };
        ScanRule { scan_frequency, repository_filters: filters.iter().map(filter).collect() }
    }

    #[test]
    fn each_kind_has_its_frequencies_once() {
        use ScanFrequency::{ContinuousScan, Manual, ScanOnPush};
        let check = |scan_type, frequencies: &[ScanFrequency]| {
            let rules = frequencies.iter().map(|frequency| rule(*frequency, &["*"])).collect();
            ScanningConfiguration { scan_type, rules }.check()
        };

        assert_eq!(check(ScanKind::Basic, &[ScanOnPush, Manual]), Ok(()));
        assert_eq!(check(ScanKind::Enhanced, &[ScanOnPush, ContinuousScan]), Ok(()));
        assert_eq!(
            check(ScanKind::Basic, &[ScanOnPush, ScanOnPush]),
            Err(ScanningError::Twice { frequency: ScanOnPush })
        );
        let error = check(ScanKind::Basic, &[ContinuousScan]).unwrap_err();
        assert_eq!(error.to_string(), "BASIC scanning has no rule CONTINUOUS_SCAN; it has SCAN_ON_PUSH and MANUAL");
    }

    #[test]
    fn the_rule_that_scans_most_holds() {
        let rules = vec![
            rule(ScanFrequency::ScanOnPush, &["*"]),
            rule(ScanFrequency::ContinuousScan, &["prod", "team/*-base"]),
        ];
        let configuration = ScanningConfiguration { scan_type: ScanKind::Enhanced, rules };
        let frequency = |name| configuration.applied(name, false).frequency;

        assert_eq!(frequency("my/prod/app"), ScanFrequency::ContinuousScan);
        assert_eq!(frequency("team/os-base"), ScanFrequency::ContinuousScan);
        assert_eq!(frequency("team/os-base2"), ScanFrequency::ScanOnPush);
        assert_eq!(configuration.applied("prod", false).filters.len(), 1);
    }

    #[test]
    fn without_a_rule_the_repository_decides() {
        let none = ScanningConfiguration::default();

        assert_eq!(none.applied("a", true), AppliedScanning { frequency: ScanFrequency::ScanOnPush, filters: vec![] });
        assert_eq!(none.applied("a", false).frequency, ScanFrequency::Manual);
    }
}
