use super::*;
use crate::ecosystems::go_binary::version::{of_library, of_linker_flags};
use crate::ecosystems::packed_tests::{names, read};

const HELLO: &[u8] = include_bytes!("../../../fixtures/go-binary/elf/input/usr/bin/hello");

fn info(modules: &str) -> BuildInfo {
    BuildInfo::parse(b"go1.21.0", modules.as_bytes()).unwrap()
}

fn listed(modules: &str) -> Vec<String> {
    names(&packages(&info(modules)).collect::<Vec<_>>())
}

/// The header that Go before 1.18 wrote, with 8-byte pointers in little endian.
fn pointers(go_version: u64, modules: u64) -> Vec<u8> {
    let mut blob = [MAGIC, &[8, 0]].concat();
    blob.extend(go_version.to_le_bytes());
    blob.extend(modules.to_le_bytes());
    blob
}

/// An ELF file without a section table, whose only segment holds `bytes` at `address`.
fn program(address: u64, bytes: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let halves = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    file.extend(halves(&[2, 62, 1, 0]));
    [0_u64, 64, 0].iter().for_each(|number| file.extend(number.to_le_bytes()));
    file.extend(halves(&[0, 0, 64, 56, 1, 64, 0, 0]));
    file.extend(halves(&[1, 0, 6, 0]));
    let length = bytes.len() as u64;
    [128_u64, address, address, length, length, 16].iter().for_each(|number| file.extend(number.to_le_bytes()));
    file.resize(128, 0);
    file.extend(bytes);
    file
}

#[test]
fn what_replaced_a_module_is_what_is_in_the_program() {
    let packages = listed("dep\tgithub.com/a/b\tv1.0.0\th1:x=\n=>\tgithub.com/fork/b\tv1.0.1\th1:y=\n");

    assert_eq!(packages, ["github.com/fork/b v1.0.1", "stdlib 1.21.0"]);
}

#[test]
fn a_module_that_a_folder_replaced_has_no_version() {
    let packages = listed("dep\tk8s.io/api\tv0.0.0\n=>\t./staging/src/k8s.io/api\t(devel)\t\n");

    assert_eq!(packages, ["k8s.io/api (devel)", "stdlib 1.21.0"]);
}

#[test]
fn the_main_module_built_from_a_folder_has_the_version_that_the_linker_was_told() {
    let packages = listed("mod\texample.com/tool\t(devel)\t\nbuild\t-ldflags=\"-s -w -X main.version=v1.2.3\"\n");

    assert_eq!(packages, ["example.com/tool v1.2.3", "stdlib 1.21.0"]);
}

#[test]
fn the_main_module_keeps_the_version_it_has() {
    let packages = listed("mod\texample.com/tool\tv2.0.0\th1:x=\nbuild\t-ldflags=\"-X main.version=1.2.3\"\n");

    assert_eq!(packages, ["example.com/tool v2.0.0", "stdlib 1.21.0"]);
}

#[test]
fn linker_flags_tell_a_version_only_where_it_is_that_of_the_program() {
    let cases = [
        ("-X main.version=1.2.3", Some("v1.2.3")),
        ("-s -w -X=main.Version=v1.2", Some("v1.2")),
        ("--X main.version=1.2.3-rc.1+build", Some("v1.2.3-rc.1+build")),
        ("-X 'main.version=1.2.3' -X 'main.date=a b'", Some("v1.2.3")),
        ("-X other.com/lib.version=9.9.9 -X example.com/tool/internal.GitVersion=1.2.3", Some("v1.2.3")),
        ("-X k8s.io/component-base/version.gitVersion=v1.27.1", Some("v1.27.1")),
        ("-X one.com/a.version=1.0.0 -X two.com/b.version=2.0.0", None),
        ("-X main.version=main-8f3c2a1", None),
        ("-X main.commit=1.2.3", None),
        ("-X main.goVersion=1.22.3", None),
        ("-X main.version", None),
        ("-X", None),
        ("", None),
    ];

    for (flags, expected) in cases {
        let settings = [("-ldflags".to_owned(), flags.to_owned())];

        assert_eq!(of_linker_flags(&settings, "example.com/tool").as_deref(), expected, "{flags}");
    }
}

#[test]
fn the_library_has_the_version_of_go_as_a_semantic_one() {
    let cases = [
        ("go1.22.3", "1.22.3"),
        ("go1.22rc1", "1.22.0-rc1"),
        ("go1.20", "1.20.0"),
        ("go1.20.5 X:boringcrypto", "1.20.5"),
        ("go1.20.12 (Red Hat 1.20.12-8.el9_4)", "1.20.12"),
        ("go1.19.4-fips", "1.19.4"),
        ("devel go1.23-f8f5f1d Mon Jan 1", "devel go1.23-f8f5f1d Mon Jan 1"),
        ("go1..2", "go1..2"),
        ("go", "go"),
        ("", ""),
    ];

    for (go, expected) in cases {
        assert_eq!(of_library(go), expected, "{go}");
    }
}

#[test]
fn quoted_settings_are_read_without_their_quotes() {
    let info = info("build\t-ldflags=\"-X \\\"main.a=b c\\\"\"\nbuild\tCGO_CFLAGS=`-O2 \"x\"`\nbuild\tGOOS=linux\n");

    let values: Vec<&str> = info.settings.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["-X \"main.a=b c\"", "-O2 \"x\"", "linux"]);
}

#[test]
fn build_information_before_go_1_18_is_found_by_its_pointers() {
    let base = 0x40_0000;
    let modules = "0123456789abcdefdep\tgithub.com/a/b\tv1.0.0\th1:x=\n0123456789abcdef";
    let mut data = pointers(base + 48, base + 64);
    data.resize(48, 0);
    [base + 80, 6, base + 86, modules.len() as u64].iter().for_each(|number| data.extend(number.to_le_bytes()));
    data.extend(b"go1.17");
    data.extend(modules.as_bytes());

    let found = read("go-binary", "usr/bin/old", &program(base, &data));

    assert_eq!(names(&found.packages), ["github.com/a/b v1.0.0", "stdlib 1.17.0"]);
}

#[test]
fn pointers_that_lead_nowhere_are_complained_about() {
    let mut data = pointers(u64::MAX - 3, 0);
    data.resize(64, 0);

    let found = read("go-binary", "usr/bin/old", &program(0x40_0000, &data));

    assert_eq!(found.complaints, ["its Go build information cannot be read: it points outside of the file"]);
}

#[test]
fn a_packed_program_is_complained_about() {
    let found = read("go-binary", "usr/bin/packed", &program(0x40_0000, b"....UPX!...."));

    assert_eq!(found.packages, []);
    assert_eq!(
        found.complaints,
        ["is packed with UPX, so what was compiled into it cannot be told; push it unpacked to have it scanned"]
    );
}

#[test]
fn other_programs_say_nothing() {
    assert_eq!(read("go-binary", "usr/bin/cat", &program(0x40_0000, b"cat")), Found::default());
    assert_eq!(read("go-binary", "usr/bin/cat", b"MZ of another age"), Found::default());
}

#[test]
fn a_program_that_is_cut_or_changed_anywhere_is_read_without_harm() {
    let changed = |at: usize| {
        let mut program = HELLO.to_vec();
        program[at] = !program[at];
        program
    };

    for at in 0..HELLO.len() {
        read_build_info(&HELLO[..at]);
        read_build_info(&changed(at));
    }

    assert!(read_build_info(HELLO).is_some());
}
