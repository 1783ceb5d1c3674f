use super::tool::{Tool, fault_failure};
use crate::{
    config::{ConfigFlags, DataFlags},
    output::{Exit, Failure, OutputFlag, Printer, Table},
    vault_key,
};
use gantry_accounts::WrappedMasterKey;
use gantry_env::Env;
use gantry_vault::Vault;
use serde::Serialize;

/// Look after the master key, where Vault or OpenBao holds the key that it is wrapped under
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gantry master-key rewrap --data-dir /srv/gantry")]
pub(crate) struct MasterKeyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Wrap the master key under the newest version of the transit key
    ///
    /// For after a rotation over there (vault write -f transit/keys/gantry/rotate), and before min_decryption_version is
    /// raised. The master key itself stays as it is, does not leave Vault, and nothing else is written; servers may run.
    #[command(after_help = "Example:\n  gantry master-key rewrap --data-dir /srv/gantry")]
    Rewrap {
        #[command(flatten)]
        output: OutputFlag,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Show the wrapped master key, which only Vault opens
    #[command(after_help = "Example:\n  gantry master-key show --data-dir /srv/gantry")]
    Show {
        #[command(flatten)]
        output: OutputFlag,
        #[command(flatten)]
        data: DataFlags,
    },
}

/// What is told of a wrapped master key.
#[derive(Serialize)]
struct Shown {
    transit_key: String,
    transit_key_version: u32,
    wrapped: String,
}

impl MasterKeyCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let (data, output, is_rewrap) = match self.what {
            What::Rewrap { data, output } => (data, output, true),
            What::Show { data, output } => (data, output, false),
        };
        let tool = Tool::open(&ConfigFlags::from(&data))?;
        let vault = Vault::open(&tool.config.encryption.vault, Env::real()).map_err(vault_key::of_vault)?;
        let vault = vault.ok_or_else(|| {
            Failure::usage("the master key is not wrapped: no Vault is set", "Set encryption.vault.address")
        })?;
        let room = WrappedMasterKey::new(tool.house.metadata.clone());
        let seen = tool.run(room.find())?;
        let before = seen.wrapped.ok_or_else(|| {
            Failure::failed(
                "the database has no wrapped master key yet",
                "Start the server once, with encryption.vault set",
            )
        })?;
        let before = vault_key::parse(&before)?;
        let wrapped = match is_rewrap {
            false => before,
            true => {
                let after = tool.wait(vault.rewrap(&before)).map_err(vault_key::of_vault)?;
                match tool.wait(room.replace(&tool.cx("master-key"), before.as_str(), after.as_str())) {
                    Ok(true) => after,
                    Ok(false) => return Err(Failure::failed("somebody else wrapped it anew meanwhile", "Try again")),
                    Err(fault) => return Err(fault_failure(fault)),
                }
            }
        };
        let shown = Shown {
            transit_key: vault.key(),
            transit_key_version: wrapped.version(),
            wrapped: wrapped.as_str().into(),
        };
        Printer::stdout(output.format).answer(&shown, table)?;
        Ok(Exit::Done)
    }
}

fn table(shown: &Shown) -> Table {
    let mut table = Table::new(["TRANSIT KEY", "VERSION", "WRAPPED"]);
    let version = shown.transit_key_version.to_string();
    table.row([shown.transit_key.as_str().into(), version.into(), shown.wrapped.as_str().into()]);
    table
}
