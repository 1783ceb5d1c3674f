use crate::{
    cli::Cli,
    output::{Exit, Failure},
};
use clap::CommandFactory;
use std::path::PathBuf;

/// Write the manual pages into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry man /usr/local/share/man/man1")]
pub(crate) struct ManCommand {
    /// The folder
    folder: PathBuf,
}

impl ManCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        clap_mangen::generate_to(Cli::command(), &self.folder).map(|()| Exit::Done).map_err(|error| {
            Failure::failed(
                format!("cannot write into {}: {error}", self.folder.display()),
                "Name a folder that exists",
            )
        })
    }
}
