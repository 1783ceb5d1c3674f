//! Findings as lines for a terminal.

use super::{shorten, title_of};
use crate::{Finding, FixState, Severity};

/// The columns' names.
const HEAD: [&str; 6] = ["VULNERABILITY", "SEVERITY", "PACKAGE", "INSTALLED", "FIXED", "TITLE"];
/// Characters of a title at most: beside five columns it should fit a wide terminal.
const TITLE_CHARS_MAX: usize = 60;

/// Writes the findings that are not suppressed, the worst first, and a last line with their counts.
///
/// Control characters of foreign texts are left out, so that no advisory can drive the terminal.
pub fn write(findings: &[Finding]) -> String {
    let mut shown: Vec<_> = findings.iter().filter(|finding| finding.suppressed.is_none()).collect();
    shown.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.package.name.clone(), finding.id.clone());
        b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b)))
    });
    let rows: Vec<_> = [HEAD.map(str::to_owned)].into_iter().chain(shown.iter().map(|finding| row(finding))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    if !shown.is_empty() {
        for row in &rows {
            let line: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text.push_str(&summary(findings));
    text.push('\n');
    text
}

fn row(finding: &Finding) -> [String; 6] {
    let fixed = finding.fixed_version.clone().unwrap_or_else(|| state(finding.fix_state).to_owned());
    [
        plain(&finding.id),
        finding.severity.name().to_owned(),
        plain(&finding.package.name),
        plain(&finding.package.version),
        plain(&fixed),
        plain(&shorten(title_of(finding), TITLE_CHARS_MAX)),
    ]
}

fn state(state: FixState) -> &'static str {
    match state {
        FixState::Fixed | FixState::NotFixed => "-",
        FixState::WontFix => "will not be fixed",
        FixState::Deferred => "deferred",
        FixState::EndOfLife => "end of life",
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).collect()
}

fn summary(findings: &[Finding]) -> String {
    let counts = crate::count_by_severity(findings);
    let suppressed = findings.iter().filter(|finding| finding.suppressed.is_some()).count();
    let total: usize = counts.values().sum();
    let told: Vec<_> = Severity::ALL
        .iter()
        .filter_map(|severity| counts.get(severity).map(|count| format!("{count} {}", severity.name())))
        .collect();
    let mut text = match total {
        0 => "no findings".to_owned(),
        1 => format!("1 finding: {}", told.join(", ")),
        _ => format!("{total} findings: {}", told.join(", ")),
    };
    if suppressed > 0 {
        text.push_str(&format!("; {suppressed} suppressed"));
    }
    text
}
