//! Numbers of any length, as their digits.

use std::cmp::Ordering;

/// Orders two rows of ASCII digits by their value; an empty one is 0.
pub(super) fn order(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Cuts a text behind the characters of its beginning that `is_of_it`.
pub(super) fn split_while(text: &str, is_of_it: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c: char| !is_of_it(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// Appends a number, so that the bytes order as [`order`] does; `None` where it is longer than 255 digits.
pub(super) fn push(key: &mut Vec<u8>, number: &str) -> Option<()> {
    let number = number.trim_start_matches('0');
    key.push(u8::try_from(number.len()).ok()?);
    key.extend_from_slice(number.as_bytes());
    Some(())
}
