//! The policy of a resource is refused with a sentence, or it is JSON with statements, and every hint is about one of them.
#![no_main]

use gantry_access::{POLICY_BYTES_MAX, PolicyPlace, check_policy_text};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    for place in [PolicyPlace::Repository, PolicyPlace::Registry] {
        match check_policy_text(text, place) {
            Err(refusal) => {
                let sentence = refusal.to_string();
                assert!(!sentence.is_empty() && sentence.len() < 4 * text.len() + 1_000, "{sentence}");
            }
            Ok(hints) => {
                assert!(text.len() <= POLICY_BYTES_MAX);
                let policy: Value = serde_json::from_str(text).expect("what is taken is JSON");
                let statements = policy["Statement"].as_array().map_or(1, Vec::len);
                assert!(!policy["Statement"].is_null());
                for hint in hints {
                    assert!((1..=statements).contains(&hint.statement) && !hint.sentence.is_empty(), "{hint:?}");
                }
            }
        }
    }
});
