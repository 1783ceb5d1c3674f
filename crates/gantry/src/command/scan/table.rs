use crate::{
    output::{Cell, Table, Tone},
    scanning::Subject,
};
use gantry_scan::{Finding, Matched, Severity};

pub(super) fn table(findings: &[Finding]) -> Table {
    let mut table = Table::new(["SEVERITY", "ID", "PACKAGE", "VERSION", "FIXED IN", "PATH", "TITLE"]);
    for finding in findings {
        let tone = if finding.severity >= Severity::High { Tone::Bad } else { Tone::Plain };
        let more = match finding.paths.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let path = finding.paths.first().map(|path| format!("{path}{more}")).unwrap_or_default();
        table.row([
            Cell::toned(finding.severity.name(), tone),
            finding.id.as_str().into(),
            finding.package.name.as_str().into(),
            finding.package.version.as_str().into(),
            finding.fixed_version.as_deref().unwrap_or("-").into(),
            Cell::toned(path, Tone::Faint),
            Cell::toned(cut(&finding.title), Tone::Faint),
        ]);
    }
    table
}

/// Cuts a title to what a line can hold.
pub(super) fn cut(title: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match title.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", title[..at].trim_end()),
        None => title.to_owned(),
    }
}

/// The lines below the table: the image, how much of it was understood, and the numbers.
pub(super) fn summary(subject: &Subject, matched: &Matched, shown: &[Finding]) -> String {
    let inventory = &subject.inventory;
    let distribution = match &inventory.distribution {
        Some(known) => known.pretty_name.clone().unwrap_or_else(|| format!("{} {}", known.id, known.version)),
        None => "no distribution".to_owned(),
    };
    let counts = Severity::ALL.iter().filter_map(|severity| {
        let count = shown.iter().filter(|finding| finding.severity == *severity).count();
        (count > 0).then(|| format!("{count} {}", severity.name()))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "{}: {distribution}, {} packages, {} findings{}\n",
        subject.name,
        inventory.packages.len(),
        shown.len(),
        if counts.is_empty() { String::new() } else { format!(" ({counts})") },
    );
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for undecided in matched.undecided.iter().chain(&matched.left_out) {
        match reasons.iter_mut().find(|(reason, _)| *reason == undecided.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&undecided.reason, 1)),
        }
    }
    reasons.iter().for_each(|(reason, count)| text.push_str(&format!("{count} packages not judged: {reason}\n")));
    for found in &subject.misconfigurations {
        text.push_str(&format!("{} {}: {} ({})\n", found.severity.name(), found.rule, found.title, found.evidence));
    }
    inventory.complaints.iter().for_each(|complaint| text.push_str(&format!("{complaint}\n")));
    text
}
