//! Who a credential is, and what a decision needs to know of him.
//!
//! Today there is one principal with credentials, the root user, who logs in with his access key (Basic) and then
//! carries short-lived tokens (Bearer). Says who someone is; whether he may is said by `gantry_access::decide`. Nothing
//! here waits for the database while a request does: keys are in memory, and renewed by [`Accounts::rotate`].
//!
//! | file | what |
//! |---|---|
//! | `accounts.rs` | [`Accounts`]: authenticate, issue tokens, authorise |
//! | `root.rs` | [`RootCredentials`], and the file they lie in |
//! | `keys.rs` | the keys that sign tokens; two are valid at a time |
//! | `key_store.rs` | those keys in the metadata, and the act that rotates them |
//! | `failures.rs` | how often a login from one address may fail |
//! | `identities.rs`, `identities/` | [`Identities`]: users, groups, roles, policies, access keys and OIDC providers; not yet asked |
//! | `keyring.rs`, `keyring/` | [`Keyring`]: keys that others are wrapped under, and the [`MasterKey`] they hang on; no API asks for them yet |
//! | `sessions.rs` | credentials that end by themselves |
//! | `signatures.rs` | who signed a request |
//! | `problem.rs` | [`AuthenticationProblem`] |
//! | `settings.rs` | [`Settings`] |

mod accounts;
mod failures;
mod identities;
mod key_store;
mod keyring;
mod keys;
mod problem;
mod root;
mod sessions;
mod settings;
mod signatures;

pub use accounts::{Accounts, IssuedToken, LoginPassword, Site};
pub use identities::*;
pub use keyring::*;
pub use problem::AuthenticationProblem;
pub use root::{RootCredentials, RootCredentialsError};
pub use sessions::{SESSION_SECONDS_MAX, SESSION_SECONDS_MIN, SessionCredentials};
pub use settings::Settings;
pub use signatures::SignatureProblem;
