use crate::{
    command::{
        backup::BackupCommand, blob::BlobCommand, completions::CompletionsCommand, fsck::FsckCommand, gc::GcCommand,
        image::ImageCommand, login::LoginCommand, man::ManCommand, repo::RepoCommand, restore::RestoreCommand,
        serve::ServeCommand,
    },
    config::ConfigCommand,
    output::{Exit, Failure},
};

/// A container registry and the system that manages it, in one program
#[derive(clap::Parser)]
#[command(name = "gantry", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  gantry serve --data-dir ./data")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Serve(ServeCommand),
    Gc(GcCommand),
    Fsck(FsckCommand),
    Backup(BackupCommand),
    Restore(RestoreCommand),
    /// Check, show and explain the configuration
    #[command(subcommand, after_help = "Example:\n  gantry config show --changed")]
    Config(ConfigCommand),
    Login(LoginCommand),
    Repo(RepoCommand),
    Image(ImageCommand),
    Blob(BlobCommand),
    Completions(CompletionsCommand),
    Man(ManCommand),
}

impl Cli {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Gc(command) => command.run(),
            Command::Fsck(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Login(command) => command.run(),
            Command::Repo(command) => command.run(),
            Command::Image(command) => command.run(),
            Command::Blob(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
        }
    }
}
