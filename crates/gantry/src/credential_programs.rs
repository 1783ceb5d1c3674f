//! What nodes and jobs ask this program: requests and answers of the kubelet, of docker and of Kubernetes, as values.
//!
//! | file | what |
//! |---|---|
//! | `credential_programs/image.rs` | what an image's name says of its registry and repository |
//! | `credential_programs/kubelet.rs` | the kubelet's credential provider exec API, v1 |
//! | `credential_programs/helper.rs` | the protocol of docker's credential helpers |
//! | `credential_programs/identity.rs` | who a job is, as its environment says |
//! | `credential_programs/pull_secret.rs` | secrets that the kubelet pulls with |
//! | `credential_programs/exchange.rs` | asking a server for credentials that soon end |
//! | `credential_programs/cache.rs` | credentials kept between two calls |

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
