use super::{
    Complaint, Config, ConfigFlags, Loaded, Shown, catalogue::Catalogue, kind::shown, load::load, origin::Origin,
    reference, settings::HIDDEN,
};
use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
    trusted_keys,
};
use serde_json::json;
use std::{ffi::OsString, io::Write};

/// `gantry config …`
#[derive(Clone, clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Says what is wrong with the configuration, all at once
    #[command(after_help = "Example:\n  gantry config check --config /etc/gantry/gantry.toml")]
    Check {
        /// How to print it.
        #[command(flatten)]
        output: OutputFlag,
        /// What to check.
        #[command(flatten)]
        flags: ConfigFlags,
    },
    /// Shows every setting with where its value came from; secrets stay hidden
    #[command(after_help = "Example:\n  gantry config show --changed")]
    Show {
        /// Only what somebody set
        #[arg(long)]
        changed: bool,
        /// How to print it.
        #[command(flatten)]
        output: OutputFlag,
        /// What to show.
        #[command(flatten)]
        flags: ConfigFlags,
    },
    /// Prints the reference of all settings as Markdown
    #[command(after_help = "Example:\n  gantry config reference > docs/configuration.md")]
    Reference,
}

impl ConfigCommand {
    /// Runs it, on this process's environment and standard output.
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let format = match &self {
            ConfigCommand::Check { output, .. } | ConfigCommand::Show { output, .. } => output.format,
            ConfigCommand::Reference => Format::Table,
        };
        self.answer(std::env::vars_os(), &mut Printer::stdout(format))
    }

    /// Runs it, on any environment and output.
    pub(crate) fn answer<W: Write>(
        self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        printer: &mut Printer<W>,
    ) -> Result<Exit, Failure> {
        match self {
            ConfigCommand::Check { flags, .. } => {
                let Loaded { config, settings } = read(&flags, variables)?;
                trusted_keys::read(&config.signing.trusted_keys)?;
                let changed = settings.iter().filter(|setting| is_changed(setting)).count();
                let answer = json!({"settings": settings.len(), "changed": changed});
                printer.tell(&answer, &format!("ok, {} settings, {changed} set", settings.len()))?;
            }
            ConfigCommand::Show { flags, changed, .. } => {
                let mut settings = read(&flags, variables)?.settings;
                settings.retain(|setting| !changed || is_changed(setting));
                printer.answer(&settings, |settings| table(settings))?;
            }
            ConfigCommand::Reference => printer.text(&reference::markdown(&Catalogue::of::<Config>(HIDDEN)))?,
        }
        Ok(Exit::Done)
    }
}

fn read(flags: &ConfigFlags, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Loaded, Failure> {
    load(flags, variables).map_err(|complaints| Complaint::failure(&complaints))
}

fn is_changed(setting: &Shown) -> bool {
    setting.origin != Origin::Default
}

fn table(settings: &[Shown]) -> Table {
    let mut table = Table::new(["KEY", "VALUE", "ORIGIN"]);
    for setting in settings {
        let tone = if is_changed(setting) { Tone::Plain } else { Tone::Faint };
        let origin = setting.origin.to_string();
        table.row([setting.key.as_str().into(), Cell::toned(shown(&setting.value), tone), Cell::toned(origin, tone)]);
    }
    table
}
