use super::{digits, semantic};
use std::cmp::Ordering;

/// Up to four numbers, and the identifiers of a prerelease; what stands behind `+` says nothing.
struct Version {
    numbers: Vec<String>,
    prerelease: Vec<String>,
}

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (read(left)?, read(right)?);
    let number = |version: &Version, at: usize| version.numbers.get(at).cloned().unwrap_or_default();
    let by_numbers =
        (0..4).map(|at| digits::order(&number(&left, at), &number(&right, at))).find(|found| found.is_ne());
    Some(by_numbers.unwrap_or_else(|| prereleases(&left.prerelease, &right.prerelease)))
}

fn read(text: &str) -> Option<Version> {
    let lower = text.trim().trim_start_matches(['v', 'V']).to_ascii_lowercase();
    let text = lower.split('+').next()?;
    let (core, prerelease) = text.split_once('-').map_or((text, None), |(core, rest)| (core, Some(rest)));
    let numbers: Vec<String> = core.split('.').map(String::from).collect();
    let is_number = |part: &String| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_identifier =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_one = numbers.len() <= 4
        && numbers.iter().all(is_number)
        && prerelease.is_none_or(|prerelease| prerelease.split('.').all(is_identifier));
    let prerelease = prerelease.map(|text| text.split('.').map(String::from).collect()).unwrap_or_default();
    is_one.then_some(Version { numbers, prerelease })
}

/// SemVer 2.0.0, section 11.4; a release comes behind all of its prereleases.
fn prereleases(left: &[String], right: &[String]) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return left.is_empty().cmp(&right.is_empty());
    }
    let is_number = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
    let pairs = left.iter().zip(right).map(|(one, other)| match (is_number(one), is_number(other)) {
        (true, true) => digits::order(one, other),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => one.cmp(other),
    });
    pairs.into_iter().find(|found| found.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
}

/// Bytes that order as [`order`] does.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let version = read(text)?;
    let mut key = Vec::with_capacity(32);
    for at in 0..4 {
        digits::push(&mut key, version.numbers.get(at).map_or("", String::as_str))?;
    }
    semantic::push_prerelease(&mut key, version.prerelease.iter().map(String::as_str))?;
    Some(key)
}
