//! Whole files in the formats that many package managers share, and the packages that are found in them; all bounded.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use std::{fmt, marker::PhantomData};

use crate::{File, Found, Package, PackageType, VERSION_BYTES_MAX};

/// Bytes of a lock file or of another document at most; the largest known ones have a third of it.
pub(super) const DOCUMENT_BYTES_MAX: u64 = 16 << 20;
/// Packages that one file names at most.
pub(super) const PACKAGES_MAX: usize = 100_000;
/// Bytes of a package's name at most; no package index allows longer ones.
const NAME_BYTES_MAX: usize = 512;
/// Bytes of a licence's words at most; what is longer is a licence's text.
const LICENCE_BYTES_MAX: usize = 256;
/// Licences of one package at most.
const LICENCES_MAX: usize = 32;
/// Bytes of another's message that a complaint repeats at most.
const REASON_BYTES_MAX: usize = 200;

/// Returns a path's last segment.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '!']).next().unwrap_or(path)
}

/// Reads a whole file that has [`DOCUMENT_BYTES_MAX`] at most, or complains.
pub(super) fn bytes(file: &mut File<'_>, found: &mut Found) -> Option<Vec<u8>> {
    if file.length > DOCUMENT_BYTES_MAX {
        complain(found, format_args!("it has {} bytes, more than {DOCUMENT_BYTES_MAX}", file.length));
        return None;
    }
    match file.whole() {
        Ok(mut bytes) => {
            if bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            Some(bytes)
        }
        Err(error) => {
            complain(found, format_args!("{error}"));
            None
        }
    }
}

/// Reads a text; what is no UTF-8 is replaced, as names and versions are ASCII.
pub(super) fn text(file: &mut File<'_>, found: &mut Found) -> Option<String> {
    Some(match String::from_utf8(bytes(file, found)?) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Reads JSON (RFC 8259), or complains. Its depth is bounded by the library.
pub(super) fn json<T: DeserializeOwned>(file: &mut File<'_>, found: &mut Found) -> Option<T> {
    let bytes = bytes(file, found)?;
    kept(serde_json::from_slice(&bytes), found)
}

/// Reads TOML 1.0, or complains. Its depth is bounded by the library.
pub(super) fn toml<T: DeserializeOwned>(file: &mut File<'_>, found: &mut Found) -> Option<T> {
    let text = text(file, found)?;
    kept(toml::from_str(&text), found)
}

/// Reads YAML 1.2, or complains. No lock file has anchors, so that none are allowed.
pub(super) fn yaml<T: DeserializeOwned>(file: &mut File<'_>, found: &mut Found) -> Option<T> {
    let text = text(file, found)?;
    let mut budget = serde_saphyr::Budget::default();
    budget.max_anchors = 0;
    budget.max_depth = 32;
    budget.max_nodes = 2_000_000;
    budget.max_events = 4_000_000;
    let options = serde_saphyr::options! { budget: Some(budget), with_snippet: false };
    kept(serde_saphyr::from_str_with_options(&text, options), found)
}

fn kept<T, E: fmt::Display>(outcome: Result<T, E>, found: &mut Found) -> Option<T> {
    outcome.map_err(|error| complain(found, format_args!("{error}"))).ok()
}

/// Says what could not be read, and why; the reason is cut, as it may repeat the file.
pub(super) fn complain(found: &mut Found, reason: fmt::Arguments<'_>) {
    let reason = reason.to_string();
    let line = reason.trim().lines().next().unwrap_or_default();
    let end = line.floor_char_boundary(REASON_BYTES_MAX);
    found.complaints.push(format!("cannot be read: {}", &line[..end]));
}

/// Adds a package, if its name and its version can be any; returns it, so that more can be said of it.
///
/// Beyond [`PACKAGES_MAX`] there is one complaint, and no more packages.
pub(super) fn add<'f>(found: &'f mut Found, kind: PackageType, name: &str, version: &str) -> Option<&'f mut Package> {
    let (name, version) = (name.trim(), version.trim());
    let fits = |text: &str, bytes_max| !text.is_empty() && text.len() <= bytes_max && !text.contains(char::is_control);
    if !fits(name, NAME_BYTES_MAX) || !fits(version, VERSION_BYTES_MAX) {
        return None;
    }
    if found.packages.len() >= PACKAGES_MAX {
        let full = format!("is not read to the end: it names more than {PACKAGES_MAX} packages");
        if found.complaints.last() != Some(&full) {
            found.complaints.push(full);
        }
        return None;
    }
    found.packages.push(Package::new(kind, name, version));
    found.packages.last_mut()
}

/// Adds a licence to a package: the SPDX expression where the words are sure, the words themselves otherwise.
pub(super) fn add_licence(package: &mut Package, words: &str) {
    let words = words.trim();
    let is_text = words.len() > LICENCE_BYTES_MAX || words.contains(char::is_control);
    if words.is_empty() || is_text || package.licences.len() >= LICENCES_MAX {
        return;
    }
    let licence = crate::licences::spdx_expression(words).unwrap_or_else(|| words.to_owned());
    if !package.licences.contains(&licence) {
        package.licences.push(licence);
    }
}

/// The members of a JSON, TOML or YAML object in their order.
#[derive(Debug)]
pub(super) struct Members<T>(pub(super) Vec<(String, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Members(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members_<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members_<T> {
            type Value = Members<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Members::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Members_(PhantomData))
    }
}

/// A text where there is one; whatever else stands there is nothing.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Any {
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        Ok(Text(match Any::deserialize(deserializer)? {
            Any::Text(text) => Some(text),
            Any::Other(_) => None,
        }))
    }
}

/// The licences of npm and Packagist: words, `{"type": words}`, or a list of either.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Licences {
    /// Words.
    Words(String),
    /// An object with the words in it.
    Object {
        /// The words.
        r#type: String,
    },
    /// Several.
    Many(Vec<OneLicence>),
    /// None that can be read.
    Other(serde::de::IgnoredAny),
    /// Nothing is said.
    #[default]
    #[serde(skip)]
    None,
}

/// One of several licences.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum OneLicence {
    /// Words.
    Words(String),
    /// An object with the words in it.
    Object {
        /// The words.
        r#type: String,
    },
    /// Something else.
    Other(serde::de::IgnoredAny),
}

impl Licences {
    /// Adds them to a package. Several are a choice, as npm and Composer say of their lists.
    pub(super) fn add_to(&self, package: &mut Package) {
        match self {
            Licences::Words(words) | Licences::Object { r#type: words } => add_licence(package, words),
            Licences::Many(many) => {
                let words = many.iter().filter_map(|one| match one {
                    OneLicence::Words(words) | OneLicence::Object { r#type: words } => Some(words.as_str()),
                    OneLicence::Other(_) => None,
                });
                let words = words.take(LICENCES_MAX).collect::<Vec<_>>();
                match &words[..] {
                    [one] => add_licence(package, one),
                    choice => match choice.iter().map(|words| crate::licences::spdx_expression(words)).collect() {
                        Some(sure) => add_licence(package, &any_of(sure)),
                        None => choice.iter().for_each(|words| add_licence(package, words)),
                    },
                }
            }
            Licences::Other(_) | Licences::None => (),
        }
    }
}

fn any_of(expressions: Vec<String>) -> String {
    let bracketed = expressions.iter().map(|one| if one.contains(' ') { format!("({one})") } else { one.clone() });
    bracketed.collect::<Vec<_>>().join(" OR ")
}
