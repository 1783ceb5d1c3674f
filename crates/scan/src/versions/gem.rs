use super::digits::{self, split_while};
use std::cmp::Ordering;

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let [left, right] = [left, right].map(|text| text.trim().replace('-', ".pre."));
    let (left, right) = (read(&left)?, read(&right)?);
    for at in 0..left.len().max(right.len()) {
        let (one, other) = (left.get(at).copied().unwrap_or("0"), right.get(at).copied().unwrap_or("0"));
        let ordering = match (is_number(one), is_number(other)) {
            (true, true) => digits::order(one, other),
            // Letters make a prerelease.
            (false, true) => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, false) => one.cmp(other),
        };
        if ordering.is_ne() {
            return Some(ordering);
        }
    }
    Some(Ordering::Equal)
}

fn is_number(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// Rows of digits and of letters; zeros at the end, and before the first letters, are left out.
fn read(text: &str) -> Option<Vec<&str>> {
    let text = if text.is_empty() { "0" } else { text };
    let parts = || text.split('.');
    let is_one = text.starts_with(|c: char| c.is_ascii_digit())
        && parts()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+'));
    let mut segments: Vec<&str> = Vec::new();
    for part in parts().flat_map(|part| part.split('+')) {
        let mut rest = part;
        while !rest.is_empty() {
            let is_digit = rest.starts_with(|c: char| c.is_ascii_digit());
            let (row, after) = split_while(rest, |c| c.is_ascii_digit() == is_digit);
            if !is_digit && segments.iter().all(|segment| is_number(segment)) {
                drop_zeros(&mut segments);
            }
            segments.push(row);
            rest = after;
        }
    }
    drop_zeros(&mut segments);
    is_one.then_some(segments)
}

fn drop_zeros(segments: &mut Vec<&str>) {
    while segments.last().is_some_and(|last| is_number(last) && digits::order(last, "").is_eq()) {
        segments.pop();
    }
}

/// Bytes that order as [`order`] does: letters (1), a 0 before letters (2), the end (3), a 0 before a number (4), a number (5).
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().replace('-', ".pre.");
    let segments = read(&text)?;
    let is_zero = |segment: &str| is_number(segment) && digits::order(segment, "").is_eq();
    let mut key = Vec::with_capacity(32);
    for (at, segment) in segments.iter().copied().enumerate() {
        if is_zero(segment) {
            let next = segments.iter().skip(at).find(|next| !is_zero(next));
            key.push(if next.is_some_and(|next| is_number(next)) { 4 } else { 2 });
        } else if is_number(segment) {
            key.push(5);
            digits::push(&mut key, segment)?;
        } else {
            key.push(1);
            key.extend_from_slice(segment.as_bytes());
            key.push(0);
        }
    }
    key.push(3);
    Some(key)
}
