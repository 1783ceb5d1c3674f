mod set;

use super::identities::escaped;
use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::ProviderDocument;
use serde::Deserialize;
use serde_json::json;
use set::SetCommand;
use ureq::http::Method;

/// Administer OpenID Connect providers, whose tokens roles can trust
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry provider ls")]
pub(crate) struct ProviderCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Let an OpenID Connect provider vouch for others
    #[command(
        after_help = "Example:\n  gantry provider create https://token.actions.githubusercontent.com --client-id sts.amazonaws.com"
    )]
    Create {
        /// Its issuer, with https://
        url: String,
        /// An audience its tokens may name; may be given several times
        #[arg(long = "client-id", value_name = "ID")]
        client_ids: Vec<String>,
        /// The SHA-1 hash of a certificate, in hexadecimal; may be given several times
        #[arg(long = "thumbprint", value_name = "HASH")]
        thumbprints: Vec<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List the OpenID Connect providers
    #[command(after_help = "Example:\n  gantry provider ls")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Show an OpenID Connect provider
    #[command(
        after_help = "Example:\n  gantry provider show arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
    )]
    Show {
        /// Its ARN
        #[arg(value_name = "ARN")]
        arn: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    Set(SetCommand),
    /// Let an OpenID Connect provider vouch for nobody any more
    #[command(
        after_help = "Example:\n  gantry provider delete arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
    )]
    Delete {
        /// Its ARN
        #[arg(value_name = "ARN")]
        arn: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
struct List {
    providers: Vec<ProviderDocument>,
}

impl ProviderCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create { url, client_ids, thumbprints, remote, output } => {
                let body = json!({"url": url, "clientIds": client_ids, "thumbprints": thumbprints});
                let made: ProviderDocument = Remote::open(&remote)?.put(Method::POST, "/api/v1/providers", &body)?;
                Printer::stdout(output.format).tell(&made, &format!("Created the provider {}", made.arn))?;
            }
            What::Ls { remote, output } => {
                let found: List = Remote::open(&remote)?.get("/api/v1/providers")?;
                Printer::stdout(output.format).answer(&found.providers, |found| table(found))?;
            }
            What::Show { arn, remote, output } => {
                let found: ProviderDocument = Remote::open(&remote)?.get(&path_of(&arn))?;
                Printer::stdout(output.format).answer(&found, |found| table(std::slice::from_ref(found)))?;
            }
            What::Set(command) => return command.run(),
            What::Delete { arn, remote, output } => {
                Remote::open(&remote)?.delete(&path_of(&arn))?;
                Printer::stdout(output.format)
                    .tell(&json!({"deleted": arn}), &format!("Deleted the provider {arn}"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn path_of(arn: &str) -> String {
    format!("/api/v1/providers/{}", escaped(arn))
}

fn table(providers: &[ProviderDocument]) -> Table {
    let mut table = Table::new(["URL", "ARN", "AUDIENCES"]);
    for provider in providers {
        table.row([
            provider.url.as_str().into(),
            provider.arn.as_str().into(),
            provider.client_ids.join(", ").as_str().into(),
        ]);
    }
    table
}
