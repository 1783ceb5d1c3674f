//! OCI Distribution 1.1.1, and the token endpoint docker clients log in at: a file for each operation.
//!
//! Each request type reads itself from path, headers and body; each response writes itself. Nothing is decided here:
//! the rooms of `gantry_registry` do that. Addresses are taken apart from their right end, since repository names
//! contain slashes (`route.rs`).
//!
//! | operation | end-point of the specification |
//! |---|---|
//! | `api_version` | end-1 |
//! | `get_blob` | end-2 |
//! | `get_manifest` | end-3 |
//! | `start_upload` | end-4a, end-4b, end-11 |
//! | `append_upload`, `upload_status`, `cancel_upload` | end-5, end-13 |
//! | `finish_upload` | end-6 |
//! | `put_manifest` | end-7a, end-7b |
//! | `list_tags`, `catalog` | end-8a, end-8b |
//! | `delete_manifest`, `delete_blob` | end-9, end-10 |
//! | `list_referrers` | end-12a, end-12b |

mod headers;
mod mount;
mod operations;
pub mod paging;
pub mod range;
mod refusal;
mod route;
mod target;

pub use headers::is_unchanged;
pub use operations::doors;
pub use route::route;
