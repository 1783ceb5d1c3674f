//! What things are called: the words of the whole program as types, parsed once and printed once.
//!
//! A value of one of these types is known to be well formed; nobody past the parser checks again. Rules about them
//! (who may, what follows) live elsewhere: here is grammar only. Pure: no clock, no randomness, no I/O.
//!
//! | file | words |
//! |---|---|
//! | `account.rs` | [`AccountId`], [`Region`] |
//! | `repository_name.rs` | [`RepositoryName`] |
//! | `time.rs` | [`Timestamp`], [`Precision`], [`Moment`], [`Period`] |
//! | `size.rs` | [`ByteCount`] |
//! | `secret.rs` | [`Secret`] |
//! | `context.rs` | [`Cx`], [`RequestId`] |
//! | `network.rs` | [`Network`] |
//! | `page.rs` | [`Page`] |

mod account;
mod context;
mod network;
mod page;
mod repository_name;
mod secret;
mod size;
mod time;

pub use account::{AccountId, AccountIdError, Region, RegionError};
pub use context::{Cx, RequestId};
pub use network::{Network, NetworkError};
pub use page::Page;
pub use repository_name::{REPOSITORY_NAME_BYTES_MAX, RepositoryName, RepositoryNameError};
pub use secret::Secret;
pub use size::{ByteCount, ByteCountError};
pub use time::{Moment, Period, PeriodError, Precision, Timestamp, TimestampError};
