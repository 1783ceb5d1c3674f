//! Reading a package URL never panics, and its name is read again from what is written of it.
#![no_main]

use gantry_scan::purl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(package) = purl::parse(text) else { return };
    let written = purl::of(&package, None);
    if written.len() <= purl::PURL_BYTES_MAX {
        let again = purl::parse(&written).expect("what is written can be read");
        assert_eq!((again.kind, again.name), (package.kind, package.name));
    }
});
