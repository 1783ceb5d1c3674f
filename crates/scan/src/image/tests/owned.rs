//! Programs in packages of a distribution, read by what reads layers of the world.

use std::io::{self, Cursor};

use super::*;
use crate::{LayerBuilder, Limits, Spool};

/// A program of Go's with a module in it.
const PROGRAM: &[u8] = include_bytes!("../../../fixtures/go-binary/elf/input/usr/bin/hello");
const DEBIAN: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const DOCKER: &str = "Package: docker-ce\nStatus: install ok installed\nMaintainer: Docker <support@docker.com>\n\
                      Version: 5:27.3.1-1~debian.12~bookworm\n";
const FROM_DEBIAN: &str = "Package: docker.io\nStatus: install ok installed\nMaintainer: Debian Go Packaging Team <t@tracker.debian.org>\n\
                           Version: 20.10.24+dfsg1-1\n";

fn real(files: &[(&str, &[u8])]) -> Layer {
    let limits = Limits::default();
    let mut spool = || -> io::Result<Box<dyn Spool>> { Ok(Box::new(Cursor::new(Vec::new()))) };
    let mut builder = LayerBuilder::new(&limits, &mut spool);
    for (name, bytes) in files {
        builder.file(name, 0o755, bytes.len() as u64, &mut Cursor::new(*bytes)).unwrap();
    }
    builder.finish()
}

/// The files in which packages of languages are found.
fn of_languages(layers: &[Layer]) -> Vec<String> {
    let found = put_together(&layers.iter().collect::<Vec<_>>()).packages;
    let mut paths: Vec<String> =
        found.into_iter().filter(|found| !found.package.kind.is_distribution()).map(|found| found.path).collect();
    paths.dedup();
    paths
}

/// An image with the program in a package of dpkg's.
fn with_package(release: &str, status: &str, list: &str) -> Vec<String> {
    of_languages(&[real(&[
        ("etc/os-release", release.as_bytes()),
        ("var/lib/dpkg/status", status.as_bytes()),
        (list, "/.\n/usr\n/usr/bin\n/usr/bin/dockerd\n".as_bytes()),
        ("usr/bin/dockerd", PROGRAM),
    ])])
}

#[test]
fn a_program_in_a_package_of_the_distribution_is_judged_by_its_advisories_alone() {
    assert_eq!(with_package(DEBIAN, FROM_DEBIAN, "var/lib/dpkg/info/docker.io.list"), [""; 0]);
}

#[test]
fn a_program_in_a_package_of_a_third_party_is_judged_by_what_it_is_made_of() {
    assert_eq!(with_package(DEBIAN, DOCKER, "var/lib/dpkg/info/docker-ce.list"), ["usr/bin/dockerd"]);
}

#[test]
fn a_third_partys_program_is_found_in_a_layer_of_its_own_and_the_distributions_is_not() {
    let database = real(&[
        ("etc/os-release", DEBIAN.as_bytes()),
        ("var/lib/dpkg/status", format!("{DOCKER}\n{FROM_DEBIAN}").as_bytes()),
        ("var/lib/dpkg/info/docker-ce.list", "/usr/bin/dockerd\n".as_bytes()),
        ("var/lib/dpkg/info/docker.io.list", "/usr/sbin/dockerd\n".as_bytes()),
    ]);
    let programs = real(&[("usr/bin/dockerd", PROGRAM), ("usr/sbin/dockerd", PROGRAM)]);

    assert_eq!(of_languages(&[database.clone(), programs.clone()]), ["usr/bin/dockerd"]);
    assert_eq!(of_languages(&[programs, database]), ["usr/bin/dockerd"]);
}

#[test]
fn where_nobodys_advisories_are_the_distributions_its_programs_are_judged_by_what_they_are_made_of() {
    let list = "var/lib/dpkg/info/docker.io.list";

    assert_eq!(with_package("ID=devuan\nVERSION_ID=5\n", FROM_DEBIAN, list), ["usr/bin/dockerd"]);
    assert_eq!(with_package("", FROM_DEBIAN, list), ["usr/bin/dockerd"]);
}

#[test]
fn a_list_of_a_package_that_is_not_installed_judges_nothing() {
    assert_eq!(with_package(DEBIAN, FROM_DEBIAN, "var/lib/dpkg/info/podman.list"), ["usr/bin/dockerd"]);
}

#[test]
fn lists_of_distroless_images_may_have_shortened_names() {
    let package = "Package: tool1.1\nVersion: 1.1-1\nMaintainer: Debian <t@tracker.debian.org>\n".as_bytes();
    let layer = real(&[
        ("etc/os-release", DEBIAN.as_bytes()),
        ("var/lib/dpkg/status.d/tool1", package),
        ("var/lib/dpkg/status.d/tool1.md5sums", "0cc175b9c0f1b6a831c399e269772661  usr/bin/tool\n".as_bytes()),
        ("usr/bin/tool", PROGRAM),
    ]);

    assert_eq!(of_languages(&[layer]), [""; 0]);
}

#[test]
fn alpines_packages_own_their_programs() {
    let database = "P:docker\nV:25.0.5-r1\nF:usr/bin\nR:dockerd\n\n".as_bytes();
    for (release, expected) in
        [("ID=alpine\nVERSION_ID=3.20.3\n", vec![]), ("ID=postmarketos\nVERSION_ID=24.06\n", vec!["usr/bin/dockerd"])]
    {
        let layer = real(&[
            ("etc/os-release", release.as_bytes()),
            ("lib/apk/db/installed", database),
            ("usr/bin/dockerd", PROGRAM),
        ]);

        assert_eq!(of_languages(&[layer]), expected, "{release}");
    }
}
