use crate::{
    config::{Complaint, Config, ConfigFlags, load},
    data_folder::DataFolder,
    house::House,
    output::Failure,
    store_lock::StoreLock,
};
use gantry_env::Env;
use gantry_fault::Fault;
use gantry_words::Cx;
use std::{future::Future, time::Duration};
use tokio::runtime::Runtime;

/// A command's hold on a data folder: configuration, lock and rooms, with the server stopped or running.
pub(crate) struct Tool {
    pub(crate) config: Config,
    pub(crate) folder: DataFolder,
    pub(crate) house: House,
    env: Env,
    runtime: Runtime,
    _in_use: StoreLock,
}

impl Tool {
    pub(crate) fn open(flags: &ConfigFlags) -> Result<Tool, Failure> {
        let config = read_config(flags)?;
        let folder = DataFolder::open(&config.data_dir, config.database.is_sqlite())
            .map_err(|error| Failure::failed(error.to_string(), error.remedy("Name the folder with --data-dir")))?;
        let runtime = runtime()?;
        let env = Env::real();
        let house = {
            let _entered = runtime.enter();
            House::open(&config, env.clone())
                .map_err(|error| Failure::failed(error.to_string(), "Run as the folder's owner"))?
        };
        runtime.block_on(house.own_store(&config, &command_line(&config, &env, "open")))?;
        // Without the master key everything works but to look into what is encrypted.
        if let Err(failure) = runtime.block_on(house.open_keyring(&config, Duration::ZERO)) {
            tracing::warn!("what is encrypted cannot be read here: {failure:?}");
        }
        // Where the folder is held, its server is at the blobs already.
        let in_use = if folder.is_alone() { StoreLock::take(&config)? } else { StoreLock::of_the_server() };
        Ok(Tool { config, folder, house, env, runtime, _in_use: in_use })
    }

    /// Whether nobody else is at this data: no server on the folder, and none that could come over the database.
    pub(crate) fn is_alone(&self) -> bool {
        self.folder.is_alone() && self.house.metadata.owns_alone()
    }

    /// Who acts, for the audit: the person at this machine.
    pub(crate) fn cx(&self, operation: &'static str) -> Cx {
        command_line(&self.config, &self.env, operation)
    }

    /// Waits for something whose errors the caller words.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs to the end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Failure> {
        self.runtime.block_on(work).map_err(fault_failure)
    }
}

/// The person at this machine, as the one who acts.
pub(crate) fn command_line(config: &Config, env: &Env, operation: &'static str) -> Cx {
    Cx {
        actor: "gantry:command-line".into(),
        account: config.account_id,
        operation,
        request_id: env.request_id(),
        now: env.now(),
        source: None,
    }
}

/// The runtime of a command.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start threads: {error}"), "Raise the limit on processes"))
}

/// Says a fault to the person at the command line, with its cause.
pub(crate) fn fault_failure(fault: Fault) -> Failure {
    let cause = fault.source.as_ref().map(ToString::to_string).filter(|cause| !fault.message.contains(cause.as_str()));
    let cause = cause.map(|cause| format!("because: {cause}"));
    Failure::failed(fault.message.clone(), "").with_details(cause)
}

/// Reads the configuration from file, environment and flags.
pub(crate) fn read_config(flags: &ConfigFlags) -> Result<Config, Failure> {
    load(flags, std::env::vars_os()).map(|loaded| loaded.config).map_err(|complaints| Complaint::failure(&complaints))
}
