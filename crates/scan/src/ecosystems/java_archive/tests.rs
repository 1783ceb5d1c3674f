use std::io::Write;

use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::*;
use crate::ecosystems::packed_tests::{names, read};
use crate::{Layer, LayerBuilder, Limits, Spool};

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
    archive_of(&files)
}

fn archive_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ZipArchiveWriter::new(&mut bytes);
    for (name, content) in files {
        let (mut entry, config) = writer.new_file(*name).compression_method(CompressionMethod::STORE).start().unwrap();
        let mut data = config.wrap(&mut entry);
        data.write_all(content).unwrap();
        let (_, descriptor) = data.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn listed(path: &str, files: &[(&str, &str)]) -> Vec<String> {
    names(&read("java-archive", path, &archive(files)).packages)
}

#[test]
fn the_name_of_an_archive_is_cut_where_its_version_begins() {
    let cases = [
        ("commons-text-1.9.jar", "commons-text", Some("1.9")),
        ("a/guava-31.1-jre.jar", "guava", Some("31.1-jre")),
        ("a.ear!lib/log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", Some("2.17.1")),
        ("hibernate-core-5.0.0.Beta1-20200101.jar", "hibernate-core", Some("5.0.0.Beta1-20200101")),
        ("kafka_2.13-2.8.0.jar", "kafka_2.13", Some("2.8.0")),
        ("x-1.0-beta-2-SNAPSHOT.jar", "x", Some("1.0-beta-2-SNAPSHOT")),
        ("app.jar", "app", None),
        ("-1.jar", "-1", None),
        (".jar", "", None),
    ];

    for (path, artifact, version) in cases {
        let expected = FileName { artifact: artifact.to_owned(), version: version.map(str::to_owned) };

        assert_eq!(FileName::parse(path), expected, "{path}");
    }
}

#[test]
fn lines_of_a_manifest_go_on_and_end_with_its_main_section() {
    let manifest = Manifest::parse(b"A: one\r\n two\r\nB: ${version}\r\n\r\nName: x\r\nC: three\r\n");

    assert_eq!(manifest.get("a"), Some("onetwo"));
    assert_eq!(manifest.get("B"), None);
    assert_eq!(manifest.get("C"), None);
}

#[test]
fn the_only_library_of_an_archive_is_the_archive_whatever_its_name() {
    let properties = "groupId=com.example\nartifactId=shop\nversion=1.0\n";

    let found =
        read("java-archive", "app.jar", &archive(&[("META-INF/maven/com.example/shop/pom.properties", properties)]));

    assert_eq!(names(&found.packages), ["com.example:shop 1.0"]);
    assert!(found.packages[0].sha1.is_some());
}

#[test]
fn properties_that_the_build_did_not_fill_in_say_nothing() {
    let packages = listed(
        "lib/foo-1.0.jar",
        &[("META-INF/maven/a/b/pom.properties", "groupId=a\nartifactId=b\nversion=${project.version}\n")],
    );

    assert_eq!(packages, ["foo 1.0"]);
}

#[test]
fn the_group_is_told_by_the_bundle_or_the_vendor() {
    let of = |manifest: &str| listed("lib/foo-1.0.jar", &[("META-INF/MANIFEST.MF", manifest)]);

    assert_eq!(of("Bundle-SymbolicName: org.example.foo;singleton:=true\n"), ["org.example:foo 1.0"]);
    assert_eq!(of("Bundle-SymbolicName: org.example\n"), ["org.example:foo 1.0"]);
    assert_eq!(of("Implementation-Vendor-Id: net.example\n"), ["net.example:foo 1.0"]);
    assert_eq!(of("Implementation-Vendor-Id: A Company\n"), ["foo 1.0"]);
}

#[test]
fn what_comes_without_properties_but_is_well_known_has_its_group() {
    assert_eq!(listed("spring-webmvc-5.3.17.jar", &[]), ["org.springframework:spring-webmvc 5.3.17"]);
    assert_eq!(listed("spring-boot-2.6.1.jar", &[]), ["org.springframework.boot:spring-boot 2.6.1"]);
    assert_eq!(listed("tomcat-embed-core-9.0.1.jar", &[]), ["org.apache.tomcat.embed:tomcat-embed-core 9.0.1"]);
}

#[test]
fn archives_within_are_given_back() {
    let inner = archive(&[]);
    let inner = String::from_utf8(inner).unwrap();

    let found = read("java-archive", "a.war", &archive(&[("WEB-INF/lib/b-1.jar", &inner), ("c.txt", "")]));

    assert_eq!(found.nested, [("WEB-INF/lib/b-1.jar".to_owned(), inner.into_bytes())]);
}

/// An archive of so many empty ones, each of which its name makes a package.
fn crowd(count: usize) -> Vec<u8> {
    let inner = archive(&[]);
    let names: Vec<String> = (0..count).map(|number| format!("lib/a{number}-1.jar")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &inner[..])).collect();
    archive_of(&files)
}

