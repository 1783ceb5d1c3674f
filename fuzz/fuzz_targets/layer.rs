//! Whatever a layer's bytes are, it is read within its limits or refused; what was read is the same after it was stored, and
//! two layers are put together in any case.
#![no_main]

use std::io::{self, Cursor};

use gantry_scan::{Layer, Limits, Spool, put_together, read_layer};
use libfuzzer_sys::fuzz_target;

const PATH_BYTES_MAX: usize = 300;
const ENTRIES_MAX: u64 = 2000;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        unpacked_bytes_max: 4 << 20,
        entries_max: ENTRIES_MAX,
        path_bytes_max: PATH_BYTES_MAX,
        memory_bytes_max: 4096,
        ..Limits::default()
    };
    let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(Cursor::new(Vec::new()))) };
    let half = bytes.len() / 2;
    let layers: Vec<Layer> = [bytes, &bytes[half..]]
        .into_iter()
        .filter_map(|mut bytes| match read_layer(&mut bytes, &limits, &mut spool) {
            Ok(layer) => Some(layer),
            Err(refusal) => {
                assert!(!refusal.to_string().is_empty());
                None
            }
        })
        .collect();
    for layer in &layers {
        let stored = serde_json::to_string(layer).expect("a layer can be written");
        assert_eq!(&serde_json::from_str::<Layer>(&stored).expect("what was written can be read"), layer);
        let paths = layer.files.iter().map(|file| &file.path).chain(layer.links.iter().map(|link| &link.path));
        for path in paths {
            assert!(path.len() <= PATH_BYTES_MAX && path.split('/').all(|part| !matches!(part, "" | "." | "..")));
        }
    }
    let inventory = put_together(&layers.iter().collect::<Vec<_>>());
    assert!(inventory.packages.is_sorted());
});
