//! Rust programs built with cargo-auditable: the list of crates in the section `.dep-v0` (its format's description,
//! cargo-auditable PARSING.md): JSON, packed with zlib.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::executable::{Executable, is_executable, read_range};
use crate::{Ecosystem, File, Found, Package, PackageType};

/// Reads what cargo-auditable left in programs.
pub(crate) struct RustBinary;

/// Bytes of the list at most, packed and unpacked; the longest known is below 100 kB.
const LIST_BYTES_MAX: u64 = 8 << 20;

#[derive(serde::Deserialize)]
struct List {
    packages: Vec<Listed>,
}

#[derive(serde::Deserialize)]
struct Listed {
    name: String,
    version: String,
    #[serde(default)]
    kind: Option<String>,
}

impl Ecosystem for RustBinary {
    fn name(&self) -> &'static str {
        "rust-binary"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, _path: &str, head: &[u8], _mode: u32) -> bool {
        is_executable(head)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let Some(executable) = Executable::read(file.content) else { return };
        let Some(section) = executable.section(&[".dep-v0"]) else { return };
        let list = read_range(file.content, section.offset, section.length.min(LIST_BYTES_MAX))
            .map_err(|error| error.to_string())
            .and_then(|packed| read_list(&packed));
        match list {
            Ok(packages) => found.packages.extend(packages),
            Err(reason) => found.complaints.push(format!("its list of Rust crates cannot be read: {reason}")),
        }
    }
}

/// Reads the packed list. Crates that only the build used are not in the program.
fn read_list(packed: &[u8]) -> Result<Vec<Package>, String> {
    let mut json = Vec::new();
    ZlibDecoder::new(packed).take(LIST_BYTES_MAX).read_to_end(&mut json).map_err(|error| error.to_string())?;
    let list: List = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    let compiled_in = list.packages.into_iter().filter(|listed| listed.kind.as_deref() != Some("build"));
    Ok(compiled_in.map(|listed| Package::new(PackageType::Cargo, listed.name, listed.version)).collect())
}

#[cfg(test)]
mod tests;
