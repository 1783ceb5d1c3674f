use super::digits::{self, split_while};
use std::cmp::Ordering;

/// How far along a version is, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Dev,
    Alpha,
    Beta,
    Candidate,
    Stable,
    Patch,
}

/// Up to four numbers, how far along it is with the numbers of that, and whether it is a development of it.
struct Version<'a> {
    numbers: Vec<&'a str>,
    stability: Stability,
    further: Vec<&'a str>,
    is_dev: bool,
}

/// Branches (`dev-main`, `1.x-dev`) are not ordered.
pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let [left, right] = [left, right].map(|text| text.trim().to_ascii_lowercase());
    let (left, right) = (read(&left)?, read(&right)?);
    let by_numbers = rows(&left.numbers, &right.numbers);
    let by_stability = || stability(&left).cmp(&stability(&right));
    let by_further = || rows(&left.further, &right.further);
    Some(by_numbers.then_with(by_stability).then_with(by_further).then_with(|| right.is_dev.cmp(&left.is_dev)))
}

fn stability(version: &Version) -> Stability {
    match (version.stability, version.is_dev) {
        (Stability::Stable, true) => Stability::Dev,
        (stability, _) => stability,
    }
}

fn rows(left: &[&str], right: &[&str]) -> Ordering {
    let at = |row: &[&str], place: usize| row.get(place).map_or(String::new(), ToString::to_string);
    let places = 0..left.len().max(right.len());
    places
        .map(|place| digits::order(&at(left, place), &at(right, place)))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn read(text: &str) -> Option<Version<'_>> {
    let text = text.split([' ', '+', '#']).next()?;
    let text = text.strip_prefix('v').unwrap_or(text);
    let (first, mut rest) = split_while(text, |c| c.is_ascii_digit());
    let mut numbers = vec![Some(first).filter(|number| !number.is_empty())?];
    while let Some(number) = next_number(&mut rest, &['.']) {
        numbers.push(number);
    }
    if numbers.len() > 4 {
        return None;
    }
    let (rest, is_dev) = match rest.strip_suffix("dev") {
        Some(before) => (before.trim_end_matches(['.', '-', '_']), true),
        None => (rest, false),
    };
    let word_and_on = rest.trim_start_matches(['.', '-', '_']);
    let (word, mut on) = split_while(word_and_on, |c| c.is_ascii_lowercase());
    let stability = match word {
        "" | "stable" => Stability::Stable,
        "a" | "alpha" => Stability::Alpha,
        "b" | "beta" => Stability::Beta,
        "rc" => Stability::Candidate,
        "p" | "pl" | "patch" => Stability::Patch,
        _ => return None,
    };
    let mut further = Vec::new();
    let (joined, after) = split_while(on, |c| c.is_ascii_digit());
    if !joined.is_empty() {
        further.push(joined);
        on = after;
    }
    while let Some(number) = next_number(&mut on, &['.', '-']) {
        further.push(number);
    }
    let is_one = on.is_empty() && (stability != Stability::Stable || further.is_empty());
    is_one.then_some(Version { numbers, stability, further, is_dev })
}

/// Takes a mark and the number behind it.
fn next_number<'a>(rest: &mut &'a str, marks: &[char]) -> Option<&'a str> {
    let after = rest.strip_prefix(marks)?;
    let (number, on) = split_while(after, |c| c.is_ascii_digit());
    if number.is_empty() {
        return None;
    }
    *rest = on;
    Some(number)
}

/// Bytes that order as [`order`] does.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().to_ascii_lowercase();
    let version = read(&text)?;
    let mut key = Vec::with_capacity(32);
    for at in 0..4 {
        digits::push(&mut key, version.numbers.get(at).copied().unwrap_or_default())?;
    }
    key.push(stability(&version) as u8);
    let is_zero = |number: &&&str| digits::order(number, "").is_eq();
    let further = version.further.len() - version.further.iter().rev().take_while(is_zero).count();
    for number in version.further.iter().take(further) {
        key.push(1);
        digits::push(&mut key, number)?;
    }
    key.extend([0, u8::from(!version.is_dev)]);
    Some(key)
}
