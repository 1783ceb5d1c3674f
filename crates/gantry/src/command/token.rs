use crate::{
    output::{Cell, Exit, Failure, OutputFlag, Printer, Table, Tone},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::PersonalTokenDocument;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use ureq::http::Method;

/// Make personal tokens, which stand for you in docker and other programs in place of your password
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry token create laptop --read-only")]
pub(crate) struct TokenCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a token, and show it this once
    #[command(after_help = "Example:\n  gantry token create laptop --expires-in 30d --prefix team/")]
    Create(CreateCommand),
    /// List your tokens, those of another user, or all there are
    #[command(after_help = "Example:\n  gantry token ls")]
    Ls {
        /// Whose; yours where nobody is named, and everybody's for '*'
        #[arg(long = "of", value_name = "USER")]
        of: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
    /// Revoke a token: it is worth nothing at once
    #[command(after_help = "Example:\n  gantry token revoke GTPTABCDEFGHIJKLMNOP")]
    Revoke {
        /// Its id, as ls shows it
        id: String,
        /// Whose it is; yours where nobody is named, and whosever for '*'
        #[arg(long = "of", value_name = "USER")]
        of: Option<String>,
        #[command(flatten)]
        remote: RemoteFlags,
        #[command(flatten)]
        output: OutputFlag,
    },
}

#[derive(Debug, clap::Args)]
struct CreateCommand {
    /// What it is called
    name: String,
    /// How long it lives
    #[arg(long, value_name = "TIME", default_value = "30d")]
    expires_in: String,
    /// It can only read
    #[arg(long)]
    read_only: bool,
    /// It is good for repositories whose names begin so
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// A file with a policy that it is narrowed to
    #[arg(long, value_name = "FILE", conflicts_with_all = ["read_only", "prefix"])]
    policy_file: Option<PathBuf>,
    /// Whose it is; yours where nobody is named
    #[arg(long = "of", value_name = "USER")]
    of: Option<String>,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

#[derive(Serialize, Deserialize)]
struct Made {
    #[serde(flatten)]
    about: PersonalTokenDocument,
    token: String,
}

#[derive(Deserialize)]
struct Listed {
    tokens: Vec<PersonalTokenDocument>,
}

impl TokenCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.what {
            What::Create(command) => command.run()?,
            What::Ls { of, remote, output } => {
                let found: Listed = Remote::open(&remote)?.get(&format!("/api/v1/tokens{}", query(of.as_deref())))?;
                Printer::stdout(output.format).answer(&found.tokens, |tokens| table(tokens))?;
            }
            What::Revoke { id, of, remote, output } => {
                let path = format!("/api/v1/tokens/{id}{}", query(of.as_deref()));
                let gone: PersonalTokenDocument = Remote::open(&remote)?.delete_and_read(&path)?;
                let sentence = format!("Revoked the token {} of {}", gone.name, gone.user);
                Printer::stdout(output.format).tell(&gone, &sentence)?;
            }
        }
        Ok(Exit::Done)
    }
}

impl CreateCommand {
    fn run(self) -> Result<(), Failure> {
        let policy = self.policy_file.as_deref().map(read).transpose()?;
        let body = json!({
            "name": self.name,
            "user": self.of,
            "expiresIn": self.expires_in,
            "readOnly": self.read_only,
            "prefix": self.prefix,
            "policy": policy,
        });
        let made: Made = Remote::open(&self.remote)?.put(Method::POST, "/api/v1/tokens", &body)?;
        let sentence = format!(
            "{}\nThis token of {} is shown this once, and good until {}. Use it as the password of: docker login --username {}",
            made.token, made.about.user, made.about.expires_at, made.about.user
        );
        Printer::stdout(self.output.format).tell(&made, &sentence)
    }
}

/// Reads a policy from a file.
fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::failed(format!("cannot read {}: {error}", path.display()), "Name a file with a policy in JSON")
    })
}

/// Names of users are of characters that mean nothing in an address, but for a plus sign.
fn query(user: Option<&str>) -> String {
    user.map_or_else(String::new, |user| format!("?user={}", user.replace('+', "%2B")))
}

fn table(tokens: &[PersonalTokenDocument]) -> Table {
    let mut table = Table::new(["ID", "USER", "NAME", "MADE", "GOOD UNTIL", "LAST USED", "NARROWED"]);
    for token in tokens {
        let never = || Cell::toned("never", Tone::Faint);
        table.row([
            token.id.as_str().into(),
            token.user.as_str().into(),
            token.name.as_str().into(),
            token.created_at.as_str().into(),
            token.expires_at.as_str().into(),
            token.used_at.as_deref().map_or_else(never, Cell::from),
            if token.policy.is_some() { "yes" } else { "no" }.into(),
        ]);
    }
    table
}
