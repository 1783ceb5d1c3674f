//! The service model, as far as types and limits are made of it.

use super::names::{camel, pascal};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A service: its operations and their shapes.
pub(super) struct Service {
    /// By name.
    pub(super) operations: Vec<Operation>,
    /// By name.
    shapes: BTreeMap<String, Shape>,
    pub(super) style: Style,
}

/// How a protocol writes what the Rust types hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// AWS JSON 1.1: members in camelCase, moments as numbers.
    Json,
    /// AWS JSON 1.1 as younger services write it: members in PascalCase.
    PascalJson,
    /// The query protocol: members in PascalCase, moments as texts, maps as lists of entries.
    Query,
}

impl Style {
    /// What serde calls the case of members.
    pub(super) fn case(self) -> &'static str {
        match self {
            Style::Json => "camelCase",
            Style::PascalJson | Style::Query => "PascalCase",
        }
    }

    /// What serde makes of a field.
    pub(super) fn print(self, field: &str) -> String {
        match self {
            Style::Json => camel(field),
            Style::PascalJson | Style::Query => pascal(field),
        }
    }

    /// The type of a moment.
    pub(super) fn moment(self) -> &'static str {
        match self {
            Style::Json | Style::PascalJson => "Epoch",
            Style::Query => "Moment",
        }
    }

    /// The type of a map.
    pub(super) fn map(self) -> &'static str {
        match self {
            Style::Json | Style::PascalJson => "BTreeMap",
            Style::Query => "Entries",
        }
    }
}

/// An operation.
pub(super) struct Operation {
    pub(super) name: String,
    /// The shape of its request, where it takes something.
    pub(super) input: Option<String>,
    /// The shape of its response, where it answers something.
    pub(super) output: Option<String>,
    /// Exceptions it may answer.
    pub(super) errors: Vec<String>,
}

/// A shape with its limits.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
    pub(super) pattern: Option<String>,
}

/// What a shape is.
#[derive(Debug)]
pub(super) enum Kind {
    Text,
    Choice(Vec<String>),
    Integer,
    Long,
    Double,
    Flag,
    Moment,
    Bytes,
    List(String),
    Map(String, String),
    Structure(Vec<Member>),
}

/// A member of a structure.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) shape: String,
    pub(super) is_required: bool,
}

impl Service {
    /// Reads a model in botocore's form, version 2: all of its operations, or `only` some.
    ///
    /// # Errors
    /// The first thing that is not as expected.
    pub(super) fn read(model: &Value, only: Option<&[&str]>, style: Style) -> Result<Service, String> {
        let all = object(model, "operations")?;
        if let Some(missing) = only.unwrap_or_default().iter().find(|name| !all.contains_key(**name)) {
            return Err(format!("there is no operation {missing}"));
        }
        let operations = all
            .iter()
            .filter(|(name, _)| only.is_none_or(|only| only.contains(&name.as_str())))
            .map(|(name, operation)| {
                let side = |side: &str| match &operation[side] {
                    Value::Null => Ok(None),
                    shape => shape_name(shape).map(Some),
                };
                Ok(Operation {
                    name: name.clone(),
                    input: side("input")?,
                    output: side("output")?,
                    errors: list(&operation["errors"]).map(|error| text(error, "shape")).collect::<Result<_, _>>()?,
                })
            })
            .collect::<Result<_, String>>()?;
        let shapes = object(model, "shapes")?
            .iter()
            .map(|(name, shape)| Ok((capital(name), read_shape(shape).map_err(|error| format!("{name}: {error}"))?)))
            .collect::<Result<_, String>>()?;
        let service = Service { operations, shapes, style };
        match service.dangling() {
            Some(name) => Err(format!("there is no shape {name}")),
            None => Ok(service),
        }
    }

    /// Whether there is a shape of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.shapes.contains_key(name)
    }

    /// Returns a shape by its name.
    pub(super) fn shape(&self, name: &str) -> &Shape {
        &self.shapes[name]
    }

    /// Returns the shapes of all requests.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().filter_map(|operation| operation.input.as_deref())
    }

    /// Returns the shapes of all responses.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().filter_map(|operation| operation.output.as_deref())
    }

    /// Returns the names of all shapes that `roots` need, themselves included.
    pub(super) fn reach<'a>(&'a self, roots: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let (mut seen, mut open) = (BTreeSet::new(), roots.into_iter().collect::<Vec<_>>());
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                open.extend(self.shape(name).kind.needs());
            }
        }
        seen
    }

    fn dangling(&self) -> Option<&str> {
        let named = self.inputs().chain(self.outputs());
        let needed = self.shapes.values().flat_map(|shape| shape.kind.needs());
        named.chain(needed).find(|name| !self.shapes.contains_key(*name))
    }
}

impl Kind {
    fn needs(&self) -> Vec<&str> {
        match self {
            Kind::List(of) => vec![of],
            Kind::Map(key, value) => vec![key, value],
            Kind::Structure(members) => members.iter().map(|member| member.shape.as_str()).collect(),
            Kind::Text
            | Kind::Choice(_)
            | Kind::Integer
            | Kind::Long
            | Kind::Double
            | Kind::Flag
            | Kind::Moment
            | Kind::Bytes => vec![],
        }
    }
}

fn read_shape(shape: &Value) -> Result<Shape, String> {
    let kind = match shape["type"].as_str().unwrap_or_default() {
        "string" if shape["enum"].is_array() => {
            Kind::Choice(list(&shape["enum"]).filter_map(Value::as_str).map(str::to_string).collect())
        }
        "string" => Kind::Text,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "double" => Kind::Double,
        "boolean" => Kind::Flag,
        "timestamp" => Kind::Moment,
        "blob" => Kind::Bytes,
        "list" => Kind::List(shape_name(&shape["member"])?),
        "map" => Kind::Map(shape_name(&shape["key"])?, shape_name(&shape["value"])?),
        "structure" => {
            let required: BTreeSet<_> = list(&shape["required"]).filter_map(Value::as_str).collect();
            let member = |(name, member): (&String, &Value)| {
                let is_required = required.contains(name.as_str());
                Ok(Member { name: name.clone(), shape: shape_name(member)?, is_required })
            };
            Kind::Structure(object(shape, "members")?.iter().map(member).collect::<Result<_, String>>()?)
        }
        other => return Err(format!("type {other:?} is not known")),
    };
    Ok(Shape {
        kind,
        min: shape["min"].as_i64(),
        max: shape["max"].as_i64(),
        pattern: shape["pattern"].as_str().map(str::to_string),
    })
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a serde_json::Map<String, Value>, String> {
    value[name].as_object().ok_or_else(|| format!("{name} is missing"))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The name of a shape as that of a type.
fn shape_name(value: &Value) -> Result<String, String> {
    text(value, "shape").map(|name| capital(&name))
}

fn capital(name: &str) -> String {
    name.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }).collect()
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    value[name].as_str().map(str::to_string).ok_or_else(|| format!("{name} is missing in {value}"))
}
