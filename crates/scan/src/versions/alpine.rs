use super::digits::{self, split_while};
use std::cmp::Ordering;

/// What a version consists of, in this order: what comes earlier in this list makes a version newer where the other one has
/// something else, or nothing, in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    First,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Commit,
    Revision,
    End,
}

/// Suffixes before a release, then behind it.
const SUFFIXES: &[&str] = &["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
const BEFORE_RELEASE: usize = 4;

type Token<'a> = (Kind, &'a str);

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (read(left)?, read(right)?);
    let end = &(Kind::End, "");
    for at in 0..left.len().max(right.len()) {
        let (one, other) = (left.get(at).unwrap_or(end), right.get(at).unwrap_or(end));
        let ordering = if one.0 == other.0 { same_kind(one, other) } else { other_kind(one, other) };
        if ordering.is_ne() {
            return Some(ordering);
        }
    }
    Some(Ordering::Equal)
}

fn same_kind((kind, left): &Token, (_, right): &Token) -> Ordering {
    match kind {
        // As digits behind a point: 1.1 is more than 1.09.
        Kind::Number if left.starts_with('0') || right.starts_with('0') => left.cmp(right),
        Kind::First | Kind::Number | Kind::SuffixNumber | Kind::Revision => digits::order(left, right),
        Kind::Suffix => place(left).cmp(&place(right)),
        Kind::Letter | Kind::Commit | Kind::End => left.cmp(right),
    }
}

fn other_kind(left: &Token, right: &Token) -> Ordering {
    let is_before = |(kind, text): &Token| *kind == Kind::Suffix && place(text) < BEFORE_RELEASE;
    match (is_before(left), is_before(right)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => right.0.cmp(&left.0),
    }
}

fn place(suffix: &str) -> usize {
    SUFFIXES.iter().position(|known| *known == suffix).unwrap_or(SUFFIXES.len())
}

/// `digits(.digits)*[a-z](_suffix[digits])*[~hash][-rdigits]`.
fn read(text: &str) -> Option<Vec<Token<'_>>> {
    let (first, mut rest) = split_while(text, |c| c.is_ascii_digit());
    let mut tokens = vec![(Kind::First, some(first)?)];
    while let Some(after) = rest.strip_prefix('.') {
        let (number, after) = split_while(after, |c| c.is_ascii_digit());
        tokens.push((Kind::Number, some(number)?));
        rest = after;
    }
    if rest.starts_with(|c: char| c.is_ascii_lowercase()) {
        let (letter, after) = rest.split_at(1);
        tokens.push((Kind::Letter, letter));
        rest = after;
    }
    while let Some(after) = rest.strip_prefix('_') {
        let (suffix, after) = split_while(after, |c| c.is_ascii_lowercase());
        tokens.push((Kind::Suffix, SUFFIXES.contains(&suffix).then_some(suffix)?));
        let (number, after) = split_while(after, |c| c.is_ascii_digit());
        tokens.extend(some(number).map(|number| (Kind::SuffixNumber, number)));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('~') {
        let (hash, after) = split_while(after, |c| c.is_ascii_hexdigit());
        tokens.push((Kind::Commit, some(hash)?));
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("-r") {
        let (number, after) = split_while(after, |c| c.is_ascii_digit());
        tokens.push((Kind::Revision, some(number)?));
        rest = after;
    }
    rest.is_empty().then_some(tokens)
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Bytes that order as [`order`] does: suffixes before a release come first, then what stands late in [`Kind`].
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(32);
    for token in read(text)?.iter().chain([&(Kind::End, "")]) {
        let (kind, text) = *token;
        let is_before = kind == Kind::Suffix && place(text) < BEFORE_RELEASE;
        key.push(if is_before { 0 } else { u8::MAX - kind as u8 });
        match kind {
            Kind::Number if text.starts_with('0') => {
                key.extend([0]);
                key.extend_from_slice(text.as_bytes());
                key.push(0);
            }
            Kind::Number => {
                key.push(1);
                digits::push(&mut key, text)?;
            }
            Kind::First | Kind::SuffixNumber | Kind::Revision => digits::push(&mut key, text)?,
            Kind::Suffix => key.push(u8::try_from(place(text)).ok()?),
            Kind::Letter | Kind::Commit | Kind::End => {
                key.extend_from_slice(text.as_bytes());
                key.push(0);
            }
        }
    }
    Some(key)
}
