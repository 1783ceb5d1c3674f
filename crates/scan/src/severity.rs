//! How bad a flaw is, from what several parties say.

use crate::Severity;

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
