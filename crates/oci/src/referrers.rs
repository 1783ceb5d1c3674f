use crate::{Descriptor, media_type};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferrersIndex<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: &'a [Descriptor],
}

/// Writes the answer of `GET /v2/<name>/referrers/<digest>`: an OCI index of `descriptors`, in their order, empty where
/// there are none (OCI Distribution 1.1.1, "Listing Referrers").
///
/// The caller gives each descriptor the artifact type ([`Manifest::listed_artifact_type`](crate::Manifest)) and the
/// annotations of its manifest.
pub fn referrers_index(descriptors: &[Descriptor]) -> Vec<u8> {
    let index = ReferrersIndex { schema_version: 2, media_type: media_type::OCI_INDEX, manifests: descriptors };
    serde_json::to_vec(&index).expect("texts, numbers and maps with text keys can always be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Digest, Kind, Manifest, ManifestLimits};

    #[test]
    fn no_referrers_are_an_empty_index() {
        assert_eq!(
            String::from_utf8(referrers_index(&[])).unwrap(),
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
        );
    }

    #[test]
    fn the_index_is_one_that_a_registry_would_take() {
        let mut signature =
            Descriptor::new(media_type::OCI_MANIFEST, Digest::from_hash(Algorithm::Sha256, &[1; 32]), 700);
        signature.artifact_type = Some("application/vnd.example.signature".into());
        signature.annotations.insert("com.example.key".into(), "\"quoted\"".into());
        let list =
            Descriptor::new(media_type::OCI_INDEX, Digest::from_hash(Algorithm::Sha512, &[2; 64]), i64::MAX as u64);

        let bytes = referrers_index(&[signature.clone(), list.clone()]);

        let index = Manifest::parse(&bytes, Some(media_type::OCI_INDEX), &ManifestLimits::default()).unwrap();
        assert_eq!((index.kind, index.manifests), (Kind::Index, vec![signature, list]));
    }
}
