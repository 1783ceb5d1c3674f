//! Installed Python packages, by their core metadata (packaging.python.org, "Core metadata specifications").

use super::documents;
use crate::{Ecosystem, File, Found, Package, PackageType};

/// `*.dist-info/METADATA`, `*.egg-info/PKG-INFO`, `EGG-INFO/PKG-INFO`, and `*.egg-info` where that is a file.
pub(crate) struct PythonMetadata;

/// What comes before a classifier's name of a licence.
const LICENCE_CLASSIFIER: &str = "License :: ";

impl Ecosystem for PythonMetadata {
    fn name(&self) -> &'static str {
        "python"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match name {
            "METADATA" => folder.ends_with(".dist-info"),
            "PKG-INFO" => folder.ends_with(".egg-info") || documents::file_name(folder) == "EGG-INFO",
            _ => name.ends_with(".egg-info"),
        }
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(text) = documents::text(file, found) else { return };
        let metadata = Metadata::parse(&text);
        let (Some(name), Some(version)) = (metadata.name, metadata.version) else {
            return documents::complain(found, format_args!("it has no Name or no Version"));
        };
        if let Some(package) = documents::add(found, PackageType::Pypi, &normal_name(name), version) {
            metadata.add_licences(package);
        }
    }
}

/// Returns a name as PEP 503 compares it: lower case, each run of `-`, `_` and `.` a hyphen.
pub(super) fn normal_name(name: &str) -> String {
    let parts = name.trim().split(['-', '_', '.']);
    let inner = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>();
    inner.join("-").to_ascii_lowercase()
}

/// The fields that are of use; a field of several lines is left out, it holds a text.
#[derive(Default)]
pub(super) struct Metadata<'t> {
    pub(super) name: Option<&'t str>,
    pub(super) version: Option<&'t str>,
    expression: Option<&'t str>,
    words: Option<&'t str>,
    classifiers: Vec<&'t str>,
}

impl<'t> Metadata<'t> {
    /// Reads fields up to the first empty line; the first of several alike counts.
    pub(super) fn parse(text: &'t str) -> Metadata<'t> {
        let mut metadata = Metadata::default();
        let mut lines = text.lines().take_while(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            let is_folded = lines.peek().is_some_and(|next| next.starts_with([' ', '\t']));
            let Some((name, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) else { continue };
            let value = value.trim();
            let field = match name.to_ascii_lowercase().as_str() {
                "name" => &mut metadata.name,
                "version" => &mut metadata.version,
                "license-expression" => &mut metadata.expression,
                "license" if !is_folded => &mut metadata.words,
                "classifier" => {
                    metadata.classifiers.extend(value.starts_with(LICENCE_CLASSIFIER).then_some(value));
                    continue;
                }
                _ => continue,
            };
            field.get_or_insert(value);
        }
        metadata
    }

    /// The expression is binding; classifiers come before free words, of which they are the sure half.
    pub(super) fn add_licences(&self, package: &mut Package) {
        if let Some(expression) = self.expression {
            return documents::add_licence(package, expression);
        }
        for classifier in &self.classifiers {
            if crate::licences::spdx_expression(classifier).is_some() {
                documents::add_licence(package, classifier);
            }
        }
        if package.licences.is_empty() {
            let words = self.words.filter(|words| !words.eq_ignore_ascii_case("unknown"));
            let vague =
                self.classifiers.iter().map(|classifier| classifier.rsplit(" :: ").next().unwrap_or(classifier));
            words
                .into_iter()
                .chain(vague.filter(|_| words.is_none()))
                .for_each(|words| documents::add_licence(package, words));
        }
    }
}
