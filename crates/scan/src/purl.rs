//! Package URLs: a package in one line of text, as SBOMs, attestations and VEX statements write it (package-url, Core
//! specification; its types). Names keep their letters' case: advisories of Go and Maven distinguish it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{Distribution, Package, PackageType, SourcePackage};

/// Bytes of a package URL at most.
pub const PURL_BYTES_MAX: usize = 4096;

/// What is written as `%XX` in each part: all but letters, digits, `.-_~`, and the colon.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');

/// Writes the package URL of a package: `pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12`.
///
/// `distribution` is that of the image, and is used for what distributions install. An rpm's epoch is a qualifier. What
/// the package was built from is `upstream`, a module stream `rpmmod`; qualifiers are sorted.
pub fn of(package: &Package, distribution: Option<&Distribution>) -> String {
    let distribution = distribution.filter(|_| package.kind.is_distribution());
    let (namespace, name) = namespace_and_name(package, distribution);
    let (epoch, version) = epoch_and_version(package);

    let mut purl = format!("pkg:{}/", package.kind.name());
    for segment in namespace.iter().flat_map(|namespace| namespace.split('/')).filter(|segment| !segment.is_empty()) {
        purl.extend(utf8_percent_encode(segment, ENCODED));
        purl.push('/');
    }
    purl.extend(utf8_percent_encode(name, ENCODED));
    if !version.is_empty() {
        purl.push('@');
        purl.extend(utf8_percent_encode(version, ENCODED));
    }
    let qualifiers = [
        ("arch", package.architecture.clone()),
        ("distro", distribution.map(distro)),
        ("epoch", epoch.map(str::to_owned)),
        ("rpmmod", package.module_stream.clone()),
        ("upstream", package.source.as_ref().map(|source| upstream(source, package))),
    ];
    let written =
        qualifiers.into_iter().filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)));
    for (at, (key, value)) in written.enumerate() {
        purl.push(if at == 0 { '?' } else { '&' });
        purl.push_str(key);
        purl.push('=');
        purl.extend(utf8_percent_encode(&value, ENCODED));
    }
    purl
}

fn namespace_and_name<'a>(package: &'a Package, distribution: Option<&'a Distribution>) -> (Option<&'a str>, &'a str) {
    let name = package.name.as_str();
    let cut = match package.kind {
        PackageType::Apk | PackageType::Deb | PackageType::Rpm => {
            // The types' list has `redhat` where os-release says `rhel`.
            let namespace = distribution.map(|distribution| match distribution.id.as_str() {
                "rhel" => "redhat",
                id => id,
            });
            return (namespace, name);
        }
        PackageType::Maven => name.split_once(':'),
        PackageType::Composer | PackageType::Golang | PackageType::Npm => name.rsplit_once('/'),
        PackageType::Bitnami | PackageType::Cargo | PackageType::Gem | PackageType::Nuget | PackageType::Pypi => None,
    };
    let cut = cut.filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    cut.map_or((None, name), |(namespace, name)| (Some(namespace), name))
}

fn epoch_and_version(package: &Package) -> (Option<&str>, &str) {
    match package.version.split_once(':') {
        Some((epoch, version)) if package.kind == PackageType::Rpm => (Some(epoch), version),
        _ => (None, &package.version),
    }
}

fn distro(distribution: &Distribution) -> String {
    match distribution.version.as_str() {
        "" => distribution.id.clone(),
        version => format!("{}-{version}", distribution.id),
    }
}

fn upstream(source: &SourcePackage, package: &Package) -> String {
    match source.version == package.version {
        true => source.name.clone(),
        false => format!("{}@{}", source.name, source.version),
    }
}

/// Reads a package URL; `None` where it is none, is longer than [`PURL_BYTES_MAX`], or is of a kind that is not known here.
///
/// A URL without a version gives a package whose version is empty. Of the qualifiers, `arch`, `epoch`, `upstream` (also
/// `origin`, and the file name of a source rpm) and `rpmmod` (also `modularitylabel`) are kept; a subpath is not.
pub fn parse(text: &str) -> Option<Package> {
    if text.len() > PURL_BYTES_MAX {
        return None;
    }
    let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
    let rest = rest.split_once('#').map_or(rest, |(rest, _subpath)| rest);
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let (kind, rest) = rest.split_once('/')?;
    let kind = PackageType::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(kind))?;
    // An `@` with a `/` behind it begins an npm scope that was not encoded.
    let (path, version) = rest.rsplit_once('@').filter(|(_, version)| !version.contains('/')).unwrap_or((rest, ""));

    let mut package = Package::new(kind, name(kind, path)?, decode(version)?);
    let qualifiers = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
    let mut source = None;
    for (key, value) in qualifiers {
        let value = decode(value)?;
        match key.to_ascii_lowercase().as_str() {
            _ if value.is_empty() => {}
            "arch" => package.architecture = Some(value),
            "epoch" if !package.version.contains(':') => package.version = format!("{value}:{}", package.version),
            "rpmmod" | "modularitylabel" => package.module_stream = Some(stream(&value)),
            "upstream" | "origin" => source = Some(value),
            _ => {}
        }
    }
    package.source = source.map(|source| source_package(&source, &package));
    Some(package)
}

/// The name in a package's own words, from the decoded segments of the path.
fn name(kind: PackageType, path: &str) -> Option<String> {
    // Some write the separators as `%2F` too.
    let decoded = decode(path)?;
    let segments: Vec<&str> = decoded.split('/').filter(|segment| !segment.is_empty()).collect();
    let (&last, namespace) = segments.split_last()?;
    let joined = |separator: &str| match namespace {
        [] => last.to_owned(),
        namespace => format!("{}{separator}{last}", namespace.join("/")),
    };
    // The colon keeps the two parts of a Maven name apart, which some write instead of the slash, and is in neither.
    if kind == PackageType::Maven && decoded.matches(':').count() > usize::from(namespace.is_empty()) {
        return None;
    }
    let name = match kind {
        PackageType::Maven => joined(":"),
        PackageType::Golang | PackageType::Npm => joined("/"),
        PackageType::Composer => joined("/").to_ascii_lowercase(),
        PackageType::Pypi => pypi_name(last),
        PackageType::Apk
        | PackageType::Bitnami
        | PackageType::Cargo
        | PackageType::Deb
        | PackageType::Gem
        | PackageType::Nuget
        | PackageType::Rpm => last.to_owned(),
    };
    Some(name).filter(|name| !name.is_empty())
}

/// PEP 503: small letters, and each run of `-_.` is one `-`.
fn pypi_name(name: &str) -> String {
    let words: Vec<&str> = name.split(['-', '_', '.']).filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

/// A modularity label is `name:stream:version:context`; advisories know the first two.
fn stream(label: &str) -> String {
    label.split(':').take(2).collect::<Vec<_>>().join(":")
}

fn source_package(text: &str, package: &Package) -> SourcePackage {
    let of = |name: &str, version: &str| SourcePackage { name: name.to_owned(), version: version.to_owned() };
    if let Some((name, version)) = text.rsplit_once('@') {
        return of(name, version);
    }
    let file = text.strip_suffix(".src.rpm").or_else(|| text.strip_suffix(".nosrc.rpm"));
    let parts = file.and_then(|file| {
        let (rest, release) = file.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        Some((name, format!("{version}-{release}")))
    });
    match parts {
        Some((name, version)) => match package.version.split_once(':') {
            // The file's name has no epoch; the source has the one of what was built from it.
            Some((epoch, _)) => of(name, &format!("{epoch}:{version}")),
            None => of(name, &version),
        },
        None => of(text, &package.version),
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned()).filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests;
