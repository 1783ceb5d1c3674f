//! A file of bbolt is walked to its end or refused, and never gives more entries than its pages can hold; as a database of
//! trivy it is read or refused with a reason.
#![no_main]

use gantry_scan::feeds::{
    bolt::{Bolt, Entry},
    trivy,
};
use libfuzzer_sys::fuzz_target;

const DEPTH_MAX: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    let Ok(bolt) = Bolt::open(bytes) else { return };
    let mut waiting = vec![(bolt.root(), 0)];
    let mut budget = 100_000;
    while let Some((bucket, depth)) = waiting.pop() {
        for entry in bolt.entries(bucket) {
            budget -= 1;
            match entry {
                Ok(Entry::Bucket { bucket, .. }) if depth < DEPTH_MAX => waiting.push((bucket, depth + 1)),
                Ok(Entry::Bucket { .. } | Entry::Value { .. }) => {}
                Err(_) => break,
            }
            if budget == 0 {
                return;
            }
        }
    }
    if let Err(refusal) = trivy::read("trivy.db", bytes) {
        assert!(refusal.to_string().starts_with("trivy.db: "));
    }
});
