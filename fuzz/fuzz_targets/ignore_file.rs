//! A file of what is ignored is read or refused with its line; each id that stands in it without an end is ignored.
#![no_main]

use gantry_scan::{Finding, IgnoreFile, Package, PackageType};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(ignored) = IgnoreFile::parse(text) else { return };
    let last = text.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next()).next_back();
    let Some(id) = last else { return };
    let finding = Finding::new(id, Package::new(PackageType::Npm, "ws", "1.0.0"));
    assert!(ignored.ignores(&finding, "0000-00-00"), "{id}");
});
