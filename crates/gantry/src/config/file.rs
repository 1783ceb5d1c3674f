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
/// `path` is only for naming it. Reading goes on behind a mistake, so that all are found.
pub(crate) fn read(text: &str, path: &Path, catalogue: &Catalogue) -> Source {
    let mut reader = Reader { text, path, catalogue, source: Source::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        let complaint =
            Complaint::at(&reader.origin(at), error.message().to_owned(), "see toml.io for how to write it");
        reader.source.complaints.push(complaint);
    }
    reader.table("", table.get_ref());
    let line = |assignment: &Assignment| match assignment.origin {
        Origin::File { line, .. } => line,
        _ => 0,
    };
    reader.source.assignments.sort_by_key(line);
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
