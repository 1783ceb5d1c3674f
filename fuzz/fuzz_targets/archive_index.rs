//! Whatever an archive's bytes are, what its table of contents names lies in it, and by no name that leads out of it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match gantry::read_archive_index(bytes) {
        Ok(files) => {
            for (name, at, length) in files {
                assert!(at.checked_add(length).is_some_and(|end| end <= bytes.len() as u64), "{name} ends outside");
                assert!(name.split('/').all(|part| !matches!(part, "" | "." | "..")), "{name}");
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
