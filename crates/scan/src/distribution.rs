//! Which distribution an image is: os-release(5), and what older releases have in its place.

use crate::Distribution;

/// Where os-release lies, the one that counts first; either may be a link to the other.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];
/// What says it where os-release does not, the most telling first: Ubuntu has `etc/debian_version` too.
const OLDER: [&str; 11] = [
    "etc/alpine-release",
    "etc/almalinux-release",
    "etc/rocky-release",
    "etc/oracle-release",
    "etc/centos-release",
    "etc/fedora-release",
    "etc/photon-release",
    "etc/redhat-release",
    "etc/system-release",
    "etc/lsb-release",
    DEBIAN_VERSION,
];
const DEBIAN_VERSION: &str = "etc/debian_version";
const APK_REPOSITORIES: &str = "etc/apk/repositories";

/// Words with which `redhat-release` and its kin begin, and the `ID` that os-release has for them.
const RELEASE_WORDS: [(&str, &str); 9] = [
    ("AlmaLinux", "almalinux"),
    ("Amazon Linux", "amzn"),
    ("CentOS", "centos"),
    ("Fedora", "fedora"),
    ("Oracle Linux", "ol"),
    ("Red Hat", "rhel"),
    ("Rocky Linux", "rocky"),
    ("Scientific Linux", "scientific"),
    ("VMware Photon", "photon"),
];

/// Bytes of a value at most.
const VALUE_BYTES_MAX: usize = 256;

/// Tells whether a file may name the distribution. Links to os-release lead to names such as
/// `usr/lib/os.release.d/os-release-container`.
pub(crate) fn is_release_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    OLDER.contains(&path)
        || path == APK_REPOSITORIES
        || name == "os-release"
        || name.ends_with("-os-release")
        || name.starts_with("os-release-") && folder.ends_with("release.d")
}

/// Reads a file that [`is_release_file`] named; `None` where it says nothing.
pub(crate) fn parse(path: &str, text: &str) -> Option<Distribution> {
    match path {
        DEBIAN_VERSION => parse_debian_version(text),
        "etc/alpine-release" => first_line(text).map(|version| named("alpine", version)),
        "etc/lsb-release" => parse_lsb_release(text),
        APK_REPOSITORIES => parse_repositories(text),
        _ if OLDER.contains(&path) => parse_release_line(text),
        _ => parse_os_release(text),
    }
}

/// Chooses among the files that an image has; `find` follows links.
pub(crate) fn choose<'a>(find: &dyn Fn(&str) -> Option<&'a Distribution>) -> Option<Distribution> {
    let named = OS_RELEASE.iter().find_map(|path| find(path)).filter(|found| !found.id.is_empty());
    let mut chosen = named.or_else(|| OLDER.iter().find_map(|path| find(path)))?.clone();
    // Releases to come have no number yet: `trixie/sid`.
    if chosen.id == "debian"
        && chosen.version.is_empty()
        && let Some(found) = find(DEBIAN_VERSION)
    {
        chosen.version.clone_from(&found.version);
        chosen.codename = chosen.codename.or_else(|| found.codename.clone());
    }
    // An Alpine whose packages come from elsewhere is what they are of.
    if chosen.id == "alpine"
        && let Some(found) = find(APK_REPOSITORIES)
        && !chosen.version.strip_prefix(&found.version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    {
        chosen.version.clone_from(&found.version);
    }
    Some(chosen)
}

fn named(id: &str, version: &str) -> Distribution {
    Distribution { id: id.to_owned(), version: version.to_owned(), ..Distribution::default() }
}

fn parse_os_release(text: &str) -> Option<Distribution> {
    let mut found = Distribution::default();
    let mut name = None;
    for (key, value) in assignments(text) {
        match key {
            "ID" => found.id = value.to_lowercase(),
            "ID_LIKE" => found.like = value.split_whitespace().map(str::to_lowercase).collect(),
            "VERSION_ID" => found.version = value,
            "VERSION_CODENAME" => found.codename = Some(value),
            "PRETTY_NAME" => found.pretty_name = Some(value),
            "NAME" => name = Some(value),
            _ => {}
        }
    }
    found.codename = found.codename.filter(|codename| !codename.is_empty());
    found.pretty_name = found.pretty_name.or(name).filter(|name| !name.is_empty());
    (!found.id.is_empty()).then_some(found)
}

fn parse_lsb_release(text: &str) -> Option<Distribution> {
    let mut found = Distribution::default();
    for (key, value) in assignments(text) {
        match key {
            "DISTRIB_ID" => found.id = value.to_lowercase(),
            "DISTRIB_RELEASE" => found.version = value,
            "DISTRIB_CODENAME" => found.codename = Some(value),
            "DISTRIB_DESCRIPTION" => found.pretty_name = Some(value),
            _ => {}
        }
    }
    (!found.id.is_empty()).then_some(found)
}

fn parse_debian_version(text: &str) -> Option<Distribution> {
    let version = first_line(text)?;
    let codename = version.split_once('/').map(|(codename, _)| codename.to_owned());
    Some(Distribution { codename, ..named("debian", version) })
}

/// Reads `CentOS release 6.10 (Final)`.
fn parse_release_line(text: &str) -> Option<Distribution> {
    let line = first_line(text)?;
    let (_, id) = RELEASE_WORDS.iter().find(|(words, _)| line.starts_with(words))?;
    let (_, version) = line.split_once("release ").unwrap_or(("", line));
    let version = version.split(|one: char| one != '.' && !one.is_ascii_digit()).next().unwrap_or_default();
    Some(Distribution { pretty_name: Some(line.to_owned()), ..named(id, version) })
}

/// Reads `https://…/alpine/v3.17/main`, one a line.
fn parse_repositories(text: &str) -> Option<Distribution> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '@']));
    let branches: Vec<&str> = lines.filter_map(|line| line.split_once("/alpine/")?.1.split('/').next()).collect();
    let branch = if branches.contains(&"edge") { "edge" } else { branches.first()?.strip_prefix('v')? };
    (branch.len() <= VALUE_BYTES_MAX).then(|| named("alpine", branch))
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).filter(|line| line.len() <= VALUE_BYTES_MAX)
}

/// Reads `KEY=value` as a shell would, without anything that it would replace.
fn assignments(text: &str) -> impl Iterator<Item = (&str, String)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.trim().split_once('=')?;
        let value = unquote(value.trim());
        (value.len() <= VALUE_BYTES_MAX).then_some((key, value))
    })
}

fn unquote(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let (mut plain, mut chars) = (String::with_capacity(inner.len()), inner.chars());
    while let Some(one) = chars.next() {
        match one {
            '\\' => plain.extend(chars.next()),
            _ => plain.push(one),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
