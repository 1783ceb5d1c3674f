use super::{
    catalogue::{Catalogue, Place, nest},
    complaint::Complaint,
    origin::Origin,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A value that some source gives to a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    /// The dotted path; it is a key of the catalogue.
    pub(crate) path: String,
    /// The value.
    pub(crate) value: Value,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// What one source says, and what is wrong with how it says it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// What it sets.
    pub(crate) assignments: Vec<Assignment>,
    /// What cannot be understood.
    pub(crate) complaints: Vec<Complaint>,
    /// Keys that it meant to set and did not: what follows from their absence is not told.
    pub(crate) refused: Vec<String>,
    /// Whether it could not be read at all: then nobody knows what it meant to set.
    pub(crate) is_broken: bool,
}

/// The sources laid over each other: for each key that was set, the strongest value and its origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    values: BTreeMap<String, (Value, Origin)>,
    refused: BTreeSet<String>,
    is_broken: bool,
}

impl Tree {
    /// Lays the sources over each other, the weakest first, and adds what is wrong to `complaints`.
    ///
    /// A wrong value is complained about also where a stronger one hides it: it would come to light later.
    pub(crate) fn lay(catalogue: &Catalogue, sources: Vec<Source>, complaints: &mut Vec<Complaint>) -> Tree {
        let mut tree = Tree::default();
        for source in sources {
            complaints.extend(source.complaints);
            tree.refused.extend(source.refused);
            tree.is_broken |= source.is_broken;
            let mut seen: BTreeMap<String, (Value, Origin)> = BTreeMap::new();
            for Assignment { path, value, origin } in source.assignments {
                let Place::Key(key) = catalogue.look_up(&path) else { continue };
                if let Some((other, first)) = seen.get(&path)
                    && *other != value
                {
                    let problem = format!("{path} is already set by {first}, to another value");
                    complaints.push(Complaint::at(&origin, problem, "keep one of them"));
                } else if let Err((problem, remedy)) = catalogue.judge(key, &value) {
                    complaints.push(Complaint::at(&origin, problem, remedy));
                    tree.refused.insert(path);
                } else {
                    seen.insert(path, (value, origin));
                }
            }
            tree.values.extend(seen);
        }
        tree
    }

    /// Where the value of a key comes from.
    pub(crate) fn origin(&self, path: &str) -> Origin {
        self.values.get(path).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The value that was set.
    pub(crate) fn value(&self, path: &str) -> Option<&Value> {
        self.values.get(path).map(|(value, _)| value)
    }

    /// The keys that somebody meant to set in vain.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &str> {
        self.refused.iter().map(String::as_str)
    }

    /// Whether a source could not be read at all.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// All that was set as one nested value.
    pub(crate) fn into_value(self) -> Value {
        let mut whole = Value::Object(serde_json::Map::new());
        for (path, (value, _)) in self.values {
            merge(&mut whole, nest(&path, value));
        }
        whole
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert_with(|| Value::Object(serde_json::Map::new())), value);
            }
        }
        (into, from) => *into = from,
    }
}
