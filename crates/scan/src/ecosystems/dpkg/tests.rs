use std::io::Cursor;

use super::*;

fn read(path: &str, text: &str) -> Found {
    let mut found = Found::default();
    let content = &mut Cursor::new(text);
    Dpkg.read(&mut File { path, length: text.len() as u64, mode: 0o644, content }, &mut found);
    found
}

fn names(found: &Found) -> Vec<&str> {
    found.packages.iter().map(|package| &*package.name).collect()
}

#[test]
fn only_packages_whose_files_are_there_count() {
    for (status, is_there) in [
        ("install ok installed", true),
        ("hold ok installed", true),
        ("install ok half-configured", true),
        ("install ok triggers-awaited", true),
        ("deinstall ok config-files", false),
        ("purge ok not-installed", false),
        ("install reinstreq half-installed", false),
        ("", false),
    ] {
        let found = read(STATUS, &format!("Package: a\nStatus: {status}\nVersion: 1\n"));

        assert_eq!(!found.packages.is_empty(), is_there, "{status}");
        assert_eq!(found.complaints, [""; 0]);
    }
}

#[test]
fn a_file_of_distroless_images_needs_no_status() {
    let found = read("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0+deb12u1\n");

    assert_eq!(names(&found), ["tzdata"]);
}

#[test]
fn the_source_is_named_where_it_differs() {
    for (source, expected) in [
        ("glibc", Some(("glibc", "1-1+b1"))),
        ("a (1-1)", Some(("a", "1-1"))),
        ("other (1:2-3)", Some(("other", "1:2-3"))),
        ("a", None),
        ("a (1-1+b1)", None),
    ] {
        let text = format!("Package: a\nStatus: install ok installed\nSource: {source}\nVersion: 1-1+b1\n");
        let found = read(STATUS, &text);

        let found = found.packages[0].source.as_ref().map(|source| (&*source.name, &*source.version));
        assert_eq!(found, expected, "{source}");
    }
}

#[test]
fn continued_lines_are_no_fields() {
    let text = "Package: a\nStatus: install ok installed\nDescription: x\n Package: b\n .\nVersion: 1\n";

    assert_eq!(names(&read(STATUS, text)), ["a"]);
}

#[test]
fn a_stanza_without_a_version_is_complained_about_and_reading_goes_on() {
    let text = "Package: a\nStatus: install ok installed\n\n\n\nPackage: b\nStatus: install ok installed\nVersion: 1\n";

    let found = read(STATUS, text);

    assert_eq!(names(&found), ["b"]);
    assert_eq!(found.complaints, ["the stanza at line 1 names no package, or no version"]);
}

#[test]
fn lists_say_what_is_owned_and_their_names_by_which_package() {
    let list = read("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n");
    let of_an_architecture = read("var/lib/dpkg/info/libc6:amd64.list", "/lib64\n");
    let sums = read("var/lib/dpkg/status.d/tzdata.md5sums", "abc  usr/share/zoneinfo/UTC\n");

    let owned = |package: &str, paths: &[&str]| Owned {
        package: package.to_owned(),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    assert_eq!(list.owned, [owned("bash", &["/.", "/bin", "/bin/bash"])]);
    assert_eq!(of_an_architecture.owned, [owned("libc6", &["/lib64"])]);
    assert_eq!(sums.owned, [owned("tzdata", &["usr/share/zoneinfo/UTC"])]);
    assert_eq!((list.packages.len(), sums.packages.len()), (0, 0));
}

#[test]
fn only_dpkgs_own_files_are_claimed() {
    for (path, is_claimed) in [
        (STATUS, true),
        ("var/lib/dpkg/status-old", false),
        ("var/lib/dpkg/available", false),
        ("var/lib/dpkg/status.d/base", true),
        ("var/lib/dpkg/info/bash.list", true),
        ("var/lib/dpkg/info/bash.md5sums", false),
        ("rootfs/var/lib/dpkg/status", false),
    ] {
        assert_eq!(Dpkg.claims(path, &[], 0o644), is_claimed, "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in "((Package|Status|Version|Source)?:? ?[a-z()]{0,9}\n?){0,20}") {
        read(STATUS, &text);
    }
}
