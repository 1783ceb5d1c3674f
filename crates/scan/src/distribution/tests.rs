use super::*;

#[test]
fn values_are_read_as_a_shell_reads_them() {
    for (line, value) in [
        ("ID=debian", "debian"),
        ("ID=\"debian\"", "debian"),
        ("ID='debian'", "debian"),
        ("  ID=\"de\\bian\"  ", "debian"),
        ("ID=Debian", "debian"),
    ] {
        assert_eq!(parse("etc/os-release", line).unwrap().id, value, "{line}");
    }
}

#[test]
fn all_that_os_release_says_is_kept() {
    let text = "NAME=\"Rocky Linux\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.3\"\n\
                PRETTY_NAME=\"Rocky Linux 9.3 (Blue Onyx)\"\n# a comment\nVERSION_CODENAME=\n";

    let found = parse("usr/lib/os-release", text).unwrap();

    assert_eq!((&*found.id, &*found.version), ("rocky", "9.3"));
    assert_eq!(found.like, ["rhel", "centos", "fedora"]);
    assert_eq!(found.pretty_name.as_deref(), Some("Rocky Linux 9.3 (Blue Onyx)"));
    assert_eq!(found.codename, None);
}

#[test]
fn release_lines_name_their_distribution() {
    for (line, id, version) in [
        ("CentOS release 6.10 (Final)", "centos", "6.10"),
        ("Red Hat Enterprise Linux Server release 6.10 (Santiago)", "rhel", "6.10"),
        ("Amazon Linux release 2 (Karoo)", "amzn", "2"),
        ("Fedora release 39 (Thirty Nine)", "fedora", "39"),
    ] {
        let found = parse("etc/redhat-release", line).unwrap();

        assert_eq!((&*found.id, &*found.version), (id, version), "{line}");
    }
    assert_eq!(parse("etc/redhat-release", "Something release 1"), None);
}

#[test]
fn a_file_that_says_nothing_gives_nothing() {
    for (path, text) in [
        ("etc/os-release", ""),
        ("etc/os-release", "NAME=x"),
        ("etc/debian_version", "\n"),
        ("etc/alpine-release", &"1".repeat(300)),
        ("etc/apk/repositories", "/media/cdrom/apks"),
        ("etc/lsb-release", "DISTRIB_RELEASE=1"),
    ] {
        assert_eq!(parse(path, text), None, "{path}: {text}");
    }
}

fn chosen(files: &[(&str, &str)]) -> Option<Distribution> {
    let found: Vec<(&str, Distribution)> =
        files.iter().filter_map(|(path, text)| Some((*path, parse(path, text)?))).collect();
    choose(&|path| found.iter().find(|(known, _)| *known == path).map(|(_, found)| found))
}

#[test]
fn older_files_speak_only_where_os_release_is_silent() {
    let debian = ("etc/debian_version", "bookworm/sid");

    let ubuntu = chosen(&[("usr/lib/os-release", "ID=ubuntu\nVERSION_ID=22.04"), debian]).unwrap();
    let alone = chosen(&[debian]).unwrap();

    assert_eq!((&*ubuntu.id, &*ubuntu.version, ubuntu.codename), ("ubuntu", "22.04", None));
    assert_eq!((&*alone.id, &*alone.version, alone.codename.as_deref()), ("debian", "bookworm/sid", Some("bookworm")));
    assert_eq!(chosen(&[]), None);
}

#[test]
fn the_repositories_of_alpine_override_its_version() {
    let release = ("etc/os-release", "ID=alpine\nVERSION_ID=3.17.2");
    for (repositories, version) in [
        ("https://dl-cdn.alpinelinux.org/alpine/v3.17/main", "3.17.2"),
        ("https://dl-cdn.alpinelinux.org/alpine/v3.18/main", "3.18"),
        ("https://x/alpine/v3.17/main\nhttps://x/alpine/edge/testing", "edge"),
        ("https://x/alpine/v3.17/main\n@edge https://x/alpine/edge/testing", "3.17.2"),
    ] {
        let found = chosen(&[release, ("etc/apk/repositories", repositories)]).unwrap();

        assert_eq!(found.version, version, "{repositories}");
    }
}

#[test]
fn files_are_known_by_their_names() {
    for path in ["etc/os-release", "usr/lib/os.release.d/os-release-container", "nix/store/x-os-release"] {
        assert!(is_release_file(path), "{path}");
    }
    for path in ["etc/os-release.md", "usr/share/os-release-notes", "x/debian_version"] {
        assert!(!is_release_file(path), "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text: String) {
        for path in OS_RELEASE.iter().chain(&OLDER).chain([&APK_REPOSITORIES]) {
            let _ = parse(path, &text);
        }
    }
}
