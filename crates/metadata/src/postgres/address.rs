use crate::{Error, Settings, settings::Tls};
use std::time::Duration;
use tokio_postgres::config::{Config, Host, SslMode};

const CONNECT_MAX: Duration = Duration::from_secs(5);
/// After so long without a sign of life a server is taken for dead: 10 s of silence and three questions of 5 s.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// A PostgreSQL server and how it is reached: a URL that was understood.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
}

impl Address {
    /// Reads `database.url` and decides about encryption: what leaves the machine is encrypted and verified unless
    /// `database.tls` says otherwise.
    ///
    /// # Errors
    /// [`Error::Settings`], whose sentence holds no credentials.
    pub fn parse(settings: &Settings) -> Result<Address, Error> {
        let url = settings.url.reveal();
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let sentence = "database.url is neither sqlite nor postgres://user:password@host/database";
            return Err(Error::Settings(sentence.into()));
        }
        let (url, ssl_mode) = take_ssl_mode(url);
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            Error::Settings(format!("database.url cannot be read: {}", cause(&error)))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let sentence = "database.url names no host; a Unix socket is postgres:///database?host=/run/postgresql";
            return Err(Error::Settings(sentence.into()));
        }
        let tls = decide_tls(settings.tls, ssl_mode.as_deref(), is_local(&config))?;
        config
            .ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require })
            .application_name("gantry")
            .connect_timeout(CONNECT_MAX)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_RETRIES);
        Ok(Address { config, tls })
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls != Tls::Off
    }

    /// Host and database for people, without credentials.
    pub fn place(&self) -> String {
        let hosts: Vec<String> = self.config.get_hosts().iter().map(host_name).collect();
        format!("{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

/// Takes `sslmode` out of a URL: the driver's own reading of it encrypts without verifying.
fn take_ssl_mode(url: &str) -> (String, Option<String>) {
    let Some((before, query)) = url.split_once('?') else { return (url.into(), None) };
    let mut mode = None;
    let mut kept = vec![];
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            _ => kept.push(pair),
        }
    }
    let url = if kept.is_empty() { before.into() } else { format!("{before}?{}", kept.join("&")) };
    (url, mode)
}

fn decide_tls(setting: Option<Tls>, ssl_mode: Option<&str>, is_local: bool) -> Result<Tls, Error> {
    if let Some(tls) = setting {
        return Ok(tls);
    }
    match ssl_mode {
        None if is_local => Ok(Tls::Off),
        None | Some("require" | "verify-ca" | "verify-full") => Ok(Tls::VerifyFull),
        Some("disable" | "allow" | "prefer") if is_local => Ok(Tls::Off),
        Some(mode @ ("disable" | "allow" | "prefer")) => Err(Error::Settings(format!(
            "database.url says sslmode={mode}, so the password and all metadata could cross the network in the clear; \
             use sslmode=verify-full, or set database.tls = \"off\" if that network is yours alone"
        ))),
        Some(other) => Err(Error::Settings(format!(
            "database.url says sslmode={other}, which is unknown; say disable or verify-full"
        ))),
    }
}

/// Whether every host is this machine: a Unix socket or a loopback address.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    hosts && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

/// The innermost reason: the driver's own text only names the stage.
pub(crate) fn cause(error: &tokio_postgres::Error) -> String {
    if let Some(database) = error.as_db_error() {
        // Not the detail, which may quote values.
        return format!("{} ({})", database.message(), database.code().code());
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_words::Secret;

    fn parsed(url: &str, tls: Option<Tls>) -> Result<Address, Error> {
        Address::parse(&Settings { url: Secret::new(url.into()), tls, ..Settings::default() })
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_and_verified() {
        let cases = [
            ("postgres://me@db.example/gantry", None, Tls::VerifyFull),
            ("postgres://me@db.example/gantry?sslmode=require", None, Tls::VerifyFull),
            ("postgres://me@db.example/gantry?sslmode=verify-full&connect_timeout=3", None, Tls::VerifyFull),
            ("postgres://me@db.example/gantry?sslmode=disable", Some(Tls::Off), Tls::Off),
            ("postgres://me@db.example/gantry", Some(Tls::Off), Tls::Off),
            ("postgres://me@localhost/gantry", None, Tls::Off),
            ("postgres://me@127.0.0.1/gantry?sslmode=prefer", None, Tls::Off),
            ("postgres:///gantry?host=/run/postgresql", None, Tls::Off),
            ("postgres://me@localhost,db.example/gantry", None, Tls::VerifyFull),
            ("postgres://me@localhost/gantry", Some(Tls::VerifyFull), Tls::VerifyFull),
        ];
        for (url, setting, expected) in cases {
            assert_eq!(parsed(url, setting).unwrap_or_else(|error| panic!("{url}: {error}")).tls, expected, "{url}");
        }
    }

    #[test]
    fn a_password_does_not_cross_a_network_in_the_clear_by_accident() {
        for mode in ["disable", "allow", "prefer", "nonsense"] {
            let url = format!("postgres://me:hunter2@db.example/gantry?sslmode={mode}");

            let error = parsed(&url, None).err().unwrap().to_string();

            assert!(error.contains(mode) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_url_without_a_host_says_how_a_socket_is_written() {
        assert!(parsed("postgres:///gantry", None).err().unwrap().to_string().contains("?host=/run/postgresql"));
    }

    #[test]
    fn a_place_has_no_credentials() {
        assert_eq!(parsed("postgres://me:hunter2@db.example/gantry", None).unwrap().place(), "db.example/gantry");
    }
}
