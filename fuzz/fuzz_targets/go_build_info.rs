//! Reading programs, of Go and others, never panics, and finds text only that is in the program or stands for none.
#![no_main]

use std::io::Cursor;

use gantry_scan::{ECOSYSTEMS, File, Found, read_build_info};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(info) = read_build_info(bytes) {
        let modules = info.main.iter().chain(&info.modules);
        assert!(modules.map(|module| module.path.len() + module.version.len()).sum::<usize>() <= 4 * bytes.len());
    }
    for ecosystem in ECOSYSTEMS.iter().filter(|ecosystem| ecosystem.name().ends_with("-binary")) {
        let mut file = File { path: "a", length: bytes.len() as u64, mode: 0o755, content: &mut Cursor::new(bytes) };
        ecosystem.read(&mut file, &mut Found::default());
    }
});
