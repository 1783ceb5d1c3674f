use crate::{
    cli::Cli,
    output::{Exit, Failure, Format, Printer},
};
use clap::CommandFactory;

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
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "gantry", &mut text);
        Printer::stdout(Format::Table).text(&String::from_utf8_lossy(&text)).map(|()| Exit::Done)
    }
}
