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
//! | `explain.rs` | [`Accounts::explain`]: what decides, and what is missing |
//! | `who_can.rs` | [`Accounts::who_can`], [`Accounts::grants`]: the same questions from the other end |
//! | `simulate.rs` | [`Accounts::simulate`]: what policies would allow that are only supposed |
//! | `directory.rs`, `library.rs` | what decisions know, in memory; policies, each compiled once |
//! | `roles.rs` | becoming a role: [`AssumeRole`] |
//! | `root.rs` | [`RootCredentials`], and the file they lie in |
//! | `keys.rs` | the keys that sign tokens; two are valid at a time |
//! | `key_policies.rs` | what decisions know of keys that others are wrapped under |
//! | `key_store.rs` | those keys in the metadata, and the act that rotates them |
//! | `failures.rs` | how often logins from one address, and those of one name from it, may fail |
//! | `hasher.rs` | [`Hasher`](hasher::Hasher): where passwords are hashed, so many at once |
//! | `logins.rs` | passwords and personal tokens, in memory |
//! | `person_logins.rs` | who somebody is by a password, here or with a directory |
//! | `image_keys.rs` | [`SeveritySource`], [`SignatureSource`]: what is known of an image, where a policy asks for it |
//! | `identities.rs`, `identities/` | [`Identities`]: users, groups, roles, policies, access keys and OIDC providers |
//! | `keyring.rs`, `keyring/` | [`Keyring`]: keys that others are wrapped under, and the [`MasterKey`] they hang on |
//! | `secrets.rs`, `secrets/` | [`Secrets`]: values with stages, encrypted under keys of the keyring |
//! | `secret_policies.rs` | what decisions know of them |
//! | `page_logins.rs` and below | [`Logins`]: people who log in at an identity provider, and terminals that they let in |
//! | `people.rs`, `people/` | [`Person`]: people from outside, and the roles that their groups give them |
//! | `sessions.rs` | credentials that end by themselves |
//! | `signatures.rs` | who signed a request |
//! | `providers.rs` and below | [`Providers`]: tokens of identity providers, and their keys |
//! | `registry_credentials.rs` | passwords that pull from one repository |
//! | `web_identity.rs` and below | becoming a role by such a token: [`AssumeRoleWithWebIdentity`] |
//! | `tenants.rs` | accounts besides the site's own, and the keys of their root users |
//! | `problem.rs` | [`AuthenticationProblem`] |
//! | `settings.rs` | [`Settings`] |

mod accounts;
mod decisions;
mod directory;
mod explain;
mod failures;
mod hasher;
mod identities;
mod image_keys;
mod key_policies;
mod key_store;
mod keyring;
mod keys;
mod library;
mod logins;
mod page_logins;
mod people;
mod person_logins;
mod problem;
mod providers;
mod registry_credentials;
mod roles;
mod root;
mod secret_policies;
mod secrets;
mod sessions;
mod settings;
mod signatures;
mod simulate;
mod tenants;
mod web_identity;
mod who_can;

pub use accounts::{Accounts, IssuedToken, LoginPassword, Site};
pub use explain::{AskedAbout, ExplainedStatement, Explanation, explained_accesses, explained_resource};
pub use identities::*;
pub use image_keys::{SeveritySource, SignatureSource};
pub use key_policies::KEY_BEHIND;
pub use keyring::*;
pub use page_logins::{
    BegunLogin, DeviceAsked, DevicePoll, FinishedLogin, LoginSettings, LoginTotals, Logins, OidcLoginSettings,
    OpenSession, OpenSessionKind, PageSession, TerminalCredentials, WaitingDevice,
};
pub use people::{Person, RoleMapping, RoleMappingError};
pub use person_logins::{LoginRefusal, LoginSource};
pub use problem::{AuthenticationProblem, Unidentified};
pub use providers::{KeySource, ProviderProblem, ProviderSettings, Providers};
pub use registry_credentials::{REGISTRY_CREDENTIALS_SECONDS_MAX, REGISTRY_CREDENTIALS_SECONDS_MIN};
pub use roles::{AssumeRole, AssumedRole, ROLE_SECONDS_MAX, ROLE_SECONDS_MIN};
pub use root::{RootCredentials, RootCredentialsError};
pub use secrets::*;
pub use sessions::{SESSION_SECONDS_MAX, SESSION_SECONDS_MIN, SessionCredentials};
pub use settings::Settings;
pub use signatures::SignatureProblem;
pub use simulate::{Simulated, SimulatedPolicies, SimulatedSource};
pub use tenants::{ACCOUNT_NAME_CHARS_MAX, ACCOUNTS_MAX, AccountState, NewTenant, Tenant};
pub use web_identity::{AssumeRoleWithWebIdentity, AssumedByToken, WebIdentityProblem};
pub use who_can::{Granted, PERMITTED_MAX, Permitted};
