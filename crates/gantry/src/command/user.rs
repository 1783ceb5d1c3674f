mod password;

use super::identities::{Holder, read, tags};
use crate::{
    output::{Exit, Failure, OutputFlag},
    remote::{Remote, RemoteFlags},
};
use password::PasswordCommand;
use serde_json::json;
use std::path::PathBuf;

const USER: Holder = Holder { collection: "users", title: "user" };

/// Administer users: people and programs with access keys
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry user ls")]
pub(crate) struct UserCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Password(PasswordCommand),
    /// Create a user
    #[command(after_help = "Example:\n  gantry user create ann")]
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
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List users
    #[command(after_help = "Example:\n  gantry user ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Show a user with what it has
    #[command(after_help = "Example:\n  gantry user show ann")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete a user that has nothing any more
    #[command(after_help = "Example:\n  gantry user delete ann")]
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give a managed policy to a user
    #[command(after_help = "Example:\n  gantry user attach ann arn:aws:iam::aws:policy/gantry/pull")]
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
    /// Take a managed policy from a user
    #[command(after_help = "Example:\n  gantry user detach ann arn:aws:iam::aws:policy/gantry/pull")]
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
    /// Write a policy into a user, in the place of one of the same name
    #[command(after_help = "Example:\n  gantry user put-policy ann own --document policy.json")]
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
    /// Remove a policy that was written into a user
    #[command(after_help = "Example:\n  gantry user delete-policy ann own")]
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
}

impl UserCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Password(command) => return command.run(),
            What::Create { name, path, boundary, tags: given, remote, output } => {
                let body = json!({"name": name, "path": path, "boundary": boundary, "tags": tags(&given)?});
                USER.create(&Remote::open(&remote)?, &body, output.format)?;
            }
            What::Ls { remote, output } => USER.list(&Remote::open(&remote)?, output.format)?,
            What::Show { name, remote, output } => USER.show(&Remote::open(&remote)?, &name, output.format)?,
            What::Delete { name, remote, output } => {
                USER.delete(&Remote::open(&remote)?, &name, output.format)?;
            }
            What::Attach { name, arn, remote, output } => {
                USER.attach(&Remote::open(&remote)?, &name, &arn, output.format)?;
            }
            What::Detach { name, arn, remote, output } => {
                USER.detach(&Remote::open(&remote)?, &name, &arn, output.format)?;
            }
            What::PutPolicy { name, policy, document, remote, output } => {
                USER.put_policy(&Remote::open(&remote)?, (&name, &policy), &read(&document)?, output.format)?;
            }
            What::DeletePolicy { name, policy, remote, output } => {
                USER.delete_policy(&Remote::open(&remote)?, &name, &policy, output.format)?;
            }
        }
        Ok(Exit::Done)
    }
}
