//! Who may do what: principals, actions and resources in, verdicts out; and the credentials as they travel.
//!
//! This is the one boundary that every surface asks. Today [`decide`] knows the root user, who may do everything in his
//! account, and anonymous, who may do nothing; what policies allow is decided in [`policy`], and not yet asked there. Pure: keys,
//! principals and the time come in as arguments, and nothing here looks them up.
//!
//! | file | what |
//! |---|---|
//! | `action.rs` | [`Action`] and all there are; [`ScopeVerb`]: what a docker token calls them |
//! | `request.rs` | [`Access`]: an action on a [`Resource`] |
//! | `principal.rs` | [`Principal`], [`PrincipalKind`] |
//! | `scopes.rs` | [`Scopes`]: what a docker token was asked for |
//! | `decide.rs` | [`decide`], [`judge`]; [`Facts`], [`Verdict`], [`Refusal`] |
//! | `policy.rs` and below | policies: [`policy::Policy`] and what they allow, [`policy::evaluate`] |
//! | `token.rs`, `token/payload.rs` | Bearer tokens, signed and verified |
//! | `sigv4.rs` and below | AWS Signature Version 4 |
//! | `basic.rs`, `authorization.rs` | the `Authorization` header |
//! | `challenge.rs` | the `WWW-Authenticate` header |
//! | `material.rs` | keys made of keys, and what is encrypted under them |
//! | `sealed.rs` | what clients keep for us without reading it |
//! | `secrets.rs` | comparing secrets without telling where they differ |

pub mod action;
mod authorization;
pub mod basic;
pub mod challenge;
mod decide;
pub mod material;
pub mod policy;
mod principal;
mod request;
mod scopes;
pub mod sealed;
mod secrets;
pub mod sigv4;
pub mod token;

pub use action::{Action, ScopeVerb};
pub use authorization::{Authorization, AuthorizationError};
pub use decide::{Facts, Refusal, Verdict, decide, judge};
pub use policy::{POLICY_BYTES_MAX, PolicyHint, PolicyPlace, PolicyTextError, check_policy_text};
pub use principal::{Principal, PrincipalKind};
pub use request::{Access, Resource};
pub use scopes::{SCOPES_BYTES_MAX, SCOPES_MAX, Scopes, VerbSet};
pub use secrets::{equal_secrets, withstands_guessing};
