use crate::{
    output::{Exit, Failure},
    remote::{Remote, docker_config, read_password, store},
};
use gantry_words::Secret;
use serde_json::Value;
use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    path::PathBuf,
};

/// Log in to a server, and keep the credentials where docker keeps its own
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry login 127.0.0.1:5000 --credentials data/root-credentials")]
pub(crate) struct LoginCommand {
    /// The server, as host:port or URL
    #[arg(default_value = "127.0.0.1:5000")]
    server: String,
    /// The user
    #[arg(long, short)]
    user: Option<String>,
    /// A file with the password; else it is read from standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// A credentials file as the first start writes it: user and password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "password_file"])]
    credentials: Option<PathBuf>,
}

impl LoginCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let (user, password) = self.credentials()?;
        let remote = Remote::at(&self.server)?.with_password(&user, &password);
        let _: Value = remote.get("/v2/")?;
        let file = docker_config();
        store(&file, remote.host(), &user, &password)?;
        // Nobody is left to be told where standard output is closed.
        let _ = writeln!(io::stdout(), "Logged in to {}. The credentials are in {}.", remote.host(), file.display());
        Ok(Exit::Done)
    }

    fn credentials(&self) -> Result<(String, Secret<String>), Failure> {
        if let Some(file) = &self.credentials {
            let text = read_password(file)?;
            let found = gantry_accounts::RootCredentials::parse(text.reveal())
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display()), ""))?;
            return Ok((found.access_key_id, found.secret_access_key));
        }
        let user = match &self.user {
            Some(user) => user.clone(),
            None => ask("User: ")?,
        };
        let password = match &self.password_file {
            Some(file) => read_password(file)?,
            None => read_standard_input()?,
        };
        Ok((user, password))
    }
}

fn ask(question: &str) -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nobody is there to be asked for the user",
            "Add --user USER, or --credentials FILE",
        ));
    }
    let mut line = String::new();
    let asked = write!(io::stderr(), "{question}").and_then(|()| io::stdin().lock().read_line(&mut line));
    asked.map_err(|error| Failure::failed(format!("cannot read from the terminal: {error}"), "Add --user USER"))?;
    Ok(line.trim().to_string())
}

/// Reads the password from standard input. On a terminal it would be seen, so a file is asked for instead.
fn read_standard_input() -> Result<Secret<String>, Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage("a password typed here would be seen", "Add --password-file FILE, or pipe it in"));
    }
    let mut text = String::new();
    io::stdin()
        .take(64 << 10)
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("cannot read the password: {error}"), "Add --password-file FILE"))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_string()))
}
