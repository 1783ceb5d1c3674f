//! Yarn's lock file: version 1, and that of Yarn 2 and later ("Berry"), which is YAML but written alike.

use super::documents;
use crate::{Ecosystem, File, Found, PackageType};

/// `yarn.lock`. It does not tell what only development needs.
pub(crate) struct YarnLock;

impl Ecosystem for YarnLock {
    fn name(&self) -> &'static str {
        "yarn-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        documents::file_name(path) == "yarn.lock"
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(text) = documents::text(file, found) else { return };
        let mut entry = Entry::default();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            if let Some(field) = line.strip_prefix("  ") {
                entry.take(field);
            } else {
                entry.add_to(found);
                entry = Entry {
                    pattern: line.split([',', '"']).find(|part| !part.is_empty()).unwrap_or(line),
                    ..Entry::default()
                };
            }
        }
        entry.add_to(found);
    }
}

/// What is said below one line that begins at the left edge.
#[derive(Default)]
struct Entry<'t> {
    /// What was asked for: `name@range`.
    pattern: &'t str,
    version: Option<&'t str>,
    /// What was found, in Berry's: `name@npm:version`.
    resolution: Option<&'t str>,
    /// A workspace of the project itself.
    is_own: bool,
}

impl<'t> Entry<'t> {
    /// Takes a line `name "value"` (version 1) or `name: value`; those further to the right are of dependencies.
    fn take(&mut self, field: &'t str) {
        let Some((name, value)) = field.split_once(' ') else { return };
        let value = value.trim().trim_matches('"');
        match name.trim_end_matches(':') {
            "version" => self.version = Some(value),
            "resolution" => self.resolution = Some(value),
            "linkType" => self.is_own = value == "soft",
            _ => (),
        }
    }

    fn add_to(&self, found: &mut Found) {
        let Some(version) = self.version.filter(|_| !self.is_own) else { return };
        let pattern = self.resolution.unwrap_or(self.pattern.trim_end_matches(':'));
        let Some((name, range)) = split_at_sign(pattern) else { return };
        // `alias@npm:name@range` in version 1; Berry resolves aliases by itself.
        let aliased = range.strip_prefix("npm:").filter(|_| self.resolution.is_none()).and_then(split_at_sign);
        documents::add(found, PackageType::Npm, aliased.map_or(name, |(name, _)| name), version);
    }
}

/// Splits at the first at sign that does not begin a scope.
fn split_at_sign(pattern: &str) -> Option<(&str, &str)> {
    let at = pattern.char_indices().skip(1).find(|(_, character)| *character == '@')?.0;
    Some((&pattern[..at], &pattern[at + 1..]))
}