/// Reads a layer of one file, as all ecosystems do.
fn layer_of(path: &str, bytes: &[u8], limits: &Limits) -> Layer {
    let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(io::Cursor::new(Vec::new()))) };
    let mut builder = LayerBuilder::new(limits, &mut spool);
    let mut content = bytes;
    builder.file(path, 0o644, bytes.len() as u64, &mut content).unwrap();
    builder.finish()
}

fn complaints(layer: &Layer) -> Vec<&str> {
    layer.files.iter().flat_map(|file| file.found.complaints.iter().map(String::as_str)).collect()
}

#[test]
fn of_a_hundred_thousand_archives_in_one_only_so_many_are_held_and_read() {
    let whole = crowd(100_000);

    let found = read("java-archive", "app.jar", &whole);
    let layer = layer_of("app.jar", &whole, &Limits::default());

    assert_eq!(found.nested.len(), NESTED_MAX);
    assert_eq!(found.complaints, [format!("has more than {NESTED_MAX} archives in it")]);
    assert_eq!(layer.packages().count(), NESTED_MAX);
    assert_eq!(complaints(&layer), found.complaints);
}

#[test]
fn an_archive_in_an_archive_a_thousand_times_is_opened_as_deep_as_the_limit_says() {
    let (limits, mut whole) = (Limits::default(), archive(&[]));
    for _ in 0..1_000 {
        whole = archive_of(&[("a-1.jar", &whole[..])]);
    }

    let layer = layer_of("a-1.jar", &whole, &limits);

    assert_eq!(layer.packages().count(), limits.nesting_max as usize);
    assert_eq!(complaints(&layer), ["a-1.jar: archives lie in each other too deep, it is not read"]);
}

#[test]
fn archives_that_fan_out_in_each_other_are_read_up_to_so_many_bytes_in_all() {
    let mut whole = archive(&[]);
    for _ in 0..5 {
        whole = archive_of(&[("a-1.jar", &whole[..]); 10]);
    }
    let eight_parts = Limits { nested_bytes_max: whole.len() as u64 / 10 * 8, ..Limits::default() };

    let layer = layer_of("a-1.jar", &whole, &eight_parts);

    assert!(layer.packages().count() <= 1 + 8, "{}", layer.packages().count());
    let cut = "a-1.jar: the files within are too long together, it is not read";
    assert!(!complaints(&layer).is_empty() && complaints(&layer).iter().all(|said| *said == cut));
}

#[test]
fn what_is_no_archive_is_complained_about() {
    let found = read("java-archive", "a.jar", b"version https://git-lfs.github.com/spec/v1");

    assert_eq!(found.packages, []);
    assert!(found.complaints[0].starts_with("cannot be read as a Java archive: "), "{:?}", found.complaints);
}

#[test]
fn a_specification_within_itself_a_hundred_thousand_times_is_read_without_harm() {
    let pom = "<a>".repeat(100_000);

    assert_eq!(licences_of(pom.as_bytes()), Vec::<String>::new());
}

#[test]
fn an_archive_that_is_cut_or_changed_anywhere_is_read_without_harm() {
    let whole = include_bytes!("../../../fixtures/java-archive/shaded/input/app/tool-all-2.0.jar");

    for at in 0..whole.len() {
        let mut changed = whole.to_vec();
        changed[at] = !changed[at];
        read("java-archive", "a.jar", &changed);
        read("java-archive", "a.jar", &whole[..at]);
    }

    assert_eq!(read("java-archive", "tool-all-2.0.jar", whole).packages.len(), 3);
}
