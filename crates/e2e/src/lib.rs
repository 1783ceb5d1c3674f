//! Real clients against the real binary.
//!
//! The tests in `tests/it` start the binary that `GANTRY_BIN` names (else the release, else the debug build of this
//! checkout) on a port the system chooses, in a folder of its own, and speak to it as people do.
//!
//! | file | what |
//! |---|---|
//! | `server.rs` | [`Server`]: starts, kills and restarts the binary |
//! | `http.rs` | [`Client`]: a small client that sees everything, also what is refused |
//! | `image.rs` | [`Image`]: small real images |
//! | `issuer.rs` | [`Issuer`]: an identity provider, who can lie |
//! | `raw.rs` | [`Raw`]: a connection that sends exactly the bytes it is given |
//! | `disk.rs` | [`SmallDisk`], and what lies in a data folder |
//! | `postgres.rs` | [`Postgres`]: one that can be killed and started again |
//! | `process.rs` | what a process holds; a start that is cut short; waiting |
//! | `random.rs` | [`Random`]: numbers that follow from a seed |
//! | `tools.rs` | finds the programs of real clients |
//! | `vault.rs` | [`Vault`]: a stand-in for the transit engine |
#![expect(clippy::disallowed_methods, reason = "this harness lives in real time, with real files")]

mod disk;
mod http;
mod image;
mod issuer;
mod postgres;
mod process;
mod random;
mod raw;
mod server;
mod tools;
mod vault;

pub use disk::{SmallDisk, files_below, stored_blob, stored_blobs, stored_digests, stored_uploads};
pub use http::{Answer, Client};
pub use image::{Image, digest};
pub use issuer::{Issuer, Lie};
pub use postgres::{Postgres, create_database};
pub use process::{open_files, program, raise_open_files_max, resident_bytes, run, run_with, start_and_kill, until};
pub use random::{Random, seed};
pub use raw::{Raw, authorization_line};
pub use server::{MASTER_KEY, PASSWORD, Server, USER, binary, free_port, is_on_postgresql};
pub use tools::{skipped, tool};
pub use vault::{VAULT_LOGINS, VAULT_NAMESPACE, VAULT_TOKEN, Vault};
