//! Asks HashiCorp Vault or OpenBao to wrap and unwrap a secret: the transit secrets engine, over its HTTP API.
//!
//! Asked at starts and by commands, never while a request waits. So each question logs in for itself, and no token is kept or
//! renewed; files with credentials are read again each time.
//!
//! Deliberately absent: every other engine, leases, and keys made over there (the transit key is its owner's to make).
//!
//! | file | what |
//! |---|---|
//! | `vault.rs` | [`Vault`]: log in, wrap, unwrap, wrap again |
//! | `answer.rs` | what answers hold |
//! | `wrapped.rs` | [`Wrapped`]: what transit makes of a secret |
//! | `settings.rs` | [`Settings`] |
//! | `error.rs` | [`VaultError`] |

pub mod answer;
mod error;
mod settings;
mod vault;
mod wrapped;

pub use error::VaultError;
pub use settings::Settings;
pub use vault::Vault;
pub use wrapped::{Wrapped, WrappedError};
