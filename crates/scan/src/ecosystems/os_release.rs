//! Files that name the distribution; what they say is read in `distribution.rs`.

use crate::{Ecosystem, File, Found, distribution};

/// Such files have a few hundred bytes.
const BYTES_MAX: u64 = 64 << 10;

/// os-release(5) and its older kin.
pub(crate) struct OsRelease;

impl Ecosystem for OsRelease {
    fn name(&self) -> &'static str {
        "os-release"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        distribution::is_release_file(path)
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        if file.length > BYTES_MAX {
            return found.complaints.push("the file is too long to name a distribution".to_owned());
        }
        match file.whole() {
            Ok(bytes) => found.distribution = distribution::parse(file.path, &String::from_utf8_lossy(&bytes)),
            Err(error) => found.complaints.push(format!("the file cannot be read: {error}")),
        }
    }
}
