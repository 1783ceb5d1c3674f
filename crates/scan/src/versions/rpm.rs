use super::digits::{self, split_while};
use std::cmp::Ordering;

/// A version without a release comes before all of its releases.
pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let [(left_epoch, left), (right_epoch, right)] = [read(left)?, read(right)?];
    let [(left, left_release), (right, right_release)] = [left, right].map(|text| match text.rsplit_once('-') {
        Some((version, release)) => (version, release),
        None => (text, ""),
    });
    let by_version = digits::order(left_epoch, right_epoch).then_with(|| part(left, right));
    Some(by_version.then_with(|| part(left_release, right_release)))
}

fn read(text: &str) -> Option<(&str, &str)> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let is_one = epoch.bytes().all(|byte| byte.is_ascii_digit())
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then_some((epoch, rest))
}

/// As `rpmvercmp`: rows of digits or of letters, all else only parts them; `~` comes before the end, `^` behind it.
fn part(mut left: &str, mut right: &str) -> Ordering {
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || c == '~' || c == '^';
    loop {
        left = left.trim_start_matches(|c| !is_of_it(c));
        right = right.trim_start_matches(|c| !is_of_it(c));
        match (left.strip_prefix('~'), right.strip_prefix('~')) {
            (Some(after_left), Some(after_right)) => {
                (left, right) = (after_left, after_right);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => (),
        }
        match (left.strip_prefix('^'), right.strip_prefix('^')) {
            (Some(after_left), Some(after_right)) => {
                (left, right) = (after_left, after_right);
                continue;
            }
            (Some(_), None) => return if right.is_empty() { Ordering::Greater } else { Ordering::Less },
            (None, Some(_)) => return if left.is_empty() { Ordering::Less } else { Ordering::Greater },
            (None, None) => (),
        }
        if left.is_empty() || right.is_empty() {
            return left.len().min(1).cmp(&right.len().min(1));
        }
        let is_number = left.starts_with(|c: char| c.is_ascii_digit());
        let kind = |c: char| if is_number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
        let (left_row, left_rest) = split_while(left, kind);
        let (right_row, right_rest) = split_while(right, kind);
        let ordering = match (is_number, right_row.is_empty()) {
            // A number is newer than letters.
            (true, true) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (true, false) => digits::order(left_row, right_row),
            (false, false) => left_row.cmp(right_row),
        };
        if ordering.is_ne() {
            return ordering;
        }
        (left, right) = (left_rest, right_rest);
    }
}

/// Bytes that order as [`order`] does.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let (epoch, rest) = read(text)?;
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let mut key = Vec::with_capacity(text.len() * 2);
    digits::push(&mut key, epoch)?;
    push_part(&mut key, version)?;
    push_part(&mut key, release)?;
    Some(key)
}

/// `~` (1) comes before the end (2), behind which come `^`, letters and numbers (3, 4, 5).
fn push_part(key: &mut Vec<u8>, mut part: &str) -> Option<()> {
    loop {
        part = part.trim_start_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '~' || c == '^'));
        let Some(first) = part.chars().next() else {
            key.push(2);
            return Some(());
        };
        let is_of_row = |c: char| match first {
            '~' | '^' => false,
            _ if first.is_ascii_digit() => c.is_ascii_digit(),
            _ => c.is_ascii_alphabetic(),
        };
        let (row, rest) = split_while(part, is_of_row);
        match first {
            '~' => key.push(1),
            '^' => key.push(3),
            _ if first.is_ascii_digit() => {
                key.push(5);
                digits::push(key, row)?;
            }
            _ => {
                key.push(4);
                key.extend_from_slice(row.as_bytes());
                key.push(0);
            }
        }
        part = if row.is_empty() { part.get(1..)? } else { rest };
    }
}
