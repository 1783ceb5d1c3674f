use super::identities::{escaped, put, tell_key};
use crate::{
    output::{Cell, Exit, Failure, Format, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::{AccessKeyDocument, KeyState, NewAccessKeyDocument};
use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

/// Administer the access keys of users
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry access-key ls ann")]
pub(crate) struct AccessKeyCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Give a user an access key, and print its secret, this once
    #[command(after_help = "Example:\n  gantry access-key create ann")]
    Create {
        /// The name of its user
        #[arg(value_name = "USER")]
        owner: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// List the access keys of a user
    #[command(after_help = "Example:\n  gantry access-key ls ann")]
    Ls {
        /// The name of its user
        #[arg(value_name = "USER")]
        owner: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Delete an access key of a user
    #[command(after_help = "Example:\n  gantry access-key delete ann AKIAIOSFODNN7EXAMPLE")]
    Delete {
        /// The name of its user
        #[arg(value_name = "USER")]
        owner: String,
        /// Its id
        key: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Switch an access key of a user off
    #[command(after_help = "Example:\n  gantry access-key disable ann AKIAIOSFODNN7EXAMPLE")]
    Disable {
        /// The name of its user
        #[arg(value_name = "USER")]
        owner: String,
        /// Its id
        key: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Switch an access key of a user on again
    #[command(after_help = "Example:\n  gantry access-key enable ann AKIAIOSFODNN7EXAMPLE")]
    Enable {
        /// The name of its user
        #[arg(value_name = "USER")]
        owner: String,
        /// Its id
        key: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Give an access key of a user another secret, and print it, this once
    #[command(after_help = "Example:\n  gantry access-key rotate ann AKIAIOSFODNN7EXAMPLE --overlap 1h")]
    Rotate {
        /// The name of its user
        #[arg(value_name = "USER")]
        owner: String,
        /// Its id
        key: String,
        /// For how long the secret before stays good too, up to 7d
        #[arg(long, value_name = "TIME", default_value = "0s")]
        overlap: String,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    access_keys: Vec<AccessKeyDocument>,
}

impl AccessKeyCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create { owner, remote, output } => {
                let made: NewAccessKeyDocument = Remote::open(&remote)?.put(Method::POST, &keys(&owner), &json!({}))?;
                tell_key(&made, output.format, &format!("Created an access key for {owner}."))?;
            }
            What::Ls { owner, remote, output } => {
                let found: List = Remote::open(&remote)?.get(&keys(&owner))?;
                Printer::stdout(output.format).answer(&found.access_keys, |found| table(found))?;
            }
            What::Delete { owner, key, remote, output } => {
                Remote::open(&remote)?.delete(&format!("{}/{}", keys(&owner), escaped(&key)))?;
                Printer::stdout(output.format)
                    .tell(&json!({"deleted": key}), &format!("Deleted the access key {key}"))?;
            }
            What::Disable { owner, key, remote, output } => {
                set_state(&Remote::open(&remote)?, (&owner, &key), KeyState::Disabled, output.format)?;
            }
            What::Enable { owner, key, remote, output } => {
                set_state(&Remote::open(&remote)?, (&owner, &key), KeyState::Active, output.format)?;
            }
            What::Rotate { owner, key, overlap, remote, output } => {
                let path = format!("{}/{}/rotate", keys(&owner), escaped(&key));
                let made: NewAccessKeyDocument =
                    Remote::open(&remote)?.put(Method::POST, &path, &json!({"overlap": overlap}))?;
                tell_key(&made, output.format, &format!("The access key {key} has another secret."))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn keys(user: &str) -> String {
    format!("/api/v1/users/{}/access-keys", escaped(user))
}

fn set_state(remote: &Remote, (user, key): (&str, &str), state: KeyState, format: Format) -> Result<(), Failure> {
    let path = format!("{}/{}/state", keys(user), escaped(key));
    let told = json!({"accessKeyId": key, "state": state});
    let is = if state == KeyState::Active { "on" } else { "off" };
    put(remote, &path, &json!({"state": state}), (&told, &format!("The access key {key} is {is}")), format)
}

fn table(keys: &[AccessKeyDocument]) -> Table {
    let mut table = Table::new(["ACCESS KEY", "STATE", "CREATED", "SECRET BEFORE GOOD UNTIL"]);
    for key in keys {
        let state = if key.state == KeyState::Active { "active".into() } else { Cell::toned("disabled", Tone::Bad) };
        let until = key.previous_until.as_deref();
        table.row([
            key.access_key_id.as_str().into(),
            state,
            key.created_at.as_str().into(),
            until.map_or_else(|| Cell::toned("-", Tone::Faint), Cell::from),
        ]);
    }
    table
}
