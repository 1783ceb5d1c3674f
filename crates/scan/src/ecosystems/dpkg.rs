//! What dpkg installed: Debian, Ubuntu and their kin, and distroless images of Debian (deb-control(5), dpkg(1)).

mod copyright;

use crate::{Ecosystem, File, Found, Owned, Package, PackageType, SourcePackage};

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_FOLDER: &str = "var/lib/dpkg/status.d/";
const INFO_FOLDER: &str = "var/lib/dpkg/info/";
/// How the names of lists of files end; the second in distroless images.
const LIST: &str = ".list";
const SUMS: &str = ".md5sums";
const DOCUMENTATION_FOLDER: &str = "usr/share/doc/";
const COPYRIGHT: &str = "copyright";
/// Bytes of a copyright file at most; those of the largest packages have some hundred thousand.
const COPYRIGHT_BYTES_MAX: u64 = 8 << 20;

/// Bytes of a field that is kept at most.
const FIELD_BYTES_MAX: usize = 1024;
/// States in which a package's files are there (dpkg(1), Package states).
const PRESENT: [&str; 5] = ["installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"];

/// dpkg's database, the lists of files beside it, and what packages say of their licences.
pub(crate) struct Dpkg;

impl Ecosystem for Dpkg {
    fn name(&self) -> &'static str {
        "dpkg"
    }

    fn revision(&self) -> u32 {
        3
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        path == STATUS
            || is_direct(path, STATUS_FOLDER)
            || is_direct(path, INFO_FOLDER) && path.ends_with(LIST)
            || is_copyright(path)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        if is_copyright(file.path) && file.length > COPYRIGHT_BYTES_MAX {
            let complaint = format!("its licences are not read: it has more than {COPYRIGHT_BYTES_MAX} bytes");
            return found.complaints.push(complaint);
        }
        let bytes = match file.whole() {
            Ok(bytes) => bytes,
            Err(error) => return found.complaints.push(format!("the database cannot be read: {error}")),
        };
        let text = String::from_utf8_lossy(&bytes);
        match file.path {
            path if path.ends_with(LIST) => {
                let paths = text.lines().map(str::to_owned).collect();
                found.owned.push(Owned { package: owner_named(path, LIST), paths });
            }
            // `sum  path`.
            path if path.ends_with(SUMS) => {
                let paths = text.lines().filter_map(|line| line.split_once("  "));
                let paths = paths.map(|(_, path)| path.to_owned()).collect();
                found.owned.push(Owned { package: owner_named(path, SUMS), paths });
            }
            path if is_copyright(path) => copyright::read(&text, found),
            path => read_status(&text, path == STATUS, found),
        }
    }
}

/// Returns where a package says under which licences it is, its folder perhaps behind a link.
pub(crate) fn copyright_of(package: &str) -> String {
    format!("{DOCUMENTATION_FOLDER}{package}/{COPYRIGHT}")
}

/// Returns the name that lists of files have for a package which the file at `path` describes: distroless images have a file for each
/// package, whose name may be cut short (`libssl1` of `libssl1.1`).
pub(crate) fn listed_name<'a>(path: &'a str, package: &'a str) -> &'a str {
    path.strip_prefix(STATUS_FOLDER).unwrap_or(package)
}

/// Returns whose list a file is: `libc6` of `libc6:amd64.list`.
fn owner_named(path: &str, ending: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(ending).unwrap_or(name);
    name.split(':').next().unwrap_or_default().to_owned()
}

fn is_copyright(path: &str) -> bool {
    let place = path.strip_prefix(DOCUMENTATION_FOLDER).and_then(|rest| rest.split_once('/'));
    place.is_some_and(|(_, name)| name == COPYRIGHT)
}

fn is_direct(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|name| !name.contains('/'))
}

/// Reads stanzas. In a file of `status.d` a package is there if it is named; elsewhere its `Status` says so.
fn read_status(text: &str, needs_status: bool, found: &mut Found) {
    let mut stanza = Stanza { line: 1, ..Stanza::default() };
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_end().is_empty() {
            stanza.finish(needs_status, found);
            stanza = Stanza { line: number + 1, ..Stanza::default() };
        } else if !line.starts_with([' ', '\t']) {
            stanza.read_field(line);
        }
    }
    stanza.finish(needs_status, found);
}

/// What is kept of a package's fields.
#[derive(Default)]
struct Stanza<'a> {
    /// Where it begins, counted from 1.
    line: usize,
    has_fields: bool,
    package: Option<&'a str>,
    version: Option<&'a str>,
    status: Option<&'a str>,
    source: Option<&'a str>,
    architecture: Option<&'a str>,
    maintainer: Option<&'a str>,
}

impl<'a> Stanza<'a> {
    fn read_field(&mut self, line: &'a str) {
        self.has_fields = true;
        let Some((name, value)) = line.split_once(':') else { return };
        let fields = [
            ("Package", &mut self.package),
            ("Version", &mut self.version),
            ("Status", &mut self.status),
            ("Source", &mut self.source),
            ("Architecture", &mut self.architecture),
            ("Maintainer", &mut self.maintainer),
        ];
        let value = value.trim();
        if let Some((_, field)) = fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            *field = (!value.is_empty() && value.len() <= FIELD_BYTES_MAX).then_some(value);
        }
    }

    fn finish(&self, needs_status: bool, found: &mut Found) {
        let is_present = match self.status.and_then(|status| status.split_whitespace().nth(2)) {
            Some(state) => PRESENT.contains(&state),
            None => self.has_fields && !needs_status,
        };
        if !is_present {
            return;
        }
        let (Some(name), Some(version)) = (self.package, self.version) else {
            let complaint = format!("the stanza at line {} names no package, or no version", self.line);
            return found.complaints.push(complaint);
        };
        found.packages.push(Package {
            source: self.source.and_then(|source| parse_source(source, name, version)),
            architecture: self.architecture.map(str::to_owned),
            vendor: self.maintainer.map(str::to_owned),
            ..Package::new(PackageType::Deb, name, version)
        });
    }
}

/// Reads `name` or `name (version)`; `None` where both are the package's own.
fn parse_source(source: &str, package: &str, version: &str) -> Option<SourcePackage> {
    let (name, rest) = source.split_once(' ').unwrap_or((source, ""));
    let of_source = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(version);
    (name != package || of_source != version)
        .then(|| SourcePackage { name: name.to_owned(), version: of_source.trim().to_owned() })
}

#[cfg(test)]
mod tests;
