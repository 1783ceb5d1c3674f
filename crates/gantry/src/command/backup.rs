use super::tool::Tool;
use crate::{
    config::ConfigFlags,
    output::{Exit, Failure, Format, Printer, Progress, Table},
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::Metadata;
use gantry_registry::BackupProgress;
use gantry_words::ByteCount;
use std::{fs, path::PathBuf};

/// Copy metadata and blobs into another folder, consistently, while the server serves
///
/// Blobs that lie in the backup already are not copied again: back up into the same folder each night. The backup is
/// itself a data folder: gantry serve and gantry fsck work on it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry backup --data-dir /srv/gantry --to /backup/gantry")]
pub(crate) struct BackupCommand {
    #[command(flatten)]
    config: ConfigFlags,
    /// The folder of the backup
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

impl BackupCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let tool = Tool::open(&self.config)?;
        let open = |folder: &std::path::Path| {
            Metadata::open(&gantry_metadata::Settings::default(), folder, Env::real()).map_err(Fault::internal)
        };
        let progress = Progress::bytes("copying", None);
        let hear = |done: BackupProgress| progress.advance(done.bytes.saturating_sub(progress.done()));
        let done = tool.run(tool.house.registry.backups.run(&self.to, open, hear))?;
        drop(progress);
        let credentials = tool.folder.credentials_path();
        if credentials.exists() {
            fs::copy(&credentials, self.to.join("root-credentials")).map_err(|error| {
                Failure::failed(format!("cannot copy {}: {error}", credentials.display()), "Copy it by hand")
            })?;
        }
        Printer::stdout(self.output).answer(&done, table)?;
        Ok(Exit::Done)
    }
}

pub(super) fn table(done: &BackupProgress) -> Table {
    let mut table = Table::new(["BLOBS", "COPIED", "SIZE"]).right(&[0, 1, 2]);
    let size = ByteCount::bytes(done.bytes).rounded();
    table.row([done.blobs.to_string().into(), done.copied.to_string().into(), size.into()]);
    table
}
