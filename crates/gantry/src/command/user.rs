mod password;

use super::identities::{Attached, Holder, Inline, Listed, Named, Renamed, Written, tags};
use crate::{
    output::{Exit, Failure, OutputFlag},
    remote::{Remote, RemoteFlags},
};
use password::PasswordCommand;
use serde_json::json;

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
    Ls(Listed),
    /// Show a user with what it has
    #[command(after_help = "Example:\n  gantry user show ann")]
    Show(Named),
    /// Give a user another name or path; what it has goes along
    #[command(after_help = "Example:\n  gantry user rename ann anna")]
    Rename(Renamed),
    /// Delete a user that has nothing any more
    #[command(after_help = "Example:\n  gantry user delete ann")]
    Delete(Named),
    /// Give a managed policy to a user
    #[command(after_help = "Example:\n  gantry user attach ann arn:aws:iam::aws:policy/gantry/pull")]
    Attach(Attached),
    /// Take a managed policy from a user
    #[command(after_help = "Example:\n  gantry user detach ann arn:aws:iam::aws:policy/gantry/pull")]
    Detach(Attached),
    /// Write a policy into a user, in the place of one of the same name
    #[command(after_help = "Example:\n  gantry user put-policy ann own --document policy.json")]
    PutPolicy(Written),
    /// Remove a policy that was written into a user
    #[command(after_help = "Example:\n  gantry user delete-policy ann own")]
    DeletePolicy(Inline),
}

impl UserCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Password(command) => return command.run(),
            What::Create { name, path, boundary, tags: given, remote, output } => {
                let body = json!({"name": name, "path": path, "boundary": boundary, "tags": tags(&given)?});
                USER.create(&Remote::open(&remote)?, &body, output.format)?;
            }
            What::Ls(of) => of.list(USER)?,
            What::Show(of) => of.show(USER)?,
            What::Rename(of) => of.rename(USER)?,
            What::Delete(of) => of.delete(USER)?,
            What::Attach(of) => of.attach(USER)?,
            What::Detach(of) => of.detach(USER)?,
            What::PutPolicy(of) => of.put_policy(USER)?,
            What::DeletePolicy(of) => of.delete_policy(USER)?,
        }
        Ok(Exit::Done)
    }
}
