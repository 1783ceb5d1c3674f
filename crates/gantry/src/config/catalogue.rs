use super::{
    docs,
    kind::Kind,
    nearest::{last, nearest},
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Variables have this in front.
pub(crate) const PREFIX: &str = "GANTRY_";
/// Keys whose variable has, besides its regular name, one that people type.
const SHORT_NAMES: [(&str, &str); 2] =
    [("root.access_key_id", "GANTRY_ROOT_ACCESS_KEY_ID"), ("root.secret_access_key", "GANTRY_ROOT_SECRET_ACCESS_KEY")];

/// One setting.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Its dotted path.
    pub(crate) path: String,
    /// What it takes.
    pub(crate) kind: Kind,
    /// Whether it may be absent.
    pub(crate) is_optional: bool,
    /// Its value when nobody sets it, as it is shown.
    pub(crate) default: Value,
    /// What it means.
    pub(crate) description: String,
}

impl Key {
    /// Its environment variable: the short one where it has one.
    pub(crate) fn variable(&self) -> String {
        let short = SHORT_NAMES.iter().find(|(path, _)| *path == self.path);
        short.map_or_else(|| self.regular_variable(), |(_, name)| (*name).to_owned())
    }

    /// `GANTRY_` and the path in upper-case, with `__` between levels.
    pub(crate) fn regular_variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "__").to_uppercase())
    }

    /// Whether `variable` is one of its names.
    pub(crate) fn is_named(&self, variable: &str) -> bool {
        variable == self.variable() || variable == self.regular_variable()
    }
}

/// A table of settings.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its dotted path.
    pub(crate) path: String,
    /// What it is about.
    pub(crate) description: String,
}

/// What a path means.
pub(crate) enum Place<'a> {
    /// A setting.
    Key(&'a Key),
    /// A table of settings.
    Section,
    /// Nothing.
    Unknown,
}

/// All settings there are, learned from one type: its default names the keys, trying tells what they take, and its
/// schema tells what they mean.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    keys: Vec<Key>,
    sections: Vec<Section>,
    read: fn(Value) -> Result<Value, String>,
}

impl Catalogue {
    /// The settings of `T`, without those at or below a `hidden` path.
    pub(crate) fn of<T>(hidden: &[&str]) -> Catalogue
    where
        T: Default + Serialize + DeserializeOwned + JsonSchema,
    {
        let default = serde_json::to_value(T::default()).expect("settings are made of what JSON can say");
        let mut catalogue = Catalogue { keys: vec![], sections: vec![], read: read_back::<T> };
        catalogue.gather("", &default, &docs::schema_of::<T>(), hidden);
        // What stands before the first table of a TOML file comes first here too.
        catalogue.keys.sort_by_key(|key| key.path.contains('.'));
        catalogue
    }

    fn gather(&mut self, path: &str, default: &Value, schema: &Value, hidden: &[&str]) {
        if hidden.contains(&path) {
            return;
        }
        let docs = if path.is_empty() { Some(schema) } else { docs::at(schema, path) };
        match default {
            Value::Object(members) => {
                if !path.is_empty() {
                    let description = docs.map(docs::description).unwrap_or_default();
                    self.sections.push(Section { path: path.into(), description });
                }
                for (name, member) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.gather(&path, member, schema, hidden);
                }
            }
            default => self.keys.push(self.key(path, default, docs)),
        }
    }

    fn key(&self, path: &str, default: &Value, docs: Option<&Value>) -> Key {
        let take = |value: Value| {
            let whole = (self.read)(nest(path, value)).ok()?;
            find(&whole, path).cloned()
        };
        let words = docs.and_then(docs::words).map(Kind::Choice);
        let kind = if docs.is_some_and(docs::is_secret) {
            Kind::Secret
        } else {
            words.unwrap_or_else(|| Kind::probe(default, &take))
        };
        let is_optional = take(Value::Null).is_some();
        let description = docs.map(docs::description).unwrap_or_default();
        Key { path: path.into(), kind, is_optional, default: default.clone(), description }
    }

    /// All keys: those outside of tables first.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// All tables.
    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Says what a dotted path means.
    pub(crate) fn look_up(&self, path: &str) -> Place<'_> {
        match self.keys.iter().find(|key| key.path == path) {
            Some(key) => Place::Key(key),
            None if self.sections.iter().any(|section| section.path == path) => Place::Section,
            None => Place::Unknown,
        }
    }

    /// Finds the key a variable sets.
    pub(crate) fn find_variable(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.is_named(name))
    }

    /// What to write in place of a path that is no key: the settings of that table, or the nearest key.
    pub(crate) fn hint(&self, path: &str, print: impl Fn(&Key) -> String) -> String {
        let below = format!("{path}.");
        let members: Vec<String> = self.keys.iter().filter(|key| key.path.starts_with(&below)).map(&print).collect();
        if !members.is_empty() {
            return format!("its settings are {}", members.join(", "));
        }
        self.meant(path).map_or_else(String::new, |key| format!("the nearest is {}", print(key)))
    }

    /// The key that was probably meant by a path that is none.
    pub(crate) fn meant(&self, path: &str) -> Option<&Key> {
        let near = nearest(path, self.keys.iter().map(|key| key.path.as_str()))?;
        self.keys.iter().find(|key| key.path == near)
    }

    /// Reads one value as its key's type; says what is wrong with it otherwise.
    pub(crate) fn judge(&self, key: &Key, value: &Value) -> Result<(), (String, String)> {
        let path = &key.path;
        if value.is_null() && key.is_optional {
            return Ok(());
        }
        if key.kind == Kind::Secret {
            return self.judge_secret(key, value);
        }
        let advice = || key.kind.advice(last(path), value, &key.default);
        if !key.kind.fits(value) {
            return Err((format!("{path} is {value}"), advice()));
        }
        (self.read)(nest(path, value.clone())).map(drop).map_err(|error| match key.kind {
            Kind::Integer | Kind::Number | Kind::Boolean => (format!("{path} is {value}: {error}"), advice()),
            // These messages say themselves what to write.
            _ => (format!("{path}: {error}"), String::new()),
        })
    }

    /// The value, and messages that might quote it, are kept out of what is said.
    fn judge_secret(&self, key: &Key, value: &Value) -> Result<(), (String, String)> {
        let path = &key.path;
        match value.as_str() {
            None => Err((format!("{path} is no text"), key.kind.advice(last(path), value, &key.default))),
            Some("") => Err((format!("{path} is empty"), "give it a value, or leave it out".into())),
            Some(_) if (self.read)(nest(path, value.clone())).is_err() => Err((
                format!("{path} cannot be read"),
                "see what it must look like in `gantry config reference`".into(),
            )),
            Some(_) => Ok(()),
        }
    }
}

fn read_back<T: Serialize + DeserializeOwned>(value: Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}

/// The value at a dotted path.
pub(crate) fn find<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(tree, |tree, name| tree.get(name))
}

/// A tree that holds just this value.
pub(crate) fn nest(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |value, name| Value::Object(Map::from_iter([(name.to_owned(), value)])))
}
