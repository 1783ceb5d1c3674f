//! Bundler's lock file (bundler-lock(5) has no grammar; `Bundler::LockfileParser` is one).

use super::documents;
use crate::{Ecosystem, File, Found, PackageType};

/// `Gemfile.lock`, `gems.locked`: the gems of its `GEM` and `GIT` sections; those of `PATH` are the project's own. It does
/// not tell what only development needs.
pub(crate) struct GemfileLock;

impl Ecosystem for GemfileLock {
    fn name(&self) -> &'static str {
        "gemfile-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        matches!(documents::file_name(path), "Gemfile.lock" | "gems.locked")
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(text) = documents::text(file, found) else { return };
        let mut holds_gems = false;
        for line in text.lines() {
            if !line.starts_with(' ') {
                holds_gems = matches!(line.trim_end(), "GEM" | "GIT");
            } else if let Some((name, version, platform)) = specified(line).filter(|_| holds_gems)
                && let Some(package) = documents::add(found, PackageType::Gem, name, version)
            {
                package.architecture = platform.map(str::to_owned);
            }
        }
    }
}

/// Reads `    name (version-platform)`; what stands further right is needed by the gem above.
fn specified(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let gem = line.strip_prefix("    ").filter(|gem| !gem.starts_with(' '))?;
    let (name, version) = gem.trim_end().strip_suffix(')')?.split_once(" (")?;
    Some(match version.split_once('-') {
        Some((version, platform)) => (name, version, Some(platform)),
        None => (name, version, None),
    })
}
