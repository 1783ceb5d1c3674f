//! What language sources say of versions: `>=4.0.0, <4.17.21`, `~> 1.2.3`, `=1.0`, `[1.0,2.0)`; alternatives are several texts, or
//! one with `||`.

use std::cmp::Ordering;

use crate::{Range, Until, VersionScheme};

/// Reads which versions are affected, one or more alternatives.
///
/// What is above a version (`>1.0`) is taken as from it on, and what is exactly one version as a range that ends with it: one
/// version too many is better than one too few.
pub(super) fn ranges(texts: &[String]) -> Result<Vec<Range>, String> {
    let alternatives = texts.iter().flat_map(|text| text.split("||")).map(str::trim);
    alternatives.filter(|text| !text.is_empty()).map(range).collect()
}

/// Reads which versions are not affected, and returns the ranges between them.
pub(super) fn outside(texts: &[String], versions: VersionScheme) -> Result<Vec<Range>, String> {
    let mut safe = ranges(texts)?;
    // Asked before sorting, which needs an order of all.
    if let Some(wrong) =
        safe.iter().filter_map(|range| range.from.as_ref()).find(|from| versions.order(from, from).is_none())
    {
        return Err(format!("`{wrong}` is no version"));
    }
    safe.sort_by(|a, b| match (&a.from, &b.from) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => versions.order(a, b).unwrap_or(Ordering::Equal),
    });
    let mut affected = Vec::new();
    let mut from = Some(None);
    for range in safe {
        let Some(open) = from.take() else { break };
        if let Some(start) = &range.from
            && is_before(open.as_ref(), start, versions)?
        {
            affected.push(Range { from: open.clone(), until: Until::Fixed(start.clone()) });
        }
        from = match range.until {
            Until::Open => None,
            Until::Fixed(end) | Until::Last(end) if is_before(open.as_ref(), &end, versions)? => Some(Some(end)),
            Until::Fixed(_) | Until::Last(_) => Some(open),
        };
    }
    if let Some(from) = from {
        affected.push(Range { from, until: Until::Open });
    }
    Ok(affected)
}

/// Tells whether a version comes before another; none is the very first.
fn is_before(left: Option<&String>, right: &str, versions: VersionScheme) -> Result<bool, String> {
    let Some(left) = left else { return Ok(true) };
    let order = versions.order(left, right).ok_or_else(|| format!("`{left}` and `{right}` cannot be compared"))?;
    Ok(order == Ordering::Less)
}

fn range(text: &str) -> Result<Range, String> {
    if text.starts_with(['[', '(']) {
        return interval(text);
    }
    let mut range = Range::default();
    for (operator, version) in comparisons(text)? {
        let version = version.to_owned();
        match operator {
            ">=" | ">" => range.from = Some(version).filter(|version| !is_zero(version)),
            "<" => range.until = Until::Fixed(version),
            "<=" => range.until = Until::Last(version),
            "=" | "==" | "" => range = Range { from: Some(version.clone()), until: Until::Last(version) },
            "~>" => range = pessimistic(&version)?,
            other => return Err(format!("`{text}`: `{other}` is not known")),
        }
    }
    Ok(range)
}

/// From version `0` on is from the very first on.
fn is_zero(version: &str) -> bool {
    matches!(version, "0" | "0.0" | "0.0.0" | "0.0.0-0")
}

/// Splits `>= 1.2, <2` (or without the comma) into operators and versions.
fn comparisons(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let is_operator = |one: char| "<>=~!^".contains(one);
    let mut comparisons = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let version_at = rest.find(|one| !is_operator(one)).ok_or_else(|| format!("`{text}` ends with an operator"))?;
        let (operator, behind) = rest.split_at(version_at);
        let behind = behind.trim_start();
        let end =
            behind.find(|one: char| one == ',' || one.is_whitespace() || is_operator(one)).unwrap_or(behind.len());
        let (version, behind) = behind.split_at(end);
        if version.is_empty() {
            return Err(format!("`{text}` lacks a version"));
        }
        comparisons.push((operator, version));
        rest = behind.trim_start_matches(|one: char| one == ',' || one.is_whitespace());
    }
    Ok(comparisons)
}

/// `~> 1.2.3` is `>= 1.2.3, < 1.3` (RubyGems guides, Pessimistic version constraint).
fn pessimistic(version: &str) -> Result<Range, String> {
    let mut numbers: Vec<&str> =
        version.split('.').take_while(|part| part.bytes().all(|b| b.is_ascii_digit())).collect();
    if numbers.len() > 1 {
        numbers.pop();
    }
    let last = numbers.pop().and_then(|last| last.parse::<u64>().ok()).and_then(|last| last.checked_add(1));
    let last = last.ok_or_else(|| format!("`~> {version}` has no number to raise"))?.to_string();
    let end = numbers.into_iter().map(str::to_owned).chain([last]).collect::<Vec<_>>().join(".");
    Ok(Range { from: Some(version.to_owned()), until: Until::Fixed(end) })
}

/// Maven's and NuGet's way: `[1.0,2.0)`, `(,1.5]`, `[1.0]`.
fn interval(text: &str) -> Result<Range, String> {
    let wrong = || format!("`{text}` is no interval");
    let inner = text.get(1..text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let is_inclusive = match text.chars().next_back() {
        Some(']') => true,
        Some(')') => false,
        _ => return Err(wrong()),
    };
    let (from, until) = match inner.split_once(',') {
        Some((from, until)) if !until.contains(',') => (from.trim(), until.trim()),
        Some(_) => return Err(wrong()),
        None => (inner.trim(), inner.trim()),
    };
    let version = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let until = match (version(until), is_inclusive) {
        (None, _) => Until::Open,
        (Some(until), true) => Until::Last(until),
        (Some(until), false) => Until::Fixed(until),
    };
    Ok(Range { from: version(from).filter(|version| !is_zero(version)), until })
}
