//! A text that is a digest prints as it was, is made of its parts, and means the same in JSON.
#![no_main]

use gantry_oci::{Algorithm, Digest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for (algorithm, length) in [(Algorithm::Sha256, 32), (Algorithm::Sha512, 64)] {
        if let Some(hash) = bytes.get(..length) {
            let digest = Digest::from_hash(algorithm, hash);
            assert_eq!(digest.to_string().parse(), Ok(digest));
        }
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    match text.parse::<Digest>() {
        Ok(digest) => {
            assert_eq!(digest.to_string(), text);
            assert_eq!(format!("{}:{}", digest.algorithm(), digest.hex()), text);
            assert_eq!(digest.hex().len(), digest.algorithm().hex_len());
            let json = serde_json::to_string(&digest).expect("a digest is a text");
            assert_eq!(serde_json::from_str::<Digest>(&json).expect("it was a digest"), digest);
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});
