mod artifact;

pub use artifact::{ArtifactPlace, ArtifactPlaceError};
use gantry_scan::feeds::{FeedKind, FeedKindError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, path::PathBuf, str::FromStr};

/// Where another Gantry serves its advisories.
const GANTRY_PATH: &str = "/api/v1/advisories";

/// Where advisories come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AdvisorySource {
    /// What is there.
    pub kind: SourceKind,
    /// Where.
    pub place: Place,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A file of advisories, as somebody publishes it.
    Feed(FeedKind),
    /// A folder of such files.
    Folder,
    /// Another Gantry, or what it exported.
    Gantry,
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On a server: `https://…`.
    Url(String),
    /// In a registry: `oci://…`.
    Artifact(ArtifactPlace),
    /// On this machine; absolute.
    Path(PathBuf),
}

/// A text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvisorySourceError {
    /// It has no `=`.
    #[error("{0:?} names no source; write KIND=PLACE, such as osv=https://mirror.example.com/npm/all.zip")]
    Form(String),
    /// The kind is none.
    #[error(transparent)]
    Kind(#[from] FeedKindError),
    /// The place is none.
    #[error("{0:?} is no place; write https://HOST/PATH, oci://HOST/REPOSITORY:TAG, or a path that begins with /")]
    Place(String),
    /// The place in a registry is none.
    #[error(transparent)]
    Artifact(#[from] ArtifactPlaceError),
    /// What is said to be in a registry is no artifact that anybody publishes.
    #[error("only trivy-db is read from a registry; write trivy-db=oci://HOST/REPOSITORY:TAG")]
    NoArtifact,
    /// It lies where a folder cannot.
    #[error("a folder is read on this machine only; write folder=/PATH")]
    Folder,
}

impl FromStr for AdvisorySource {
    type Err = AdvisorySourceError;

    fn from_str(text: &str) -> Result<Self, AdvisorySourceError> {
        let (kind, place) = match text.split_once('=') {
            Some(parts) => parts,
            None if ArtifactPlace::is_meant(text) => ("trivy-db", text),
            None => return Err(AdvisorySourceError::Form(text.into())),
        };
        let kind = match kind {
            "folder" => SourceKind::Folder,
            "gantry" => SourceKind::Gantry,
            kind => SourceKind::Feed(kind.parse()?),
        };
        let is_url = place.starts_with("https://") || place.starts_with("http://");
        let place = match place {
            url if is_url && kind == SourceKind::Gantry && !url.ends_with(GANTRY_PATH) => {
                Place::Url(format!("{}{GANTRY_PATH}", url.trim_end_matches('/')))
            }
            url if is_url => Place::Url(url.into()),
            artifact if ArtifactPlace::is_meant(artifact) => Place::Artifact(artifact.parse()?),
            path if path.starts_with('/') => Place::Path(path.into()),
            _ => return Err(AdvisorySourceError::Place(place.into())),
        };
        match (&kind, &place) {
            (SourceKind::Folder, Place::Url(_) | Place::Artifact(_)) => Err(AdvisorySourceError::Folder),
            (SourceKind::Gantry, Place::Artifact(_)) => Err(AdvisorySourceError::NoArtifact),
            (SourceKind::Feed(kind), Place::Artifact(_)) if *kind != FeedKind::TrivyDb => {
                Err(AdvisorySourceError::NoArtifact)
            }
            _ => Ok(AdvisorySource { kind, place }),
        }
    }
}

impl fmt::Display for AdvisorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SourceKind::Feed(kind) => write!(f, "{kind}=")?,
            SourceKind::Folder => f.write_str("folder=")?,
            SourceKind::Gantry => f.write_str("gantry=")?,
        }
        match &self.place {
            Place::Url(url) => f.write_str(url),
            Place::Artifact(artifact) => artifact.fmt(f),
            Place::Path(path) => path.display().fmt(f),
        }
    }
}

impl AdvisorySource {
    /// Its name for people: without the query of a URL, where secrets may stand.
    pub fn shown(&self) -> String {
        let text = self.to_string();
        match self.place {
            Place::Url(_) => text.split(['?', '#']).next().unwrap_or_default().to_owned(),
            Place::Artifact(_) | Place::Path(_) => text,
        }
    }
}

impl Serialize for AdvisorySource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AdvisorySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_printed_as_it_is_read() {
        for text in [
            "osv=https://mirror.example.com/npm/all.zip",
            "updateinfo:Rocky Linux:9=http://mirror.example.com/updateinfo.xml.gz?a=b",
            "kev=/srv/kev.json",
            "trivy-db=oci://mirror.example.com/aquasec/trivy-db:2",
            "folder=/srv/advisories",
            "gantry=https://other.example.com/api/v1/advisories",
        ] {
            assert_eq!(text.parse::<AdvisorySource>().unwrap().to_string(), text);
        }
        let short: AdvisorySource = "oci+http://127.0.0.1:5000/trivy-db".parse().unwrap();
        assert_eq!(short.to_string(), "trivy-db=oci+http://127.0.0.1:5000/trivy-db:2");
        let other: AdvisorySource = "gantry=https://other.example.com/".parse().unwrap();
        assert_eq!(other.to_string(), "gantry=https://other.example.com/api/v1/advisories");
    }

    #[test]
    fn what_names_no_source_is_refused_and_no_query_is_shown() {
        for text in [
            "",
            "x",
            "npm=https://a/b",
            "osv=mirror/all.zip",
            "folder=https://a/b",
            "osv=ftp://a/b",
            "osv=",
            "osv=oci://a/b:2",
            "gantry=oci://a/b:2",
        ] {
            assert!(text.parse::<AdvisorySource>().is_err(), "{text}");
        }
        let source: AdvisorySource = "osv=https://a/all.zip?key=secret".parse().unwrap();
        assert_eq!(source.shown(), "osv=https://a/all.zip");
    }
}
