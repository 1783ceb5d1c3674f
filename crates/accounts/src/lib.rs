//! Who a credential is, and what the decision about him needs to know.
//!
//! [`Accounts`] authenticates (root credentials, tokens), issues tokens and asks `gantry_access` whether something may be
//! done. It never says yes by itself. Its only rows are the keys that sign tokens.
//!
//! | file | what |
//! |---|---|
//! | `accounts.rs` | [`Accounts`] |
//! | `root.rs` | [`RootCredentials`]: made, printed, parsed |
//! | `keys.rs` | the keys that sign tokens: two are valid, a new one each day |
//! | `guesses.rs` | how many wrong passwords an address may try |
//! | `settings.rs` | [`Settings`] |

mod accounts;
mod guesses;
mod keys;
mod root;
mod settings;

pub use accounts::{Accounts, AuthenticationProblem, IssuedToken, Site};
pub use root::{RootCredentials, RootCredentialsError};
pub use settings::Settings;
