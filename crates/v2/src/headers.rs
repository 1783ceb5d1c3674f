use gantry_oci::Digest;
use http::{HeaderMap, HeaderName, HeaderValue, header};

pub(crate) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
pub(crate) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
pub(crate) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
pub(crate) const OCI_CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// Makes a header value of text that was parsed to hold visible ASCII only; anything else becomes an empty value.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Headers of content that its digest names: it never changes, so clients may keep it.
pub(crate) fn immutable(digest: &Digest) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    let digest_value = value(digest.as_str());
    headers.insert(header::ETAG, etag(digest));
    headers.insert(DOCKER_CONTENT_DIGEST, digest_value);
    headers
}

/// The entity tag of content: its digest in quotes (RFC 9110, section 8.8.3).
pub(crate) fn etag(digest: &Digest) -> HeaderValue {
    value(&format!("\"{digest}\""))
}

/// Whether `If-None-Match` names this content (RFC 9110, section 13.1.2: weak comparison, `*` matches).
pub(crate) fn is_unchanged(if_none_match: Option<&str>, digest: &Digest) -> bool {
    let Some(list) = if_none_match else { return false };
    list.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(digest.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_matches_weakly_and_in_lists() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();

        for list in
            ["*".to_string(), format!("\"{digest}\""), format!("W/\"{digest}\""), format!("\"x\", \"{digest}\"")]
        {
            assert!(is_unchanged(Some(&list), &digest), "{list}");
        }
        for list in [None, Some(""), Some("\"x\""), Some(digest.as_str())] {
            assert!(!is_unchanged(list, &digest), "{list:?}");
        }
    }
}
