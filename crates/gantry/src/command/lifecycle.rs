mod simulate;

#[cfg(test)]
mod tests;

use crate::output::{Exit, Failure};
use simulate::SimulateCommand;

/// Try lifecycle policies
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  gantry lifecycle simulate --policy policy.json --images images.json --now 2026-11-21T09:00:00Z"
)]
pub(crate) struct LifecycleCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Simulate(SimulateCommand),
}

impl LifecycleCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Simulate(command) => command.run(),
        }
    }
}
