//! Strict JSON (RFC 8259, read as I-JSON, RFC 7493): what two parsers might read in two ways is refused.
//!
//! On top of serde_json, which refuses trailing bytes, control characters in texts, lone surrogates and numbers that do
//! not fit, come: no name twice in an object, at any depth; limits on depth and on the count of values; no NUL in a
//! text, since neither databases nor C keep one.

use crate::ManifestError;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt};

/// A JSON value, borrowed from its text wherever that holds no escape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Boolean,
    Unsigned(u64),
    Negative(i64),
    /// A number with a fraction or an exponent, or beyond 64 bits.
    Fraction(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// What may be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Lists and objects within each other; one that holds none counts 1.
    pub(crate) depth_max: usize,
    /// Values of all kinds, at every depth. A value takes ten times the memory of its shortest text.
    pub(crate) values_max: usize,
}

/// Reads one JSON text with nothing after it but white space.
pub(crate) fn read(text: &str, limits: Limits) -> Result<Value<'_>, ManifestError> {
    let mut reading = Reading { limits, values: 0, refusal: None, steps: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Seed { reading: &mut reading, depth: 0 }.deserialize(&mut deserializer);
    let checked = read.and_then(|value| deserializer.end().map(|()| value));
    checked.map_err(|error| match reading.refusal.take() {
        Some(refusal) => reading.explain(refusal),
        None => ManifestError::Json { problem: error.to_string() },
    })
}

struct Reading {
    limits: Limits,
    values: usize,
    /// Why reading stopped, unless serde_json stopped it. serde's errors carry texts only.
    refusal: Option<Refusal>,
    /// Where it stopped: collected on the way out, innermost first, so that reading on costs nothing.
    steps: Vec<Step>,
}

enum Refusal {
    Repeated,
    Nul,
    Deep,
    Many,
}

enum Step {
    Member(String),
    Item(usize),
}

impl Reading {
    fn refuse<E: Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }

    fn explain(&self, refusal: Refusal) -> ManifestError {
        let mut place = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Member(name) => write_member(&mut place, name),
                Step::Item(at) => write_item(&mut place, *at),
            }
        }
        let place = place_or_root(place);
        match refusal {
            Refusal::Repeated => ManifestError::Repeated { place },
            Refusal::Nul => ManifestError::Nul { place },
            Refusal::Deep => ManifestError::TooDeep { place, depth_max: self.limits.depth_max },
            Refusal::Many => ManifestError::TooManyValues { values_max: self.limits.values_max },
        }
    }
}

/// Writes `.name`, or `["name"]` where the name would not read well bare.
pub(crate) fn write_member(place: &mut String, name: &str) {
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_word && name.len() <= 60 {
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(name);
    } else {
        let short: String = name.chars().take(60).collect();
        place.push_str(&format!("[{short:?}]"));
    }
}

/// Writes `[at]`.
pub(crate) fn write_item(place: &mut String, at: usize) {
    place.push_str(&format!("[{at}]"));
}

/// Returns the place, or words for the outermost value.
pub(crate) fn place_or_root(place: String) -> String {
    if place.is_empty() { "the manifest".into() } else { place }
}

struct Seed<'r> {
    reading: &'r mut Reading,
    depth: usize,
}

impl Seed<'_> {
    fn deeper<E: Error>(&mut self) -> Result<usize, E> {
        if self.depth >= self.reading.limits.depth_max {
            return Err(self.reading.refuse(Refusal::Deep));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        self.reading.values += 1;
        if self.reading.values > self.reading.limits.values_max {
            return Err(self.reading.refuse(Refusal::Many));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(Value::Boolean)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(u64::try_from(number).map_or(Value::Negative(number), Value::Unsigned))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Fraction(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        read_borrowed(text, self.reading).map(Value::Text)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        read_owned(text, self.reading).map(Value::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value<'de>, A::Error> {
        let depth = self.deeper()?;
        let mut list = Vec::new();
        loop {
            match items.next_element_seed(Seed { reading: self.reading, depth }) {
                Ok(Some(value)) => list.push(value),
                Ok(None) => return Ok(Value::List(list)),
                Err(error) => {
                    self.reading.steps.push(Step::Item(list.len()));
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value<'de>, A::Error> {
        let depth = self.deeper()?;
        let mut object = Vec::new();
        while let Some(name) = members.next_key_seed(Name { reading: self.reading })? {
            match members.next_value_seed(Seed { reading: self.reading, depth }) {
                Ok(value) => object.push((name, value)),
                Err(error) => {
                    self.reading.steps.push(Step::Member(name.into_owned()));
                    return Err(error);
                }
            }
        }
        if let Some(name) = find_repeated(&object) {
            self.reading.steps.push(Step::Member(name.to_owned()));
            return Err(self.reading.refuse(Refusal::Repeated));
        }
        Ok(Value::Object(object))
    }
}

fn find_repeated<'o>(object: &'o [(Cow<'_, str>, Value<'_>)]) -> Option<&'o str> {
    if object.len() <= 16 {
        let is_repeated = |at: &usize| object[..*at].iter().any(|(name, _)| *name == object[*at].0);
        return (1..object.len()).find(is_repeated).map(|at| &*object[at].0);
    }
    let mut names: Vec<&str> = object.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// A name in an object: a text that is not counted as a value.
struct Name<'r> {
    reading: &'r mut Reading,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        read_borrowed(text, self.reading)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        read_owned(text, self.reading)
    }
}

fn read_borrowed<'de, E: Error>(text: &'de str, reading: &mut Reading) -> Result<Cow<'de, str>, E> {
    if text.contains('\0') { Err(reading.refuse(Refusal::Nul)) } else { Ok(Cow::Borrowed(text)) }
}

fn read_owned<'de, E: Error>(text: &str, reading: &mut Reading) -> Result<Cow<'de, str>, E> {
    if text.contains('\0') { Err(reading.refuse(Refusal::Nul)) } else { Ok(Cow::Owned(text.to_owned())) }
}

#[cfg(test)]
mod tests;
