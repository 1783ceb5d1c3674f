//! `If-None-Match` is read as the grammar of RFC 9110 has it: content is unchanged where the list names it, or is `*`.
#![no_main]

use gantry_oci::{Algorithm, Digest};
use gantry_v2::is_unchanged;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let digest = Digest::from_hash(Algorithm::Sha256, &[0xab; 32]);
    // A short stand-in for the digest, so that it is found.
    let header = text.replace('D', digest.as_str());

    let found = is_unchanged(Some(&header), &digest);
    if let Some(tags) = tags(&header) {
        let is_named = tags.iter().any(|tag| *tag == digest.as_str());
        assert_eq!(found, header.trim() == "*" || is_named, "{header:?}");
    }
    assert!(!found || header.contains(digest.as_str()) || header.trim() == "*");
    assert!(!is_unchanged(None, &digest));
});

/// The opaque tags of `#entity-tag` (RFC 9110, sections 5.6.1, 8.8.3 and 13.1.2); `None` where it is something else.
fn tags(header: &str) -> Option<Vec<&str>> {
    let (mut tags, mut rest) = (Vec::new(), header.trim());
    if rest == "*" {
        return Some(tags);
    }
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return Some(tags);
        }
        let (tag, after) = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        if !tag.bytes().all(|byte| byte == b'!' || (b'#'..=b'~').contains(&byte) || byte >= 0x80) {
            return None;
        }
        tags.push(tag);
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}
