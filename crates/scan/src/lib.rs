//! Scanning, the pure half: values in, values out; no sockets, no clock. What is not yet reached from outside says so.
//!
//! | file | what |
//! |---|---|
//! | `ecosystem.rs` | [`Ecosystem`]: what finds packages in a file, and the list of all |
//! | `package.rs` | [`Package`], [`PackageType`], [`Distribution`] |
//! | `inventory.rs` | [`Inventory`]: what an image holds |
//! | `finding.rs` | [`Finding`], [`Severity`]: what is wrong with it |
//! | `ecosystems/` | one file per ecosystem |
//! | `licences.rs`, `licences/` | [`spdx_expression`], [`LicencePolicy`]: what a licence is, and which packages break a policy |
//! | `secrets.rs`, `secrets/` | [`find_secrets`]: keys and tokens that lie about in files |
//! | `misconfiguration.rs` | [`find_misconfigurations`]: what is unwise about how an image is made |
//! | `versions.rs`, `versions/` | [`VersionScheme`]: which of two versions comes first, one file per order |

mod ecosystem;
mod ecosystems;
mod finding;
mod inventory;
mod licences;
mod misconfiguration;
mod package;
mod secrets;
mod versions;

pub use ecosystem::{ALL as ECOSYSTEMS, Ecosystem, File, Found, HEAD_BYTES, ReadSeek, WHOLE_BYTES_MAX};
pub use finding::{Evidence, Finding, FixState, Severity, Undecided};
pub use inventory::{Installed, Inventory};
pub use licences::{BreachReason, LicenceBreach, LicencePolicy, LicencePolicyError, spdx_expression};
pub use misconfiguration::{
    Healthcheck, HistoryEntry, IMAGE_CONFIG_BYTES_MAX, ImageConfig, MISCONFIGURATIONS_MAX, Misconfiguration, RunConfig,
    SetuidFile, find_misconfigurations,
};
pub use package::{Distribution, Package, PackageType, SourcePackage};
pub use secrets::{
    Confidence, ExposedSecret, SECRET_FILE_BYTES_MAX, SECRETS_PER_FILE_MAX, find_secrets, may_hold_secrets,
};
pub use versions::{VERSION_BYTES_MAX, VersionScheme};
