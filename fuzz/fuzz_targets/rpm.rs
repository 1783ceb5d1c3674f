//! Whatever the bytes of rpm's databases of all kinds, and its manifest are, packages with a name and a version come out, or complaints.
#![no_main]

use std::io::{self, Cursor};

use gantry_scan::{LayerBuilder, Limits, Spool, put_together};
use libfuzzer_sys::fuzz_target;

const PATHS: &[&str] = &["var/lib/rpm/Packages", "var/lib/rpmmanifest/container-manifest-2"];

fuzz_target!(|bytes: &[u8]| {
    for path in PATHS {
        let limits = Limits::default();
        let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(Cursor::new(Vec::new()))) };
        let mut builder = LayerBuilder::new(&limits, &mut spool);
        builder.file(path, 0o644, bytes.len() as u64, &mut Cursor::new(bytes)).expect("reading memory does not fail");
        let layer = builder.finish();
        assert!(layer.packages().all(|package| !package.name.is_empty() && !package.version.is_empty()));
        let inventory = put_together(&[&layer]);
        assert!(inventory.packages.len() <= layer.packages().count());
    }
});
