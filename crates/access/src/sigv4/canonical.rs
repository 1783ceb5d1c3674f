use super::{PathForm, SignedRequest};
use std::borrow::Cow;

/// Writes the canonical request: method, path, query, signed headers and the hash of the body, one per line.
///
/// `host` stands for the `Host` header where it is given.
pub(super) fn request(
    request: &SignedRequest<'_>,
    signed_headers: &[String],
    host: Option<&str>,
    path: PathForm,
    payload: &str,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    let mut line = |bytes: &[u8]| {
        text.extend_from_slice(bytes);
        text.push(b'\n');
    };
    line(request.method.as_bytes());
    line(canonical_path(request.path, path).as_bytes());
    line(query(request.query).as_bytes());
    for name in signed_headers {
        let value = match host.filter(|_| name == "host") {
            Some(host) => host.as_bytes().to_vec(),
            None => header(request.values(name)),
        };
        line(&[name.as_bytes(), b":", &value].concat());
    }
    line(b"");
    line(signed_headers.join(";").as_bytes());
    text.extend_from_slice(payload.as_bytes());
    text
}

/// Joins the values of a header by commas, each trimmed and with one blank for several.
fn header<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut joined = Vec::new();
    for (position, value) in values.enumerate() {
        if position > 0 {
            joined.push(b',');
        }
        let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        for (position, word) in words.enumerate() {
            if position > 0 {
                joined.push(b' ');
            }
            joined.extend_from_slice(word);
        }
    }
    joined
}

/// Encodes each segment of a path as it was sent, so that what the client encoded is encoded twice.
fn canonical_path(path: &str, form: PathForm) -> String {
    let path = match form {
        PathForm::Normalised => normalised(path),
        PathForm::AsSent => Cow::Borrowed(path),
    };
    if path.is_empty() {
        return "/".into();
    }
    path.split('/').map(|segment| encode(segment.as_bytes())).collect::<Vec<_>>().join("/")
}

/// Takes out dot segments and empty segments (RFC 3986, section 5.2.4); a slash at the end stays.
fn normalised(path: &str) -> Cow<'_, str> {
    if path == "/" {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let end = if is_folder && !kept.is_empty() { "/" } else { "" };
    Cow::Owned(format!("/{}{end}", kept.join("/")))
}

/// Orders the parameters by name and value, each encoded one way; the signature itself is no part of what is signed.
fn query(query: &str) -> String {
    let mut pairs: Vec<_> = pairs(query)
        .filter(|(name, _)| **name != *b"X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Returns the parameters of a query, decoded. A plus is a plus: no signer writes a blank so.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name.as_bytes()), decode(value.as_bytes()))
    })
}

/// Decodes `%41`; a stray percent sign stands for itself.
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let mut byte = [0];
        match after.get(..2) {
            Some(digits) if *first == b'%' && hex::decode_to_slice(digits, &mut byte).is_ok() => {
                decoded.push(byte[0]);
                rest = &after[2..];
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(decoded)
}

/// Encodes all but the unreserved characters of RFC 3986, section 2.3, in capital digits.
fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(*byte)),
            byte => {
                text.push('%');
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_in_a_path_is_encoded_again() {
        let path = "/tags/arn%3Aaws%3Asigner%3A%2Fsigning-profiles%2Fp";

        let canonical = canonical_path(path, PathForm::Normalised);

        assert_eq!(canonical, "/tags/arn%253Aaws%253Asigner%253A%252Fsigning-profiles%252Fp");
    }

    #[test]
    fn paths_are_normalised_as_the_signers_do_it() {
        for (path, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/a/..", "/"),
            ("/a/./b", "/a/b"),
            ("/a//b/", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/../a", "/a"),
        ] {
            assert_eq!(canonical_path(path, PathForm::Normalised), canonical, "{path}");
        }
    }

    #[test]
    fn parameters_are_ordered_by_their_encoded_names_and_values() {
        for (sent, canonical) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=b&a=a", "a=a&a=b"),
            ("a", "a="),
            ("a=x=y", "a=x%3Dy"),
            ("a=x+y", "a=x%2By"),
            ("a=x%20y", "a=x%20y"),
            ("a=%7e", "a=~"),
            ("a=%zz%", "a=%25zz%25"),
            ("a/b=1&a=2", "a=2&a%2Fb=1"),
            ("X-Amz-Signature=00&a=1", "a=1"),
        ] {
            assert_eq!(query(sent), canonical, "{sent}");
        }
    }
}
