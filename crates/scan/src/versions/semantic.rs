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
