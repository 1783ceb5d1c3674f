mod device;

use crate::{
    credentials::{Kept, read_password, store, store_for_docker},
    output::{Exit, Failure, OutputFlag, Printer},
    remote::{Remote, TrustFlags},
    terminal,
};
use gantry_words::Secret;
use serde_json::{Value, json};
use std::{
    io::{self, IsTerminal, Read},
    path::PathBuf,
};

/// Log in to a server, and keep the credentials where docker keeps its own
///
/// What is not given is asked for on a terminal; the password is not shown. With --oidc a person lets the terminal in with a
/// browser, on any machine, and it gets credentials of his role, which end by themselves.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry login 127.0.0.1:5000 --credentials gantry-data/root-credentials")]
pub(crate) struct LoginCommand {
    /// The server, as host:port or URL (plain HTTP on this machine, HTTPS elsewhere)
    #[arg(env = "GANTRY_SERVER", hide_env_values = true, default_value = "127.0.0.1:5000")]
    server: String,
    /// The user
    #[arg(long, short, visible_alias = "username")]
    user: Option<String>,
    /// A file with the password; else it is read from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read the password from standard input even where that is a terminal; the name is docker's
    #[arg(long, conflicts_with_all = ["password_file", "credentials"])]
    password_stdin: bool,
    /// A credentials file as the first start writes it: user and password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "password_file"])]
    credentials: Option<PathBuf>,
    /// Log in at the server's identity provider, with a browser
    #[arg(long, conflicts_with_all = ["user", "password_file", "password_stdin", "credentials"])]
    oidc: bool,
    /// With --oidc: show a code to type in a browser on any machine (this is what --oidc does by itself, too)
    #[arg(long, requires = "oidc")]
    device: bool,
    /// Keep the credentials in docker's own file, even where that names a helper which keeps them
    #[arg(long)]
    docker: bool,
    #[command(flatten)]
    trust: TrustFlags,
    #[command(flatten)]
    output: OutputFlag,
}

impl LoginCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let remote = Remote::at(&self.server, &self.trust)?;
        let (user, password, expires_at) = if self.oidc {
            let found = device::log_in(&remote)?;
            (found.user, found.password, Some(found.expires_at))
        } else {
            let (user, password) = self.credentials()?;
            (user, password, None)
        };
        let remote = remote.with_password(&user, &password);
        let _: Value = remote.get("/v2/")?;
        let host = remote.host();
        let keep: Kept = if self.docker { store_for_docker } else { store };
        let place = keep(host, &user, &password)?;
        let mut answer = json!({"server": host, "user": user, "credentials": place});
        let mut sentence = format!("Logged in to {host} as {user}. The credentials are in {place}.");
        if let Some(expires_at) = expires_at {
            answer["expiresAt"] = expires_at.clone().into();
            sentence.push_str(&format!(" They end at {expires_at}."));
        }
        Printer::stdout(self.output.format).tell(&answer, &sentence)?;
        Ok(Exit::Done)
    }

    fn credentials(&self) -> Result<(String, Secret<String>), Failure> {
        if let Some(file) = &self.credentials {
            let text = read_password(file)?;
            let found = gantry_accounts::RootCredentials::parse(text.reveal()).map_err(|error| {
                let remedy = "Name the file that the first start of the server has written";
                Failure::usage(format!("{}: {error}", file.display()), remedy)
            })?;
            return Ok((found.access_key_id, found.secret_access_key));
        }
        let user = match &self.user {
            Some(user) => user.clone(),
            None => terminal::ask("User: ")?,
        };
        let password = match &self.password_file {
            Some(file) => read_password(file)?,
            None if io::stdin().is_terminal() && !self.password_stdin => terminal::ask_secretly("Password: ")?,
            None => read_standard_input()?,
        };
        if user.is_empty() || password.reveal().is_empty() {
            return Err(Failure::usage(
                "a user name and a password are needed",
                "Add --user USER --password-file FILE",
            ));
        }
        Ok((user, password))
    }
}

fn read_standard_input() -> Result<Secret<String>, Failure> {
    let mut text = String::new();
    io::stdin()
        .take(64 << 10)
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("cannot read the password: {error}"), "Add --password-file FILE"))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_string()))
}
