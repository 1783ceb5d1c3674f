//! What apk installed: Alpine, Wolfi, Chainguard (apk-tools' v2 database, `installed`).

use crate::{Ecosystem, File, Found, Owned, Package, PackageType, SourcePackage};

/// Where the database lies; the second since apk 3.
const INSTALLED: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
/// Bytes of a field that is kept at most.
const FIELD_BYTES_MAX: usize = 1024;

/// apk's database.
pub(crate) struct Apk;

impl Ecosystem for Apk {
    fn name(&self) -> &'static str {
        "apk"
    }

    fn revision(&self) -> u32 {
        2
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        INSTALLED.contains(&path)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        match file.whole() {
            Ok(bytes) => read_installed(&String::from_utf8_lossy(&bytes), found),
            Err(error) => found.complaints.push(format!("the database cannot be read: {error}")),
        }
    }
}

fn read_installed(text: &str, found: &mut Found) {
    let mut record = Record { line: 1, ..Record::default() };
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() {
            record.finish(found);
            record = Record { line: number + 1, ..Record::default() };
        } else {
            record.read_line(line);
        }
    }
    record.finish(found);
}

/// One package.
#[derive(Default)]
struct Record<'a> {
    /// Where it begins, counted from 1.
    line: usize,
    has_lines: bool,
    name: Option<&'a str>,
    version: Option<&'a str>,
    architecture: Option<&'a str>,
    origin: Option<&'a str>,
    licence: Option<&'a str>,
    maintainer: Option<&'a str>,
    /// The folder that the next files lie in.
    folder: &'a str,
    files: Vec<String>,
}

impl<'a> Record<'a> {
    fn read_line(&mut self, line: &'a str) {
        self.has_lines = true;
        let Some((key, value)) = line.split_once(':') else { return };
        let field = match key {
            "P" => &mut self.name,
            "V" => &mut self.version,
            "A" => &mut self.architecture,
            "o" => &mut self.origin,
            "L" => &mut self.licence,
            "m" => &mut self.maintainer,
            "F" if value.len() <= FIELD_BYTES_MAX => return self.folder = value,
            "R" if value.len() <= FIELD_BYTES_MAX => return self.files.push(format!("{}/{value}", self.folder)),
            _ => return,
        };
        *field = (!value.is_empty() && value.len() <= FIELD_BYTES_MAX).then_some(value);
    }

    fn finish(&mut self, found: &mut Found) {
        if !self.has_lines {
            return;
        }
        let paths = std::mem::take(&mut self.files);
        if !paths.is_empty() {
            found.owned.push(Owned { package: self.name.unwrap_or_default().to_owned(), paths });
        }
        let (Some(name), Some(version)) = (self.name, self.version) else {
            let complaint = format!("the record at line {} names no package, or no version", self.line);
            return found.complaints.push(complaint);
        };
        let origin = self.origin.filter(|origin| *origin != name);
        found.packages.push(Package {
            source: origin.map(|origin| SourcePackage { name: origin.to_owned(), version: version.to_owned() }),
            architecture: self.architecture.map(str::to_owned),
            vendor: self.maintainer.map(str::to_owned),
            licences: self.licence.map(str::to_owned).into_iter().collect(),
            ..Package::new(PackageType::Apk, name, version)
        });
    }
}

#[cfg(test)]
mod tests;
