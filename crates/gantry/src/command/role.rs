use super::identities::{self, Holder, escaped, read, tags};
use crate::{
    output::{Exit, Failure, OutputFlag},
    remote::{Remote, RemoteFlags},
};
use serde_json::json;
use std::path::PathBuf;

const ROLE: Holder = Holder { collection: "roles", title: "role" };

/// Administer roles, that others become for a while
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry role ls")]
pub(crate) struct RoleCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a role
    #[command(after_help = "Example:\n  gantry role create deploy --trust trust.json")]
    Create {
        /// Its name
        name: String,
        /// Its path, such as /team/
        #[arg(long)]
        path: Option<String>,
        /// The ARN of the managed policy that bounds it
        #[arg(long, value_name = "ARN")]
        boundary: Option<String>,
        /// A tag, as key=value; may be given several times
        #[arg(long = "tag", value_name = "KEY=VALUE")]
        tags: Vec<String>,
        /// A file with the trust policy, which says who may become it; - reads standard input
        #[arg(long, value_name = "FILE")]
        trust: PathBuf,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// The longest session, in seconds
        #[arg(long, value_name = "SECONDS")]
        session_seconds_max: Option<u32>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List roles
    #[command(after_help = "Example:\n  gantry role ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Show a role with what it has
    #[command(after_help = "Example:\n  gantry role show deploy")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete a role that has nothing any more
    #[command(after_help = "Example:\n  gantry role delete deploy")]
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give a managed policy to a role
    #[command(after_help = "Example:\n  gantry role attach deploy arn:aws:iam::aws:policy/gantry/pull")]
    Attach {
        /// Its name
        name: String,
        /// The ARN of the policy
        #[arg(value_name = "ARN")]
        arn: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Take a managed policy from a role
    #[command(after_help = "Example:\n  gantry role detach deploy arn:aws:iam::aws:policy/gantry/pull")]
    Detach {
        /// Its name
        name: String,
        /// The ARN of the policy
        #[arg(value_name = "ARN")]
        arn: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Write a policy into a role, in the place of one of the same name
    #[command(after_help = "Example:\n  gantry role put-policy deploy own --document policy.json")]
    PutPolicy {
        /// Its name
        name: String,
        /// The name of the policy
        policy: String,
        /// A file with its text; - reads standard input
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Remove a policy that was written into a role
    #[command(after_help = "Example:\n  gantry role delete-policy deploy own")]
    DeletePolicy {
        /// Its name
        name: String,
        /// The name of the policy
        policy: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Say anew who may become a role
    #[command(after_help = "Example:\n  gantry role trust deploy --document trust.json")]
    Trust {
        /// Its name
        name: String,
        /// A file with the trust policy; - reads standard input
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

impl RoleCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create {
                name,
                path,
                boundary,
                tags: given,
                trust,
                description,
                session_seconds_max,
                remote,
                output,
            } => {
                let trust = read(&trust)?;
                let body = json!({"name": name, "path": path, "boundary": boundary, "tags": tags(&given)?, "trustPolicy": trust, "description": description, "sessionSecondsMax": session_seconds_max});
                ROLE.create(&Remote::open(&remote)?, &body, output.format)?;
            }
            What::Ls { remote, output } => ROLE.list(&Remote::open(&remote)?, output.format)?,
            What::Show { name, remote, output } => ROLE.show(&Remote::open(&remote)?, &name, output.format)?,
            What::Delete { name, remote, output } => {
                ROLE.delete(&Remote::open(&remote)?, &name, output.format)?;
            }
            What::Attach { name, arn, remote, output } => {
                ROLE.attach(&Remote::open(&remote)?, &name, &arn, output.format)?;
            }
            What::Detach { name, arn, remote, output } => {
                ROLE.detach(&Remote::open(&remote)?, &name, &arn, output.format)?;
            }
            What::PutPolicy { name, policy, document, remote, output } => {
                ROLE.put_policy(&Remote::open(&remote)?, (&name, &policy), &read(&document)?, output.format)?;
            }
            What::DeletePolicy { name, policy, remote, output } => {
                ROLE.delete_policy(&Remote::open(&remote)?, &name, &policy, output.format)?;
            }
            What::Trust { name, document, remote, output } => {
                let (path, body) =
                    (format!("/api/v1/roles/{}/trust-policy", escaped(&name)), json!({"document": read(&document)?}));
                let sentence = format!("Who may become {name} is said anew");
                identities::put(
                    &Remote::open(&remote)?,
                    &path,
                    &body,
                    (&json!({"role": name}), &sentence),
                    output.format,
                )?;
            }
        }
        Ok(Exit::Done)
    }
}
