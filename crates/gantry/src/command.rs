//! The commands, a file each.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod blob;
pub(crate) mod completions;
pub(crate) mod docker_credential;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod image;
pub(crate) mod inventory;
pub(crate) mod kubelet_credential_provider;
pub(crate) mod kubernetes;
pub(crate) mod lifecycle;
pub(crate) mod login;
pub(crate) mod man;
pub(crate) mod oidc_provider;
pub(crate) mod openapi;
pub(crate) mod repo;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod tag;
pub(crate) mod token;
pub(crate) mod tool;
pub(crate) mod trash;
pub(crate) mod user;
