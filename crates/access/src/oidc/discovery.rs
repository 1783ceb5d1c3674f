//! Where a provider says its keys are (OpenID Connect Discovery 1.0).

use super::parse_json;
use crate::policy::json::Node;

/// What is used of a provider's `/.well-known/openid-configuration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The URL of its key set.
    pub keys_url: Box<str>,
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
        Ok(Discovery { keys_url: keys_url.into() })
    }
}
