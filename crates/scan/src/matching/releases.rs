//! Whose advisories are a distribution's, and until when it is looked after.

use super::EndOfLife;
use crate::{Distribution, KnowledgeSource};

/// Debian's codenames, for images whose os-release has no number.
const DEBIAN: &[(&str, &str)] = &[
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("sid", "unstable"),
];

/// Returns the source of a distribution's advisories; `None` where its release is not known.
pub(super) fn source(distribution: &Distribution) -> Option<KnowledgeSource> {
    let version = distribution.version.as_str();
    let major = version.split('.').next().unwrap_or_default();
    let two = || {
        let mut parts = version.splitn(3, '.');
        Some(format!("{}.{}", parts.next()?, parts.next()?))
    };
    let (ecosystem, release) = match distribution.id.as_str() {
        "debian" => ("Debian", debian(distribution, major)?),
        "ubuntu" => ("Ubuntu", two()?),
        "alpine" if version.contains("_alpha") || version == "edge" => ("Alpine", "edge".into()),
        "alpine" => ("Alpine", format!("v{}", two()?)),
        "wolfi" => return Some(KnowledgeSource::new("Wolfi", "")),
        "chainguard" => return Some(KnowledgeSource::new("Chainguard", "")),
        "minimos" => return Some(KnowledgeSource::new("MinimOS", "")),
        "almalinux" => ("AlmaLinux", major.into()),
        "rocky" => ("Rocky Linux", major.into()),
        "rhel" | "redhat" => ("Red Hat", major.into()),
        // CentOS Linux was built from Red Hat's sources; Stream (9 and later) runs before them.
        "centos" if matches!(major, "6" | "7" | "8") => ("Red Hat", major.into()),
        "ol" => ("Oracle Linux", major.into()),
        // The first was counted in years.
        "amzn" if matches!(major, "2014" | "2015" | "2016" | "2017" | "2018") => ("Amazon Linux", "1".into()),
        "amzn" => ("Amazon Linux", major.into()),
        "fedora" => ("Fedora", major.into()),
        "photon" => ("Photon OS", two()?),
        "azurelinux" | "mariner" => ("Azure Linux", major.into()),
        "opensuse-leap" => ("openSUSE", format!("Leap {version}")),
        "opensuse-tumbleweed" => ("openSUSE", "Tumbleweed".into()),
        "sles" => ("SUSE", format!("Linux Enterprise Server {}", service_pack(version))),
        "openEuler" => ("openEuler", version.into()),
        _ => return None,
    };
    let is_known = !release.is_empty() && release != "v";
    is_known.then(|| KnowledgeSource::new(ecosystem, release))
}

fn debian(distribution: &Distribution, major: &str) -> Option<String> {
    if major.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(major.to_owned());
    }
    // `trixie/sid` is what stands in debian_version.
    let words = distribution.codename.as_deref().into_iter().chain([distribution.version.as_str()]);
    let mut words = words.flat_map(|word| word.split('/'));
    words
        .find_map(|word| DEBIAN.iter().find(|(codename, _)| *codename == word))
        .map(|(_, release)| (*release).to_owned())
}

/// `15.4` is `15 SP4` in the advisories.
fn service_pack(version: &str) -> String {
    match version.split_once('.') {
        Some((major, pack)) => format!("{major} SP{pack}"),
        None => version.to_owned(),
    }
}

