use super::names::ImageName;
use gantry_oci::{Digest, Kind, Manifest, ManifestError, ManifestLimits};

/// Bytes of `index.json` at most: it lists every image of a layout, which may be many.
pub(crate) const INDEX_BYTES_MAX: u64 = 64 << 20;
const ENTRIES_MAX: usize = 200_000;
const VALUES_MAX: usize = 8_000_000;

/// An image that a layout names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its manifest.
    pub(crate) digest: Digest,
    /// What it is said to be.
    pub(crate) media_type: String,
    /// What it is called.
    pub(crate) name: ImageName,
}

/// Reads `index.json` of a layout (OCI Image 1.1.1, Image Layout).
///
/// # Errors
/// Why it is none, or that it is larger than is read here.
pub(crate) fn read_index(bytes: &[u8]) -> Result<Vec<Entry>, ManifestError> {
    let limits = ManifestLimits {
        bytes_max: usize::try_from(INDEX_BYTES_MAX).unwrap_or(usize::MAX),
        descriptors_max: ENTRIES_MAX,
        annotations_bytes_max: usize::try_from(INDEX_BYTES_MAX).unwrap_or(usize::MAX),
        values_max: VALUES_MAX,
        ..ManifestLimits::default()
    };
    let index = Manifest::parse(bytes, None, &limits)?;
    if index.kind == Kind::Image {
        return Err(ManifestError::Unsupported { media_type: index.media_type });
    }
    let entry = |descriptor: gantry_oci::Descriptor| Entry {
        name: ImageName::of(&descriptor.annotations),
        digest: descriptor.digest,
        media_type: descriptor.media_type,
    };
    Ok(index.manifests.into_iter().map(entry).collect())
}

/// Where a layout keeps a blob.
pub(crate) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_names_images_by_tag_by_name_and_by_nothing() {
        let descriptor = |number: u8, annotations: &str| {
            let media_type = gantry_oci::media_type::OCI_MANIFEST;
            let digest = format!("sha256:{}", format!("{number:02x}").repeat(32));
            format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":7{annotations}}}"#)
        };
        let named = |name: &str| format!(r#","annotations":{{"org.opencontainers.image.ref.name":"{name}"}}"#);
        let all = [descriptor(1, &named("v1")), descriptor(2, &named("team/app:v2")), descriptor(3, "")].join(",");

        let entries = read_index(format!(r#"{{"schemaVersion":2,"manifests":[{all}]}}"#).as_bytes()).unwrap();

        let names: Vec<_> = entries.iter().map(|entry| entry.name.clone()).collect();
        let (tag, repository) = (|text: &str| text.parse().ok(), "team/app".parse().ok());
        assert_eq!(
            names,
            [
                ImageName { repository: None, tag: tag("v1") },
                ImageName { repository, tag: tag("v2") },
                ImageName::default()
            ]
        );
        assert!(blob_name(&entries[0].digest).starts_with("blobs/sha256/0101"));
    }

    #[test]
    fn a_manifest_is_no_index() {
        assert!(read_index(br#"{"schemaVersion":2,"manifests":[]}"#).unwrap().is_empty());
        assert!(read_index(br#"{"schemaVersion":1}"#).is_err());
        assert!(read_index(b"[]").is_err());
    }
}
