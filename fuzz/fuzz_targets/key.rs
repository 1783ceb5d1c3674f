//! No key and no upload id leads out of the folder it is a place in.
#![no_main]

use gantry_store::{Key, UploadId};
use libfuzzer_sys::fuzz_target;
use std::path::{Component, Path};

fuzz_target!(|text: &str| {
    match text.parse::<Key>() {
        Ok(key) => {
            assert_eq!(key.as_str(), text);
            assert_eq!(text, text.to_lowercase(), "no two keys are one file where case is ignored");
            assert_is_below(&key);
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    let parent: Key = "sha256/ab".parse().expect("a key");
    if let Ok(child) = parent.child(text) {
        assert_eq!(child.as_str(), format!("{parent}/{text}"));
        assert_is_below(&child);
        assert!(Path::new(child.as_str()).starts_with(parent.as_str()));
    }
    if let Ok(id) = text.parse::<UploadId>() {
        assert_eq!(id.as_str(), text);
        let path = Path::new("/uploads").join(id.as_str());
        assert_eq!((path.parent(), path.file_name()), (Some(Path::new("/uploads")), Some(text.as_ref())));
        assert!(text.len() <= 64);
    }
});

fn assert_is_below(key: &Key) {
    let path = Path::new("/blobs").join(key.as_str());
    assert!(path.starts_with("/blobs"), "{key}");
    assert!(path.components().skip(1).all(|part| matches!(part, Component::Normal(_))), "{key}");
    assert_eq!(path.components().count(), 2 + key.as_str().split('/').count(), "{key}");
    assert!(key.as_str().len() <= 512 && !key.as_str().contains('\0'));
}
