//! Whatever a registry lists, and however its pages are chained; and how people name one.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(names) = gantry::read_registry_page(bytes) {
        assert!(names.iter().map(String::len).sum::<usize>() <= bytes.len());
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Some(next) = gantry::read_next_page(text) {
        assert!(text.contains(&format!("<{next}>")));
    }
    if let Some(url) = gantry::read_registry_place(text) {
        let (scheme, host) = url.split_once("://").unwrap_or_default();
        assert!(matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '@', ' ']));
        assert_eq!(scheme == "http", text.contains("+http://"));
    }
});
