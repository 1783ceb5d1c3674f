use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;
use crate::ecosystems::packed_tests::names;

fn pack(json: &str) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(json.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn crates_that_only_the_build_used_are_not_in_the_program() {
    let json = r#"{"packages": [
        {"name": "cc", "version": "1.0.79", "source": "crates.io", "kind": "build"},
        {"name": "hyper", "version": "0.14.9", "source": "crates.io", "dependencies": [0]},
        {"name": "server", "version": "0.1.0", "source": "local", "kind": "runtime", "root": true}
    ], "format": 1}"#;

    let packages = read_list(&pack(json)).unwrap();

    assert_eq!(names(&packages), ["hyper 0.14.9", "server 0.1.0"]);
}

#[test]
fn a_list_that_unpacks_to_too_much_is_not_read() {
    let json = format!(r#"{{"packages": []{}}}"#, " ".repeat(usize::try_from(LIST_BYTES_MAX).unwrap()));

    assert!(read_list(&pack(&json)).is_err());
}

#[test]
fn what_is_not_packed_is_not_read() {
    assert!(read_list(br#"{"packages": []}"#).is_err());
}
