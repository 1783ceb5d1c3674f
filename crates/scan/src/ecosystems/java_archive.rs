//! Java archives: what Maven, or at least the manifest or the file's name, says is in them (JAR File Specification;
//! Maven Archiver, `pom.properties`). Archives within are given back, to be read in their turn.

mod identity;
mod manifest;

use std::io::{self, SeekFrom};

use sha1::{Digest, Sha1};

use super::zip::{Entry, Zip};
use crate::{Ecosystem, File, Found, Package, PackageType, ReadSeek};
use identity::{Coordinates, FileName};
use manifest::Manifest;

/// Reads archives of Java.
pub(crate) struct JavaArchive;

const EXTENSIONS: &[&str] = &["jar", "war", "ear", "par", "jpi", "hpi"];
const PROPERTIES_BYTES_MAX: u64 = 64 << 10;
const MANIFEST_BYTES_MAX: u64 = 2 << 20;
const POM_BYTES_MAX: u64 = 1 << 20;
/// Nodes of a `pom.xml` at most.
const POM_NODES_MAX: u32 = 50_000;
/// `pom.properties` of an archive at most: one for each library that was put into it.
const PROPERTIES_MAX: usize = 4096;
/// Bytes of inner archives at most, all together: they are held in memory until they are read.
const NESTED_BYTES_MAX: u64 = 256 << 20;
/// Inner archives at most.
const NESTED_MAX: usize = 10_000;
/// Complaints about the parts of one archive at most.
const COMPLAINTS_MAX: usize = 8;

impl Ecosystem for JavaArchive {
    fn name(&self) -> &'static str {
        "java-archive"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        is_archive(path)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let path = file.path;
        let sha1 = sha1_of(file.content);
        let outcome = sha1.map_err(|error| error.to_string()).and_then(|sha1| {
            let zip = Zip::open(file.content)?;
            let mut reading = Reading { path, zip, found, complaints: 0 };
            reading.read(&sha1);
            Ok(())
        });
        if let Err(reason) = outcome {
            found.complaints.push(format!("cannot be read as a Java archive: {reason}"));
        }
    }
}

