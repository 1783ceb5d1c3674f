use super::digits;
use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Number(String),
    Qualifier(String),
}

/// What stands before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Hyphen,
    Dot,
}

/// The qualifiers that have a place of their own; others come behind them, by the alphabet.
const QUALIFIERS: &[&str] = &["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

pub(super) fn order(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (read(left)?, read(right)?);
    for at in 0..left.len().max(right.len()) {
        let ordering = match (left.get(at), right.get(at)) {
            (Some(one), Some(other)) => tokens(one, other),
            (Some((_, one)), None) => against_nothing(one),
            (None, Some((_, other))) => against_nothing(other).reverse(),
            (None, None) => Ordering::Equal,
        };
        if ordering.is_ne() {
            return Some(ordering);
        }
    }
    Some(Ordering::Equal)
}

/// `.qualifier` = `-qualifier` < `-number` < `.number`.
fn tokens((left_mark, left): &(Mark, Token), (right_mark, right): &(Mark, Token)) -> Ordering {
    match (left, right) {
        (Token::Qualifier(left), Token::Qualifier(right)) => place(left).cmp(&place(right)),
        (Token::Qualifier(_), Token::Number(_)) => Ordering::Less,
        (Token::Number(_), Token::Qualifier(_)) => Ordering::Greater,
        (Token::Number(left), Token::Number(right)) => {
            left_mark.cmp(right_mark).then_with(|| digits::order(left, right))
        }
    }
}

fn against_nothing(token: &Token) -> Ordering {
    match token {
        Token::Number(number) => digits::order(number, ""),
        Token::Qualifier(qualifier) => place(qualifier).cmp(&place("")),
    }
}

fn place(qualifier: &str) -> (usize, &str) {
    match QUALIFIERS.iter().position(|known| *known == qualifier) {
        Some(place) => (place, ""),
        None => (QUALIFIERS.len(), qualifier),
    }
}

fn read(text: &str) -> Option<Vec<(Mark, Token)>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut rows = split(&text.to_ascii_lowercase());
    let mut found = Vec::with_capacity(rows.len());
    for at in 0..rows.len() {
        let is_before_number = rows.get(at + 1).is_some_and(|(_, next, is_joined)| *is_joined && is_number(next));
        let (mark, row, _) = std::mem::replace(&mut rows[at], (Mark::Dot, String::new(), false));
        found.push((mark, token(row, is_before_number)));
    }
    Some(trim(found))
}

/// Cuts at `.`, `-` and `_`, and where digits and others meet; says of each row too whether it stands right behind the one
/// before.
fn split(text: &str) -> Vec<(Mark, String, bool)> {
    let mut rows = vec![(Mark::Dot, String::new(), false)];
    for c in text.chars() {
        match (c, rows.last_mut()) {
            ('.', _) => rows.push((Mark::Dot, String::new(), false)),
            ('-' | '_', _) => rows.push((Mark::Hyphen, String::new(), false)),
            (c, Some((_, row, _)))
                if row.is_empty() || row.ends_with(|last: char| last.is_ascii_digit()) == c.is_ascii_digit() =>
            {
                row.push(c);
            }
            (c, _) => rows.push((Mark::Hyphen, c.to_string(), true)),
        }
    }
    rows
}

fn is_number(row: &str) -> bool {
    row.bytes().all(|byte| byte.is_ascii_digit())
}

fn token(row: String, is_before_number: bool) -> Token {
    if is_number(&row) {
        return Token::Number(row);
    }
    Token::Qualifier(match row.as_str() {
        "a" if is_before_number => "alpha".into(),
        "b" if is_before_number => "beta".into(),
        "m" if is_before_number => "milestone".into(),
        "cr" => "rc".into(),
        "ga" | "final" | "release" => String::new(),
        _ => row,
    })
}

/// Takes out what says nothing (0 and the like) at the end, before each hyphen and before each qualifier.
fn trim(tokens: Vec<(Mark, Token)>) -> Vec<(Mark, Token)> {
    let mut kept: Vec<(Mark, Token)> = Vec::with_capacity(tokens.len());
    let is_nothing = |(_, token): &(Mark, Token)| against_nothing(token).is_eq();
    for (mark, token) in tokens {
        if mark == Mark::Hyphen || matches!(token, Token::Qualifier(_)) {
            while kept.len() > 1 && kept.last().is_some_and(is_nothing) {
                kept.pop();
            }
        }
        kept.push((mark, token));
    }
    while kept.len() > 1 && kept.last().is_some_and(is_nothing) {
        kept.pop();
    }
    kept
}

/// Bytes that order as [`order`] does. A 0 that is not trimmed has a number behind it, so that it is more than the end.
pub(super) fn key(text: &str) -> Option<Vec<u8>> {
    let end = u8::try_from(place("").0).ok()?;
    let mut key = Vec::with_capacity(32);
    for (mark, token) in read(text)? {
        match token {
            Token::Qualifier(qualifier) => {
                let (place, unknown) = place(&qualifier);
                key.push(u8::try_from(place).ok()?);
                if place == QUALIFIERS.len() {
                    key.extend_from_slice(unknown.as_bytes());
                    key.push(0);
                }
            }
            Token::Number(number) => {
                key.push(if mark == Mark::Hyphen { u8::MAX - 1 } else { u8::MAX });
                digits::push(&mut key, &number)?;
            }
        }
    }
    key.push(end);
    Some(key)
}
