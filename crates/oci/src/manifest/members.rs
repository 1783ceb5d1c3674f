//! Members of JSON objects, each with the place where it stands, so that a refusal can name it.

use super::ManifestError;
use crate::json::{Value, place_or_root, write_item, write_member};
use std::borrow::Cow;

/// Where a value stands. Lives on the stack, and is printed only for a refusal.
#[derive(Clone, Copy)]
struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Root,
    Member(&'static str),
    Item(usize),
}

impl Place<'_> {
    fn print(&self) -> String {
        fn write(place: &Place<'_>, out: &mut String) {
            if let Some(parent) = place.parent {
                write(parent, out);
            }
            match place.step {
                Step::Root => {}
                Step::Member(name) => write_member(out, name),
                Step::Item(at) => write_item(out, at),
            }
        }
        let mut out = String::new();
        write(self, &mut out);
        place_or_root(out)
    }

    fn print_member(&self, name: &str) -> String {
        let mut out = if matches!(self.step, Step::Root) { String::new() } else { self.print() };
        write_member(&mut out, name);
        out
    }
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'v, 'p> {
    value: &'v Value<'v>,
    place: Place<'p>,
}

/// An object and where it stands.
pub(super) struct Object<'v, 'p> {
    members: &'v [(Cow<'v, str>, Value<'v>)],
    place: Place<'p>,
}

/// A list and where it stands.
pub(super) struct List<'v, 'p> {
    items: &'v [Value<'v>],
    place: Place<'p>,
}

impl<'v, 'p> At<'v, 'p> {
    pub(super) fn root(value: &'v Value<'v>) -> At<'v, 'static> {
        At { value, place: Place { parent: None, step: Step::Root } }
    }

    /// Returns where it stands, for a refusal.
    pub(super) fn place(&self) -> String {
        self.place.print()
    }

    /// Returns the refusal of this value where `expected` belongs.
    pub(super) fn is_not(&self, expected: &'static str) -> ManifestError {
        ManifestError::Shape { place: self.place(), expected, found: describe(self.value) }
    }

    pub(super) fn text(self) -> Result<&'v str, ManifestError> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.is_not("a text")),
        }
    }

    /// Reads a size: what an `int64` holds that is not negative.
    pub(super) fn size(self) -> Result<u64, ManifestError> {
        match self.value {
            Value::Unsigned(number) if i64::try_from(*number).is_ok() => Ok(*number),
            _ => Err(self.is_not("a whole number from 0 to 9223372036854775807")),
        }
    }

    /// Returns whether it is the number, written without fraction or exponent.
    pub(super) fn is_number(&self, number: u64) -> bool {
        *self.value == Value::Unsigned(number)
    }

    pub(super) fn list(self) -> Result<List<'v, 'p>, ManifestError> {
        match self.value {
            Value::List(items) => Ok(List { items, place: self.place }),
            _ => Err(self.is_not("a list")),
        }
    }

    /// Reads an object that has members of the names `known`, and perhaps others.
    ///
    /// # Errors
    /// [`ManifestError::Lookalike`] for a name that Go's JSON decoder, which most clients are built with, would take
    /// for a known one: it compares without regard to case.
    pub(super) fn object(self, known: &[&'static str]) -> Result<Object<'v, 'p>, ManifestError> {
        let object = self.map()?;
        for (name, _) in object.members.iter().filter(|(name, _)| !known.contains(&&**name)) {
            if let Some(member) = known.iter().find(|known| is_folded_equal(name, known)) {
                return Err(ManifestError::Lookalike { place: object.place.print_member(name), member });
            }
        }
        Ok(object)
    }

    /// Reads an object whose names are data.
    fn map(self) -> Result<Object<'v, 'p>, ManifestError> {
        match self.value {
            Value::Object(members) => Ok(Object { members, place: self.place }),
            _ => Err(self.is_not("an object")),
        }
    }

    /// Reads an object whose names are data and whose values are texts.
    pub(super) fn texts_by_name(
        self,
    ) -> Result<impl Iterator<Item = Result<(&'v str, &'v str), ManifestError>>, ManifestError> {
        let Object { members, place } = self.map()?;
        Ok(members.iter().map(move |(name, value)| match value {
            Value::Text(text) => Ok((&**name, &**text)),
            other => Err(ManifestError::Shape {
                place: place.print_member(name),
                expected: "a text",
                found: describe(other),
            }),
        }))
    }
}

impl<'v> Object<'v, '_> {
    /// Returns a member. One that is `null` is absent: that is how Go programs write an empty one.
    pub(super) fn find(&self, name: &'static str) -> Option<At<'v, '_>> {
        let (_, value) = self.members.iter().find(|(member, value)| member == name && *value != Value::Null)?;
        Some(At { value, place: Place { parent: Some(&self.place), step: Step::Member(name) } })
    }

    /// Returns a member that must be there.
    pub(super) fn load(&self, name: &'static str) -> Result<At<'v, '_>, ManifestError> {
        self.find(name).ok_or_else(|| ManifestError::Missing { place: self.place.print_member(name) })
    }

    /// Returns whether there is a member of this name, be it `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }
}

impl<'v> List<'v, '_> {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = At<'v, '_>> {
        self.items
            .iter()
            .enumerate()
            .map(|(at, value)| At { value, place: Place { parent: Some(&self.place), step: Step::Item(at) } })
    }
}

/// Says what a value is, in words for a refusal: its kind, or the number.
fn describe(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Boolean => "true or false".into(),
        Value::Unsigned(number) => number.to_string(),
        Value::Negative(number) => number.to_string(),
        Value::Fraction(number) => format!("{number:?}"),
        Value::Text(_) => "a text".into(),
        Value::List(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// Compares as Go's decoder does: ASCII case apart, and the long s and the Kelvin sign as the letters they fold to.
fn is_folded_equal(name: &str, known: &str) -> bool {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(known.chars().map(fold))
}
