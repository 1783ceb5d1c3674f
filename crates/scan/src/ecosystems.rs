//! One file per ecosystem, and what several of them share.

pub(crate) mod apk;
pub(crate) mod bitnami;
pub(crate) mod cargo_lock;
pub(crate) mod composer;
pub(crate) mod conda;
mod documents;
pub(crate) mod dotnet;
pub(crate) mod dpkg;
mod executable;
pub(crate) mod gemfile_lock;
pub(crate) mod gemspec;
pub(crate) mod go_binary;
pub(crate) mod java_archive;
pub(crate) mod node_modules;
pub(crate) mod npm_lock;
pub(crate) mod os_release;
pub(crate) mod pipfile_lock;
pub(crate) mod pnpm_lock;
pub(crate) mod python_lock;
pub(crate) mod python_metadata;
pub(crate) mod python_wheel;
pub(crate) mod requirements;
pub(crate) mod rpm;
pub(crate) mod rust_binary;
pub(crate) mod sbom;
pub(crate) mod yarn_lock;
mod zip;

#[cfg(test)]
mod packed_tests;
#[cfg(test)]
mod tests;
