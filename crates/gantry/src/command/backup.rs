use super::tool::Tool;
use crate::{
    config::{Config, ConfigFlags, DataFlags},
    data_folder::DataFolder,
    output::{Exit, Failure, OutputFlag, Printer, Progress, Table},
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_metadata::Metadata;
use gantry_registry::BackupProgress;
use gantry_words::ByteCount;
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Copy metadata and blobs into another folder, consistently, while the server serves
///
/// Blobs that lie in the backup already are not copied again: back up into the same folder each night. The backup is
/// itself a data folder: gantry serve and gantry fsck work on it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry backup --data-dir /srv/gantry --to /backup/gantry")]
pub(crate) struct BackupCommand {
    /// The folder of the backup
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

/// Files of a data folder without which what is restored could not be served: who logs in, and the key that opens what the
/// database keeps sealed.
pub(super) const SECRETS: [&str; 2] = ["root-credentials", "master-key"];

impl BackupCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let tool = Tool::open(&ConfigFlags::from(&self.data))?;
        let _target = claim_target(&tool.config, &self.to)?;
        let open = |folder: &Path| {
            Metadata::open(&gantry_metadata::Settings::default(), folder, Env::real()).map_err(Fault::internal)
        };
        let progress = Progress::bytes("copying", None);
        let hear = |done: BackupProgress| progress.advance(done.bytes.saturating_sub(progress.done()));
        let done = tool.run(tool.house.registry.backups.run(&self.to, open, hear))?;
        drop(progress);
        for name in SECRETS {
            let file = tool.folder.path().join(name);
            if file.exists() {
                fs::copy(&file, self.to.join(name)).map_err(|error| {
                    Failure::failed(format!("cannot copy {}: {error}", file.display()), "Copy it by hand")
                })?;
            }
        }
        Printer::stdout(self.output.format).answer(&done, table)?;
        Ok(Exit::Done)
    }
}

/// Makes the folder of the backup, and holds its lock: what is served must not be replaced beneath the server, and the data
/// folder itself would lose what was pushed while it was copied.
fn claim_target(config: &Config, to: &Path) -> Result<DataFolder, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("cannot back up into {}: {error}", to.display()), "Name a folder with room, with --to")
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(to).map_err(|error| failed(&error))?;
    let canonical = |path: &Path| path.canonicalize().map_err(|error| failed(&error));
    let (target, data, blobs) = (canonical(to)?, canonical(&config.data_dir)?, canonical(&config.blob_folder())?);
    if target.starts_with(&data) || target.starts_with(&blobs) || target.join("storage") == blobs {
        let problem = format!("{} is or lies in the data folder that is to be backed up", to.display());
        return Err(Failure::usage(problem, "Name a folder elsewhere with --to, best on another disk"));
    }
    DataFolder::make(to).map_err(|error| failed(&error))
}

pub(super) fn table(done: &BackupProgress) -> Table {
    let mut table = Table::new(["BLOBS", "COPIED", "SIZE"]).right(&[0, 1, 2]);
    let size = ByteCount::bytes(done.bytes).rounded();
    table.row([done.blobs.to_string().into(), done.copied.to_string().into(), size.into()]);
    table
}
