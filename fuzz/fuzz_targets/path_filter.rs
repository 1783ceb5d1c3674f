//! Whatever is kept as a filter of paths: it is one, or none, and one that was made for paths never hides one of them.
#![no_main]

use gantry_scan::{PathFilter, PathPattern};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (pattern, rest) = bytes.split_at(bytes.len().min(8));
    let pattern = PathPattern::new(&String::from_utf8_lossy(pattern));
    if let Some(filter) = PathFilter::read(rest) {
        assert_eq!(filter.as_bytes(), rest);
        let _ = filter.may_have(&pattern);
    }

    let text = String::from_utf8_lossy(rest).into_owned();
    let paths: Vec<&str> = text.lines().collect();
    let filter = PathFilter::of(paths.iter().copied());
    assert_eq!(PathFilter::read(filter.as_bytes()).as_ref(), Some(&filter));
    if paths.iter().any(|path| pattern.fits(path)) {
        assert!(filter.may_have(&pattern), "{pattern:?} {paths:?}");
    }
    for path in paths {
        assert!(filter.may_have(&PathPattern::new(path)), "{path}");
    }
});
