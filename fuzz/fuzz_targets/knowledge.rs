//! A knowledge file whose checksum is right but whose tables are anything gives an answer or an error.
#![no_main]

use gantry_scan::{Installed, Interned, Inventory, Knowledge, Options, Package, PackageType, find, match_all, seal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = bytes.to_vec();
    seal(&mut file);
    let Ok(knowledge) = Knowledge::read(file) else { return };
    let installed =
        |name: &str| Installed { package: Package::new(PackageType::Npm, name, "1.0.0"), path: "a".into(), layer: 0 };
    let image = Inventory { packages: vec![installed("a"), installed("b")], ..Inventory::default() };
    let mut interned = Interned::default();
    interned.add(&image, &Options::default());
    let _ = find(&image, &knowledge, &Options::default());
    let _ = match_all(&interned, &knowledge);
    let _ = knowledge.changed_since(&knowledge);
    let _ = knowledge.exploitation_changed_since(&knowledge);
});
