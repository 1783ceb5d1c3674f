use super::{
    Against, Bound, Cell, Figure, Goal, Machine, Measured, Results,
    figure::print_number,
    goal::{Answer, Verdict},
    statistics::{Ratio, median_of},
};
use std::collections::BTreeSet;
use std::fmt::Write;

const OPEN: &str = "<!-- results -->";
const CLOSE: &str = "<!-- /results -->";

/// Why a page cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page needs the lines `{OPEN}` and `{CLOSE}`, in this order, around its tables")]
pub(crate) struct MarkersMissing;

/// Cells that belong together on the page.
pub(crate) struct Group {
    /// The heading.
    pub(crate) about: String,
    /// The cells, in their order.
    pub(crate) cells: Vec<Cell>,
}

/// Returns the page with everything between its two markers made new, and all else as it was.
///
/// `servers` says of each kind of server how it is configured.
///
/// # Errors
/// When the markers are not there.
pub(crate) fn rewrite(
    page: &str,
    groups: &[Group],
    results: &Results,
    servers: &[(&str, &str)],
) -> Result<String, MarkersMissing> {
    let (before, rest) = page.split_once(OPEN).ok_or(MarkersMissing)?;
    let (_, after) = rest.split_once(CLOSE).ok_or(MarkersMissing)?;
    let mut text = String::new();
    circumstances(&mut text, results, servers);
    goals(&mut text, groups, results);
    figures(&mut text, groups, results);
    Ok(format!("{before}{OPEN}\n{text}{CLOSE}{after}"))
}

// Writing to a String does not fail, here and below.

fn circumstances(text: &mut String, results: &Results, servers: &[(&str, &str)]) {
    let dates: BTreeSet<_> = results.cells.values().map(|cell| &cell.date).collect();
    match (dates.first(), dates.last()) {
        (Some(first), Some(last)) if first == last => writeln!(text, "Measured on {first}.\n"),
        (Some(first), Some(last)) => writeln!(text, "Measured from {first} to {last}, each cell on its own day.\n"),
        _ => writeln!(text, "Nothing is measured yet: `cargo xtask bench`."),
    }
    .unwrap_or_default();
    for machine in machines(results) {
        let _ = writeln!(
            text,
            "- Machine: {}, {} cores, {} GiB, {}",
            machine.model, machine.cores, machine.memory_gib, machine.kernel
        );
    }
    for (name, about) in servers {
        let versions = results.cells.values().filter_map(|cell| cell.versions.get(*name));
        let versions: Vec<_> = versions.collect::<BTreeSet<_>>().into_iter().map(String::as_str).collect();
        if !versions.is_empty() {
            let _ = writeln!(text, "- {name}: {}; {about}", versions.join(" and "));
        }
    }
    text.push('\n');
}

fn machines(results: &Results) -> BTreeSet<&Machine> {
    results.cells.values().map(|cell| &cell.machine).collect()
}

fn goals(text: &mut String, groups: &[Group], results: &Results) {
    text.push_str("### Ratios, and what they must be\n\n");
    text.push_str("| work | figure | against | result (range of the rounds) | must | aim | reached |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for cell in groups.iter().flat_map(|group| &group.cells) {
        let measured = results.cells.get(&cell.name);
        for goal in &cell.goals {
            let answer = goal.answer(measured.map_or(&[], |measured| &measured.rounds));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                cell.title,
                subject(goal),
                against(goal, &answer),
                answer.value.map_or("–".into(), |value| print_value(value, goal)),
                print_bound(goal.must, goal),
                print_bound(goal.aim, goal),
                verdict(&answer, goal, measured),
            );
        }
    }
    text.push('\n');
}

fn subject(goal: &Goal) -> String {
    match goal.of {
        "gantry" => goal.figure.heading().to_string(),
        other => format!("{}, {other}", goal.figure.heading()),
    }
}

