use crate::Digest;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a manifest says of something it points to (OCI Image 1.1.1, "Content Descriptors").
///
/// A claim: neither type nor size is compared with the content here. Serialised as in the specification, absent members
/// left out; an embedded `data` member is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Bytes of the content, at most `i64::MAX`.
    pub size: u64,
    /// Where else the content may be fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Free metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Type of the artifact, where it points to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What the image runs on, where an index says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// Describes content with the three members that every descriptor has.
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            media_type: media_type.into(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            artifact_type: None,
            platform: None,
        }
    }
}

/// What an image runs on (OCI Image 1.1.1, "Image Index Property Descriptions").
///
/// Clients disagree about what they must say, so the first two may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Platform {
    /// Processor, as in `GOARCH`.
    pub architecture: String,
    /// Operating system, as in `GOOS`.
    pub os: String,
    /// Version of the operating system.
    #[serde(rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Features the operating system must have.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// Variant of the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, media_type};
    use serde_json::json;

    #[test]
    fn absent_members_are_left_out() {
        let digest = Digest::from_hash(Algorithm::Sha256, &[1; 32]);

        let json = serde_json::to_value(Descriptor::new(media_type::OCI_MANIFEST, digest.clone(), 7)).unwrap();

        assert_eq!(json, json!({"mediaType": media_type::OCI_MANIFEST, "digest": digest.as_str(), "size": 7}));
    }

    #[test]
    fn members_have_the_names_of_the_specification() {
        let mut descriptor = Descriptor::new("a/b", Digest::from_hash(Algorithm::Sha256, &[1; 32]), 7);
        descriptor.urls = vec!["https://example.com".into()];
        descriptor.annotations = BTreeMap::from([("k".into(), "v".into())]);
        descriptor.artifact_type = Some("c/d".into());
        descriptor.platform = Some(Platform {
            architecture: "arm".into(),
            os: "linux".into(),
            os_version: Some("1".into()),
            os_features: vec!["f".into()],
            variant: Some("v7".into()),
        });

        let json = serde_json::to_value(&descriptor).unwrap();

        assert_eq!(
            json,
            json!({
                "mediaType": "a/b", "digest": descriptor.digest.as_str(), "size": 7, "urls": ["https://example.com"],
                "annotations": {"k": "v"}, "artifactType": "c/d",
                "platform": {
                    "architecture": "arm", "os": "linux", "os.version": "1", "os.features": ["f"], "variant": "v7",
                },
            })
        );
    }
}
