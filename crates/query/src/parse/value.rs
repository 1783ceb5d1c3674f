use crate::{
    field::{Field, Kind},
    moment::{Compare, Moment},
    pattern::Pattern,
    term::Test,
};
use gantry_words::ByteCount;

/// Why a value is none of its field.
pub(super) enum Wrong {
    /// The field is not compared so.
    Operator,
    /// The field has no such values: a sentence.
    Value(String),
}

/// Reads the value of a field.
pub(super) fn test(field: Field, operator: &'static str, value: &str) -> Result<Test, Wrong> {
    let compare = match operator {
        "<" => Compare::Less,
        "<=" => Compare::AtMost,
        ">" => Compare::More,
        ">=" => Compare::AtLeast,
        _ => Compare::Is,
    };
    let is_ordered = matches!(field.kind(), Kind::Moment | Kind::Size);
    if compare != Compare::Is && !is_ordered {
        return Err(Wrong::Operator);
    }
    let is_literal = operator == "=";
    match field.kind() {
        Kind::Text => Ok(Test::Text(Pattern { text: value.into(), is_literal })),
        Kind::Digest => digest(value),
        Kind::Pair => pair(field, value, is_literal),
        Kind::Moment => moment(field, compare, value),
        Kind::Size => {
            let size: ByteCount =
                value.parse().map_err(|error: gantry_words::ByteCountError| Wrong::Value(error.to_string()))?;
            Ok(Test::Size(compare, size))
        }
        Kind::Words(words) => {
            let known = words.iter().copied().find(|word| word.eq_ignore_ascii_case(value));
            known.map(Test::Word).ok_or_else(|| Wrong::Value(format!("{value:?} is none of {}", words.join(", "))))
        }
        // A flag before an operator is refused before its value is read.
        Kind::Flag => Err(Wrong::Operator),
    }
}

fn digest(value: &str) -> Result<Test, Wrong> {
    // Those who come from other fields write it, and it changes nothing.
    let begins = value.trim_end_matches('*').to_ascii_lowercase();
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_algorithm = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+._-".contains(&byte))
    };
    match begins.split_once(':') {
        Some((algorithm, hash)) if is_algorithm(algorithm) && is_hex(hash) => Ok(Test::Begins(begins)),
        None if !begins.is_empty() && is_hex(&begins) => Ok(Test::Begins(format!("sha256:{begins}"))),
        _ => Err(Wrong::Value(format!("no digest begins with {value:?}; write digest:sha256:4f1e or digest:4f1e"))),
    }
}

fn pair(field: Field, value: &str, is_literal: bool) -> Result<Test, Wrong> {
    let (key, value) = value.split_once('=').map_or((value, None), |(key, value)| (key, Some(value)));
    if key.is_empty() {
        let name = field.name();
        return Err(Wrong::Value(format!(
            "the name of the {name} is missing before its value, as in {name}:NAME=VALUE"
        )));
    }
    let value = value.map(|text| Pattern { text: text.into(), is_literal });
    Ok(Test::Pair { key: key.into(), value, is_literal })
}

fn moment(field: Field, compare: Compare, value: &str) -> Result<Test, Wrong> {
    let may_be_never = matches!(field, Field::Tagged | Field::Pulled);
    if may_be_never && compare == Compare::Is && value.eq_ignore_ascii_case("never") {
        return Ok(Test::Never);
    }
    let moment = Moment::parse(value).map_err(Wrong::Value)?;
    if compare == Compare::Is && !matches!(moment, Moment::Day(_)) {
        let name = field.name();
        let sentence = format!(
            "nothing happens at one moment; write {name}<{value} for before it, or {name}>{value} for after it"
        );
        return Err(Wrong::Value(sentence));
    }
    Ok(Test::Moment(compare, moment))
}
