use super::{
    catalogue::{Catalogue, Place},
    complaint::Complaint,
    origin::Origin,
    tree::{Assignment, Source},
};
use serde_json::Value;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Reads a TOML file (toml.io, 1.1) as assignments, each with its line.
///
/// `path` is only for naming it. Where the text is no TOML, nothing of it is taken: what stands behind an open quote or
/// bracket may be anything.
pub(crate) fn read(text: &str, path: &Path, catalogue: &Catalogue) -> Source {
    let mut reader = Reader { text, path, catalogue, source: Source::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        reader.table("", table.get_ref());
    } else {
        reader.broken(errors);
    }
    reader.source
}

struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
    catalogue: &'a Catalogue,
    source: Source,
}

impl Reader<'_> {
    fn origin(&self, at: usize) -> Origin {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        Origin::File { path: self.path.into(), line: before.iter().filter(|byte| **byte == b'\n').count() + 1 }
    }

    /// One complaint per line: the parser finds several where a quote is missing.
    fn broken(&mut self, errors: Vec<toml::de::Error>) {
        let mut places: Vec<_> =
            errors.iter().map(|error| (error.span().map_or(0, |span| span.start), error)).collect();
        places.sort_by_key(|(at, _)| *at);
        let places: Vec<_> = places.into_iter().map(|(at, error)| (self.origin(at), error)).collect();
        for (at, (origin, error)) in places.iter().enumerate() {
            if at == 0 || places[at - 1].0 != *origin {
                self.complain(origin, format!("this is no TOML: {}", error.message()), "see toml.io".into());
            }
        }
        self.source.is_broken = true;
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        // The parser's order is the alphabet's; complaints follow the file's.
        let mut members: Vec<_> = table.iter().collect();
        members.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in members {
            let path = if path.is_empty() { name.get_ref().to_string() } else { format!("{path}.{}", name.get_ref()) };
            self.member(path, name.span().start, value.get_ref());
        }
    }

    fn member(&mut self, path: String, at: usize, value: &DeValue<'_>) {
        let origin = self.origin(at);
        match (self.catalogue.look_up(&path), value) {
            (Place::Key(_), value) => self.source.assignments.push(Assignment { path, value: json(value), origin }),
            (Place::Section, DeValue::Table(table)) => self.table(&path, table),
            (Place::Unknown, DeValue::Table(table)) if !table.is_empty() => self.table(&path, table),
            (Place::Section, _) => {
                let remedy = self.catalogue.hint(&path, |key| key.path.clone());
                self.complain(&origin, format!("{path} is a table, no single setting"), remedy);
            }
            (Place::Unknown, _) => {
                let remedy = self.catalogue.hint(&path, |key| key.path.clone());
                self.source.refused.extend(self.catalogue.meant(&path).map(|key| key.path.clone()));
                self.complain(&origin, format!("there is no setting {path}"), remedy);
            }
        }
    }

    fn complain(&mut self, origin: &Origin, problem: String, remedy: String) {
        self.source.complaints.push(Complaint::at(origin, problem, remedy));
    }
}

/// The value as JSON; what JSON cannot say becomes text, which its key then judges.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let digits = number.as_str();
            let signed = i64::from_str_radix(digits, number.radix()).map(Value::from);
            let number = signed.or_else(|_| u64::from_str_radix(digits, number.radix()).map(Value::from));
            number.unwrap_or_else(|_| digits.into())
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or_else(|_| number.as_str().into(), Value::from),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(moment) => Value::from(moment.to_string()),
        DeValue::Array(list) => list.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            Value::Object(table.iter().map(|(name, item)| (name.get_ref().to_string(), json(item.get_ref()))).collect())
        }
    }
}
