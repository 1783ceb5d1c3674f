use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
    terminal,
};
use gantry_rest::{AccountDocument, NewAccountDocument};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// Make, list and delete accounts: tenants with repositories, users and a root user of their own
///
/// Only the root user of the site's own account may. Each account has a host, ID.dkr.ecr.REGION.ANYTHING, where docker finds
/// its registry; AWS's tools find it by the key that they sign with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry account ls")]
pub(crate) struct AccountCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create an account, and print the key of its root user, this once
    #[command(after_help = "Example:\n  gantry account create 111122223333 --name payments")]
    Create {
        /// Its id: 12 digits
        id: String,
        /// What people call it; else its id
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List the accounts
    #[command(after_help = "Example:\n  gantry account ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Show an account
    #[command(after_help = "Example:\n  gantry account show 111122223333")]
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete an account that holds nothing any more
    #[command(after_help = "Example:\n  gantry account delete 111122223333 --yes")]
    Delete {
        /// Its id
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give the root user of an account another key; the one before is worth nothing from then on
    #[command(after_help = "Example:\n  gantry account rotate-root 111122223333")]
    RotateRoot {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Let nobody of an account in any more; what it holds stays
    #[command(after_help = "Example:\n  gantry account suspend 111122223333")]
    Suspend {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Let the people of a suspended account in again
    #[command(after_help = "Example:\n  gantry account resume 111122223333")]
    Resume {
        /// Its id
        id: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct List {
    accounts: Vec<AccountDocument>,
}

impl AccountCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create { id, name, remote, output } => {
                let body = json!({"accountId": id, "name": name});
                let new: NewAccountDocument = Remote::open(&remote)?.put(Method::POST, "/api/v1/accounts", &body)?;
                tell_key(&new, output.format, &format!("Created the account {id}."))?;
            }
            What::Ls { remote, output } => {
                let found: List = Remote::open(&remote)?.get("/api/v1/accounts")?;
                Printer::stdout(output.format).answer(&found.accounts, |accounts| table(accounts))?;
            }
            What::Show { id, remote, output } => {
                let found: AccountDocument = Remote::open(&remote)?.get(&format!("/api/v1/accounts/{id}"))?;
                Printer::stdout(output.format).answer(&found, |found| table(std::slice::from_ref(found)))?;
            }
            What::Delete { id, yes, remote, output } => {
                let remote = Remote::open(&remote)?;
                if !yes && !terminal::confirm(&format!("Delete the account {id} with its settings? [y/N] "))? {
                    Printer::stdout(output.format).tell(&json!({"deleted": null}), "Nothing was deleted")?;
                    return Ok(Exit::Done);
                }
                remote.delete(&format!("/api/v1/accounts/{id}"))?;
                let sentence = format!("Deleted the account {id}");
                Printer::stdout(output.format).tell(&json!({"deleted": id}), &sentence)?;
            }
            What::RotateRoot { id, remote, output } => {
                let path = format!("/api/v1/accounts/{id}/root-key");
                let new: NewAccountDocument = Remote::open(&remote)?.put(Method::POST, &path, &json!({}))?;
                tell_key(&new, output.format, &format!("The root user of {id} has another key; the old one is void."))?;
            }
            What::Suspend { id, remote, output } => {
                let sentence = format!("Suspended the account {id}: nobody of it comes in");
                set_state(&Remote::open(&remote)?, &id, "suspended", output.format, &sentence)?;
            }
            What::Resume { id, remote, output } => {
                let sentence = format!("The account {id} goes on");
                set_state(&Remote::open(&remote)?, &id, "active", output.format, &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn set_state(remote: &Remote, id: &str, state: &str, format: Format, sentence: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/accounts/{id}/state");
    let told: AccountDocument = remote.put(Method::PUT, &path, &json!({"state": state}))?;
    Printer::stdout(format).tell(&told, sentence)
}

/// Prints a key that nobody can ask for again.
fn tell_key(new: &NewAccountDocument, format: Format, sentence: &str) -> Result<(), Failure> {
    let text = format!(
        "{sentence} Keep this key of its root user, it is not shown again:\n\n  access key id:     {}\n  secret access key: {}",
        new.access_key_id, new.secret_access_key
    );
    Printer::stdout(format).tell(new, &text)
}

fn table(accounts: &[AccountDocument]) -> Table {
    let mut table = Table::new(["ACCOUNT", "NAME", "STATE", "CREATED", "ROOT KEY"]);
    for account in accounts {
        let state = account.state.as_str();
        table.row([
            account.account_id.as_str().into(),
            account.name.as_str().into(),
            if state == "active" { state.into() } else { Cell::toned(state, Tone::Bad) },
            account.created_at.as_deref().unwrap_or("-").into(),
            account.root_access_key_id.as_str().into(),
        ]);
    }
    table
}
