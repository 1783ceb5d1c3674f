use serde_json::Value;

/// What a setting takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A number with its unit of bytes.
    Size,
    /// A number with its unit of time.
    Duration,
    /// One of these words.
    Choice(Vec<String>),
    /// Text that is never printed.
    Secret,
    /// Any text, perhaps with a grammar of its own.
    Text,
    /// Several values.
    List(Box<Kind>),
}

impl Kind {
    /// Learns what is taken by trying: `take` returns how a value is shown that was read, nothing where it is refused.
    pub(crate) fn probe(default: &Value, take: &dyn Fn(Value) -> Option<Value>) -> Kind {
        match default {
            Value::Bool(_) => return Kind::Boolean,
            Value::Number(number) if number.is_f64() => return Kind::Number,
            Value::Number(_) => return Kind::Integer,
            Value::Array(_) => return Kind::List(Box::new(Kind::probe(&Value::Null, &|item| take_item(take, item)))),
            _ => {}
        }
        let hidden = Value::from("***");
        let shown = take("x".into());
        if *default == hidden || shown.as_ref() == Some(&hidden) {
            return Kind::Secret;
        }
        let takes = |value: Value| take(value).is_some();
        match (takes("1h".into()), takes("1KiB".into())) {
            _ if shown.is_some() => Kind::Text,
            (true, false) => Kind::Duration,
            (false, true) => Kind::Size,
            _ if takes(true.into()) => Kind::Boolean,
            _ if takes(1.into()) && takes(Value::from(1.5)) => Kind::Number,
            _ if takes(1.into()) => Kind::Integer,
            _ if takes(Value::Array(vec![])) => Kind::List(Box::new(Kind::Text)),
            _ => Kind::Text,
        }
    }

    /// The type, for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Kind::Boolean => "`true` or `false`".into(),
            Kind::Integer => "whole number".into(),
            Kind::Number => "number".into(),
            Kind::Size => "size".into(),
            Kind::Duration => "duration".into(),
            Kind::Choice(words) => or(words.iter().map(|word| format!("`{word}`"))),
            Kind::Secret => "secret".into(),
            Kind::Text => "text".into(),
            Kind::List(item) => format!("list of {}", item.name()),
        }
    }

    /// Reads the text of a flag or variable as a value; what cannot be one stays text and is refused later.
    pub(crate) fn value_of(&self, text: &str) -> Value {
        let number = || text.parse::<u64>().map(Value::from).or_else(|_| text.parse::<i64>().map(Value::from));
        match self {
            Kind::Boolean => text.parse::<bool>().map_or_else(|_| text.into(), Value::Bool),
            Kind::Integer => number().unwrap_or_else(|_| text.into()),
            Kind::Number => text.parse::<f64>().map_or_else(|_| text.into(), Value::from),
            // As JSON where the items have commas of their own, such as DNs.
            Kind::List(_) if text.starts_with('[') && serde_json::from_str::<Vec<Value>>(text).is_ok() => {
                serde_json::from_str(text).unwrap_or_default()
            }
            Kind::List(item) => {
                text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| item.value_of(part)).collect()
            }
            Kind::Size | Kind::Duration | Kind::Choice(_) | Kind::Secret | Kind::Text => text.into(),
        }
    }

    /// Whether the value has the shape of this kind; its content is for the type itself to judge.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        match self {
            Kind::Boolean => value.is_boolean(),
            Kind::Integer => value.is_i64() || value.is_u64(),
            Kind::Number => value.is_number(),
            // A bare number is let through: its own message shows it with and without a unit.
            Kind::Size | Kind::Duration => value.is_string() || value.is_u64(),
            Kind::Choice(words) => value.as_str().is_some_and(|text| words.iter().any(|word| word == text)),
            Kind::Secret | Kind::Text => value.is_string(),
            Kind::List(item) => value.as_array().is_some_and(|list| list.iter().all(|value| item.fits(value))),
        }
    }

    /// What to write, beginning with "write".
    pub(crate) fn advice(&self, key: &str, value: &Value, default: &Value) -> String {
        let example = |text: &str| default.as_str().filter(|text| !text.is_empty()).unwrap_or(text).to_owned();
        match self {
            Kind::Boolean => "write true or false".into(),
            Kind::Integer | Kind::Number if default.is_number() => format!("write a number, such as {default}"),
            Kind::Integer | Kind::Number => "write a number".into(),
            Kind::Size => format!("write a size, such as {}", example("64MiB")),
            Kind::Duration => format!("write a duration, such as {}", example("24h")),
            Kind::Choice(words) => format!("write {}", or(words.iter().cloned())),
            Kind::Secret => format!("write {key} = \"…\", in quotes"),
            Kind::Text if value.is_number() || value.is_boolean() => format!("write {key} = \"{value}\", in quotes"),
            Kind::Text => format!("write {key} = \"…\", one text in quotes"),
            Kind::List(_) => match value.as_str() {
                Some(text) => format!("write {key} = [{text:?}], a list in brackets"),
                None => format!("write {key} = [\"…\", \"…\"], a list of {}", self.item_name()),
            },
        }
    }

    fn item_name(&self) -> String {
        match self {
            Kind::List(item) => item.name(),
            other => other.name(),
        }
    }
}

fn take_item(take: &dyn Fn(Value) -> Option<Value>, item: Value) -> Option<Value> {
    take(Value::Array(vec![item])).and_then(|list| list.get(0).cloned())
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn or(words: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<String> = words.into_iter().collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => String::new(),
    }
}

/// A value as people read it: text without quotes, lists with commas, a dash for nothing.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) if text.is_empty() => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "-".into(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
