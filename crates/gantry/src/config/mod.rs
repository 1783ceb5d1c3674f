//! Configuration: where each setting comes from, what is wrong with it, and the reference of them all.
//!
//! A setting is a key in the TOML file, an environment variable, and, for the few that people type, a flag. Flag beats
//! environment beats file beats default. Every value keeps its origin; every complaint names it, and all are told at
//! once. The keys, their types and their descriptions are learned from the settings structs themselves.
//!
//! | file | what |
//! |---|---|
//! | `settings.rs` | [`Config`]: all settings, composed from the crates' own `Settings` |
//! | `catalogue.rs`, `kind.rs`, `docs.rs` | which keys there are, what they take, what they mean |
//! | `file.rs`, `environment.rs`, `flags.rs` | each source as a list of assignments |
//! | `tree.rs` | the sources laid over each other, each value with its origin |
//! | `load.rs` | finds the file, reads, resolves, checks |
//! | `command.rs`, `reference.rs` | `gantry config check`, `show` and `reference` |

mod catalogue;
mod command;
mod complaint;
mod docs;
mod environment;
mod file;
mod flags;
mod kind;
mod load;
mod nearest;
mod origin;
mod reference;
mod settings;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use command::ConfigCommand;
pub(crate) use complaint::Complaint;
pub(crate) use flags::{ConfigFlags, DataFlags};
pub use load::read_configuration;
pub(crate) use load::{Loaded, Shown, load, read_text};
pub(crate) use settings::{Config, LogFormat, LogSettings, TracingSettings};
