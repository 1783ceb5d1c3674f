use super::digits;
use semver::Version;
use std::cmp::Ordering;

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    Some(read(left)?.cmp_precedence(&read(right)?))
}

/// Modules have a `v` before, the standard library `go`, and candidates of it no point: `go1.22rc1`.
pub(super) fn order_go(left: &str, right: &str) -> Option<Ordering> {
    Some(read_go(left)?.cmp_precedence(&read_go(right)?))
}

/// Advisories write `0` and `1.0` too, and tags a `v` before.
fn read(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches(['v', '=']);
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(core_end);
    let missing = 3_usize.checked_sub(core.split('.').count())?;
    Version::parse(&format!("{core}{}{rest}", ".0".repeat(missing))).ok()
}

fn read_go(text: &str) -> Option<Version> {
    let Some(of_toolchain) = text.strip_prefix("go") else { return read(text) };
    match of_toolchain.find(|c: char| c.is_ascii_lowercase()) {
        Some(at) if !of_toolchain[..at].contains('-') => {
            read(&format!("{}-{}", &of_toolchain[..at], &of_toolchain[at..]))
        }
        _ => read(of_toolchain),
    }
}

/// Bytes that order as [`order`] does.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    push(&read(text)?)
}

/// Bytes that order as [`order_go`] does.
pub(super) fn key_go(text: &str) -> Option<Vec<u8>> {
    push(&read_go(text)?)
}

fn push(version: &Version) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(32);
    for number in [version.major, version.minor, version.patch] {
        digits::push(&mut key, &number.to_string())?;
    }
    push_prerelease(&mut key, version.pre.split('.').filter(|identifier| !identifier.is_empty()))?;
    Some(key)
}

/// A release comes behind all of its prereleases, a number before letters, fewer identifiers before more.
pub(super) fn push_prerelease<'a>(key: &mut Vec<u8>, identifiers: impl Iterator<Item = &'a str>) -> Option<()> {
    let before = key.len();
    for identifier in identifiers {
        if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
            key.push(1);
            digits::push(key, identifier)?;
        } else {
            key.push(2);
            key.extend_from_slice(identifier.as_bytes());
            key.push(0);
        }
    }
    key.push(if key.len() == before { u8::MAX } else { 0 });
    Some(())
}
