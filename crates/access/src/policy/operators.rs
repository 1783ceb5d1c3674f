//! What condition operators compare, and how.

use super::Context;
use super::pattern::{ArnPattern, Pattern, Syntax, arn_parts};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_words::{Network, Timestamp};

/// An operator with the values of the policy: one of them is enough.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// `StringEquals`, `StringLike`.
    Text(Box<[Pattern]>),
    /// `StringEqualsIgnoreCase`, and `Bool`, whose values are the texts `true` and `false`.
    TextIgnoringCase(Box<[Pattern]>),
    /// `ArnEquals`, `ArnLike`: the same.
    Arn(Box<[ArnPattern]>),
    /// `NumericEquals` and its kin.
    Number(Comparison, Box<[f64]>),
    /// `DateEquals` and its kin, in milliseconds.
    Moment(Comparison, Box<[i64]>),
    /// `BinaryEquals`: bytes, in base64 where they are written.
    Binary(Box<[Box<[u8]>]>),
    /// `IpAddress`.
    Network(Box<[Network]>),
    /// `Null`: what it says where the key is absent, and where it is there.
    Null { absent: bool, present: bool },
}

/// How a value of the request must stand to that of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Compiles the operator `name` (without quantifier and `IfExists`), and says whether it is negated.
    ///
    /// # Errors
    /// The end of a sentence that begins with operator and key.
    pub(super) fn compile(name: &str, values: &[&str], variables: bool) -> Result<(Self, bool), String> {
        let plain = Syntax { wildcards: false, variables };
        let like = Syntax { wildcards: true, variables };
        let comparison = |rest: &str| Comparison::named(rest).ok_or_else(no_operator);
        Ok(match name {
            "StringEquals" => (Operator::Text(each(values, |text| Pattern::compile(text, plain))?), false),
            "StringNotEquals" => (Operator::Text(each(values, |text| Pattern::compile(text, plain))?), true),
            "StringLike" => (Operator::Text(each(values, |text| Pattern::compile(text, like))?), false),
            "StringNotLike" => (Operator::Text(each(values, |text| Pattern::compile(text, like))?), true),
            "StringEqualsIgnoreCase" => {
                (Operator::TextIgnoringCase(each(values, |text| Pattern::compile(text, plain))?), false)
            }
            "StringNotEqualsIgnoreCase" => {
                (Operator::TextIgnoringCase(each(values, |text| Pattern::compile(text, plain))?), true)
            }
            "Bool" => (Operator::TextIgnoringCase(each(values, |text| truth(text, plain))?), false),
            "ArnEquals" | "ArnLike" => (Operator::Arn(each(values, |text| arn(text, variables))?), false),
            "ArnNotEquals" | "ArnNotLike" => (Operator::Arn(each(values, |text| arn(text, variables))?), true),
            "BinaryEquals" => (Operator::Binary(each(values, |text| written(text, binary(text), "base64"))?), false),
            "IpAddress" => (Operator::Network(each(values, network)?), false),
            "NotIpAddress" => (Operator::Network(each(values, network)?), true),
            "Null" => {
                let asked = each(values, |text| match text {
                    _ if text.eq_ignore_ascii_case("true") => Ok(true),
                    _ if text.eq_ignore_ascii_case("false") => Ok(false),
                    _ => Err(format!("is neither \"true\" nor \"false\", but {text:?}")),
                })?;
                (Operator::Null { absent: asked.contains(&true), present: asked.contains(&false) }, false)
            }
            _ => match (name.strip_prefix("Numeric"), name.strip_prefix("Date")) {
                (Some(rest), _) => {
                    let (comparison, is_negated) = comparison(rest)?;
                    let values = each(values, |text| written(text, number(text), "a number"))?;
                    (Operator::Number(comparison, values), is_negated)
                }
                (None, Some(rest)) => {
                    let (comparison, is_negated) = comparison(rest)?;
                    let values = each(values, |text| {
                        written(text, moment(text), "a time, such as 2026-11-21T09:00:00Z, or seconds since 1970")
                    })?;
                    (Operator::Moment(comparison, values), is_negated)
                }
                (None, None) => return Err(no_operator()),
            },
        })
    }

    /// Says whether `value` matches one of the policy's values. What cannot be read matches none.
    pub(super) fn matches(&self, value: &str, context: &Context) -> bool {
        match self {
            Operator::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(value, context)),
            Operator::TextIgnoringCase(patterns) => {
                patterns.iter().any(|pattern| pattern.equals_ignoring_case(value, context))
            }
            Operator::Arn(patterns) => {
                let parts = arn_parts(value);
                patterns.iter().any(|pattern| pattern.matches(parts.as_ref(), context))
            }
            Operator::Number(comparison, wanted) => {
                number(value).is_some_and(|value| wanted.iter().any(|wanted| comparison.holds(&value, wanted)))
            }
            Operator::Moment(comparison, wanted) => {
                moment(value).is_some_and(|value| wanted.iter().any(|wanted| comparison.holds(&value, wanted)))
            }
            Operator::Binary(wanted) => {
                binary(value).is_some_and(|value| wanted.iter().any(|wanted| **wanted == *value))
            }
            Operator::Network(networks) => {
                value.parse().is_ok_and(|address| networks.iter().any(|network| network.contains(address)))
            }
            Operator::Null { present, .. } => *present,
        }
    }
}

