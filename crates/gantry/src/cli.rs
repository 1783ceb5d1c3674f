use crate::{
    command::{
        access::AccessCommand, access_key::AccessKeyCommand, account::AccountCommand, advisories::AdvisoriesCommand,
        audit::AuditCommand, backup::BackupCommand, blob::BlobCommand, completions::CompletionsCommand,
        docker_credential::DockerCredentialCommand, events::EventsCommand, export::ExportCommand,
        findings::FindingsCommand, fsck::FsckCommand, gate::GateCommand, gc::GcCommand, group::GroupCommand,
        image::ImageCommand, import::ImportCommand, inventory::InventoryCommand,
        kubelet_credential_provider::KubeletCredentialProviderCommand, kubernetes::KubernetesCommand,
        lifecycle::LifecycleCommand, login::LoginCommand, man::ManCommand, master_key::MasterKeyCommand,
        openapi::OpenApiCommand, package::PackageCommand, policy::PolicyCommand, provider::ProviderCommand,
        quota::QuotaCommand, repo::RepoCommand, restore::RestoreCommand, robot::RobotCommand, role::RoleCommand,
        sbom::SbomCommand, scan::ScanCommand, scan_worker::ScanWorkerCommand, serve::ServeCommand,
        session::SessionCommand, tag::TagCommand, token::TokenCommand, traffic::TrafficCommand, trash::TrashCommand,
        usage::UsageCommand, user::UserCommand,
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
    Import(ImportCommand),
    Export(ExportCommand),
    /// Check, show and explain the configuration
    #[command(subcommand, after_help = "Example:\n  gantry config show --changed")]
    Config(ConfigCommand),
    Login(LoginCommand),
    Account(AccountCommand),
    Group(GroupCommand),
    Role(RoleCommand),
    Policy(PolicyCommand),
    AccessKey(AccessKeyCommand),
    Robot(RobotCommand),
    Provider(ProviderCommand),
    Repo(RepoCommand),
    Image(ImageCommand),
    Tag(TagCommand),
    Inventory(InventoryCommand),
    Usage(UsageCommand),
    Traffic(TrafficCommand),
    Quota(QuotaCommand),
    Trash(TrashCommand),
    User(UserCommand),
    Token(TokenCommand),
    Access(AccessCommand),
    Audit(AuditCommand),
    Events(EventsCommand),
    Blob(BlobCommand),
    MasterKey(MasterKeyCommand),
    Lifecycle(LifecycleCommand),
    Scan(ScanCommand),
    #[command(hide = true)]
    ScanWorker(ScanWorkerCommand),
    Sbom(SbomCommand),
    Findings(FindingsCommand),
    Package(PackageCommand),
    Advisories(AdvisoriesCommand),
    Gate(GateCommand),
    Session(SessionCommand),
    KubeletCredentialProvider(KubeletCredentialProviderCommand),
    DockerCredential(DockerCredentialCommand),
    Kubernetes(KubernetesCommand),
    Completions(CompletionsCommand),
    Man(ManCommand),
    #[command(name = "openapi")]
    OpenApi(OpenApiCommand),
}

impl Cli {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Gc(command) => command.run(),
            Command::Fsck(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Restore(command) => command.run(),
            Command::Import(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Login(command) => command.run(),
            Command::Account(command) => command.run(),
            Command::Group(command) => command.run(),
            Command::Role(command) => command.run(),
            Command::Policy(command) => command.run(),
            Command::AccessKey(command) => command.run(),
            Command::Robot(command) => command.run(),
            Command::Provider(command) => command.run(),
            Command::Repo(command) => command.run(),
            Command::Image(command) => command.run(),
            Command::Tag(command) => command.run(),
            Command::Inventory(command) => command.run(),
            Command::Usage(command) => command.run(),
            Command::Traffic(command) => command.run(),
            Command::Quota(command) => command.run(),
            Command::Trash(command) => command.run(),
            Command::User(command) => command.run(),
            Command::Token(command) => command.run(),
            Command::Access(command) => command.run(),
            Command::Audit(command) => command.run(),
            Command::Events(command) => command.run(),
            Command::Blob(command) => command.run(),
            Command::MasterKey(command) => command.run(),
            Command::Lifecycle(command) => command.run(),
            Command::Scan(command) => command.run(),
            Command::ScanWorker(command) => command.run(),
            Command::Sbom(command) => command.run(),
            Command::Findings(command) => command.run(),
            Command::Package(command) => command.run(),
            Command::Advisories(command) => command.run(),
            Command::Gate(command) => command.run(),
            Command::Session(command) => command.run(),
            Command::KubeletCredentialProvider(command) => command.run(),
            Command::DockerCredential(command) => command.run(),
            Command::Kubernetes(command) => command.run(),
            Command::Completions(command) => command.run(),
            Command::Man(command) => command.run(),
            Command::OpenApi(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, CommandFactory, Parser};

    /// Every command that can be typed, with the words that lead to it.
    fn commands(command: &Command, words: &str) -> Vec<(String, Command)> {
        let own = [(words.to_string(), command.clone())];
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        own.into_iter()
            .chain(below.flat_map(|below| commands(below, &format!("{words} {}", below.get_name()))))
            .collect()
    }

    #[test]
    fn every_command_shows_an_example_of_itself_that_can_be_typed() {
        for (words, command) in commands(&Cli::command(), "gantry") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example =
                help.strip_prefix("Example:\n  ").unwrap_or_else(|| panic!("{words} has no example: {help:?}"));
            assert!(example.starts_with(&words), "the example of {words} is of another: {example}");
            let typed = example.lines().next().unwrap_or_default();
            let typed = typed.split('>').next().unwrap_or_default().split_whitespace();

            let parsed = Cli::try_parse_from(typed);

            assert!(parsed.is_ok(), "{example}: {}", parsed.err().unwrap());
        }
    }

    #[test]
    fn every_flag_says_what_it_is_for() {
        for (words, command) in commands(&Cli::command(), "gantry") {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{words} says nothing of {}", argument.get_id());
            }
        }
    }
}