fn is_archive(path: &str) -> bool {
    let name = path.rsplit(['/', '!']).next().unwrap_or_default();
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn sha1_of(content: &mut dyn ReadSeek) -> io::Result<String> {
    content.seek(SeekFrom::Start(0))?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match content.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An archive while it is read.
struct Reading<'a> {
    path: &'a str,
    zip: Zip<'a>,
    found: &'a mut Found,
    complaints: usize,
}

impl Reading<'_> {
    fn read(&mut self, sha1: &str) {
        let (entries, outcome) = self.zip.list(|path| Role::of(path).is_some());
        let of = |role: Role| entries.iter().filter(move |entry| Role::of(&entry.path) == Some(role));

        let properties = self.properties(of(Role::Properties));
        let file_name = FileName::parse(self.path);
        let own = identity::own(&properties, &file_name);
        let mut package = match own {
            Some(own) => Some(own.package()),
            None => {
                let manifest = of(Role::Manifest).next().and_then(|entry| self.unpack(entry, MANIFEST_BYTES_MAX));
                let manifest = manifest.map(|bytes| Manifest::parse(&bytes)).unwrap_or_default();
                match identity::guess(&file_name, &manifest) {
                    // What was only guessed adds nothing to an archive of nothing but named libraries.
                    Some(guess) if properties.is_empty() || guess.name.contains(':') => Some(guess),
                    _ => None,
                }
            }
        };
        if let Some(package) = &mut package {
            package.sha1 = Some(sha1.to_owned());
            package.licences = own.map(|own| self.licences(own, of(Role::Pom))).unwrap_or_default();
        }
        let own_at = own.map(|own| own.at.as_str());
        let shaded = properties.iter().filter(|coordinates| Some(coordinates.at.as_str()) != own_at);
        self.found.packages.extend(package.into_iter().chain(shaded.map(Coordinates::package)));

        self.nested(of(Role::Archive));
        if let Err(reason) = outcome {
            self.complain(format!("its directory cannot be read to the end: {reason}"));
        }
    }

    fn properties<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>) -> Vec<Coordinates> {
        let mut all: Vec<Coordinates> = Vec::new();
        for entry in entries.take(PROPERTIES_MAX) {
            if let Some(bytes) = self.unpack(entry, PROPERTIES_BYTES_MAX) {
                all.extend(Coordinates::parse(&entry.path, &String::from_utf8_lossy(&bytes)));
            }
        }
        all
    }

    /// The licences that the archive's own `pom.xml` names; a parent's are not known here.
    fn licences<'e>(&mut self, own: &Coordinates, mut entries: impl Iterator<Item = &'e Entry>) -> Vec<String> {
        let Some(folder) = own.at.strip_suffix("pom.properties") else { return Vec::new() };
        let Some(entry) = entries.find(|entry| entry.path.strip_suffix("pom.xml") == Some(folder)) else {
            return Vec::new();
        };
        self.unpack(entry, POM_BYTES_MAX).map(|bytes| licences_of(&bytes)).unwrap_or_default()
    }

    fn nested<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>) {
        let mut left = NESTED_BYTES_MAX;
        for (count, entry) in entries.enumerate() {
            if count == NESTED_MAX {
                return self.complain(format!("has more than {NESTED_MAX} archives in it"));
            }
            if let Some(bytes) = self.unpack(entry, left) {
                left = left.saturating_sub(bytes.len() as u64);
                self.found.nested.push((entry.path.clone(), bytes));
            }
        }
    }

    fn unpack(&mut self, entry: &Entry, bytes_max: u64) -> Option<Vec<u8>> {
        let unpacked = match entry.length > bytes_max {
            true => Err(format!("it has more than {bytes_max} bytes")),
            false => self.zip.unpack(entry, bytes_max),
        };
        unpacked.map_err(|reason| self.complain(format!("{} within cannot be unpacked: {reason}", entry.path))).ok()
    }

    fn complain(&mut self, complaint: String) {
        self.complaints += 1;
        if self.complaints <= COMPLAINTS_MAX {
            self.found.complaints.push(complaint);
        }
    }
}

/// What a file in an archive is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Properties,
    Pom,
    Manifest,
    Archive,
}

impl Role {
    fn of(path: &str) -> Option<Role> {
        if let Some(rest) = path.strip_prefix("META-INF/maven/") {
            return match rest.split('/').collect::<Vec<_>>()[..] {
                [_, _, "pom.properties"] => Some(Role::Properties),
                [_, _, "pom.xml"] => Some(Role::Pom),
                _ => is_archive(path).then_some(Role::Archive),
            };
        }
        match path.eq_ignore_ascii_case("META-INF/MANIFEST.MF") {
            true => Some(Role::Manifest),
            false => is_archive(path).then_some(Role::Archive),
        }
    }
}

impl Coordinates {
    fn package(&self) -> Package {
        Package::new(PackageType::Maven, format!("{}:{}", self.group, self.artifact), &self.version)
    }
}

fn licences_of(pom: &[u8]) -> Vec<String> {
    let options = roxmltree::ParsingOptions { nodes_limit: POM_NODES_MAX, ..roxmltree::ParsingOptions::default() };
    let Ok(text) = std::str::from_utf8(pom) else { return Vec::new() };
    let Ok(document) = roxmltree::Document::parse_with_options(text, options) else { return Vec::new() };
    let elements = |parent: roxmltree::Node<'_, '_>, name: &'static str| {
        parent.children().filter(|node| node.tag_name().name() == name).map(|node| node.id()).collect::<Vec<_>>()
    };
    let licences = elements(document.root_element(), "licenses").into_iter();
    licences
        .filter_map(|id| document.get_node(id))
        .flat_map(|node| elements(node, "license"))
        .filter_map(|id| document.get_node(id))
        .flat_map(|node| elements(node, "name"))
        .filter_map(|id| document.get_node(id)?.text())
        .map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
