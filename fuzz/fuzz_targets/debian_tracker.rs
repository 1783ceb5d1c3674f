//! Debian's tracker is read or refused with a reason; what is not affected has no ranges, anything else has one.
#![no_main]

use gantry_scan::{Standing, feeds::debian};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match debian::read("json", bytes) {
    Ok(advisories) => {
        for affected in advisories.iter().flat_map(|advisory| &advisory.affected) {
            assert_eq!(affected.ranges.is_empty(), affected.standing == Standing::NotAffected);
        }
    }
    Err(refusal) => assert!(refusal.to_string().starts_with("json: ")),
});
