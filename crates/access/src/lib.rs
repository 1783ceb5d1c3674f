//! Who may do what: principals, actions and decisions; the tokens docker clients carry, and their scopes.
//!
//! Pure: no clock, no look-ups. Whoever decides gathers the facts first and gives them, with the time, to [`decide`].
//! A policy engine takes its place behind the same question: principal, action, resource.
//!
//! | file | what |
//! |---|---|
//! | `action.rs` | [`Action`], [`Access`], [`Resource`]: what can be asked for |
//! | `principal.rs` | [`Principal`]: who asks |
//! | `decision.rs` | [`decide`], [`Verdict`], [`Refusal`] |
//! | `scope.rs` | [`Scopes`]: what a docker token was asked for |
//! | `token.rs` | Bearer tokens, signed and verified |
//! | `basic.rs` | `Authorization: Basic` |
//! | `challenge.rs` | `WWW-Authenticate` |

pub mod action;
pub mod basic;
pub mod challenge;
mod decision;
mod principal;
mod scope;
mod secret;
pub mod token;

pub use action::{Access, Action, Resource, ScopeVerb};
pub use decision::{Refusal, Verdict, decide, judge};
pub use principal::{Principal, PrincipalKind};
pub use scope::Scopes;
pub use secret::equal_secrets;
