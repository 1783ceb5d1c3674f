mod archive;
mod judged;

use std::io::{BufReader, Write};

use super::*;
use crate::{Distribution, Ecosystem, File, Owned, PackageType};
pub(crate) use archive::{Item, pack};

/// Reads what is made for tests: `PKG name version`, `DEB name version`, `OWN path` of the package before it, `OS id version`, and
/// `IN name text`, a line each, in files that end in `.pkg`, or begin with `PKG`, and in `etc/os-release`.
pub(crate) struct Words;

pub(crate) static WORDS: &[&dyn Ecosystem] = &[&Words];

impl Ecosystem for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn revision(&self) -> u32 {
        1
    }

    fn claims(&self, path: &str, head: &[u8], _mode: u32) -> bool {
        path.ends_with(".pkg") || path == "etc/os-release" || head.starts_with(b"PKG")
    }

    fn read(&self, file: &mut File<'_>, found: &mut Found) {
        let text = String::from_utf8_lossy(&file.whole().unwrap()).into_owned();
        for line in text.trim_matches('\0').lines() {
            match line.splitn(3, ' ').collect::<Vec<_>>()[..] {
                ["PKG", name, version] => found.packages.push(Package::new(PackageType::Npm, name, version)),
                ["DEB", name, version] => found.packages.push(Package::new(PackageType::Deb, name, version)),
                ["OWN", path] => {
                    let package = found.packages.last().map(|package| package.name.clone()).unwrap_or_default();
                    found.owned.push(Owned { package, paths: vec![path.to_owned()] });
                }
                ["OS", id, version] => {
                    let (id, version) = (id.to_owned(), version.to_owned());
                    found.distribution = Some(Distribution { id, version, ..Distribution::default() });
                }
                ["IN", name, text] => {
                    found.nested.push((name.to_owned(), text.replace(';', "\n").replace('|', ";").into_bytes()));
                }
                _ => found.complaints.push(format!("not a line: {line}")),
            }
        }
    }
}

pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Layer, LayerError> {
    let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(io::Cursor::new(Vec::new()))) };
    // A small buffer shows what does not wait for more.
    let mut input = BufReader::with_capacity(7, bytes);
    read_entries(&mut input, limits, LayerBuilder::of(WORDS, limits, &mut spool))
}

