//! Where a provider says its keys are (OpenID Connect Discovery 1.0).

use super::parse_json;
use crate::policy::json::Node;

/// What is used of a provider's `/.well-known/openid-configuration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The URL of its key set.
    pub keys_url: Box<str>,
    /// Where people are sent to log in, where it lets them.
    pub authorization_url: Option<Box<str>>,
    /// Where a code is changed for a token.
    pub token_url: Option<Box<str>>,
    /// How a program may show its secret there (`token_endpoint_auth_methods_supported`); none where nothing is said.
    pub secret_methods: Box<[Box<str>]>,
    /// Whether answers always say whose they are (RFC 9207 section 3).
    pub names_itself: bool,
}

/// Why a discovery document is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// It is no JSON as such a document is.
    #[error("the discovery document cannot be read: {0}")]
    Malformed(String),
    /// It is of somebody else.
    #[error("the discovery document is of another issuer than {expected}; they must agree character by character")]
    Issuer {
        /// Whose it should be.
        expected: String,
    },
}

/// Returns where the provider `issuer` has its discovery document.
pub fn discovery_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Discovery {
    /// Reads the discovery document of `issuer`, which it must name exactly.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    pub fn parse(bytes: &[u8], issuer: &str) -> Result<Self, DiscoveryError> {
        let document = parse_json(bytes).map_err(DiscoveryError::Malformed)?;
        let text = |member: &str| document.get(member).and_then(Node::text);
        if text("issuer") != Some(issuer) {
            return Err(DiscoveryError::Issuer { expected: issuer.into() });
        }
        let keys_url = text("jwks_uri").ok_or_else(|| DiscoveryError::Malformed("it has no jwks_uri".into()))?;
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Node::texts).unwrap_or_default();
        let names_itself = document.get("authorization_response_iss_parameter_supported").and_then(Node::scalar);
        Ok(Discovery {
            keys_url: keys_url.into(),
            authorization_url: text("authorization_endpoint").map(Box::from),
            token_url: text("token_endpoint").map(Box::from),
            secret_methods: methods.into_iter().map(Box::from).collect(),
            names_itself: names_itself == Some("true"),
        })
    }
}
