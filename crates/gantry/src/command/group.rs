use super::identities::{self, Holder, escaped, read};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use serde_json::json;
use std::path::PathBuf;

const GROUP: Holder = Holder { collection: "groups", title: "group" };

/// Administer groups of users, who have their policies
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry group ls")]
pub(crate) struct GroupCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a group
    #[command(after_help = "Example:\n  gantry group create developers")]
    Create {
        /// Its name
        name: String,
        /// Its path, such as /team/
        #[arg(long)]
        path: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List groups
    #[command(after_help = "Example:\n  gantry group ls --output json")]
    Ls {
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Show a group with what it has
    #[command(after_help = "Example:\n  gantry group show developers")]
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete a group that has nothing any more
    #[command(after_help = "Example:\n  gantry group delete developers")]
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give a managed policy to a group
    #[command(after_help = "Example:\n  gantry group attach developers arn:aws:iam::aws:policy/gantry/pull")]
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
    /// Take a managed policy from a group
    #[command(after_help = "Example:\n  gantry group detach developers arn:aws:iam::aws:policy/gantry/pull")]
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
    /// Write a policy into a group, in the place of one of the same name
    #[command(after_help = "Example:\n  gantry group put-policy developers own --document policy.json")]
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
    /// Remove a policy that was written into a group
    #[command(after_help = "Example:\n  gantry group delete-policy developers own")]
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
    /// Put a user into a group
    #[command(after_help = "Example:\n  gantry group add developers ann")]
    Add {
        /// The name of the group
        name: String,
        /// The name of the user
        #[arg(value_name = "USER")]
        member: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Take a user out of a group
    #[command(after_help = "Example:\n  gantry group remove developers ann")]
    Remove {
        /// The name of the group
        name: String,
        /// The name of the user
        #[arg(value_name = "USER")]
        member: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

impl GroupCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create { name, path, remote, output } => {
                let body = json!({"name": name, "path": path});
                GROUP.create(&Remote::open(&remote)?, &body, output.format)?;
            }
            What::Ls { remote, output } => GROUP.list(&Remote::open(&remote)?, output.format)?,
            What::Show { name, remote, output } => GROUP.show(&Remote::open(&remote)?, &name, output.format)?,
            What::Delete { name, remote, output } => {
                GROUP.delete(&Remote::open(&remote)?, &name, output.format)?;
            }
            What::Attach { name, arn, remote, output } => {
                GROUP.attach(&Remote::open(&remote)?, &name, &arn, output.format)?;
            }
            What::Detach { name, arn, remote, output } => {
                GROUP.detach(&Remote::open(&remote)?, &name, &arn, output.format)?;
            }
            What::PutPolicy { name, policy, document, remote, output } => {
                GROUP.put_policy(&Remote::open(&remote)?, (&name, &policy), &read(&document)?, output.format)?;
            }
            What::DeletePolicy { name, policy, remote, output } => {
                GROUP.delete_policy(&Remote::open(&remote)?, &name, &policy, output.format)?;
            }
            What::Add { name, member, remote, output } => {
                let (path, sentence) = (path_of(&name, &member), format!("{member} is in the group {name}"));
                let told = json!({"group": name, "user": member});
                identities::put(&Remote::open(&remote)?, &path, &json!({}), (&told, &sentence), output.format)?;
            }
            What::Remove { name, member, remote, output } => {
                Remote::open(&remote)?.delete(&path_of(&name, &member))?;
                let told = json!({"group": name, "user": member});
                let sentence = format!("{member} is not in the group {name} any more");
                Printer::stdout(output.format).tell(&told, &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn path_of(group: &str, user: &str) -> String {
    format!("/api/v1/groups/{}/members/{}", escaped(group), escaped(user))
}
