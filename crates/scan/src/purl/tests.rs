use super::*;
use proptest::prelude::*;

fn debian() -> Distribution {
    Distribution { id: "debian".into(), version: "12".into(), ..Distribution::default() }
}

fn rhel() -> Distribution {
    Distribution { id: "rhel".into(), version: "9.2".into(), ..Distribution::default() }
}

#[test]
fn packages_are_written_as_their_type_demands() {
    let cases = [
        (PackageType::Maven, "org.apache:commons-text", "1.9", "pkg:maven/org.apache/commons-text@1.9"),
        (PackageType::Npm, "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
        (PackageType::Npm, "lodash", "4.17.21", "pkg:npm/lodash@4.17.21"),
        (
            PackageType::Golang,
            "github.com/docker/docker",
            "v20.10.7+incompatible",
            "pkg:golang/github.com/docker/docker@v20.10.7%2Bincompatible",
        ),
        (PackageType::Golang, "stdlib", "1.22.0-rc1", "pkg:golang/stdlib@1.22.0-rc1"),
        (PackageType::Composer, "symfony/http-kernel", "5.4.0", "pkg:composer/symfony/http-kernel@5.4.0"),
        (PackageType::Pypi, "ruamel-yaml", "0.17", "pkg:pypi/ruamel-yaml@0.17"),
        (PackageType::Cargo, "serde", "", "pkg:cargo/serde"),
        (PackageType::Deb, "libc6", "1:2.3+a", "pkg:deb/libc6@1:2.3%2Ba"),
    ];

    for (kind, name, version, expected) in cases {
        assert_eq!(of(&Package::new(kind, name, version), None), expected);
    }
}

#[test]
fn what_a_distribution_installs_names_it() {
    let mut package = Package::new(PackageType::Deb, "openssl", "3.0.11-1~deb12u2");
    package.architecture = Some("amd64".into());

    let purl = of(&package, Some(&debian()));

    assert_eq!(purl, "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12");
}

#[test]
fn a_distribution_does_not_show_in_what_others_publish() {
    let package = Package::new(PackageType::Gem, "rack", "2.2.3");

    assert_eq!(of(&package, Some(&debian())), "pkg:gem/rack@2.2.3");
}

#[test]
fn an_rpm_has_its_epoch_module_and_source_as_qualifiers() {
    let mut package = Package::new(PackageType::Rpm, "nodejs-libs", "1:18.12.1-2.el9");
    package.module_stream = Some("nodejs:18".into());
    package.source = Some(SourcePackage { name: "nodejs".into(), version: "1:18.12.1-2.el9".into() });

    let purl = of(&package, Some(&rhel()));

    assert_eq!(
        purl,
        "pkg:rpm/redhat/nodejs-libs@18.12.1-2.el9?distro=rhel-9.2&epoch=1&rpmmod=nodejs:18&upstream=nodejs"
    );
    assert_eq!(parse(&purl), Some(package));
}

#[test]
fn a_source_with_a_version_of_its_own_is_kept() {
    let mut package = Package::new(PackageType::Deb, "busybox", "1:1.35.0-4+b3");
    package.source = Some(SourcePackage { name: "busybox".into(), version: "1:1.35.0-4".into() });

    let purl = of(&package, None);

    assert_eq!(purl, "pkg:deb/busybox@1:1.35.0-4%2Bb3?upstream=busybox%401:1.35.0-4");
    assert_eq!(parse(&purl), Some(package));
}

#[test]
fn the_file_of_a_source_rpm_is_read_as_a_source() {
    let package = parse("pkg:rpm/redhat/openssl-libs@3.0.7-6.el9_2?epoch=1&upstream=openssl-3.0.7-6.el9_2.src.rpm");

    let source = package.and_then(|package| package.source);

    assert_eq!(source, Some(SourcePackage { name: "openssl".into(), version: "1:3.0.7-6.el9_2".into() }));
}

#[test]
fn other_spellings_of_the_same_package_are_read() {
    let cases = [
        ("pkg:npm/%40babel/core@7.0.0", "@babel/core", "7.0.0"),
        ("pkg:npm/@babel/core@7.0.0", "@babel/core", "7.0.0"),
        ("pkg:npm/@babel/core", "@babel/core", ""),
        ("pkg:golang/github.com%2Fa%2Fb@v1", "github.com/a/b", "v1"),
        ("pkg://NPM/lodash@4.0.0#dist/index.js", "lodash", "4.0.0"),
        ("pkg:pypi/Ruamel_.Yaml@0.17?file_name=a.whl", "ruamel-yaml", "0.17"),
        ("pkg:golang/github.com/BurntSushi/toml@v1.2.3#cmd", "github.com/BurntSushi/toml", "v1.2.3"),
        ("pkg:maven/org.a/b@1%2B2?type=jar&classifier=", "org.a:b", "1+2"),
        ("pkg:maven/org.a:b@1", "org.a:b", "1"),
        ("pkg:deb/debian/libc6@1%3A2.36-9?distro=debian-12", "libc6", "1:2.36-9"),
        ("pkg:composer/Symfony/Yaml@v5", "symfony/yaml", "v5"),
        ("pkg:rpm/fedora/curl@7.50.3-1.fc25?modularitylabel=a:b:c:d", "curl", "7.50.3-1.fc25"),
    ];

    for (purl, name, version) in cases {
        let package = parse(purl).expect(purl);

        assert_eq!((package.name.as_str(), package.version.as_str()), (name, version), "{purl}");
    }
}

#[test]
fn what_is_no_package_url_is_not_read() {
    let long = format!("pkg:npm/{}@1", "a".repeat(PURL_BYTES_MAX));
    let cases = [
        "",
        "pkg:",
        "npm/lodash@1",
        "pkg:npm",
        "pkg:npm/",
        "pkg:npm/@1",
        "pkg:npm/%2F@1",
        "pkg:generic/a@1",
        "pkg:npm/%ff@1",
        "pkg:maven/org.a:x/b@1",
        "pkg:maven/org.a:b:c@1",
        &long,
    ];

    for purl in cases {
        assert_eq!(parse(purl), None, "{purl}");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(
        kind in proptest::sample::select(PackageType::ALL),
        name in "[a-z0-9]{1,8}",
        namespace in "[a-z@][a-z0-9.]{0,8}",
        version in "[0-9][ -~]{0,12}",
        architecture in proptest::option::of("[ -~]{1,8}"),
    ) {
        let name = match kind {
            PackageType::Maven => format!("{namespace}:{name}"),
            PackageType::Composer | PackageType::Golang | PackageType::Npm => format!("{namespace}/{name}"),
            _ => name,
        };
        // An rpm has one epoch.
        prop_assume!(kind != PackageType::Rpm || version.matches(':').count() <= 1);
        let mut package = Package::new(kind, name, version);
        package.architecture = architecture;

        let purl = of(&package, Some(&debian()));

        prop_assert_eq!(parse(&purl), Some(package), "{}", purl);
    }
}
