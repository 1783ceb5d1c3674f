//! A text that is a reference prints as it was, and is of the grammar of OCI Distribution 1.1.1.
#![no_main]

use gantry_oci::{Reference, TAG_BYTES_MAX, Tag};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Reference>() {
        Ok(reference) => {
            assert_eq!(reference.to_string(), text);
            match reference {
                Reference::Tag(tag) => assert_is_tag(&tag),
                Reference::Digest(digest) => assert!(Tag::referrers_fallback(&digest).is_referrers_fallback()),
            }
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});

fn assert_is_tag(tag: &Tag) {
    let bytes = tag.as_str().as_bytes();
    assert!((1..=TAG_BYTES_MAX).contains(&bytes.len()));
    assert!(bytes[0].is_ascii_alphanumeric() || bytes[0] == b'_');
    assert!(bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)));
}
