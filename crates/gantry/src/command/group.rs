use super::identities::{self, Attached, Holder, Inline, Listed, Named, Renamed, Written, escaped};
use crate::{
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use serde_json::json;

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
    Ls(Listed),
    /// Show a group with what it has
    #[command(after_help = "Example:\n  gantry group show developers")]
    Show(Named),
    /// Give a group another name or path; what it has goes along
    #[command(after_help = "Example:\n  gantry group rename developers builders")]
    Rename(Renamed),
    /// Delete a group that has nothing any more
    #[command(after_help = "Example:\n  gantry group delete developers")]
    Delete(Named),
    /// Give a managed policy to a group
    #[command(after_help = "Example:\n  gantry group attach developers arn:aws:iam::aws:policy/gantry/pull")]
    Attach(Attached),
    /// Take a managed policy from a group
    #[command(after_help = "Example:\n  gantry group detach developers arn:aws:iam::aws:policy/gantry/pull")]
    Detach(Attached),
    /// Write a policy into a group, in the place of one of the same name
    #[command(after_help = "Example:\n  gantry group put-policy developers own --document policy.json")]
    PutPolicy(Written),
    /// Remove a policy that was written into a group
    #[command(after_help = "Example:\n  gantry group delete-policy developers own")]
    DeletePolicy(Inline),
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
            What::Ls(of) => of.list(GROUP)?,
            What::Show(of) => of.show(GROUP)?,
            What::Rename(of) => of.rename(GROUP)?,
            What::Delete(of) => of.delete(GROUP)?,
            What::Attach(of) => of.attach(GROUP)?,
            What::Detach(of) => of.detach(GROUP)?,
            What::PutPolicy(of) => of.put_policy(GROUP)?,
            What::DeletePolicy(of) => of.delete_policy(GROUP)?,
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
