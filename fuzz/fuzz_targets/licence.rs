//! Whatever a packager writes of a licence: it is no SPDX expression, or one that reads as itself.
#![no_main]

use gantry_scan::spdx_expression;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|words: &str| {
    if let Some(expression) = spdx_expression(words) {
        assert_eq!(spdx_expression(&expression).as_deref(), Some(expression.as_str()));
    }
});
