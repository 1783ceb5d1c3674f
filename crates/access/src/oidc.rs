//! Tokens that an identity provider signed (OpenID Connect Core 1.0, RFC 7519): read strictly, verified with the keys of
//! the provider, and asked which role they open.
//!
//! What a token says of itself is believed nowhere before its signature is checked, but for finding the provider and the
//! key; which algorithms are right is up to the key. Deliberately absent: fetching keys, and remembering which tokens have
//! been seen. A job may show one token several times.
//!
//! | file | what |
//! |---|---|
//! | `text.rs` | [`UnverifiedToken`]: text to header, claims and signature |
//! | `key_set.rs`, `algorithm.rs` | [`KeySet`]: keys as providers publish them (RFC 7517) |
//! | `verify.rs` | [`IdentityToken`], [`Expected`]: signature and claims |
//! | `claims.rs` | claims as the keys of conditions |
//! | `trust.rs` | [`decide_trust`], and the sessions that follow |
//! | `discovery.rs` | [`Discovery`]: where a provider says its keys are |
//! | `problem.rs` | [`TokenProblem`] |

mod algorithm;
mod claims;
mod discovery;
mod key_set;
mod problem;
mod text;
mod trust;
mod verify;

pub use discovery::{Discovery, DiscoveryError, discovery_url};
pub use key_set::{KEY_SET_BYTES_MAX, KEYS_MAX, KeySet, KeySetError};
pub use problem::TokenProblem;
pub use text::{IDENTITY_TOKEN_CHARACTERS_MAX, UnverifiedToken};
pub use trust::{
    ROLE_SECONDS_DEFAULT, ROLE_SECONDS_MIN, RoleAsked, SessionNameError, SessionSecondsError, decide_trust,
    decide_trust_in_tags, session_name, session_seconds,
};
pub use verify::{CLOCK_LEEWAY, Expected, IdentityToken, LIFETIME_MAX};

/// Lists and objects within each other, in anything that a provider sends.
const DEPTH_MAX: usize = 32;

/// Reads JSON in which no member stands twice and nothing lies deeper than [`DEPTH_MAX`].
fn parse_json(bytes: &[u8]) -> Result<crate::policy::json::Node, String> {
    let node: crate::policy::json::Node = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if node.depth() > DEPTH_MAX { Err(format!("it is deeper than {DEPTH_MAX} levels")) } else { Ok(node) }
}

#[cfg(test)]
mod tests;
