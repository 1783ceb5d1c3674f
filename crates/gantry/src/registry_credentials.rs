//! Credentials for a registry that soon end, as the kubelet, docker and Kubernetes ask this program for them on nodes and in jobs.
//!
//! | file | what |
//! |---|---|
//! | `registry_credentials/image.rs` | what an image's name says of its registry and repository |
//! | `registry_credentials/kubelet.rs` | the kubelet's credential provider exec API, v1 |
//! | `registry_credentials/helper.rs` | the protocol of docker's credential helpers |
//! | `registry_credentials/identity.rs` | who a job is, as its environment says |
//! | `registry_credentials/pull_secret.rs` | secrets that the kubelet pulls with |
//! | `registry_credentials/exchange.rs` | asking a server for credentials that soon end |
//! | `registry_credentials/cache.rs` | credentials kept between two calls |

mod cache;
mod exchange;
pub(crate) mod helper;
mod identity;
mod image;
pub(crate) mod kubelet;
pub(crate) mod pull_secret;

pub(crate) use cache::Cache;
pub(crate) use exchange::{RegistryCredentials, exchange};
pub(crate) use identity::{Identity, find_identity};
pub(crate) use image::ImageName;

/// The most bytes of a request on standard input.
pub(crate) const REQUEST_BYTES_MAX: u64 = 1 << 20;

/// When credentials are asked for anew: after so many fourths of their life.
pub(crate) const FOURTHS_KEPT: u64 = 3;
