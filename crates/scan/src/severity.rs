//! How bad a flaw is, from what several parties say.

use crate::Severity;
use std::str::FromStr;

/// Reads a party's word: `HIGH`, `Moderate`, `negligible`, `important`.
pub fn parse_word(word: &str) -> Option<Severity> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" | "important" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" | "minor" => Severity::Low,
        "negligible" | "unimportant" | "informational" | "none" => Severity::Informational,
        _ => return None,
    })
}

/// trivy-db's words for who rates, and the ecosystems whose own word that is; none of those that rate everything.
const RATERS: &[(&str, &[&str])] = &[
    ("alma", &["AlmaLinux"]),
    ("amazon", &["Amazon Linux"]),
    ("azure", &["Azure Linux"]),
    ("bitnami", &["Bitnami"]),
    ("cbl-mariner", &["Azure Linux"]),
    ("debian", &["Debian"]),
    ("ghsa", &[]),
    ("julia", &[]),
    ("k8s", &[]),
    ("nvd", &[]),
    ("oracle-oval", &["Oracle Linux"]),
    ("photon", &["Photon OS"]),
    ("redhat", &["Red Hat"]),
    ("rocky", &["Rocky Linux"]),
    ("ruby-advisory-db", &[]),
    ("suse-cvrf", &["SUSE", "openSUSE"]),
    ("trivy", &[]),
    ("ubuntu", &["Ubuntu"]),
];

/// Returns whose words an ecosystem's own are in a trivy-db: `debian` for Debian.
pub(crate) fn raters(ecosystem: &str) -> impl Iterator<Item = &'static str> {
    RATERS.iter().filter(move |(_, own)| own.contains(&ecosystem)).map(|(rater, _)| *rater)
}

/// Whether a word is the ecosystem's own. A distribution's feed has no other words; a trivy-db tells what all say.
pub(crate) fn is_own_word(rater: &str, ecosystem: &str) -> bool {
    RATERS.iter().find(|(name, _)| *name == rater).is_none_or(|(_, own)| own.contains(&ecosystem))
}

/// Returns the word for a CVSS score of version 3 or 4 (CVSS v4.0, section 6); version 2 has no `CRITICAL`, and is given
/// one here, so that scores mean the same everywhere.
pub fn of_score(score: f32) -> Severity {
    match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        score if score > 0.0 => Severity::Low,
        _ => Severity::Informational,
    }
}

/// Bytes of a CVSS vector at most.
pub const VECTOR_BYTES_MAX: usize = 512;

/// Returns the base score of a CVSS vector of version 2.0 (with or without parentheses), 3.0, 3.1 or 4.0, 0.0 to 10.0, in
/// tenths; `None` where it is none, or longer than [`VECTOR_BYTES_MAX`].
pub fn score(vector: &str) -> Option<f32> {
    if vector.len() > VECTOR_BYTES_MAX {
        return None;
    }
    let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
    let score = match vector.split_once('/')?.0 {
        "CVSS:3.0" | "CVSS:3.1" if has(vector, BASE_3) => cvss::v3::Vector::from_str(vector).ok()?.score().value(),
        "CVSS:4.0" if has(vector, BASE_4) => cvss::v4::Vector::from_str(vector).ok()?.score().value(),
        version if !version.starts_with("CVSS:") && has(vector, BASE_2) => {
            cvss::v2::Vector::from_str(vector).ok()?.score().value()
        }
        _ => return None,
    };
    let tenths = (score * 10.0).round();
    (0.0..=100.0).contains(&tenths).then_some(tenths as f32 / 10.0)
}

/// The metrics without which there is no base score; the library takes those that are missing as harmless.
const BASE_2: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
const BASE_3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_4: &[&str] = &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

fn has(vector: &str, metrics: &[&str]) -> bool {
    let named = |metric: &&str| vector.split('/').any(|part| part.split(':').next() == Some(*metric));
    metrics.iter().all(named)
}

/// Returns the version that a vector is of, for choosing among several: 3 says the same everywhere, and comes first.
pub(crate) fn preference(vector: &str) -> u8 {
    if vector.starts_with("CVSS:3.1/") {
        0
    } else if vector.starts_with("CVSS:3") {
        1
    } else if vector.starts_with("CVSS:4") {
        2
    } else {
        3
    }
}

#[cfg(test)]
mod tests;
