//! Whatever is written in the index.json of a layout, the names of its images are repositories and tags, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match gantry::read_layout_index(bytes) {
        Ok(names) => {
            for (repository, tag) in names {
                assert!(repository.is_empty() || repository.parse::<gantry_words::RepositoryName>().is_ok());
                assert!(tag.is_empty() || tag.parse::<gantry_oci::Tag>().is_ok());
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
