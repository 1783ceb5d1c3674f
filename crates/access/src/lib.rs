//! Who may do what: principals, actions and resources in, verdicts out; and the credentials as they travel.
//!
//! This is the one boundary that every surface asks: [`judge`] holds a request to its token and to the policies that bear on it.
//! Pure: policies, keys, principals and the time come in as arguments, and nothing here looks them up.
//!
//! | file | what |
//! |---|---|
//! | `action.rs` | [`Action`] and all there are; [`ScopeVerb`]: what a docker token calls them |
//! | `request.rs` | [`Access`]: an action on a [`Resource`] |
//! | `principal.rs`, `role_session.rs` | [`Principal`], [`PrincipalKind`], [`Arrival`]; [`RoleSession`] |
//! | `scopes.rs` | [`Scopes`]: what a docker token was asked for |
//! | `decide.rs` | [`decide`], [`judge`], [`explain`]; [`Facts`], [`Refusal`] |
//! | `advice.rs` | [`advice`]: what to do about a denial |
//! | `policy.rs` and below | policies: [`policy::Policy`] and what they allow, [`policy::evaluate`] |
//! | `oidc.rs` and below | tokens of identity providers, and who may become a role by one |
//! | `token.rs`, `token/payload.rs` | Bearer tokens, signed and verified |
//! | `sigv4.rs` and below | AWS Signature Version 4 |
//! | `basic.rs`, `authorization.rs` | the `Authorization` header |
//! | `challenge.rs` | the `WWW-Authenticate` header |
//! | `login.rs` and below | logins of people at an identity provider, and the tickets they carry afterwards |
//! | `password.rs`, `personal_token.rs` | what people log in with: [`hash_password`], [`personal_token`] |
//! | `material.rs` | keys made of keys, and what is encrypted under them |
//! | `sealed.rs` | what clients keep for us without reading it |
//! | `secrets.rs` | comparing secrets without telling where they differ |

pub mod action;
mod advice;
mod authorization;
pub mod basic;
pub mod challenge;
mod decide;
pub mod login;
pub mod material;
pub mod oidc;
mod password;
mod personal_token;
pub mod policy;
mod principal;
mod request;
mod role_session;
mod scopes;
pub mod sealed;
mod secrets;
pub mod sigv4;
pub mod token;

pub use action::{Action, ScopeVerb};
pub use advice::advice;
pub use authorization::{Authorization, AuthorizationError};
pub use decide::{Explained, Facts, Refusal, decide, explain, judge};
pub use password::{
    PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, PasswordError, PasswordProver, check_password, hash_password, is_password,
};
pub use personal_token::{PERSONAL_TOKEN_PREFIX, PersonalTokenHash, personal_token, personal_token_hash};
pub use policy::{POLICY_BYTES_MAX, PolicyHint, PolicyPlace, PolicyTextError, check_policy_text};
pub use principal::{Arrival, Principal, PrincipalKind, USER_AGENT_BYTES_MAX};
pub use request::{Access, Resource};
pub use role_session::{ROLE_SESSION_BYTES_MAX, RoleSession, Vouched};
pub use scopes::{SCOPES_BYTES_MAX, SCOPES_MAX, Scopes, VerbSet};
pub use secrets::{equal_secrets, fingerprint, withstands_guessing};
