//! The whole way: file, environment and flags in, configuration or complaints out.

use super::{
    Complaint, Config, ConfigCommand, ConfigFlags, Loaded, LogFormat,
    catalogue::{Catalogue, find},
    kind::Kind,
    load::load,
    settings::HIDDEN,
};
use crate::output::{Exit, Format, Printer};
use clap::Parser;
use std::{ffi::OsString, fs, path::PathBuf};
use tempfile::TempDir;

mod catalogue;
mod commands;
mod example;
mod precedence;
mod secrets;
mod unknown_keys;
mod wrong_values;

/// A data folder, an environment and flags.
struct Given {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
    flags: ConfigFlags,
}

/// Nothing but a data folder, named by a flag.
fn given() -> Given {
    let folder = tempfile::tempdir().unwrap();
    let flags = ConfigFlags { data_dir: Some(folder.path().display().to_string()), ..Default::default() };
    Given { folder, variables: vec![], flags }
}

impl Given {
    /// With a configuration in the data folder.
    fn file(self, text: &str) -> Self {
        fs::write(self.path("gantry.toml"), text).unwrap();
        self
    }
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }
    fn set(mut self, text: &str) -> Self {
        self.flags.set.push(text.into());
        self
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn load(&self) -> Result<Loaded, Vec<Complaint>> {
        load(&self.flags, self.variables.clone())
    }
    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|complaints| panic!("{complaints:?}"))
    }
    /// The complaints, with the data folder written as `DATA`.
    fn complaints(&self) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        self.load().unwrap_err().iter().map(|complaint| complaint.to_string().replace(&folder, "DATA")).collect()
    }
    fn complaint(&self) -> String {
        let complaints = self.complaints();
        assert_eq!(complaints.len(), 1, "{complaints:#?}");
        complaints.into_iter().next().unwrap()
    }
}

fn origin(loaded: &Loaded, key: &str) -> String {
    let setting = loaded.settings.iter().find(|setting| setting.key == key).unwrap();
    setting.origin.to_string()
}
