//! A vector has a score between 0 and 10 in whole tenths, or none.
#![no_main]

use gantry_scan::severity;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(score) = severity::score(text) {
        assert!((0.0..=10.0).contains(&score));
        assert!(((score * 10.0).round() / 10.0 - score).abs() < 0.001);
        let _ = severity::of_score(score);
    }
});
