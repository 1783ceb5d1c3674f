use gantry_words::Timestamp;
use roxmltree::{Document, Node, ParsingOptions};
use std::fmt;

/// Bytes of a page at most: a thousand keys of a kilobyte, each byte of them written as three, and what is said of them.
pub(super) const PAGE_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a refusal that are read at most.
pub(super) const REFUSAL_BYTES_MAX: u64 = 64 << 10;
/// Nodes of a page at most: a thousand objects, with some ten elements each, and a text in each of those.
const NODES_MAX: u32 = 100_000;
/// Characters of what a store says that are shown.
const SHOWN_MAX: usize = 300;

/// An object, as a list tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) length: u64,
    pub(crate) written_at: Option<Timestamp>,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    /// Whether there is another.
    pub(crate) is_truncated: bool,
}

/// What a store says instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(super) status: u16,
    /// Such as `AccessDenied`; empty where it says none.
    pub(super) code: String,
    pub(super) message: String,
}

/// Reads a page of a list (Amazon S3 API Reference, ListObjectsV2). What has no key, or no length, is an error.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_page(bytes: &[u8]) -> Result<Page, String> {
    let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let document = parse(text).map_err(|error| shown(&error.to_string()))?;
    let root = document.root_element();
    if !is_named(root, "ListBucketResult") {
        return Err(format!("it should be <ListBucketResult>, and is <{}>", shown(root.tag_name().name())));
    }
    let is_encoded = text_of(root, "EncodingType").is_some_and(|encoding| encoding == "url");
    let mut page = Page { objects: Vec::new(), is_truncated: text_of(root, "IsTruncated") == Some("true") };
    for object in root.children().filter(|child| is_named(*child, "Contents")) {
        let key = text_of(object, "Key").ok_or("an object has no key")?;
        let length = text_of(object, "Size").and_then(|size| size.trim().parse().ok());
        page.objects.push(Object {
            key: if is_encoded { decoded(key).ok_or("a key is not UTF-8")? } else { key.to_owned() },
            length: length.ok_or("an object has no length")?,
            written_at: text_of(object, "LastModified").and_then(|moment| moment.trim().parse().ok()),
        });
    }
    Ok(page)
}

/// Reads why something is refused (Amazon S3 API Reference, "Error responses"); as far as it is said.
pub(super) fn read_refusal(status: u16, bytes: &[u8]) -> Refusal {
    let read = || {
        let document = parse(str::from_utf8(bytes).ok()?).ok()?;
        let root = document.root_element();
        let text = |name| text_of(root, name).map(shown).unwrap_or_default();
        is_named(root, "Error").then(|| (text("Code"), text("Message")))
    };
    let (code, message) = read().unwrap_or_default();
    Refusal { status, code, message }
}

fn parse(text: &str) -> Result<Document<'_>, roxmltree::Error> {
    Document::parse_with_options(text, ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() })
}

/// The namespace is not looked at: not all stores write the same.
fn is_named(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|child| is_named(*child, name)).and_then(|child| child.text())
}

/// Decodes a key that was asked for with `encoding-type=url`, as forms are: a plus is a blank.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (other, _) => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// What may be shown on a terminal.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect()
}

impl Refusal {
    /// Whether it concerns who asks, or the bucket: all else would be refused as well.
    pub(super) fn is_of_all(&self) -> bool {
        // In the words of the API Reference, "List of error codes".
        const CODES: [&str; 14] = [
            "AccountProblem",
            "AllAccessDisabled",
            "AuthorizationHeaderMalformed",
            "ExpiredToken",
            "InvalidAccessKeyId",
            "InvalidSecurity",
            "InvalidToken",
            "NoSuchBucket",
            "NotSignedUp",
            "PermanentRedirect",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "TemporaryRedirect",
            "TokenRefreshRequired",
        ];
        self.status == 401 || self.status < 400 || self.status >= 500 || CODES.contains(&self.code.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", _) => write!(f, "{}", self.status),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {}", message.trim_end_matches('.')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(inner: &str) -> Result<Page, String> {
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        let text =
            format!("<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"{namespace}\">{inner}</ListBucketResult>");
        read_page(text.as_bytes())
    }

    #[test]
    fn a_page_tells_keys_lengths_and_times() {
        let page = list(
            "<Name>registry</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <Contents><Key>a/b%2Bc+d%C3%A9</Key><LastModified>2017-07-14T02:40:00.000Z</LastModified><Size>71</Size></Contents>\
             <Contents><Key>e</Key><Size>0</Size></Contents><CommonPrefixes><Prefix>f/</Prefix></CommonPrefixes>",
        )
        .unwrap();

        assert!(page.is_truncated);
        let written_at = Some(Timestamp::from_millis(1_500_000_000_000));
        assert_eq!(page.objects[0], Object { key: "a/b+c dé".into(), length: 71, written_at });
        assert_eq!(page.objects[1], Object { key: "e".into(), length: 0, written_at: None });
        assert_eq!(page.objects.len(), 2);
    }

    #[test]
    fn a_store_that_encodes_nothing_is_read_as_it_writes() {
        let page = list("<EncodingType/><Contents><Key>a+%20b&amp;</Key><Size>1</Size></Contents>").unwrap();

        assert_eq!((page.objects[0].key.as_str(), page.is_truncated), ("a+%20b&", false));
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        for text in [
            "",
            "<html></html>",
            "<Error><Code>NoSuchBucket</Code></Error>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
            "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        ] {
            assert!(read_page(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_says_what_the_store_says_and_whether_it_would_say_so_of_all() {
        let of = |status, code: &str| {
            read_refusal(status, format!("<Error><Code>{code}</Code><Message>No.\u{9b}</Message></Error>").as_bytes())
        };

        assert_eq!(of(403, "AccessDenied").to_string(), "AccessDenied: No");
        assert!(!of(403, "AccessDenied").is_of_all());
        assert!(of(403, "SignatureDoesNotMatch").is_of_all() && of(400, "ExpiredToken").is_of_all());
        assert_eq!(read_refusal(502, b"<html>").to_string(), "502");
        assert!(read_refusal(502, b"<html>").is_of_all());
    }
}
