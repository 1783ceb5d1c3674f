//! Whatever a store writes instead of a page of a list, it is read or refused; and keys are what the page has room for.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match gantry::read_bucket_page(bytes) {
        Ok(objects) => {
            let length: usize = objects.iter().map(|(key, _)| key.len()).sum();
            assert!(length <= bytes.len(), "{length} bytes of keys in a page of {}", bytes.len());
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
