use super::identities::{self, Attached, Holder, Inline, Listed, Named, Written, escaped, read, tags};
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
    Ls(Listed),
    /// Show a role with what it has
    #[command(after_help = "Example:\n  gantry role show deploy")]
    Show(Named),
    /// Delete a role that has nothing any more
    #[command(after_help = "Example:\n  gantry role delete deploy")]
    Delete(Named),
    /// Give a managed policy to a role
    #[command(after_help = "Example:\n  gantry role attach deploy arn:aws:iam::aws:policy/gantry/pull")]
    Attach(Attached),
    /// Take a managed policy from a role
    #[command(after_help = "Example:\n  gantry role detach deploy arn:aws:iam::aws:policy/gantry/pull")]
    Detach(Attached),
    /// Write a policy into a role, in the place of one of the same name
    #[command(after_help = "Example:\n  gantry role put-policy deploy own --document policy.json")]
    PutPolicy(Written),
    /// Remove a policy that was written into a role
    #[command(after_help = "Example:\n  gantry role delete-policy deploy own")]
    DeletePolicy(Inline),
    /// Say anew what a role is for, and how long its sessions may be
    #[command(after_help = "Example:\n  gantry role update deploy --session-seconds-max 7200")]
    Update {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, required_unless_present = "session_seconds_max")]
        description: Option<String>,
        /// The longest session, in seconds
        #[arg(long, value_name = "SECONDS")]
        session_seconds_max: Option<u32>,
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
            What::Ls(of) => of.list(ROLE)?,
            What::Show(of) => of.show(ROLE)?,
            What::Delete(of) => of.delete(ROLE)?,
            What::Attach(of) => of.attach(ROLE)?,
            What::Detach(of) => of.detach(ROLE)?,
            What::PutPolicy(of) => of.put_policy(ROLE)?,
            What::DeletePolicy(of) => of.delete_policy(ROLE)?,
            What::Update { name, description, session_seconds_max, remote, output } => {
                let body = json!({"description": description, "sessionSecondsMax": session_seconds_max});
                let told = (&json!({"role": name}), &*format!("The role {name} is changed"));
                identities::put(&Remote::open(&remote)?, &ROLE.path(&name), &body, told, output.format)?;
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
