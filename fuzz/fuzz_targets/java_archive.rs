//! Reading an archive of Java, or a wheel, never panics, complains within bounds, and gives no name that is empty.
#![no_main]

use std::io::Cursor;

use gantry_scan::{ECOSYSTEMS, File, Found};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for (name, path) in [("java-archive", "lib/tool-1.0.jar"), ("python-wheel", "lib/tool-1.0-py3-none-any.whl")] {
        let ecosystem = ECOSYSTEMS.iter().find(|ecosystem| ecosystem.name() == name).expect("it is there");
        let mut found = Found::default();
        let mut file = File { path, length: bytes.len() as u64, mode: 0o644, content: &mut Cursor::new(bytes) };
        ecosystem.read(&mut file, &mut found);
        assert!(found.complaints.len() <= 9);
        assert!(found.packages.iter().all(|package| !package.name.is_empty() && !package.version.is_empty()));
    }
});
