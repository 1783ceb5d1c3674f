use super::read_policy;
use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::AccountPolicyDocument;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use ureq::http::Method;

/// List, write and remove account-wide policies: what they deny nobody may do, root neither
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access account-policy ls")]
pub(crate) struct AccountPolicyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List account-wide policies
    #[command(after_help = "Example:\n  gantry access account-policy ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Write an account-wide policy, in the place of one of that name
    #[command(after_help = "Example:\n  gantry access account-policy put no-deletion --file policy.json")]
    Put {
        /// Its name
        name: String,
        /// A policy whose statements all deny
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Remove an account-wide policy
    #[command(after_help = "Example:\n  gantry access account-policy rm no-deletion")]
    Rm {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct List {
    policies: Vec<AccountPolicyDocument>,
}

impl AccountPolicyCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Ls { remote, output } => {
                let found: List = Remote::open(&remote)?.get("/api/v1/access/account-policies")?;
                Printer::stdout(output.format).answer(&found.policies, |policies| table(policies))?;
            }
            What::Put { name, file, remote, output } => {
                let body = json!({"policy": read_policy(&file)?});
                let written: AccountPolicyDocument = Remote::open(&remote)?.put(Method::PUT, &path(&name)?, &body)?;
                let sentence = format!(
                    "{name} holds for the whole account. End that with: gantry access account-policy rm {name}"
                );
                Printer::stdout(output.format).tell(&written, &sentence)?;
            }
            What::Rm { name, remote, output } => {
                Remote::open(&remote)?.delete(&path(&name)?)?;
                Printer::stdout(output.format).tell(&json!({"removed": name}), &format!("Removed {name}"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn path(name: &str) -> Result<String, Failure> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || !name.bytes().all(allowed) {
        let remedy = "Write letters, digits, and . _ -, such as no-deletion";
        return Err(Failure::usage(format!("{name:?} is no name of an account-wide policy"), remedy));
    }
    Ok(format!("/api/v1/access/account-policies/{name}"))
}

fn table(policies: &[AccountPolicyDocument]) -> Table {
    let mut table = Table::new(["NAME", "BYTES", "CHANGED"]).right(&[1]);
    for policy in policies {
        table.row([
            policy.name.as_str().into(),
            policy.policy.len().to_string().into(),
            policy.changed_at.as_str().into(),
        ]);
    }
    table
}
