//! Which package an archive is.

use super::manifest::Manifest;
use crate::{Package, PackageType};

/// What a `pom.properties` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Coordinates {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
    /// The file's path in the archive.
    pub(super) at: String,
}

impl Coordinates {
    /// Reads the file at `at`; `None` where one of the three is not said.
    pub(super) fn parse(at: &str, text: &str) -> Option<Coordinates> {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| {
                let (key, value) = line.split_once(['=', ':'])?;
                (key.trim() == name).then_some(value.trim())
            });
            line.filter(|value| !value.is_empty() && !value.contains("${")).map(str::to_owned)
        };
        Some(Coordinates {
            group: value("groupId")?,
            artifact: value("artifactId")?,
            version: value("version")?,
            at: at.to_owned(),
        })
    }
}

/// What the name of an archive says: `commons-text-1.9.jar`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) artifact: String,
    pub(super) version: Option<String>,
}

impl FileName {
    pub(super) fn parse(path: &str) -> FileName {
        let name = path.rsplit(['/', '!']).next().unwrap_or_default();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let starts: Vec<usize> = stem
            .match_indices('-')
            .map(|(at, _)| at)
            .filter(|at| *at > 0 && stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
            .collect();
        // `log4j-1.2-api-2.17.1`: a version goes on with numbers and with words of versions, not with others.
        let cut = starts.iter().copied().find(|at| is_one_version(&stem[at + 1..]));
        match cut {
            Some(at) => FileName { artifact: stem[..at].to_owned(), version: Some(stem[at + 1..].to_owned()) },
            None => FileName { artifact: stem.to_owned(), version: None },
        }
    }
}

fn is_one_version(text: &str) -> bool {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = text.split('-').collect();
    let last_number = words.iter().rposition(|word| is_number(word)).unwrap_or_default();
    words[..last_number].iter().all(|word| is_number(word) || is_qualifier(word))
}

fn is_qualifier(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "alpha",
        "android",
        "beta",
        "build",
        "cr",
        "dev",
        "ea",
        "final",
        "ga",
        "incubating",
        "jdk",
        "jre",
        "m",
        "milestone",
        "pre",
        "rc",
        "release",
        "rev",
        "snapshot",
        "sp",
    ];
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    WORDS.iter().any(|known| letters.eq_ignore_ascii_case(known))
}

/// Which of the libraries in an archive it is itself: the one it is named after, or the only one.
pub(super) fn own<'a>(all: &'a [Coordinates], file: &FileName) -> Option<&'a Coordinates> {
    let named = |one: &&Coordinates| {
        one.artifact == file.artifact && file.version.as_ref().is_none_or(|version| *version == one.version)
    };
    match all {
        [only] => Some(only),
        all => all.iter().find(named).or_else(|| all.iter().find(|one| one.artifact == file.artifact)),
    }
}

/// Which package it probably is, where no `pom.properties` says; the name lacks its group where nothing tells it.
pub(super) fn guess(file: &FileName, manifest: &Manifest) -> Option<Package> {
    let word = |name: &str| manifest.get(name).filter(|value| is_word(value));
    let version = file.version.as_deref();
    let version = version.or_else(|| word("Implementation-Version")).or_else(|| word("Bundle-Version"))?;
    let artifact = match file.version {
        Some(_) => file.artifact.as_str(),
        None => word("Implementation-Title").unwrap_or(&file.artifact),
    };
    if !is_word(artifact) {
        return None;
    }
    // Directives stand behind the bundle's name: `org.example;singleton:=true`.
    let bundle = manifest.get("Bundle-SymbolicName").and_then(|name| name.split(';').next()).map(str::trim);
    let bundle = bundle.filter(|name| is_word(name));
    let group = known_group(artifact)
        .or_else(|| word("Implementation-Vendor-Id").filter(|group| group.contains('.')))
        .or_else(|| bundle.and_then(|bundle| group_of_bundle(bundle, artifact)));
    let name = group.map_or_else(|| artifact.to_owned(), |group| format!("{group}:{artifact}"));
    Some(Package::new(PackageType::Maven, name, version))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// `com.fasterxml.jackson.core.jackson-databind` is the artifact behind its group.
fn group_of_bundle<'a>(bundle: &'a str, artifact: &str) -> Option<&'a str> {
    match bundle.strip_suffix(artifact).and_then(|rest| rest.strip_suffix('.')) {
        Some(group) => Some(group).filter(|group| !group.is_empty()),
        None => Some(bundle).filter(|bundle| bundle.contains('.')),
    }
}

/// Groups of what is often met and comes without `pom.properties`: what Gradle, Ant and others build.
fn known_group(artifact: &str) -> Option<&'static str> {
    const EXACT: &[(&str, &str)] = &[
        ("catalina", "org.apache.tomcat"),
        ("cglib", "cglib"),
        ("h2", "com.h2database"),
        ("hibernate-core", "org.hibernate"),
        ("lombok", "org.projectlombok"),
        ("mysql-connector-java", "mysql"),
        ("okhttp", "com.squareup.okhttp3"),
        ("reactor-core", "io.projectreactor"),
        ("reactor-netty-core", "io.projectreactor.netty"),
        ("reactor-netty-http", "io.projectreactor.netty"),
        ("scala-library", "org.scala-lang"),
    ];
    /// The longest comes first.
    const PREFIXES: &[(&str, &str)] = &[
        ("spring-boot", "org.springframework.boot"),
        ("spring-cloud-", "org.springframework.cloud"),
        ("spring-data-", "org.springframework.data"),
        ("spring-security-", "org.springframework.security"),
        ("spring-session-", "org.springframework.session"),
        ("kotlin-stdlib", "org.jetbrains.kotlin"),
        ("kotlin-reflect", "org.jetbrains.kotlin"),
        ("micrometer-", "io.micrometer"),
        ("okio", "com.squareup.okio"),
        ("tomcat-embed-", "org.apache.tomcat.embed"),
        ("tomcat-", "org.apache.tomcat"),
        ("bcprov-", "org.bouncycastle"),
        ("bcpkix-", "org.bouncycastle"),
    ];
    const FRAMEWORK: &[&str] = &[
        "aop",
        "aspects",
        "beans",
        "context",
        "context-support",
        "core",
        "expression",
        "jcl",
        "jdbc",
        "jms",
        "messaging",
        "orm",
        "oxm",
        "test",
        "tx",
        "web",
        "webflux",
        "webmvc",
        "websocket",
    ];
    if artifact.strip_prefix("spring-").is_some_and(|part| FRAMEWORK.contains(&part)) {
        return Some("org.springframework");
    }
    let exact = EXACT.iter().find(|(name, _)| *name == artifact);
    exact.or_else(|| PREFIXES.iter().find(|(prefix, _)| artifact.starts_with(prefix))).map(|(_, group)| *group)
}
