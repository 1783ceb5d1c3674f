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

/// Bytes of a warning's text: clients show no more (OCI Distribution 1.1.1, "Warnings").
const WARNING_BYTES_MAX: usize = 256;

/// Makes a warning for whoever reads what a client prints (OCI Distribution 1.1.1, "Warnings"): `299 - "text"`.
pub(crate) fn warning(text: &str) -> HeaderValue {
    let plain = |character: char| match character {
        '"' | '\\' => '\'',
        ' '..='~' => character,
        _ => '?',
    };
    let text: String = text.chars().map(plain).take(WARNING_BYTES_MAX).collect();
    value(&format!("299 - \"{text}\""))
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

/// Returns what `If-None-Match` holds, all of its lines: they are one list (RFC 9110, section 5.3).
pub(crate) fn if_none_match(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut list = lines.next()?.to_string();
    for line in lines {
        list.push(',');
        list.push_str(line);
    }
    Some(list)
}

/// Returns the range asked for, unless it is of other content than this: `If-Range` compares strongly, and a date is
/// nothing that content had which its digest names (RFC 9110, section 13.1.5). Several lines are no range.
pub(crate) fn range(headers: &HeaderMap, digest: &Digest) -> Option<String> {
    let mut lines = headers.get_all(header::RANGE).iter();
    let range = lines.next().filter(|_| lines.next().is_none())?.to_str().ok()?;
    let is_of_other = |tag: &HeaderValue| tag.to_str().is_ok_and(|tag| tag.trim() != format!("\"{digest}\""));
    (!headers.get_all(header::IF_RANGE).iter().any(is_of_other)).then(|| range.to_string())
}

/// Whether `If-None-Match` names this content (RFC 9110, section 13.1.2: weak comparison, `*` matches).
pub fn is_unchanged(if_none_match: Option<&str>, digest: &Digest) -> bool {
    let Some(list) = if_none_match.map(str::trim) else { return false };
    // In a list a star is nothing, or a part of somebody else's tag, which may hold commas. A digest holds neither comma
    // nor quote, so that it cannot be a part of one.
    list == "*"
        || list.split(',').map(str::trim).any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(digest.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_short_plain_and_in_quotes() {
        assert_eq!(warning("say \"no\" \u{2026}"), "299 - \"say 'no' ?\"");
        assert_eq!(warning(&"a".repeat(300)).len(), 256 + 8);
    }

    #[test]
    fn an_entity_tag_matches_weakly_and_in_lists() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();

        for list in
            ["*".to_string(), format!("\"{digest}\""), format!("W/\"{digest}\""), format!("\"x\", \"{digest}\"")]
        {
            assert!(is_unchanged(Some(&list), &digest), "{list}");
        }
        for list in [None, Some(""), Some("\"x\""), Some(digest.as_str()), Some("\"a,*,b\""), Some("\"x\", *")] {
            assert!(!is_unchanged(list, &digest), "{list:?}");
        }
    }

    #[test]
    fn a_range_is_given_only_where_it_is_of_the_same_content() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let asked = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-1"));
            headers.append(name, value.parse().unwrap());
            range(&headers, &digest)
        };

        assert!(asked("if-range", &format!("\"{digest}\"")).is_some());
        assert!(asked("accept", "*/*").is_some());
        for tag in [&format!("W/\"{digest}\""), "\"x\"", "*", "Wed, 01 Jan 2025 00:00:00 GMT", ""] {
            assert_eq!(asked("if-range", tag), None, "{tag}");
        }
        assert_eq!(asked("range", "bytes=2-3"), None);
    }
}
