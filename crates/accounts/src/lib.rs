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
//! | `sessions.rs` | credentials that end by themselves |
//! | `signatures.rs` | who signed a request |
//! | `providers.rs` and below | [`Providers`]: tokens of identity providers, and their keys; no surface asks it yet |
//! | `problem.rs` | [`AuthenticationProblem`] |
//! | `settings.rs` | [`Settings`] |

mod accounts;
mod failures;
mod key_store;
mod keys;
mod problem;
mod providers;
mod root;
mod sessions;
mod settings;
mod signatures;

pub use accounts::{Accounts, IssuedToken, LoginPassword, Site};
pub use problem::AuthenticationProblem;
pub use providers::{KeySource, ProviderProblem, ProviderSettings, Providers};
pub use root::{RootCredentials, RootCredentialsError};
pub use sessions::{SESSION_SECONDS_MAX, SESSION_SECONDS_MIN, SessionCredentials};
pub use settings::Settings;
pub use signatures::SignatureProblem;
