//! Errata in XML are read or refused with a reason; what is read has an id, and its packages have a version that mends them.
#![no_main]

use gantry_scan::{KnowledgeSource, Until, feeds::updateinfo};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = KnowledgeSource::new("Rocky Linux", "9");
    match updateinfo::read("updateinfo.xml", bytes, &source, "rocky") {
        Ok(advisories) => {
            for advisory in advisories {
                assert!(!advisory.id.is_empty());
                let mut ranges = advisory.affected.iter().flat_map(|affected| &affected.ranges);
                assert!(ranges.all(|range| matches!(&range.until, Until::Fixed(version) if version.len() > 1)));
            }
        }
        Err(refusal) => assert!(refusal.to_string().starts_with("updateinfo.xml: ")),
    }
});