/// Last days of free support, from the distributions' own pages (2026-11): Debian with LTS, Ubuntu without Pro, Red Hat and
/// SUSE without extended support.
const LAST_DAYS: &[(&str, &str)] = &[
    ("AlmaLinux:8", "2029-03-01"),
    ("AlmaLinux:9", "2032-05-31"),
    ("Alpine:v3.3", "2017-11-01"),
    ("Alpine:v3.4", "2018-05-01"),
    ("Alpine:v3.5", "2018-11-01"),
    ("Alpine:v3.6", "2019-05-01"),
    ("Alpine:v3.7", "2019-11-01"),
    ("Alpine:v3.8", "2020-05-01"),
    ("Alpine:v3.9", "2020-11-01"),
    ("Alpine:v3.10", "2021-05-01"),
    ("Alpine:v3.11", "2021-11-01"),
    ("Alpine:v3.12", "2022-05-01"),
    ("Alpine:v3.13", "2022-11-01"),
    ("Alpine:v3.14", "2023-05-01"),
    ("Alpine:v3.15", "2023-11-01"),
    ("Alpine:v3.16", "2024-05-23"),
    ("Alpine:v3.17", "2024-11-22"),
    ("Alpine:v3.18", "2025-05-09"),
    ("Alpine:v3.19", "2025-11-01"),
    ("Alpine:v3.20", "2026-04-01"),
    ("Alpine:v3.21", "2026-11-01"),
    ("Alpine:v3.22", "2027-05-01"),
    ("Amazon Linux:1", "2023-12-31"),
    ("Amazon Linux:2", "2026-06-30"),
    ("Debian:7", "2018-05-31"),
    ("Debian:8", "2020-06-30"),
    ("Debian:9", "2022-06-30"),
    ("Debian:10", "2024-06-30"),
    ("Debian:11", "2026-08-31"),
    ("Debian:12", "2028-06-30"),
    ("Debian:13", "2030-06-30"),
    ("Fedora:36", "2023-05-16"),
    ("Fedora:37", "2023-12-05"),
    ("Fedora:38", "2024-05-21"),
    ("Fedora:39", "2024-11-26"),
    ("Fedora:40", "2025-05-13"),
    ("openSUSE:Leap 15.3", "2022-12-31"),
    ("openSUSE:Leap 15.4", "2023-12-07"),
    ("openSUSE:Leap 15.5", "2024-12-31"),
    ("Oracle Linux:6", "2021-03-31"),
    ("Oracle Linux:7", "2024-12-31"),
    ("Red Hat:6", "2020-11-30"),
    ("Red Hat:7", "2024-06-30"),
    ("Red Hat:8", "2029-05-31"),
    ("Red Hat:9", "2032-05-31"),
    ("Rocky Linux:8", "2029-05-31"),
    ("Rocky Linux:9", "2032-05-31"),
    ("SUSE:Linux Enterprise Server 12 SP5", "2024-10-31"),
    ("SUSE:Linux Enterprise Server 15 SP3", "2022-12-31"),
    ("SUSE:Linux Enterprise Server 15 SP4", "2023-12-31"),
    ("SUSE:Linux Enterprise Server 15 SP5", "2024-12-31"),
    ("Ubuntu:12.04", "2017-04-28"),
    ("Ubuntu:14.04", "2019-04-25"),
    ("Ubuntu:16.04", "2021-04-30"),
    ("Ubuntu:16.10", "2017-07-20"),
    ("Ubuntu:17.04", "2018-01-13"),
    ("Ubuntu:17.10", "2018-07-19"),
    ("Ubuntu:18.04", "2023-05-31"),
    ("Ubuntu:18.10", "2019-07-18"),
    ("Ubuntu:19.04", "2020-01-23"),
    ("Ubuntu:19.10", "2020-07-17"),
    ("Ubuntu:20.04", "2025-05-31"),
    ("Ubuntu:20.10", "2021-07-22"),
    ("Ubuntu:21.04", "2022-01-20"),
    ("Ubuntu:21.10", "2022-07-14"),
    ("Ubuntu:22.10", "2023-07-20"),
    ("Ubuntu:23.04", "2024-01-25"),
    ("Ubuntu:23.10", "2024-07-11"),
    ("Ubuntu:24.10", "2025-07-10"),
];

/// Returns the end of a release's support, where it is known.
pub(super) fn end_of_life(distribution: &Distribution) -> Option<EndOfLife> {
    // CentOS ended before the sources it was built from.
    let (release, day) = match (distribution.id.as_str(), distribution.version.split('.').next()) {
        ("centos", Some("8")) => ("CentOS:8".to_owned(), "2021-12-31"),
        _ => {
            let release = source(distribution)?.to_string();
            let (_, day) = LAST_DAYS.iter().find(|(of, _)| *of == release)?;
            (release, *day)
        }
    };
    Some(EndOfLife { release, day: day.to_owned() })
}
