use super::identities::{Holder, Listed, Named, put, tell_key};
use crate::{
    output::{Exit, Failure, Format, OutputFlag},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{KeyState, NewAccessKeyDocument};
use serde_json::json;
use ureq::http::Method;

const ROBOT: Holder = Holder { collection: "robots", title: "robot" };

/// Administer robots: users that are programs, with an end, networks and one key
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry robot ls")]
pub(crate) struct RobotCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a robot with an access key, and print its secret, this once
    #[command(
        after_help = "Example:\n  gantry robot create ci --push team/ --network 10.1.0.0/16 --expires 2027-01-01T00:00:00Z"
    )]
    Create {
        /// Its name
        name: String,
        /// Repositories that it may pull from: the beginning of their names; may be given several times
        #[arg(long, value_name = "PREFIX")]
        pull: Vec<String>,
        /// Repositories that it may push to, and pull from; may be given several times
        #[arg(long, value_name = "PREFIX")]
        push: Vec<String>,
        /// The ARN of a managed policy that it has; may be given several times
        #[arg(long = "policy", value_name = "ARN")]
        policies: Vec<String>,
        /// From where it may come, as CIDR; may be given several times
        #[arg(long = "network", value_name = "CIDR")]
        networks: Vec<String>,
        /// From when on it is nobody, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// The ARN of the managed policy that bounds it
        #[arg(long, value_name = "ARN")]
        boundary: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List robots
    #[command(after_help = "Example:\n  gantry robot ls")]
    Ls(Listed),
    /// Show a robot with what it has
    #[command(after_help = "Example:\n  gantry robot show ci")]
    Show(Named),
    /// Say anew when a robot ends and from where it may come
    #[command(after_help = "Example:\n  gantry robot update ci --network 10.1.0.0/16")]
    Update {
        /// Its name
        name: String,
        /// From where it may come, as CIDR; from anywhere where nothing is said
        #[arg(long = "network", value_name = "CIDR")]
        networks: Vec<String>,
        /// From when on it is nobody; never where nothing is said
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give a robot another secret, and print it, this once
    #[command(after_help = "Example:\n  gantry robot rotate ci --overlap 24h")]
    Rotate {
        /// Its name
        name: String,
        /// For how long the secret before stays good too, up to 7d
        #[arg(long, value_name = "TIME", default_value = "0s")]
        overlap: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Switch a robot off
    #[command(after_help = "Example:\n  gantry robot disable ci")]
    Disable {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Switch a robot on again
    #[command(after_help = "Example:\n  gantry robot enable ci")]
    Enable {
        /// Its name
        name: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete a robot with its access keys and all that was given to it
    #[command(after_help = "Example:\n  gantry robot delete ci")]
    Delete(Named),
}

impl RobotCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create { name, pull, push, policies, networks, expires, boundary, remote, output } => {
                let body = json!({
                    "name": name, "pull": pull, "push": push, "policies": policies, "networks": networks,
                    "expiresAt": expires, "boundary": boundary,
                });
                let made: NewAccessKeyDocument = Remote::open(&remote)?.put(Method::POST, "/api/v1/robots", &body)?;
                tell_key(&made, output.format, &format!("Created the robot {name}."))?;
            }
            What::Ls(of) => of.list(ROBOT)?,
            What::Show(of) => of.show(ROBOT)?,
            What::Update { name, networks, expires, remote, output } => {
                let body = json!({"networks": networks, "expiresAt": expires});
                let sentence = format!("What holds for the robot {name} is said anew");
                put(
                    &Remote::open(&remote)?,
                    &ROBOT.path(&name),
                    &body,
                    (&json!({"robot": name}), &sentence),
                    output.format,
                )?;
            }
            What::Rotate { name, overlap, remote, output } => {
                let path = format!("{}/rotate", ROBOT.path(&name));
                let made: NewAccessKeyDocument =
                    Remote::open(&remote)?.put(Method::POST, &path, &json!({"overlap": overlap}))?;
                tell_key(&made, output.format, &format!("The robot {name} has another secret."))?;
            }
            What::Disable { name, remote, output } => {
                set_state(&Remote::open(&remote)?, &name, KeyState::Disabled, output.format)?;
            }
            What::Enable { name, remote, output } => {
                set_state(&Remote::open(&remote)?, &name, KeyState::Active, output.format)?;
            }
            What::Delete(of) => of.delete(ROBOT)?,
        }
        Ok(Exit::Done)
    }
}

fn set_state(remote: &Remote, name: &str, state: KeyState, format: Format) -> Result<(), Failure> {
    let path = format!("{}/state", ROBOT.path(name));
    let is = if state == KeyState::Active { "on" } else { "off" };
    let told = (&json!({"robot": name, "state": state}), &*format!("The robot {name} is {is}"));
    put(remote, &path, &json!({"state": state}), told, format)
}
