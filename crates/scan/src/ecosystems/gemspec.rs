//! Installed Ruby gems, by the specifications that RubyGems writes (`Gem::Specification#to_ruby`).

use super::documents;
use crate::{Ecosystem, File, Found, PackageType};

/// `specifications/*.gemspec` and `specifications/default/*.gemspec`.
///
/// A specification is a program in Ruby. None is run: RubyGems writes them all alike, with a comment for readers such as
/// this one, and the lines that assign a text are read where it is missing.
pub(crate) struct Gemspec;

impl Ecosystem for Gemspec {
    fn name(&self) -> &'static str {
        "gemspec"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        let Some((folder, name)) = path.rsplit_once('/') else { return false };
        let folder = folder.strip_suffix("/default").unwrap_or(folder);
        documents::file_name(folder) == "specifications" && name.ends_with(".gemspec")
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(text) = documents::text(file, found) else { return };
        let mut seen = Seen::default();
        text.lines().for_each(|line| seen.take(line.trim()));
        let (Some(name), Some(version)) = (seen.name, seen.version) else {
            return documents::complain(found, format_args!("no line of it says the gem's name and version"));
        };
        if let Some(package) = documents::add(found, PackageType::Gem, name, version) {
            package.architecture = seen.platform.filter(|platform| *platform != "ruby").map(str::to_owned);
            seen.licences.iter().for_each(|words| documents::add_licence(package, words));
        }
    }
}

#[derive(Default)]
struct Seen<'t> {
    name: Option<&'t str>,
    version: Option<&'t str>,
    platform: Option<&'t str>,
    licences: Vec<&'t str>,
}

impl<'t> Seen<'t> {
    fn take(&mut self, line: &'t str) {
        if let Some(stub) = line.strip_prefix("# stub: ") {
            let mut words = stub.split(' ');
            // A second such line has the extensions.
            if let (None, Some(name), Some(version), Some(platform)) =
                (self.name, words.next(), words.next(), words.next())
            {
                (self.name, self.version, self.platform) = (Some(name), Some(version), Some(platform));
            }
            return;
        }
        let Some((target, value)) = line.split_once('=') else { return };
        match target.trim().rsplit_once('.') {
            Some((_, "name")) => self.name = self.name.or_else(|| first_text(value)),
            Some((_, "version")) => self.version = self.version.or_else(|| first_text(value)),
            Some((_, "platform")) => self.platform = self.platform.or_else(|| first_text(value)),
            Some((_, "license" | "licenses")) if self.licences.is_empty() => self.licences = texts(value),
            _ => (),
        }
    }
}

fn first_text(value: &str) -> Option<&str> {
    texts(value).first().copied()
}

/// Returns what stands between quotes; texts that are put together from parts are none.
fn texts(value: &str) -> Vec<&str> {
    let Some(quote) = value.chars().find(|character| ['"', '\''].contains(character)) else { return Vec::new() };
    let quoted = value.split(quote).skip(1).step_by(2);
    quoted.filter(|text| !text.contains("#{")).collect()
}
