use super::identities::{answer, escaped, list, read, tags};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer, Table},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::PolicyDocument;
use serde_json::json;
use std::path::PathBuf;
use ureq::http::Method;

/// Administer managed policies, which users, groups and roles can have
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry policy ls")]
pub(crate) struct PolicyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a managed policy
    #[command(after_help = "Example:\n  gantry policy create pull --document policy.json")]
    Create {
        /// Its name
        name: String,
        /// A file with its text; - reads standard input
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        /// Its path, such as /team/
        #[arg(long)]
        path: Option<String>,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// A tag, as key=value; may be given several times
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List managed policies
    #[command(after_help = "Example:\n  gantry policy ls")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Show a managed policy with its text
    #[command(after_help = "Example:\n  gantry policy show arn:aws:iam::aws:policy/gantry/pull")]
    Show {
        /// Its ARN
        #[arg(value_name = "ARN")]
        arn: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give a managed policy another text
    #[command(
        after_help = "Example:\n  gantry policy update arn:aws:iam::000000000000:policy/pull --document policy.json"
    )]
    Update {
        /// Its ARN
        #[arg(value_name = "ARN")]
        arn: String,
        /// A file with its text; - reads standard input
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete a managed policy that nobody has any more
    #[command(after_help = "Example:\n  gantry policy delete arn:aws:iam::000000000000:policy/pull")]
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

impl PolicyCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create { name, document, path, description, tags: given, remote, output } => {
                let body = json!({
                    "name": name, "document": read(&document)?, "path": path, "description": description,
                    "tags": tags(&given)?,
                });
                let made: PolicyDocument = Remote::open(&remote)?.put(Method::POST, "/api/v1/policies", &body)?;
                Printer::stdout(output.format).tell(&made, &format!("Created the policy {}", made.arn))?;
            }
            What::Ls { remote, output } => {
                let found = list::<PolicyDocument>(&Remote::open(&remote)?, "policies")?;
                answer(&found, output.format, table)?;
            }
            What::Show { arn, remote, output } => {
                let found: PolicyDocument = Remote::open(&remote)?.get(&path_of(&arn))?;
                Printer::stdout(output.format).answer(&found, details)?;
            }
            What::Update { arn, document, remote, output } => {
                let body = json!({"document": read(&document)?});
                let changed: PolicyDocument = Remote::open(&remote)?.put(Method::PUT, &path_of(&arn), &body)?;
                let sentence = format!("Version {} of {arn} counts from now on", changed.version);
                Printer::stdout(output.format).tell(&changed, &sentence)?;
            }
            What::Delete { arn, remote, output } => {
                Remote::open(&remote)?.delete(&path_of(&arn))?;
                Printer::stdout(output.format).tell(&json!({"deleted": arn}), &format!("Deleted the policy {arn}"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn path_of(arn: &str) -> String {
    format!("/api/v1/policies/{}", escaped(arn))
}

fn table(policies: &[PolicyDocument]) -> Table {
    let mut table = Table::new(["NAME", "ARN", "VERSION", "HELD BY"]).right(&[2, 3]);
    for policy in policies {
        table.row([
            policy.name.as_str().into(),
            policy.arn.as_str().into(),
            policy.version.to_string().into(),
            policy.attachment_count.to_string().into(),
        ]);
    }
    table
}

fn details(policy: &PolicyDocument) -> Table {
    let mut table = Table::new(["WHAT", "VALUE"]);
    table.row(["arn".into(), policy.arn.as_str().into()]);
    table.row(["description".into(), policy.description.as_str().into()]);
    table.row(["version".into(), policy.version.to_string().into()]);
    table.row(["text".into(), policy.document.as_deref().unwrap_or_default().into()]);
    table
}
