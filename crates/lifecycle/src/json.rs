//! JSON as it stands in a policy's text, each value with its place, so that a refusal can name it.
//!
//! serde_json refuses trailing bytes, control characters, lone surrogates and more than 128 levels; the text's own limit
//! bounds the rest. A name that stands twice in an object, and one that is not known, are refused here.

use crate::PolicyError;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};

/// A JSON value. Objects keep their members as they stand, repeated ones too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number with a fraction or an exponent, or beyond 64 bits.
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// Reads one JSON text.
pub(crate) fn read(text: &str) -> Result<Value, PolicyError> {
    serde_json::from_str(text).map_err(|error| PolicyError::Json { problem: error.to_string() })
}

impl Value {
    /// Says what it is, in words for a refusal.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::Null => "null".into(),
            Value::Boolean(value) => value.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => format!("{number:?}"),
            Value::Text(text) => format!("the text {:?}", cut(text)),
            Value::List(_) => "a list".into(),
            Value::Object(_) => "an object".into(),
        }
    }
}

/// Cuts a text to what a refusal can repeat.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

/// An object and where it stands.
pub(crate) struct Object<'v> {
    members: &'v [(String, Value)],
    place: String,
}

impl<'v> Object<'v> {
    /// Takes a value as an object with members of no other names than `known`.
    pub(crate) fn open(value: &'v Value, place: &str, known: &'static [&'static str]) -> Result<Self, PolicyError> {
        let Value::Object(members) = value else {
            return Err(PolicyError::Shape { place: place.into(), expected: "an object", found: value.describe() });
        };
        let object = Object { members, place: place.into() };
        for (at, (name, _)) in members.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(PolicyError::Unknown { place: object.place_of(&cut(name)), known });
            }
            if members[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(PolicyError::Repeated { place: object.place_of(name) });
            }
        }
        Ok(object)
    }

    /// Returns where a member stands: `rule 1: selection.countNumber`.
    pub(crate) fn place_of(&self, name: &str) -> String {
        match self.place.as_str() {
            "" => name.into(),
            place if place.contains(':') => format!("{place}.{name}"),
            place => format!("{place}: {name}"),
        }
    }

    /// Returns a member, be it `null`.
    pub(crate) fn find(&self, name: &str) -> Option<&'v Value> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }

    /// Returns a member that must be there; `remedy` says what to write.
    pub(crate) fn load(&self, name: &str, remedy: &'static str) -> Result<&'v Value, PolicyError> {
        self.find(name).ok_or_else(|| PolicyError::Missing { place: self.place_of(name), remedy })
    }

    /// Returns a member that is a text, where it is there.
    pub(crate) fn find_text(&self, name: &str) -> Result<Option<&'v str>, PolicyError> {
        match self.find(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.is_not(name, "a text", other)),
        }
    }

    /// Returns a member that is one of some words.
    pub(crate) fn load_word<T: Copy>(
        &self,
        name: &str,
        remedy: &'static str,
        words: &'static [(&'static str, T)],
    ) -> Result<T, PolicyError> {
        self.load(name, remedy)?;
        Ok(self.find_word(name, words)?.expect("the member is there"))
    }

    /// Returns a member that is one of some words, where it is there.
    pub(crate) fn find_word<T: Copy>(
        &self,
        name: &str,
        words: &'static [(&'static str, T)],
    ) -> Result<Option<T>, PolicyError> {
        let Some(found) = self.find_text(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == found) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => Err(PolicyError::Word {
                place: self.place_of(name),
                found: cut(found).into(),
                words: words.iter().map(|(word, _)| *word).collect(),
            }),
        }
    }

    /// Returns a member that is a whole number from 1 on; ECR counts in 32 bits.
    pub(crate) fn load_count(&self, name: &str, remedy: &'static str) -> Result<u32, PolicyError> {
        let value = self.load(name, remedy)?;
        match value {
            Value::Integer(number @ 1..=COUNT_MAX) => Ok(u32::try_from(*number).expect("31 bits fit")),
            other => Err(self.is_not(name, "a whole number from 1 to 2147483647", other)),
        }
    }

    /// Returns the items of a member that is a list of texts, where it is there.
    pub(crate) fn find_texts(&self, name: &str) -> Result<Vec<&'v str>, PolicyError> {
        let items = match self.find(name) {
            None => return Ok(vec![]),
            Some(Value::List(items)) => items,
            Some(other) => return Err(self.is_not(name, "a list of texts", other)),
        };
        let text = |(at, item): (usize, &'v Value)| match item {
            Value::Text(text) => Ok(text.as_str()),
            other => Err(self.is_not(&format!("{name}[{at}]"), "a text", other)),
        };
        items.iter().enumerate().map(text).collect()
    }

    fn is_not(&self, name: &str, expected: &'static str, found: &Value) -> PolicyError {
        PolicyError::Shape { place: self.place_of(name), expected, found: found.describe() }
    }
}

/// The largest priority and count: what fits a Java `int`, as ECR takes them.
const COUNT_MAX: i64 = i32::MAX as i64;

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Number(number as f64), Value::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Value::Object(object))
    }
}
