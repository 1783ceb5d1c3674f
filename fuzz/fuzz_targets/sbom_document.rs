//! Reading an SBOM never panics; what it names is sorted, and each once.
#![no_main]

use gantry_scan::read_document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match read_document(bytes) {
    Ok(packages) => assert!(packages.is_sorted_by(|left, right| left < right)),
    Err(error) => assert!(!error.to_string().is_empty()),
});
