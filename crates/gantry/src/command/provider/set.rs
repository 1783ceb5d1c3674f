use crate::{
    command::identities::list,
    config::read_text,
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, RemoteFlags},
};
use gantry_rest::ProviderDocument;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use ureq::http::Method;

/// Set all options of a provider anew; what is not given is off
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry provider set gitlab.example.com --authorities ca.pem")]
pub(super) struct SetCommand {
    /// Its ARN, or its URL, with or without https://
    #[arg(value_name = "PROVIDER")]
    named: String,
    /// A file with its keys (a JWK set), for a provider that the server cannot ask
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// A PEM file of authorities that are believed, in place of the system's, when the server asks the provider
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    authorities: Option<PathBuf>,
    /// Take each token once, and none as a password
    #[arg(long)]
    single_use: bool,
    #[command(flatten)]
    remote: RemoteFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl SetCommand {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let SetCommand { named, keys, authorities, single_use, remote, output } = self;
        let text = |file: Option<&Path>| file.map(read).transpose();
        let (keys, authorities) = (text(keys.as_deref())?, text(authorities.as_deref())?);
        let body = json!({"keySet": keys, "authorities": authorities, "singleUse": single_use});
        let remote = Remote::open(&remote)?;
        let arn = find(&remote, &named)?;
        let path = format!("{}/options", super::path_of(&arn));
        let set: Value = remote.put(Method::PUT, &path, &body)?;
        Printer::stdout(output.format).tell(&set, &format!("The options of the provider {arn} are set."))?;
        Ok(Exit::Done)
    }
}

/// Returns the ARN of the provider that is named by its ARN or its URL.
fn find(remote: &Remote, named: &str) -> Result<String, Failure> {
    if named.starts_with("arn:") {
        return Ok(named.into());
    }
    let url = named.strip_prefix("https://").unwrap_or(named);
    let found = list::<ProviderDocument>(remote, "providers")?.into_iter().find(|provider| provider.url == url);
    found
        .map(|provider| provider.arn)
        .ok_or_else(|| Failure::failed(format!("there is no provider {url}"), "Run: gantry provider ls"))
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::failed(format!("cannot read {}: {error}", file.display()), "Name another file");
    read_text(file).map_err(failed)
}
