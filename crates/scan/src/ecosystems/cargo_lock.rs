//! `Cargo.lock`: the crates that a Rust workspace is built from (The Cargo Book, Cargo.toml vs Cargo.lock).

use crate::{Ecosystem, File, Found, Package, PackageType};

/// Reads Cargo's lock files.
pub(crate) struct CargoLock;

/// Bytes of a lock file at most; that of a workspace of a thousand crates has 300 kB.
const LOCK_BYTES_MAX: u64 = 16 << 20;

#[derive(serde::Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(serde::Deserialize)]
struct Locked {
    name: String,
    version: String,
}

impl Ecosystem for CargoLock {
    fn name(&self) -> &'static str {
        "cargo-lock"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, _head: &[u8], _mode: u32) -> bool {
        // Published crates bring the lock files of their authors along: nothing was built from those.
        path.rsplit('/').next() == Some("Cargo.lock") && !path.contains("registry/src/")
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        match read(file) {
            Ok(packages) => found.packages.extend(packages),
            Err(reason) => found.complaints.push(format!("cannot be read as a Cargo.lock: {reason}")),
        }
    }
}

fn read(file: &mut File<'_>) -> Result<Vec<Package>, String> {
    if file.length > LOCK_BYTES_MAX {
        return Err(format!("it has more than {LOCK_BYTES_MAX} bytes"));
    }
    let bytes = file.whole().map_err(|error| error.to_string())?;
    let lock: Lock = toml::from_slice(&bytes).map_err(|error| error.message().to_owned())?;
    let packages = lock.package.into_iter();
    Ok(packages.map(|locked| Package::new(PackageType::Cargo, locked.name, locked.version)).collect())
}
