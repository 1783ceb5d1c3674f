//! What every operation here does with its address and its answer.

use bytes::Bytes;
use gantry_api::{Incoming, IntoWire, Outgoing, Payload, Rest};
use gantry_fault::{Fault, FaultKind};
use gantry_oci::{Digest, Reference, Tag};
use gantry_registry::{InventorySource, InventorySourceError, ProtectedTags, TagsPattern};
use gantry_words::{AccountId, AccountIdError, RepositoryName};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// Bytes of a JSON request.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The longest page.
pub(crate) const PAGE_MAX: usize = 1_000;

/// Reads the repository's name out of the address. Its slashes may be escaped, and must be where the name ends like
/// another address: `team%2Fimages%2Fv1`.
pub(crate) fn name(incoming: &Incoming) -> Result<RepositoryName, Fault> {
    parse_name(&incoming.params.get("name").replace("%2F", "/").replace("%2f", "/"))
}

pub(crate) fn parse_name(text: &str) -> Result<RepositoryName, Fault> {
    text.parse()
        .map_err(|error: gantry_words::RepositoryNameError| Fault::new(FaultKind::NameInvalid, error.to_string()))
}

/// Reads the tag or digest out of the address.
pub(crate) fn reference(incoming: &Incoming) -> Result<Reference, Fault> {
    let text = incoming.params.get("reference").replacen("%3A", ":", 1).replacen("%3a", ":", 1);
    parse_reference(&text)
}