pub(crate) fn layer(items: &[Item<'_>]) -> Layer {
    read(&pack(items), &Limits::default()).unwrap()
}

fn names(layer: &Layer) -> Vec<String> {
    layer.packages().map(|package| format!("{} {}", package.name, package.version)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn names_are_the_same_with_and_without_a_dot_or_slash() {
    for name in ["x.pkg", "./x.pkg", "/x.pkg", ".//x.pkg"] {
        let layer = layer(&[Item::file(name, "PKG one 1")]);

        assert_eq!(layer.files[0].path, "x.pkg", "{name}");
    }
}

#[test]
fn names_that_lead_out_of_the_image_are_left_out_with_a_complaint() {
    for name in ["../x.pkg", "a/../../x.pkg", "a/../x.pkg"] {
        let layer = layer(&[Item::file(name, "PKG one 1")]);

        assert_eq!((layer.files.len(), layer.complaints.len()), (0, 1), "{name}");
        assert!(layer.complaints[0].contains("leads out of the image"));
    }
}

#[test]
fn files_are_known_by_their_names_or_by_their_content() {
    let layer = layer(&[
        Item::file("a/b.pkg", "PKG one 1"),
        Item::file("bin/tool", "PKG two 2"),
        Item::file("readme", "nothing"),
    ]);

    assert_eq!(names(&layer), ["one 1", "two 2"]);
    assert_eq!(layer.complaints, [""; 0]);
}

#[test]
fn a_later_entry_of_the_same_name_replaces_an_earlier_one() {
    let replaced = layer(&[Item::file("a.pkg", "PKG one 1"), Item::file("./a.pkg", "PKG two 2")]);
    let emptied = layer(&[Item::file("bin/x", "PKG one 1"), Item::file("bin/x", "")]);
    let covered = layer(&[Item::file("a/x.pkg", "PKG one 1"), Item::file("a", "")]);

    assert_eq!(names(&replaced), ["two 2"]);
    assert_eq!(names(&emptied), [""; 0]);
    assert_eq!(names(&covered), [""; 0]);
}

#[test]
fn a_hard_link_has_what_its_target_has() {
    let layer = layer(&[Item::file("bin/a", "PKG one 1"), Item::hard_link("bin/b", "./bin/a")]);

    let paths: Vec<&str> = layer.files.iter().map(|file| &*file.path).collect();
    assert_eq!(paths, ["bin/a", "bin/b"]);
    assert_eq!(names(&layer), ["one 1", "one 1"]);
}

#[test]
fn gzip_of_several_members_and_zstd_are_unpacked() {
    let archive = pack(&[Item::file("a.pkg", "PKG one 1"), Item::file("b.pkg", "PKG two 2")]);
    let (first, second) = archive.split_at(700);

    let members = [gzip(first), gzip(second)].concat();
    let frames = [zstd::encode_all(first, 1).unwrap(), zstd::encode_all(second, 1).unwrap()].concat();

    for packed in [archive.clone(), members, frames] {
        assert_eq!(names(&read(&packed, &Limits::default()).unwrap()), ["one 1", "two 2"]);
    }
}

#[test]
fn what_gnu_tar_writes_is_read_with_its_long_names_and_holes() {
    for archive in [&include_bytes!("tests/gnu.tar.gz")[..], include_bytes!("tests/pax.tar.zst")] {
        let layer = read(archive, &Limits::default()).unwrap();

        let long = format!("{}file-with-a-long-name-too.pkg", "folder-with-a-long-name/".repeat(8));
        let paths: Vec<&str> = layer.files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, [&long, "other.pkg", "z.pkg"]);
        assert_eq!(names(&layer), ["long 1.0", "long 1.0", "last 2.0"]);
    }
}

#[test]
fn other_packings_are_named() {
    for (head, name) in [(&b"\xfd7zXZ\0rest"[..], "xz"), (b"BZh91AY", "bzip2")] {
        let error = read(head, &Limits::default()).unwrap_err();

        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn damage_is_told_from_errors_of_the_input() {
    let packed = gzip(&pack(&[Item::file("a.pkg", &"PKG one 1\n".repeat(100))]));

    let cut = read(&packed[..packed.len() / 2], &Limits::default()).unwrap_err();
    let text = read(b"This is no archive at all.", &Limits::default()).unwrap_err();
    let mut archive = pack(&[Item::file("a.pkg", "PKG one 1")]);
    archive[3] ^= 1;
    let wrong = read(&archive, &Limits::default()).unwrap_err();

    assert!(matches!(cut, LayerError::Unpacking { packing: "gzip", .. }), "{cut}");
    assert!(matches!(text, LayerError::Archive { .. }), "{text}");
    assert!(matches!(wrong, LayerError::Archive { offset: 0, .. }), "{wrong}");
}

#[test]
fn an_archive_that_ends_within_a_file_is_damaged() {
    let archive = pack(&[Item::file("readme", &"x".repeat(2000))]);

    let error = read(&archive[..1500], &Limits::default()).unwrap_err();

    assert!(matches!(error, LayerError::Archive { .. }), "{error}");
}

#[test]
fn limits_hold() {
    let archive = pack(&[Item::file("a.pkg", "PKG one 1\nPKG two 2"), Item::file("b", ""), Item::file("c", "")]);
    let limits = Limits::default;
    let cases = [
        (Limits { entries_max: 2, ..limits() }, "entries"),
        (Limits { unpacked_bytes_max: 1024, ..limits() }, "unpacked bytes"),
        (Limits { packages_max: 1, ..limits() }, "packages"),
    ];
    for (limits, what) in cases {
        let error = read(&archive, &limits).unwrap_err();

        assert!(matches!(error, LayerError::TooMuch { what: found, .. } if found == what), "{what}: {error}");
    }
}

#[test]
fn what_is_too_long_is_left_out_with_a_complaint() {
    let archive = pack(&[Item::file("a.pkg", "PKG one 1"), Item::file("longer.pkg", "PKG two 2")]);
    let limits = Limits::default;

    let long_name = read(&archive, &Limits { path_bytes_max: 6, ..limits() }).unwrap();
    let long_file = read(&archive, &Limits { file_bytes_max: 8, ..limits() }).unwrap();

    assert_eq!((names(&long_name), long_name.complaints.len()), (vec!["one 1".to_owned()], 1));
    assert_eq!((names(&long_file).len(), long_file.complaints.len()), (0, 2));
}

#[test]
fn long_files_go_through_the_spool() {
    let archive = pack(&[Item::file("a.pkg", "PKG one 1"), Item::file("b.pkg", "PKG two 2\nPKG three 3")]);
    let limits = Limits { memory_bytes_max: 10, ..Limits::default() };
    let mut spools = 0;
    let mut spool = || -> io::Result<Box<dyn Spool>> {
        spools += 1;
        Ok(Box::new(io::Cursor::new(Vec::new())))
    };

    let builder = LayerBuilder::of(WORDS, &limits, &mut spool);
    let layer = read_entries(&mut &archive[..], &limits, builder).unwrap();

    assert_eq!(names(&layer), ["one 1", "two 2", "three 3"]);
    assert_eq!(spools, 1);
}

#[test]
fn files_within_files_are_read_to_a_depth() {
    let archive = pack(&[Item::file("a.pkg", "PKG one 1\nIN b.pkg PKG two 2;IN c.pkg PKG three 3")]);
    let limits = Limits { nesting_max: 2, ..Limits::default() };

    let whole = read(&archive, &Limits::default()).unwrap();
    let cut = read(&archive, &limits).unwrap();

    assert_eq!(names(&whole), ["one 1", "two 2", "three 3"]);
    let within: Vec<Option<&str>> = whole.files.iter().map(|file| file.within.as_deref()).collect();
    assert_eq!(within, [None, Some("b.pkg"), Some("b.pkg!c.pkg")]);
    assert_eq!(names(&cut), ["one 1", "two 2"]);
    assert!(cut.files[1].found.complaints[0].contains("too deep"));
}

#[test]
fn links_to_files_of_the_same_layer_are_not_kept() {
    let layer = layer(&[
        Item::file("lib/x.so.1", ""),
        Item::link("lib/x.so", "x.so.1"),
        Item::link("lib/y.so", "x.so"),
        Item::folder("usr/lib"),
        Item::link("lib64", "usr/lib"),
        Item::link("libx32", "lib64"),
        Item::link("elsewhere", "/opt/there"),
    ]);

    let links: Vec<&str> = layer.links.iter().map(|link| &*link.path).collect();
    assert_eq!(links, ["elsewhere", "lib64", "libx32"]);
}

#[test]
fn a_layer_is_the_same_after_it_was_stored() {
    let layer = layer(&[
        Item::file("a.pkg", "PKG one 1\nOWN usr/bin/x"),
        Item::link("lib", "usr/lib"),
        Item::file("b/.wh.c", ""),
        Item::file("b/.wh..wh..opq", ""),
    ]);

    let stored = serde_json::to_string(&layer).unwrap();

    assert_eq!(serde_json::from_str::<Layer>(&stored).unwrap(), layer);
    assert_eq!((&*layer.whiteouts[0], &*layer.opaque[0]), ("b/c", "b"));
}

#[test]
fn the_revision_depends_on_the_ecosystems() {
    assert_ne!(ecosystems_revision(), 0);
    assert_eq!(layer(&[]).revision, ecosystems_revision());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, at in 0_usize..3000, change: u8) {
        let _ = read(&bytes, &Limits::default());
        let mut archive = pack(&[Item::link("a", "b"), Item::file("b.pkg", "PKG one 1"), Item::folder("c")]);
        if let Some(byte) = archive.get_mut(at) {
            *byte ^= change;
        }

        let _ = read(&archive, &Limits::default());
    }
}
