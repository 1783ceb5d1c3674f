use super::{
    backup::{self, table},
    tool::{command_line, fault_failure, read_config, runtime},
};
use crate::{
    config::{Config, ConfigFlags, DataFlags},
    data_folder::DataFolder,
    house::House,
    output::{Exit, Failure, OutputFlag, Printer, Progress},
    store_lock::StoreLock,
};
use gantry_env::Env;
use gantry_registry::BackupProgress;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Make a data folder, or fill an empty database, from a backup
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry restore --from /backup/gantry --data-dir /srv/gantry")]
pub(crate) struct RestoreCommand {
    /// The folder of the backup
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    #[command(flatten)]
    output: OutputFlag,
    #[command(flatten)]
    data: DataFlags,
}

impl RestoreCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let config = read_config(&ConfigFlags::from(&self.data))?;
        let source = self.from.join("metadata.db");
        if !source.is_file() {
            let problem = format!("{} is no backup: it holds no metadata.db", self.from.display());
            return Err(Failure::usage(problem, "Name the folder that gantry backup --to wrote"));
        }
        let failed =
            |error: &dyn std::fmt::Display| Failure::failed(error.to_string(), "Name an empty folder with --data-dir");
        let (folder, env) = (DataFolder::claim(&config.data_dir).map_err(|error| failed(&error))?, Env::real());
        let place = gantry_metadata::begin_restore(&config.database, &config.data_dir, &source, &env)
            .map_err(|error| failed(&error))?;
        // The blobs come first: the metadata that names them is seen only once they are there.
        let (done, missing) = self.take_blobs(&config, &place)?;
        for name in backup::SECRETS {
            let file = self.from.join(name);
            if file.exists() {
                fs::copy(&file, folder.path().join(name)).map_err(|error| failed(&error))?;
            }
        }
        gantry_metadata::finish_restore(&config.database, &config.data_dir, &env).map_err(|error| {
            Failure::failed(error.to_string(), "Run the same command again: what was copied is not copied twice")
        })?;
        Printer::stdout(self.output.format).answer(&done, table)?;
        if missing.is_empty() {
            return Ok(Exit::Done);
        }
        let problem = format!("{} blobs are missing in the backup", missing.len());
        Failure::failed(problem, "Push their images again; gantry fsck names them").with_details(missing).report();
        Ok(Exit::Found)
    }

    /// Copies the blobs that the metadata in `place` names into the store.
    fn take_blobs(&self, config: &Config, place: &Path) -> Result<(BackupProgress, Vec<String>), Failure> {
        let storage = gantry_store::Settings { path: config.blob_folder(), ..config.storage.clone() };
        let database = gantry_metadata::Settings::default();
        let within = Config { database, data_dir: place.into(), storage, ..config.clone() };
        let runtime = runtime()?;
        let _entered = runtime.enter();
        let house = House::open(&within, Env::real())
            .map_err(|error| Failure::failed(error.to_string(), "Run as the folder's owner"))?;
        runtime.block_on(house.own_store(&within, &command_line(&within, &house.env, "restore")))?;
        let _in_use = StoreLock::take(&Config { database: config.database.clone(), ..within })?;
        let progress = Progress::bytes("copying", None);
        let hear = |done: BackupProgress| progress.advance(done.bytes.saturating_sub(progress.done()));
        runtime.block_on(house.registry.backups.take_blobs(&self.from, hear)).map_err(fault_failure)
    }
}
