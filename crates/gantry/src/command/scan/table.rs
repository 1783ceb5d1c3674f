use crate::{
    output::{Cell, Table, Tone},
    scanning::Subject,
};
use gantry_rest::BaseImageDocument;
use gantry_scan::{Confidence, Finding, FixState, LayerSecret, Matched, Severity};
use gantry_words::Timestamp;
use std::collections::BTreeMap;

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
            finding.fixed_version.as_deref().unwrap_or(state(finding.fix_state)).into(),
            Cell::toned(path, Tone::Faint),
            Cell::toned(cut(&finding.title), Tone::Faint),
        ]);
    }
    table
}

/// Why there is no fixed version.
fn state(state: FixState) -> &'static str {
    match state {
        FixState::Fixed | FixState::NotFixed => "-",
        FixState::WontFix => "will not be fixed",
        FixState::Deferred => "deferred",
        FixState::EndOfLife => "end of life",
    }
}

/// From which image it was made, how much came with it, and what would be better.
fn base_lines(base: &BaseImageDocument, layers: usize) -> String {
    let sum = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
    let (inherited, own) = (sum(&base.inherited_severity_counts), sum(&base.own_severity_counts));
    let name = base.image.name();
    let mut text = format!(
        "Made from {name} ({} of {layers} layers): {inherited} of {} findings came with it\n",
        base.layers,
        inherited + own
    );
    if let Some(better) = &base.better {
        text.push_str(&format!(
            "Better than {name}, with {} findings instead of {}: {}\n",
            sum(&better.severity_counts),
            sum(&base.image.severity_counts),
            better.name()
        ));
    }
    text
}

/// A secret in a line: where it is, and what it can be told by.
fn secret_line(LayerSecret { secret, layer, is_deleted }: &LayerSecret) -> String {
    let hidden = if *is_deleted { ", deleted above it" } else { "" };
    let unsure = if secret.confidence == Confidence::Low { ", likely an example" } else { "" };
    format!(
        "{} {}: {} {} in {}:{} (layer {}{hidden}{unsure}, {})\n",
        secret.severity.name(),
        secret.rule,
        secret.title,
        secret.preview,
        secret.path,
        secret.line,
        layer + 1,
        secret.fingerprint,
    )
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
pub(super) fn summary(subject: &Subject, matched: &Matched, shown: &[Finding], now: Timestamp) -> String {
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
    subject.base.iter().for_each(|base| text.push_str(&base_lines(base, inventory.diff_ids.len())));
    let end_of_life = matched.end_of_life.as_ref().and_then(|end| end.warning(&now.to_string()));
    end_of_life.iter().for_each(|warning| text.push_str(&format!("{warning}\n")));
    if matched.undecided.is_empty() {
        let unsupported = gantry_scan::unsupported(inventory, &[]);
        unsupported.iter().for_each(|reason| text.push_str(&format!("Its packages are not judged: {reason}\n")));
    }
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for undecided in matched.undecided.iter().chain(&matched.left_out) {
        match reasons.iter_mut().find(|(reason, _)| *reason == undecided.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&undecided.reason, 1)),
        }
    }
    reasons.iter().for_each(|(reason, count)| text.push_str(&format!("{count} packages not judged: {reason}\n")));
    inventory.secrets.iter().for_each(|found| text.push_str(&secret_line(found)));
    for found in &inventory.misconfigurations {
        text.push_str(&format!("{} {}: {} ({})\n", found.severity.name(), found.rule, found.title, found.evidence));
    }
    inventory.complaints.iter().for_each(|complaint| text.push_str(&format!("{complaint}\n")));
    text
}
