use gantry_oci::Reference;
use gantry_scan::feeds::trivy::SCHEMA;
use gantry_words::RepositoryName;
use std::{fmt, str::FromStr};

const TLS: &str = "oci://";
const PLAIN: &str = "oci+http://";
/// The longest host with its port.
const HOST_BYTES_MAX: usize = 260;

/// An artifact in a registry: `oci://HOST[:PORT]/REPOSITORY[:TAG]` or `…@DIGEST`, and `oci+http://` for one without TLS. The tag is the
/// schema of trivy-db that is read, `2`, where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArtifactPlace {
    /// Whether the registry is asked over https.
    pub is_tls: bool,
    /// Its host, with the port where there is one.
    pub host: String,
    /// The repository.
    pub repository: RepositoryName,
    /// The tag or digest.
    pub reference: Reference,
}

/// A text names no artifact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no artifact; write oci://HOST/REPOSITORY:TAG, or oci+http:// for a registry without TLS")]
pub struct ArtifactPlaceError(String);

impl ArtifactPlace {
    /// Whether a text begins as the place of an artifact does.
    pub(crate) fn is_meant(text: &str) -> bool {
        [TLS, PLAIN].iter().any(|scheme| text.starts_with(scheme))
    }

    /// The address of something of its repository: `manifests/REFERENCE` or `blobs/DIGEST`.
    pub(crate) fn url(&self, kind: &str, which: &str) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}/v2/{}/{kind}/{which}", self.host, self.repository)
    }
}

impl FromStr for ArtifactPlace {
    type Err = ArtifactPlaceError;

    fn from_str(text: &str) -> Result<Self, ArtifactPlaceError> {
        let no_place = || ArtifactPlaceError(text.into());
        let (is_tls, rest) = match (text.strip_prefix(TLS), text.strip_prefix(PLAIN)) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(no_place()),
        };
        let (host, path) = rest.split_once('/').ok_or_else(no_place)?;
        let is_of_hosts = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.bytes().all(is_of_hosts) {
            return Err(no_place());
        }
        let (repository, reference) = match (path.split_once('@'), path.split_once(':')) {
            // What has no `:` would be taken for a tag.
            (Some((repository, digest)), _) if digest.contains(':') => (repository, digest.parse()),
            (Some(_), _) => return Err(no_place()),
            (None, Some((repository, tag))) => (repository, tag.parse()),
            (None, None) => (path, SCHEMA.to_string().parse()),
        };
        let (Ok(repository), Ok(reference)) = (repository.parse(), reference) else { return Err(no_place()) };
        Ok(ArtifactPlace { is_tls, host: host.into(), repository, reference })
    }
}

impl fmt::Display for ArtifactPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { TLS } else { PLAIN };
        let sign = if matches!(self.reference, Reference::Digest(_)) { '@' } else { ':' };
        write!(f, "{scheme}{}/{}{sign}{}", self.host, self.repository, self.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_an_artifact_is_printed_as_it_is_read_and_has_a_tag() {
        let digest = format!("oci://[::1]:5000/db@sha256:{}", "a".repeat(64));
        for text in ["oci://mirror.example.com/aquasec/trivy-db:2", "oci+http://127.0.0.1:5000/trivy-db:2", &digest] {
            assert_eq!(text.parse::<ArtifactPlace>().unwrap().to_string(), text);
        }
        let untagged: ArtifactPlace = "oci://mirror.example.com/aquasec/trivy-db".parse().unwrap();
        assert_eq!(untagged.url("manifests", "2"), "https://mirror.example.com/v2/aquasec/trivy-db/manifests/2");
        assert_eq!(untagged.to_string(), "oci://mirror.example.com/aquasec/trivy-db:2");
    }

    #[test]
    fn what_names_no_artifact_is_refused() {
        for text in [
            "oci://",
            "oci://host",
            "oci:///a:2",
            "oci://host/",
            "oci://host/Upper:2",
            "oci://host/a@2",
            "oci://user:secret@host/a",
            "oci://host/a:2:3",
            "oci://ho st/a",
            "https://host/a:2",
        ] {
            assert!(text.parse::<ArtifactPlace>().is_err(), "{text}");
        }
    }
}
