//! Documents that hang on an image are read or refused with a reason, whatever they are wrapped in; what they say is of that image alone.
#![no_main]

use gantry_scan::{AttachedDocument, Inventory, read_attached, vex::Bearer};
use libfuzzer_sys::fuzz_target;

const IMAGE: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fuzz_target!(|bytes: &[u8]| {
    let bearer = Bearer { digest: IMAGE, indexes: &[], repository: "team/app" };
    match read_attached("referrer sha256:1", bytes, &bearer) {
        Ok(document) => assert_taken(document),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});

fn assert_taken(document: AttachedDocument) {
    let mut products = document.statements.iter().flat_map(|statement| &statement.products);
    assert!(products.all(|product| product.image.as_deref() == Some(IMAGE) && product.repository.is_none()));
    let mut inventory = Inventory::default();
    inventory.attach("referrer sha256:1", document.clone());
    let packages = inventory.packages.len();
    inventory
        .attach("referrer sha256:2", AttachedDocument { packages: document.packages, ..AttachedDocument::default() });
    assert_eq!(inventory.packages.len(), packages, "nothing is there twice");
    let text = serde_json::to_string(&inventory).expect("it can be written");
    assert_eq!(serde_json::from_str::<Inventory>(&text).expect("it can be read"), inventory);
}
