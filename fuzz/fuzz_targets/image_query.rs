//! A query that is read prints as what reads the same, and means only what lies within its bounds; what is wrong with another lies
//! within it.
#![no_main]

use gantry_query::{Facts, Field, QUERY_BYTES_MAX, Query, TERMS_MAX, Term};
use gantry_words::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_millis(1_795_651_200_000);

fuzz_target!(|text: &str| {
    let query = match text.parse::<Query>() {
        Ok(query) => query,
        Err(error) => {
            let end = error.span.offset + error.span.length;
            assert!(text.is_char_boundary(error.span.offset) && text.is_char_boundary(end));
            assert!(!error.to_string().is_empty());
            let (offset, length) = error.span.in_characters(text);
            assert!(offset + length <= text.chars().count());
            return;
        }
    };
    assert!(query.terms().len() <= TERMS_MAX);
    let printed = query.to_string();
    // Short forms grow to their long ones, so that the longest queries are longer when printed.
    if printed.len() <= QUERY_BYTES_MAX {
        assert_eq!(printed.parse::<Query>().as_ref(), Ok(&query));
    }
    let facts = Facts {
        digest: "sha256:4f1e",
        media_type: "application/vnd.oci.image.manifest.v1+json",
        artifact_type: None,
        pushed_at: Timestamp::from_millis(1_767_225_600_000),
        tagged_at: None,
        pulled_at: Some(NOW),
        bytes: 1 << 30,
        tag_count: 1,
        pushed_by: "arn:aws:iam::000000000000:user/ann",
        storage_class: "STANDARD",
        is_held: false,
    };
    let known = |_: usize, term: &Term| {
        Some(term.holds(&facts, NOW).unwrap_or_else(|| match term.field() {
            Field::Platform => term.matches("linux/arm64/v8"),
            _ => term.matches("v1.2") || term.matches_pair("title", "My app"),
        }))
    };
    if query.decide(known) == Some(true) {
        let bounds = query.bounds(NOW, |_, _| None).expect("something is meant");
        assert!((bounds.pushed.from..=bounds.pushed.to).contains(&facts.pushed_at.millis()));
        assert!(bounds.tag.is_none_or(|tag| "v1.2".starts_with(&tag.prefix)));
        assert!(bounds.platform.is_none_or(|platform| "linux/arm64/v8".starts_with(&platform.prefix)));
        assert!(bounds.label.is_none_or(|label| {
            label.name == "title" && label.value.is_none_or(|value| "My app".starts_with(&value.prefix))
        }));
        assert!(bounds.digest.is_none_or(|digest| facts.digest.starts_with(&digest.prefix)));
    }
    // Of less that is known no more is said.
    if let Some(is_meant) = query.decide(|_, term| term.holds(&facts, NOW)) {
        assert_eq!(query.decide(known), Some(is_meant));
    }
});
