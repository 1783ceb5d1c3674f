//! What changed between the findings of two images.

use crate::{Finding, FixState, PackageType, Severity};
use std::collections::BTreeMap;

/// What one image has that another has not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Only in the later one.
    pub new: Vec<Finding>,
    /// Only in the earlier one.
    pub gone: Vec<Finding>,
    /// In both, and not alike.
    pub changed: Vec<ChangedFinding>,
}

/// A flaw that two images have in the same package, of which something is said otherwise: the package's version, how bad the
/// flaw is, or how it is mended.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedFinding {
    /// In the earlier image.
    pub before: Finding,
    /// In the later one.
    pub after: Finding,
}

/// Compares findings by flaw and name of the package. Where one package is there in several versions, equal versions are
/// compared with each other, and then the remaining ones in their order. The answer is sorted by severity, the worst first.
pub fn compare(before: &[Finding], after: &[Finding]) -> Comparison {
    let mut comparison = Comparison::default();
    let (mut earlier, later) = (grouped(before), grouped(after));
    for (key, mut findings) in later {
        let mut known = earlier.remove(&key).unwrap_or_default();
        for finding in std::mem::take(&mut findings) {
            match known.iter().position(|other| other.package.version == finding.package.version) {
                Some(at) => comparison.pair(known.remove(at), finding),
                None => findings.push(finding),
            }
        }
        let mut known = known.into_iter();
        for finding in findings {
            match known.next() {
                Some(other) => comparison.pair(other, finding),
                None => comparison.new.push(finding.clone()),
            }
        }
        comparison.gone.extend(known.cloned());
    }
    comparison.gone.extend(earlier.into_values().flatten().cloned());
    let worst = |finding: &Finding| std::cmp::Reverse(finding.severity);
    comparison.new.sort_by_key(worst);
    comparison.gone.sort_by_key(worst);
    comparison.changed.sort_by_key(|changed| worst(&changed.after));
    comparison
}

impl Comparison {
    fn pair(&mut self, before: &Finding, after: &Finding) {
        if said(before) != said(after) {
            self.changed.push(ChangedFinding { before: before.clone(), after: after.clone() });
        }
    }
}

type Said<'a> = (&'a str, Severity, Option<&'a str>, FixState, bool, Option<&'a str>);

/// What may change of a finding that stays.
fn said(finding: &Finding) -> Said<'_> {
    let Finding { package, severity, fixed_version, fix_state, known_exploited, suppressed, .. } = finding;
    let (fixed, suppressed) = (fixed_version.as_deref(), suppressed.as_deref());
    (&package.version, *severity, fixed, *fix_state, *known_exploited, suppressed)
}

type Key<'a> = (&'a str, &'a str, PackageType);

fn grouped(findings: &[Finding]) -> BTreeMap<Key<'_>, Vec<&Finding>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let package = &finding.package;
        groups.entry((&package.name, &finding.id, package.kind)).or_default().push(finding);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Package;

    fn finding(id: &str, package: &str, version: &str) -> Finding {
        Finding::new(id, Package::new(PackageType::Deb, package, version))
    }

    fn names(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{} {}", finding.id, finding.package.version)).collect()
    }

    #[test]
    fn a_flaw_is_new_gone_or_the_same() {
        let before = [finding("CVE-1", "a", "1"), finding("CVE-2", "a", "1")];
        let after = [finding("CVE-2", "a", "1"), finding("CVE-3", "a", "1")];

        let found = compare(&before, &after);

        assert_eq!((names(&found.new), names(&found.gone)), (vec!["CVE-3 1".into()], vec!["CVE-1 1".into()]));
        assert_eq!(found.changed, []);
    }

    #[test]
    fn a_flaw_that_a_newer_version_still_has_is_changed_and_not_new() {
        let found = compare(&[finding("CVE-1", "a", "1")], &[finding("CVE-1", "a", "2")]);

        let [changed] = &found.changed[..] else { panic!("{found:?}") };
        assert_eq!((&*changed.before.package.version, &*changed.after.package.version), ("1", "2"));
        assert!(found.new.is_empty() && found.gone.is_empty());
    }

    #[test]
    fn of_several_versions_equal_ones_are_compared_with_each_other() {
        let before = [finding("CVE-1", "a", "1"), finding("CVE-1", "a", "2")];
        let after = [finding("CVE-1", "a", "2")];

        let found = compare(&before, &after);

        assert_eq!(names(&found.gone), ["CVE-1 1"]);
        assert_eq!((found.new.len(), found.changed.len()), (0, 0));
    }

    #[test]
    fn the_worst_comes_first() {
        let bad = Finding { severity: Severity::Critical, ..finding("CVE-2", "b", "1") };

        let found = compare(&[], &[finding("CVE-1", "a", "1"), bad]);

        assert_eq!(names(&found.new), ["CVE-2 1", "CVE-1 1"]);
    }
}
