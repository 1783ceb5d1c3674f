//! Claims as the keys of conditions (AWS IAM User Guide, "Keys for AWS web identity federation").

use super::IdentityToken;
use crate::policy::json::Node;
use crate::policy::{Caller, Context};
use std::collections::HashSet;

/// A claim whose path is longer is no key.
const PATH_BYTES_MAX: usize = 256;
/// Google gives tokens to one client for another; AWS shows the first as their audience, and the second as `oaud`.
const GOOGLE: &str = "https://accounts.google.com";
/// Claims by which a provider says what the session is to carry (AWS IAM User Guide, "Pass session tags in AWS STS").
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";
const TAGS: &str = "https://aws.amazon.com/tags.principal_tags.";
const TRANSITIVE: &str = "https://aws.amazon.com/tags.transitive_tag_keys";

impl IdentityToken {
    /// Begins what is known of a request that comes with this token: who vouches, and a key for each claim, named
    /// `<issuer without https://>:<path>`, lists with several values. `provider` is the ARN of the provider.
    ///
    /// Keys as `aws:SourceIp`, and the time, are up to whoever asks.
    pub fn context(&self, provider: &str) -> Context {
        let mut context = Context::of(&Caller::federated(provider));
        let host = self.issuer.split_once("://").map_or(&*self.issuer, |(_, host)| host);
        for (path, values) in &self.claims {
            context.set(&format!("{host}:{path}"), values.iter().map(String::as_str));
        }
        if let Some(party) = self.authorized_party.as_deref().filter(|_| *self.issuer == *GOOGLE) {
            context.set(&format!("{host}:oaud"), self.audiences.iter().map(|audience| &**audience));
            context.set(&format!("{host}:aud"), [party]);
        }
        context
    }

    /// The tags that the provider gives to the session, by its claim `https://aws.amazon.com/tags`.
    pub fn session_tags<'a>(&'a self) -> Vec<(&'a str, &'a str)> {
        let tag = |(path, values): &'a (String, Vec<String>)| match (path.strip_prefix(TAGS), &values[..]) {
            (Some(key), [value]) if !key.is_empty() => Some((key, value.as_str())),
            _ => None,
        };
        self.claims.iter().filter_map(tag).collect()
    }

    /// The keys of those tags that are handed on to sessions that begin from this one.
    pub fn transitive_tag_keys(&self) -> &[String] {
        let found = self.claims.iter().find(|(path, _)| path == TRANSITIVE);
        found.map_or(&[], |(_, keys)| keys)
    }

    /// Who the provider says that it is, by its claim `https://aws.amazon.com/source_identity`; else the subject.
    pub fn source_identity(&self) -> &str {
        self.claim(SOURCE_IDENTITY).unwrap_or(&self.subject)
    }
}

/// Returns the claims by their paths: members of objects joined by dots, numbers and booleans as text. Objects in lists are
/// left out.
///
/// # Errors
/// Where two paths differ by nothing or by the case of letters alone: conditions could not tell them apart, and who may
/// choose the one would choose the other.
pub(super) fn flatten(claims: &Node) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut found = Vec::new();
    collect(claims, String::new(), &mut found);
    let mut seen = HashSet::new();
    match found.iter().find(|(path, _)| !seen.insert(path.to_ascii_lowercase())) {
        Some((path, _)) => Err(format!("its claim {path:?} is there in two ways")),
        None => Ok(found),
    }
}

fn collect(node: &Node, path: String, found: &mut Vec<(String, Vec<String>)>) {
    match node {
        Node::Null => {}
        Node::Text(value) | Node::Scalar(value) => found.push((path, vec![value.clone()])),
        Node::List(items) => {
            found.push((path, items.iter().filter_map(Node::scalar).map(String::from).collect()));
        }
        Node::Object(members) => {
            for (name, node) in members {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if inner.len() <= PATH_BYTES_MAX {
                    collect(node, inner, found);
                }
            }
        }
    }
}

/// All values at a path.
pub(super) fn values<'a>(claims: &'a [(String, Vec<String>)], path: &str) -> &'a [String] {
    claims.iter().find(|(known, _)| known == path).map_or(&[], |(_, values)| values)
}

/// The one value at a path.
pub(super) fn scalar<'a>(claims: &'a [(String, Vec<String>)], path: &str) -> Option<&'a str> {
    let (_, values) = claims.iter().find(|(known, _)| known == path)?;
    if let [value] = &values[..] { Some(value) } else { None }
}
