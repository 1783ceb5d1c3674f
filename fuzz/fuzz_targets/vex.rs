//! Statements are read or refused with a reason; applied to no finding they do nothing.
#![no_main]

use gantry_scan::vex;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

const IMAGE: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fuzz_target!(|bytes: &[u8]| match vex::read("vex", bytes) {
    Ok(statements) => {
        assert!(statements.len() <= vex::STATEMENTS_MAX);
        let statements = Arc::new(statements);
        vex::Lookup::new(vec![statements.clone()]).apply(&mut [], IMAGE);
        let mut products = statements.iter().flat_map(|statement| &statement.products);
        assert!(products.all(|product| product.image.is_some() || product.package.is_some()));
    }
    Err(refusal) => assert!(refusal.to_string().starts_with("vex: ")),
});
