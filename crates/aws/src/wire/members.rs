//! Parameters of the query protocol as the values of a shape: `Tags.member.1.Key=a` is the member `Key` of the first of `Tags`.

use super::query::Form;
use crate::shape::{Member, Shape};
use gantry_fault::{Fault, FaultKind};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The highest number of an item of a list.
const ITEMS_MAX: u32 = 1000;

/// Reads what a shape names out of a form; other parameters are ignored. What the values are like is not looked at.
///
/// # Errors
/// Too many parameters, or items of a list that are not numbered.
pub(super) fn read(form: &Form, shape: &Shape) -> Result<Value, Fault> {
    let parameters = Parameters(form.parameters()?);
    match shape {
        Shape::Structure(members) => parameters.structure("", members),
        _ => Err(Fault::internal("a request is a structure")),
    }
}

struct Parameters<'a>(BTreeMap<&'a str, &'a str>);

impl Parameters<'_> {
    /// The members whose names begin with `prefix`: empty, or one that ends in a dot. How deep this goes, the shape says.
    fn structure(&self, prefix: &str, members: &[Member]) -> Result<Value, Fault> {
        let mut object = Map::new();
        for member in members {
            if let Some(value) = self.value(&format!("{prefix}{}", member.name), member.shape)? {
                object.insert(member.name.into(), value);
            }
        }
        Ok(Value::Object(object))
    }

    fn value(&self, name: &str, shape: &Shape) -> Result<Option<Value>, Fault> {
        let text = self.0.get(name).copied();
        let value = match shape {
            Shape::Text(_) | Shape::Choice(_) | Shape::Bytes(..) => text.map(Value::from),
            // What is none is told by the shape.
            Shape::Whole(..) => {
                text.filter(|text| !text.is_empty()).map(|text| text.parse::<i64>().map_or(text.into(), Value::from))
            }
            Shape::Flag => text.filter(|text| !text.is_empty()).map(|text| match text.to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => text.into(),
            }),
            Shape::List(_, _, of) => {
                let prefix = format!("{name}.member.");
                let numbers = self.numbers(&prefix)?;
                // An empty list is the bare name.
                if numbers.is_empty() && text.is_none() {
                    return Ok(None);
                }
                let items = numbers.into_iter().map(|number| self.value(&format!("{prefix}{number}"), of));
                Some(items.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?.into())
            }
            // No request of these services has one.
            Shape::Map(..) => None,
            Shape::Structure(members) => {
                let prefix = format!("{name}.");
                if self.below(&prefix).next().is_none() {
                    return Ok(None);
                }
                Some(self.structure(&prefix, members)?)
            }
        };
        Ok(value)
    }

    /// Returns the numbers of the items of a list, each once, in their order.
    fn numbers(&self, prefix: &str) -> Result<BTreeSet<u32>, Fault> {
        let number = |name: &str| {
            let number = name[prefix.len()..].split('.').next().unwrap_or_default();
            let is_canonical = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|number| is_canonical && (1..=ITEMS_MAX).contains(number)).ok_or_else(|| {
                let name: String = name.chars().take(64).collect();
                Fault::new(FaultKind::ValidationFailed, format!("{name} counts from 1 to {ITEMS_MAX}"))
            })
        };
        self.below(prefix).map(number).collect()
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.range(prefix..).map(|(name, _)| *name).take_while(move |name| name.starts_with(prefix))
    }
}
