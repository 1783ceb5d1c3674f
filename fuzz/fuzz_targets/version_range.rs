//! A range of versions as people write it is read or refused with a reason, and nothing is both in it and not comparable.
#![no_main]

use gantry_scan::{VersionRange, VersionScheme};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, version) = input;
    match text.parse::<VersionRange>() {
        Ok(range) => {
            for scheme in [VersionScheme::Alpine, VersionScheme::Debian, VersionScheme::Rpm, VersionScheme::Python] {
                let is_comparable = scheme.order(version, version).is_some();
                assert!(is_comparable || !range.holds(scheme, version));
            }
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});
