use crate::{
    cli::Cli,
    output::{Exit, Failure},
};
use clap::CommandFactory;
use std::io::stdout;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry completions bash > /etc/bash_completion.d/gantry")]
pub(crate) struct CompletionsCommand {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl CompletionsCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        clap_complete::generate(self.shell, &mut Cli::command(), "gantry", &mut stdout());
        Ok(Exit::Done)
    }
}
