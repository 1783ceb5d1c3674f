//! One file per ecosystem, and what several of them share.

pub(crate) mod bitnami;
pub(crate) mod cargo_lock;
pub(crate) mod dotnet;
mod executable;
pub(crate) mod go_binary;
pub(crate) mod java_archive;
pub(crate) mod rust_binary;
pub(crate) mod sbom;
mod zip;

#[cfg(test)]
mod tests;
