mod password;

use crate::output::{Exit, Failure};
use password::PasswordCommand;

/// Administer users
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry user password ann")]
pub(crate) struct UserCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Password(PasswordCommand),
}

impl UserCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Password(command) => command.run(),
        }
    }
}
