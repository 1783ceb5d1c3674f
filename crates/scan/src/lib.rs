//! Scanning, the pure half. As yet the orders of versions, which matching stands on; nothing asks them yet.
//!
//! | file | what |
//! |---|---|
//! | `versions.rs` | [`VersionScheme`]: the orders there are |
//! | `versions/` | one file per order |

mod versions;

pub use versions::{VERSION_BYTES_MAX, VersionScheme};
