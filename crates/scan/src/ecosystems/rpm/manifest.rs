//! What Azure Linux' (CBL-Mariner's) distroless images have in place of a database: a line for each package, its fields
//! between tabs: name, version-release, times of installation and build, vendor, epoch, size, architecture, epoch as a
//! number, source.

use super::DatabaseError;
use super::header::{parse_source, with_epoch};
use crate::{File, Found, Package, PackageType};

pub(super) fn read(file: &mut File<'_>, found: &mut Found) -> Result<(), DatabaseError> {
    let bytes = file.whole()?;
    for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.is_empty()) {
        match parse(line) {
            Some(package) => found.packages.push(package),
            None => return Err(DatabaseError::Damaged("a line has not the ten fields of a package")),
        }
    }
    Ok(())
}

fn parse(line: &str) -> Option<Package> {
    let fields: Vec<&str> = line.split('\t').take(11).collect();
    let [name, version, _, _, vendor, _, _, architecture, epoch, source] = fields[..] else { return None };
    if name.is_empty() || version.is_empty() || line.len() > 4096 {
        return None;
    }
    let epoch = epoch.parse().ok().filter(|epoch| *epoch != 0);
    let known = |text: &str| (!text.is_empty() && text != "(none)").then(|| text.to_owned());
    Some(Package {
        source: parse_source(source, name, version, epoch),
        architecture: known(architecture),
        vendor: known(vendor),
        ..Package::new(PackageType::Rpm, name, with_epoch(epoch, version))
    })
}
