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
