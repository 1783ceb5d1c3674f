//! Asks an LDAP directory (OpenLDAP, Active Directory) whose name and password these are, and in which groups he is.
//!
//! Everything goes through TLS, from the first credential on: there is no plain fallback and no way to switch the check of
//! certificates off. Somebody is looked for on a connection of the service, and his password is tried on another, which is closed
//! then. Referrals are not followed, aliases not resolved. What a name holds is data: it is escaped where it stands in a filter.
//!
//! | file | what |
//! |---|---|
//! | `directory.rs` | [`Directory`]: search, bind, groups |
//! | `connect.rs` | connections: TLS, deadlines, those of the service kept for the next |
//! | `filter.rs` | filters with a name or a DN in them |
//! | `entry.rs` | what is read of an entry: names, ids that stay, groups |
//! | `attempts.rs` | how often passwords of a person are tried there |
//! | `refusal.rs` | why somebody is not let in, from result codes and Active Directory's numbers |
//! | `settings.rs` | [`Settings`] |

mod attempts;
mod connect;
mod directory;
mod entry;
mod filter;
mod refusal;
mod settings;

pub use directory::Directory;
pub use entry::Found;
pub use refusal::Refusal;
pub use settings::{OpenError, Settings};