fn against(goal: &Goal, answer: &Answer) -> String {
    match (&goal.against, &answer.against) {
        (Against::Nothing, _) => "–".into(),
        (Against::One(name), _) => (*name).to_string(),
        (Against::Best(_), Some(best)) => format!("best registry ({best})"),
        (Against::Best(_), None) => "best registry".into(),
    }
}

fn print_value(value: Ratio, goal: &Goal) -> String {
    let sign = if goal.against == Against::Nothing { "" } else { " ×" };
    let (median, low, high) = (print_number(value.median), print_number(value.low), print_number(value.high));
    format!("**{median}**{sign} ({low}–{high})")
}

fn print_bound(bound: Option<Bound>, goal: &Goal) -> String {
    let sign = if goal.against == Against::Nothing { "" } else { " ×" };
    // `0.125` says more as `1/8`.
    let print = |value: f64| match value {
        _ if value > 0.0 && value < 0.5 && (1.0 / value).fract() < 1e-9 => format!("1/{}", 1.0 / value),
        _ => value.to_string(),
    };
    match bound {
        Some(Bound::AtLeast(least)) => format!("≥ {}{sign}", print(least)),
        Some(Bound::AtMost(most)) => format!("≤ {}{sign}", print(most)),
        None => "–".into(),
    }
}

fn verdict(answer: &Answer, goal: &Goal, measured: Option<&Measured>) -> &'static str {
    match (answer.verdict, measured, &goal.against) {
        (Verdict::Aim, _, _) => "aim",
        (Verdict::Must, _, _) => "must",
        // Only aimed at: it is no failure.
        (Verdict::Missed, _, _) if goal.must.is_none() => "not the aim",
        (Verdict::Missed, _, _) => "**no**",
        (Verdict::Unknown, Some(measured), Against::One(name)) if measured.absent.contains_key(*name) => "not at hand",
        (Verdict::Unknown, _, _) => "not measured",
    }
}

fn figures(text: &mut String, groups: &[Group], results: &Results) {
    text.push_str("### Figures\n\nMedians of the rounds.\n");
    let are_several = machines(results).len() > 1;
    for group in groups {
        let known: Vec<_> =
            group.cells.iter().filter_map(|cell| Some((cell, results.cells.get(&cell.name)?))).collect();
        if known.is_empty() {
            continue;
        }
        let samples = known.iter().flat_map(|(_, measured)| measured.rounds.iter().flat_map(|round| round.values()));
        let columns: Vec<Figure> =
            samples.flat_map(|sample| sample.keys().copied()).collect::<BTreeSet<_>>().into_iter().collect();
        let headings: String = columns.iter().map(|figure| format!(" {} |", figure.heading())).collect();
        let _ = writeln!(
            text,
            "\n#### {}\n\n| work | measured | server |{headings}\n|---|---|---|{}",
            group.about,
            "---:|".repeat(columns.len())
        );
        let mut notes = BTreeSet::new();
        for (cell, measured) in known {
            rows(text, cell, measured, &columns, are_several);
            notes.extend(measured.notes.iter().map(|(name, note)| format!("{name}: {note}")));
        }
        if !notes.is_empty() {
            text.push('\n');
        }
        for note in notes {
            let _ = writeln!(text, "- {note}");
        }
    }
}

/// A row for each contender; with the machine, where not all cells were measured on the same.
fn rows(text: &mut String, cell: &Cell, measured: &Measured, columns: &[Figure], are_several: bool) {
    let machine = if are_several { format!(", {}", measured.machine.model) } else { String::new() };
    for contender in &cell.contenders {
        let (date, rounds) = (&measured.date, measured.rounds.len());
        let _ = write!(text, "| {} | {date}, {rounds} rounds{machine} | {contender} |", cell.title);
        match measured.absent.get(*contender) {
            Some(reason) => {
                let _ = write!(text, " {reason} |{}", " |".repeat(columns.len().saturating_sub(1)));
            }
            None => {
                for figure in columns {
                    let value = median_of(&measured.rounds, *figure, contender);
                    let _ = write!(text, " {} |", value.map_or("–".into(), |value| print_number(value.median)));
                }
            }
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests;
