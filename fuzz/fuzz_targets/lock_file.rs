//! Whatever a file holds that is named like a package manager's: it gives packages that can be compared, or short complaints.
//! The first line is its path.
#![no_main]

use gantry_scan::{ECOSYSTEMS, File, Found, VERSION_BYTES_MAX};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(path) = str::from_utf8(&bytes[..end]) else { return };
    let bytes = &bytes[end + 1..];

    for ecosystem in ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.claims(path, bytes, 0o644)) {
        let mut found = Found::default();
        let content = &mut Cursor::new(bytes);
        ecosystem.read(&mut File { path, length: bytes.len() as u64, mode: 0o644, content }, &mut found);

        for package in &found.packages {
            assert!(!package.name.is_empty() && !package.version.is_empty(), "{path}: {package:?}");
            assert!(package.version.len() <= VERSION_BYTES_MAX, "{path}: {package:?}");
        }
        for complaint in &found.complaints {
            assert!(!complaint.is_empty() && complaint.len() <= 500, "{path}: {complaint}");
        }
    }
});
