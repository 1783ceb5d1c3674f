//! Whatever an image's configuration says of its making: it is judged in bounded time, and in sentences of bounded length.
#![no_main]

use gantry_scan::{ImageConfig, MISCONFIGURATIONS_MAX, find_misconfigurations};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(image) = ImageConfig::parse(bytes) else { return };

    let found = find_misconfigurations(&image, &[]);

    assert!(found.len() <= MISCONFIGURATIONS_MAX);
    for one in &found {
        assert!(one.evidence.chars().count() <= 161, "{one:?}");
        assert!(!one.rule.is_empty() && !one.advice.is_empty(), "{one:?}");
    }
});