pub(crate) fn parse_reference(text: &str) -> Result<Reference, Fault> {
    text.parse().map_err(|error: gantry_oci::ReferenceError| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}

/// How people write an image: `team/app:v1`, `team/app@sha256:…`.
pub(crate) fn image_name(name: &RepositoryName, reference: &Reference) -> String {
    match reference {
        Reference::Tag(tag) => format!("{name}:{tag}"),
        Reference::Digest(digest) => format!("{name}@{digest}"),
    }
}

/// Reads the digest out of the address.
pub(crate) fn digest(incoming: &Incoming) -> Result<Digest, Fault> {
    let parsed = unescaped(incoming.params.get("digest"), "%3A", ":").parse();
    parsed.map_err(|error: gantry_oci::DigestError| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}

/// Reads the pattern of protected tags out of the address. Its stars may be escaped.
pub(crate) fn pattern(incoming: &Incoming) -> Result<TagsPattern, Fault> {
    let parsed = ProtectedTags::parse(&unescaped(incoming.params.get("pattern"), "%2A", "*"));
    parsed.map_err(|error| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}

/// Reads who reports out of the address.
pub(crate) fn source(incoming: &Incoming) -> Result<InventorySource, Fault> {
    let parsed = incoming.params.get("source").parse();
    parsed.map_err(|error: InventorySourceError| Fault::new(FaultKind::InvalidParameter, error.to_string()))
}

fn unescaped(text: &str, escape: &str, meaning: &str) -> String {
    text.replace(escape, meaning).replace(&escape.to_ascii_lowercase(), meaning)
}

/// Reads the tag out of the address.
pub(crate) fn tag(incoming: &Incoming) -> Result<Tag, Fault> {
    let parsed = incoming.params.get("tag").parse();
    parsed.map_err(|error: gantry_oci::TagError| Fault::new(FaultKind::TagInvalid, error.to_string()))
}

/// Which page of a list.
#[derive(JsonSchema)]
pub(crate) struct PageQuery {
    /// What the page before gave as `next`; the first page without it.
    pub(crate) after: Option<String>,
    /// How many items it may have.
    #[schemars(with = "i32", default = "page_default", range(min = 1, max = PAGE_MAX))]
    pub(crate) limit: usize,
}

pub(crate) fn page_default() -> usize {
    100
}

/// Reads which page is asked for.
pub(crate) fn page(incoming: &Incoming) -> Result<PageQuery, Fault> {
    let limit = match incoming.query("limit") {
        None => page_default(),
        Some(text) => text.parse().ok().filter(|count| (1..=PAGE_MAX).contains(count)).ok_or_else(|| {
            Fault::new(FaultKind::InvalidParameter, format!("limit={text:?} is no number from 1 to {PAGE_MAX}"))
        })?,
    };
    Ok(PageQuery { after: incoming.query("after").map(Into::into), limit })
}

/// Reads what names of repositories are to begin with, out of the query of the address; nothing where it says nothing.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] where no name begins so.
pub(crate) fn prefix(incoming: &Incoming) -> Result<String, Fault> {
    let prefix = incoming.query("prefix").map(String::from).unwrap_or_default();
    let is_of_names = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    match prefix.bytes().all(is_of_names) {
        true => Ok(prefix),
        false => Err(Fault::new(
            FaultKind::InvalidParameter,
            format!("prefix={prefix:?} is nothing that a repository's name begins with"),
        )),
    }
}

/// Reads for which account something is asked out of the query; nothing where it says nothing.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] where it is no id of an account.
pub(crate) fn account(incoming: &Incoming) -> Result<Option<AccountId>, Fault> {
    let wrong = |error: AccountIdError| Fault::new(FaultKind::InvalidParameter, format!("account: {error}"));
    incoming.query("account").map(|text| text.parse::<AccountId>().map_err(wrong)).transpose()
}

/// For which account something is asked, in the query.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "read by the document alone")]
pub(crate) struct OfAccount {
    /// Of this account instead of the caller's own: for the root user of the site's own account alone.
    #[schemars(length(min = 12, max = 12), extend("example" = "111122223333"))]
    account: Option<String>,
}

/// Reads a switch out of the query; one that is not there is off.
///
/// # Errors
/// [`FaultKind::InvalidParameter`] where it is neither `true` nor `false`: what is not understood is not guessed.
pub(crate) fn switch(incoming: &Incoming, name: &str) -> Result<bool, Fault> {
    match incoming.query(name).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => {
            let message = format!("{name}={text:?} is neither true nor false");
            Err(Fault::new(FaultKind::InvalidParameter, message))
        }
    }
}

/// Reads a JSON body.
pub(crate) async fn body<T: DeserializeOwned>(incoming: Incoming) -> Result<T, Fault> {
    body_up_to(incoming, BODY_BYTES_MAX).await
}

/// Reads a JSON body of up to so many bytes.
pub(crate) async fn body_up_to<T: DeserializeOwned>(incoming: Incoming, bytes_max: usize) -> Result<T, Fault> {
    let bytes = incoming.body.collect(bytes_max).await?;
    serde_json::from_slice(&bytes).map_err(|error| Fault::new(FaultKind::Malformed, format!("the body: {error}")))
}

/// An answer in JSON.
pub(crate) fn answer(status: StatusCode, document: &impl Serialize) -> Outgoing {
    printed(status, print(document))
}

/// A document as it is sent.
pub(crate) fn print(document: &impl Serialize) -> Bytes {
    serde_json::to_vec(document).expect("documents hold no maps with keys that are no strings").into()
}

/// An answer in JSON that was printed before.
pub(crate) fn printed(status: StatusCode, document: Bytes) -> Outgoing {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Outgoing { status, headers, body: Payload::Bytes(document) }
}

/// It is done: an answer without a body.
pub struct Nothing;

impl IntoWire<Rest> for Nothing {
    fn write(self) -> Outgoing {
        Outgoing { status: StatusCode::NO_CONTENT, headers: HeaderMap::new(), body: Payload::Empty }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn a_switch_is_true_or_false_and_nothing_else() {
        let read = |query: &str| switch(&Incoming::new(Method::DELETE, &format!("/a{query}")), "force");

        assert!(read("?force=true").unwrap());
        assert!(!read("?force=false").unwrap() && !read("").unwrap());
        for query in ["?force=maybe", "?force=", "?force", "?force=TRUE", "?force=1"] {
            assert_eq!(read(query).unwrap_err().kind, FaultKind::InvalidParameter, "{query}");
        }
    }
}
