use crate::{
    output::{Exit, Failure, Format, Printer},
    registry_credentials::{
        Cache, REQUEST_BYTES_MAX, exchange, find_identity,
        helper::{self, Verb},
    },
    remote::{Remote, TrustFlags},
};
use gantry_env::Env;
use gantry_words::Secret;
use std::io::{self, Read};

/// Be docker's credential helper: short-lived credentials for a job, against its identity token
///
/// The same program answers by the name docker-credential-gantry: make a link of that name, and write "credHelpers":
/// {"HOST": "gantry"} into docker's config.json. Only the server of --server (GANTRY_SERVER) is shown a token. Who the job is
/// stands in its environment: see docs/workload-identity.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gantry docker-credential get --server reg.example.com")]
pub(crate) struct DockerCredentialCommand {
    /// What is asked for
    #[arg(value_enum)]
    verb: Verb,
    /// The server that tokens are shown to, as a URL or host:port
    #[arg(long, env = "GANTRY_SERVER", hide_env_values = true, value_name = "SERVER")]
    server: Option<String>,
    #[command(flatten)]
    trust: TrustFlags,
    /// How long credentials are good, in seconds; at most as long as the token
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(60..=43_200))]
    seconds: u32,
}

impl DockerCredentialCommand {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        match self.answer() {
            Ok(Some(text)) => say(&text).map(|()| Exit::Done),
            // Docker reads why from standard output, whatever it is.
            Ok(None) => say(&format!("{}\n", helper::NOT_FOUND)).map(|()| Exit::Found),
            Err(failure) => say(&format!("{failure}\n")).map(|()| Exit::Found),
        }
    }

    fn answer(&self) -> Result<Option<String>, Failure> {
        match self.verb {
            Verb::Get => {
                let asked = read_input()?;
                match helper::host(&asked) {
                    Some(host) => Ok(self.get(&asked, &host)?),
                    None => Ok(None),
                }
            }
            Verb::Store => read_input().map(|_| Some(String::new())),
            Verb::Erase => {
                read_input()?;
                if let Some(cache) = Cache::of_user(variable) {
                    cache.forget();
                }
                Ok(Some(String::new()))
            }
            Verb::List => {
                let host = self.remote()?.map(|remote| remote.host().to_ascii_lowercase());
                let known = host.filter(|host| find_identity(variable, host).is_some());
                Ok(Some(format!("{}\n", helper::list(known.as_deref()))))
            }
            Verb::Version => Ok(Some(concat!("docker-credential-gantry ", env!("CARGO_PKG_VERSION"), "\n").into())),
        }
    }

    fn remote(&self) -> Result<Option<Remote>, Failure> {
        let server = self.server.as_deref().filter(|server| !server.is_empty());
        server.map(|server| Remote::at(server, &self.trust)).transpose()
    }

    fn get(&self, asked: &str, host: &str) -> Result<Option<String>, Failure> {
        // A token is shown to the one server that it is meant for, whichever docker asks about.
        let Some(remote) = self.remote()?.filter(|remote| remote.host().eq_ignore_ascii_case(host)) else {
            return Ok(None);
        };
        let Some(identity) = find_identity(variable, host) else { return Ok(None) };
        let ask = || {
            let remote = remote.with_password(&identity.user, &identity.password()?);
            exchange(&remote, None, self.seconds)
        };
        let (user, password): (String, Secret<String>) = match Cache::of_user(variable) {
            Some(cache) => {
                let name = format!("{host} {}", identity.fingerprint()?);
                cache.get_or_ask(&name, Env::real().now(), ask)?
            }
            None => ask().map(|credentials| (credentials.username, credentials.password))?,
        };
        Ok(Some(format!("{}\n", helper::answer(asked, &user, password.reveal()))))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().take(REQUEST_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("cannot read what docker asks: {error}"), ""))?;
    Ok(text)
}

fn say(text: &str) -> Result<(), Failure> {
    Printer::stdout(Format::Json).text(text)
}
