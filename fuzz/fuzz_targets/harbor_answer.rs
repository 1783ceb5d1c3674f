//! Whatever answers in the place of Harbor: artifacts have digests, and what its rules are translated to is a lifecycle policy, or
//! there is a remark.
//!
//! The input is a page of artifacts; or a retention, a line `---`, immutable tag rules, a line `---`, and the name of a repository.
#![no_main]

use gantry_lifecycle::{Policy, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match gantry::read_harbor_artifacts(text.as_bytes()) {
        Ok(digests) => assert!(digests.iter().all(|digest| digest.parse::<gantry_oci::Digest>().is_ok())),
        Err(why) => assert!(!why.is_empty()),
    }
    let mut parts = text.split("\n---\n");
    let (retention, immutable) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("[]"));
    let repository = parts.next().unwrap_or("app");
    match gantry::translate_harbor_rules(retention.as_bytes(), immutable.as_bytes(), repository) {
        Ok((Some(policy), _)) => assert!(Policy::parse(&policy, &Settings::default()).is_ok()),
        Ok((None, remarks)) => assert!(remarks.iter().all(|remark| !remark.is_empty())),
        Err(why) => assert!(!why.is_empty()),
    }
});
