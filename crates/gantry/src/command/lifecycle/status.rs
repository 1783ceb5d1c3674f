use super::{facts, last_run, repository_path};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::LifecycleStatusDocument;

/// Say when the lifecycle policy of a repository ran last, what that came to, and when it runs next
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry lifecycle status team/app")]
pub(crate) struct StatusCommand {
    /// Whose policy
    repository: String,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl StatusCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let path = format!("{}/lifecycle/run", repository_path(&self.repository)?);
        let status: LifecycleStatusDocument = Remote::open(&self.remote)?.get(&path)?;
        Printer::stdout(self.output.format).answer(&status, |status| facts(&last_run(status)))?;
        Ok(Exit::Done)
    }
}
