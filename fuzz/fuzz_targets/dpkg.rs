//! Whatever the bytes of dpkg's database, its files of distroless images, its lists of files, and what packages say of licences are, packages with a name and a version come out, or complaints.
#![no_main]

use std::io::{self, Cursor};

use gantry_scan::{LayerBuilder, Limits, Spool, put_together};
use libfuzzer_sys::fuzz_target;

const PATHS: &[&str] =
    &["var/lib/dpkg/status", "var/lib/dpkg/status.d/a", "var/lib/dpkg/info/a.list", "usr/share/doc/a/copyright"];

fuzz_target!(|bytes: &[u8]| {
    for path in PATHS {
        let limits = Limits::default();
        let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(Cursor::new(Vec::new()))) };
        let mut builder = LayerBuilder::new(&limits, &mut spool);
        builder.file(path, 0o644, bytes.len() as u64, &mut Cursor::new(bytes)).expect("reading memory does not fail");
        let layer = builder.finish();
        assert!(layer.packages().all(|package| !package.name.is_empty() && !package.version.is_empty()));
        let mut licences = layer.files.iter().flat_map(|file| &file.found.licences);
        assert!(licences.all(|licence| !licence.is_empty() && licence.len() <= 256));
        let inventory = put_together(&[&layer]);
        assert!(inventory.packages.len() <= layer.packages().count());
    }
});
