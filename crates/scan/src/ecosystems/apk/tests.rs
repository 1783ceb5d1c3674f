use super::*;

fn read(text: &str) -> Found {
    let mut found = Found::default();
    read_installed(text, &mut found);
    found
}

#[test]
fn a_record_ends_with_a_blank_line_or_the_file() {
    let found = read("P:a\nV:1-r0\n\nP:b\nV:2-r0");

    let names: Vec<&str> = found.packages.iter().map(|package| &*package.name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn the_origin_is_the_source_with_the_packages_version() {
    let found = read("P:libcrypto3\nV:3.0.8-r0\no:openssl\n\nP:busybox\nV:1-r0\no:busybox\n");

    let source = found.packages[0].source.as_ref().unwrap();
    assert_eq!((&*source.name, &*source.version), ("openssl", "3.0.8-r0"));
    assert_eq!(found.packages[1].source, None);
}

#[test]
fn files_lie_in_the_folder_before_them() {
    let found = read("P:a\nV:1\nF:\nR:x\nF:usr/bin\nR:y\nR:z\n\nP:b\nV:1\nR:w\n");

    let owned: Vec<_> = found.owned.iter().map(|owned| (&*owned.package, owned.paths.join(" "))).collect();
    assert_eq!(owned, [("a", "/x usr/bin/y usr/bin/z".to_owned()), ("b", "/w".to_owned())]);
}

#[test]
fn a_record_without_a_version_is_complained_about_and_reading_goes_on() {
    let found = read("P:a\n\nP:b\nV:1\n");

    assert_eq!(found.packages.len(), 1);
    assert_eq!(found.complaints, ["the record at line 1 names no package, or no version"]);
}

#[test]
fn the_database_is_known_at_both_of_its_places() {
    assert!(Apk.claims("lib/apk/db/installed", &[], 0o644));
    assert!(Apk.claims("usr/lib/apk/db/installed", &[], 0o644));
    assert!(!Apk.claims("lib/apk/db/scripts.tar", &[], 0o644));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in "([PVAoLmFR]?:?[a-z]{0,9}\n?){0,20}") {
        read(&text);
    }
}
