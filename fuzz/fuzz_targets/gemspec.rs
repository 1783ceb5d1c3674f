//! Whatever program a gem's specification is: no more is taken from it than stands in it, and one gem at most.
#![no_main]

use gantry_scan::{ECOSYSTEMS, File, Found};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

const PATH: &str = "usr/lib/ruby/gems/3.2.0/specifications/a-1.0.gemspec";

fuzz_target!(|text: &str| {
    let ecosystem = ECOSYSTEMS.iter().find(|ecosystem| ecosystem.name() == "gemspec").expect("it is one of them");
    let mut found = Found::default();
    let content = &mut Cursor::new(text);
    ecosystem.read(&mut File { path: PATH, length: text.len() as u64, mode: 0o644, content }, &mut found);

    assert!(found.packages.len() + found.complaints.len() <= 1);
    for package in &found.packages {
        assert!(text.contains(&package.name) && text.contains(&package.version), "{package:?}");
    }
});
