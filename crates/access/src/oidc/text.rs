//! A token as it travels: three parts in base64url, divided by dots (RFC 7515, compact serialisation).

use super::algorithm::Algorithm;
use super::{TokenProblem, parse_json};
use crate::policy::json::Node;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The longest token (AWS STS API, `WebIdentityToken`).
pub const IDENTITY_TOKEN_CHARACTERS_MAX: usize = 20_000;

/// The members that a header may have. Of all others we would not know what they ask of us; some bring their own key.
const HEADER_MEMBERS: [&str; 6] = ["alg", "cty", "kid", "typ", "x5t", "x5t#S256"];

/// A token that has been read, and of which nothing is known to be true.
#[derive(Clone, Debug)]
pub struct UnverifiedToken<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) header: Node,
    pub(super) claims: Node,
    /// What the signature is over.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`TokenProblem::TooLong`], [`TokenProblem::Malformed`].
    pub fn parse(text: &'a str) -> Result<Self, TokenProblem> {
        if text.len() > IDENTITY_TOKEN_CHARACTERS_MAX {
            return Err(TokenProblem::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or_else(|| malformed("it has no three parts"))?;
        let (header, claims) = signed.split_once('.').ok_or_else(|| malformed("it has no three parts"))?;
        let header = read("header", header)?;
        let algorithm = check_header(&header)?;
        let claims = read("payload", claims)?;
        let signature = decode("signature", signature)?;
        Ok(UnverifiedToken { algorithm, header, claims, signed, signature })
    }

    /// The issuer that it says it is of, by which the provider is found.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Node::text)
    }

    /// The id of the key that it says it is signed with.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Node::text)
    }

    pub(super) fn algorithm_name(&self) -> &str {
        self.header.get("alg").and_then(Node::text).unwrap_or_default()
    }
}

pub(super) fn malformed(what: impl Into<String>) -> TokenProblem {
    TokenProblem::Malformed(what.into())
}

fn decode(part: &str, text: &str) -> Result<Vec<u8>, TokenProblem> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed(format!("its {part} is not in base64url")))
}

fn read(part: &str, text: &str) -> Result<Node, TokenProblem> {
    let node = parse_json(&decode(part, text)?).map_err(|error| malformed(format!("its {part}: {error}")))?;
    match node {
        Node::Object(_) => Ok(node),
        _ => Err(malformed(format!("its {part} is no JSON object"))),
    }
}

fn check_header(header: &Node) -> Result<Algorithm, TokenProblem> {
    let Node::Object(members) = header else { return Err(malformed("its header is no JSON object")) };
    if let Some((name, _)) = members.iter().find(|(name, _)| !HEADER_MEMBERS.contains(&name.as_str())) {
        return Err(malformed(format!("its header has the member {name:?}, which is not taken")));
    }
    if members.iter().any(|(_, value)| value.text().is_none()) {
        return Err(malformed("a member of its header is no text"));
    }
    let text = |member: &str| header.get(member).and_then(Node::text);
    if let Some(kind) = text("typ") {
        let kind = kind.to_ascii_lowercase();
        if !["jwt", "at+jwt"].contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
            return Err(malformed("its typ is neither JWT nor at+jwt"));
        }
    }
    let name = text("alg").ok_or_else(|| malformed("its header names no alg"))?;
    Algorithm::parse(name).ok_or_else(|| malformed(format!("its alg {name:?} is not taken")))
}
