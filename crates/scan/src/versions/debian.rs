use super::digits::{self, split_while};
use std::cmp::Ordering;

/// `[epoch:]upstream[-revision]` (deb-version(7)).
struct Version<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (read(left)?, read(right)?);
    let by_epoch = digits::order(left.epoch, right.epoch);
    Some(by_epoch.then_with(|| part(left.upstream, right.upstream)).then_with(|| part(left.revision, right.revision)))
}

fn read(text: &str) -> Option<Version<'_>> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let is_of_it = |c: char| c.is_ascii_alphanumeric() || ".+-~:".contains(c);
    let is_one = !epoch.is_empty()
        && epoch.bytes().all(|byte| byte.is_ascii_digit())
        && !upstream.is_empty()
        && rest.chars().all(is_of_it);
    is_one.then_some(Version { epoch, upstream, revision })
}

/// Rows of other characters and numbers by turns: letters before all else, `~` before even the end.
fn part<'a>(mut left: &'a str, mut right: &'a str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let [(left_text, left_rest), (right_text, right_rest)] =
            [left, right].map(|side| split_while(side, |c| !c.is_ascii_digit()));
        let ordering = other(left_text, right_text);
        let [(left_number, left_rest), (right_number, right_rest)] =
            [left_rest, right_rest].map(|side| split_while(side, |c| c.is_ascii_digit()));
        let ordering = ordering.then_with(|| digits::order(left_number, right_number));
        if ordering.is_ne() {
            return ordering;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn other(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => (0, 0),
        None => (1, 0),
        Some(letter) if letter.is_ascii_alphabetic() => (2, letter),
        Some(sign) => (3, sign),
    };
    let places = 0..left.len().max(right.len());
    places
        .map(|at| weight(left.as_bytes().get(at).copied()).cmp(&weight(right.as_bytes().get(at).copied())))
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Bytes that order as [`order`] does.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let version = read(text)?;
    let mut key = Vec::with_capacity(text.len() * 2);
    digits::push(&mut key, version.epoch)?;
    push_part(&mut key, version.upstream)?;
    push_part(&mut key, version.revision)?;
    Some(key)
}

/// Where a part ends an empty row stands, as `other` takes it; nothing at all is a row without text and number.
fn push_part(key: &mut Vec<u8>, mut part: &str) -> Option<()> {
    loop {
        let (text, rest) = split_while(part, |c| !c.is_ascii_digit());
        for byte in text.bytes() {
            key.push(match byte {
                b'~' => 1,
                letter if letter.is_ascii_alphabetic() => letter,
                // Behind all letters, the last of which is 122.
                sign => sign.saturating_add(128),
            });
        }
        key.push(END);
        let (number, rest) = split_while(rest, |c| c.is_ascii_digit());
        digits::push(key, number)?;
        part = rest;
        if part.is_empty() {
            key.push(END);
            return Some(());
        }
    }
}

/// Behind `~`, before all letters.
const END: u8 = 2;
