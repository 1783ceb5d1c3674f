use super::{
    backup::table,
    tool::{Tool, read_config},
};
use crate::{
    config::ConfigFlags,
    data_folder::DataFolder,
    output::{Exit, Failure, Format, Printer, Progress},
};
use gantry_env::Env;
use gantry_registry::BackupProgress;
use std::{fs, path::PathBuf};

/// Make a data folder, or fill an empty database, from a backup
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry restore --from /backup/gantry --data-dir /srv/gantry")]
pub(crate) struct RestoreCommand {
    #[command(flatten)]
    config: ConfigFlags,
    /// The folder of the backup
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

impl RestoreCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let config = read_config(&self.config)?;
        let source = self.from.join("metadata.db");
        if !source.is_file() {
            let problem = format!("{} is no backup: it holds no metadata.db", self.from.display());
            return Err(Failure::usage(problem, "Name the folder that gantry backup --to wrote"));
        }
        let failed =
            |error: &dyn std::fmt::Display| Failure::failed(error.to_string(), "Name an empty folder with --data-dir");
        drop(DataFolder::make(&config.data_dir).map_err(|error| failed(&error))?);
        gantry_metadata::restore(&config.database, &config.data_dir, &source, &Env::real())
            .map_err(|error| failed(&error))?;
        let tool = Tool::open(&self.config)?;
        let progress = Progress::bytes("copying", None);
        let hear = |done: BackupProgress| progress.advance(done.bytes.saturating_sub(progress.done()));
        let (done, missing) = tool.run(tool.house.registry.backups.take_blobs(&self.from, hear))?;
        drop(progress);
        let credentials = self.from.join("root-credentials");
        if credentials.exists() {
            fs::copy(&credentials, tool.folder.credentials_path()).map_err(|error| failed(&error))?;
        }
        Printer::stdout(self.output).answer(&done, table)?;
        if missing.is_empty() {
            return Ok(Exit::Done);
        }
        let problem = format!("{} blobs are missing in the backup", missing.len());
        Failure::failed(problem, "Push their images again; gantry fsck names them").with_details(missing).report();
        Ok(Exit::Found)
    }
}
