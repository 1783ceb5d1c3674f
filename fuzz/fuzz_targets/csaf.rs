//! Red Hat's documents are read or refused with a reason; what is read has a package and a source.
#![no_main]

use gantry_scan::feeds::read_csaf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match read_csaf("csaf", bytes) {
    Ok(advisories) => {
        let mut affected = advisories.iter().flat_map(|advisory| &advisory.affected);
        assert!(affected.all(|one| !one.package.is_empty() && one.source.ecosystem() == "Red Hat"));
    }
    Err(refusal) => assert!(!refusal.to_string().is_empty()),
});
