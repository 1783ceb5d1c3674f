//! Who a credential is, and what a decision needs to know of him.
//!
//! Principals come with access keys, as user name and password (Basic) or as signatures, with short-lived tokens (Bearer), or
//! with the credentials of a session. Says who someone is, and gathers what is attached to him and stands at what he asks for;
//! whether he may is said by `gantry_access::judge`. Nothing here waits for the database while a request does: keys and policies
//! are in memory, the former renewed by [`Accounts::rotate`], the latter by [`Accounts::freshen`] and
//! [`Accounts::look_for_changes`].
//!
//! | file | what |
//! |---|---|
//! | `accounts.rs` | [`Accounts`]: authenticate, issue tokens |
//! | `decisions.rs` | what of it all bears on a request, and what `access` says to that |
//! | `directory.rs`, `library.rs` | what decisions know, in memory; policies, each compiled once |
//! | `roles.rs` | becoming a role: [`AssumeRole`] |
//! | `root.rs` | [`RootCredentials`], and the file they lie in |
//! | `keys.rs` | the keys that sign tokens; two are valid at a time |
//! | `key_store.rs` | those keys in the metadata, and the act that rotates them |
//! | `failures.rs` | how often a login from one address may fail |
//! | `identities.rs`, `identities/` | [`Identities`]: users, groups, roles, policies, access keys and OIDC providers |
//! | `keyring.rs`, `keyring/` | [`Keyring`]: keys that others are wrapped under, and the [`MasterKey`] they hang on; no API asks for them yet |
//! | `sessions.rs` | credentials that end by themselves |
//! | `signatures.rs` | who signed a request |
//! | `tenants.rs` | accounts besides the site's own, and the keys of their root users |
//! | `providers.rs` and below | [`Providers`]: tokens of identity providers, and their keys; no surface asks it yet |
//! | `problem.rs` | [`AuthenticationProblem`] |
//! | `settings.rs` | [`Settings`] |

mod accounts;
mod decisions;
mod directory;
mod failures;
mod identities;
mod key_store;
mod keyring;
mod keys;
mod library;
mod problem;
mod providers;
mod roles;
mod root;
mod sessions;
mod settings;
mod signatures;
mod tenants;

pub use accounts::{Accounts, IssuedToken, LoginPassword, Site};
pub use identities::*;
pub use keyring::*;
pub use problem::AuthenticationProblem;
pub use providers::{KeySource, ProviderProblem, ProviderSettings, Providers};
pub use roles::{AssumeRole, AssumedRole, ROLE_SECONDS_MAX, ROLE_SECONDS_MIN};
pub use root::{RootCredentials, RootCredentialsError};
pub use sessions::{SESSION_SECONDS_MAX, SESSION_SECONDS_MIN, SessionCredentials};
pub use settings::Settings;
pub use signatures::SignatureProblem;
pub use tenants::{ACCOUNT_NAME_CHARS_MAX, ACCOUNTS_MAX, AccountState, NewTenant, Tenant};