impl Comparison {
    /// The comparison behind `Numeric` or `Date`, and whether it is negated.
    fn named(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Comparison::Equal, false),
            "NotEquals" => (Comparison::Equal, true),
            "LessThan" => (Comparison::Less, false),
            "LessThanEquals" => (Comparison::LessOrEqual, false),
            "GreaterThan" => (Comparison::Greater, false),
            "GreaterThanEquals" => (Comparison::GreaterOrEqual, false),
            _ => return None,
        })
    }

    fn holds<T: PartialOrd>(self, value: &T, wanted: &T) -> bool {
        match self {
            Comparison::Equal => value == wanted,
            Comparison::Less => value < wanted,
            Comparison::LessOrEqual => value <= wanted,
            Comparison::Greater => value > wanted,
            Comparison::GreaterOrEqual => value >= wanted,
        }
    }
}

fn each<T>(values: &[&str], compile: impl Fn(&str) -> Result<T, String>) -> Result<Box<[T]>, String> {
    values.iter().map(|text| compile(text)).collect()
}

fn no_operator() -> String {
    "is no operator of conditions, such as StringEquals, StringLike, ArnLike, IpAddress, Bool, NumericLessThan, Null"
        .into()
}

fn written<T>(text: &str, value: Option<T>, wanted: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("has the value {text:?}, which is not {wanted}"))
}

fn truth(text: &str, syntax: Syntax) -> Result<Pattern, String> {
    let pattern = Pattern::compile(text, syntax)?;
    let is_truth = ["true", "false"].iter().any(|truth| truth.eq_ignore_ascii_case(text));
    written(text, (is_truth || pattern.has_variable()).then_some(pattern), "\"true\" or \"false\"")
}

fn arn(text: &str, variables: bool) -> Result<ArnPattern, String> {
    written(text, ArnPattern::compile(text, variables)?, "an ARN, such as arn:aws:iam::*:role/ci-*")
}

fn network(text: &str) -> Result<Network, String> {
    written(text, text.parse().ok(), "an address or a network, such as 10.0.0.0/8")
}

fn binary(text: &str) -> Option<Box<[u8]>> {
    STANDARD.decode(text).ok().map(Vec::into_boxed_slice)
}

/// A decimal number; `inf` and `NaN` are none.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A moment as milliseconds: a date, a time of RFC 3339, or seconds since 1970.
fn moment(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1000);
    }
    let time: Result<Timestamp, _> = match text.len() {
        10 => format!("{text}T00:00:00Z").parse(),
        _ => text.parse(),
    };
    time.ok().map(Timestamp::millis)
}
