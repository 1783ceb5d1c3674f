//! AlmaLinux's errata are read or refused with a reason; what is read has a package, and a source of the release.
#![no_main]

use gantry_scan::feeds::almalinux;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match almalinux::read("errata.json", bytes, "9") {
    Ok(advisories) => {
        for affected in advisories.iter().flat_map(|advisory| &advisory.affected) {
            assert_eq!(affected.source.to_string(), "AlmaLinux:9");
        }
    }
    Err(refusal) => assert!(refusal.to_string().contains("errata.json")),
});
