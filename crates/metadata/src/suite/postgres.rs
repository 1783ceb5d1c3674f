//! A PostgreSQL for tests: a cluster of its own in a temporary folder, on a Unix socket only, gone with its last user.
//!
//! If `GANTRY_TEST_POSTGRES` holds the URL of a server (as a user who may create databases), that one is used.

use crate::{Settings, migrate::on_a_thread};
use gantry_words::Secret;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};
use tokio_postgres::NoTls;

const URL: &str = "GANTRY_TEST_POSTGRES";

/// Makes a cluster, starts it, says where, and waits on its standard input; whatever ends the test closes that.
const SCRIPT: &str = r#"
cd /
dir=$(mktemp -d /tmp/gantry-postgres-XXXXXX) || exit 1
if "$1/initdb" -D "$dir/data" -U gantry -A trust -E UTF8 --no-locale --no-sync >"$dir/log" 2>&1 &&
   "$1/pg_ctl" -D "$dir/data" -l "$dir/log" -t 60 -w -o "-k $dir -c listen_addresses='' $2" start >/dev/null 2>>"$dir/log"
then echo "ready $dir"; read _
else echo "failed"; cat "$dir/log"
fi
"$1/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$dir"
"#;

/// An empty database of its own. Dropped with the value, and the cluster with the last of them.
#[derive(Debug)]
pub struct Database {
    server: Arc<Server>,
    name: String,
}

/// A running cluster.
#[derive(Debug)]
struct Server {
    /// Without a database: `postgres:///{}?host=…` in its two halves.
    before: String,
    after: String,
    process: Option<Child>,
}

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// Makes a database, in a cluster that is started if none of this process runs.
    ///
    /// # Panics
    /// There is no PostgreSQL on this machine, or it does not start: a test that cannot run has not passed.
    pub fn new() -> Database {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::find());
            *shared = Arc::downgrade(&server);
            server
        });
        drop(shared);
        Database::within(server)
    }

    /// Makes a database in a durable cluster of its own, for measuring: with fsync, and the settings given.
    ///
    /// # Panics
    /// As [`Database::new`].
    pub fn durable(options: &str) -> Database {
        Database::within(Arc::new(Server::start(&format!("{options} -c fsync=on"))))
    }

    fn within(server: Arc<Server>) -> Database {
        let name = format!("gantry_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        // Words in the order of a language, so that a list which must be in the order of bytes is seen to be.
        let with_icu = format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'");
        if server.run(&with_icu).is_err() {
            server.run(&format!("CREATE DATABASE {name}")).expect("the user of the test server may create databases");
        }
        Database { server, name }
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }
    /// Settings that lead there.
    pub fn settings(&self) -> Settings {
        Settings { url: Secret::new(self.url()), ..Settings::default() }
    }
    /// The folder of the server's socket; `None` if the server is not ours.
    pub fn socket_folder(&self) -> Option<PathBuf> {
        self.server.process.as_ref().map(|_| self.server.after.trim_start_matches("?host=").into())
    }
    /// Runs statements on the database, as another program would.
    ///
    /// # Panics
    /// The statements fail.
    pub fn run(&self, sql: &str) {
        run(&self.url(), sql).expect("the statements of a test are right");
    }
}

impl Default for Database {
    fn default() -> Self {
        Database::new()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = self.server.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

impl Server {
    fn find() -> Server {
        match std::env::var(URL) {
            Ok(url) => {
                let (before, after) = split(&url);
                Server { before, after, process: None }
            }
            Err(_) => Server::start("-c fsync=off -c full_page_writes=off"),
        }
    }

    fn start(options: &str) -> Server {
        let programs = programs().unwrap_or_else(|| {
            panic!(
                "no PostgreSQL on this machine: install it (Debian: apt install postgresql; Fedora: dnf install \
                 postgresql-server), put its initdb and pg_ctl into PATH, or set {URL} to the URL of a server"
            )
        });
        let mut command = as_ordinary_user();
        command.arg("sh").arg("-c").arg(SCRIPT).arg("sh").arg(programs);
        command.arg(format!("-c max_connections=200 {options}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("sh can be run");
        let mut output = BufReader::new(process.stdout.take().expect("it was piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("what sh prints is text");
        let Some(folder) = line.trim().strip_prefix("ready ") else {
            let log: Vec<String> = output.lines().map_while(Result::ok).collect();
            panic!("PostgreSQL did not start: {line}{}", log.join("\n"));
        };
        Server { before: "postgres://gantry@/".into(), after: format!("?host={folder}"), process: Some(process) }
    }

    fn url(&self, database: &str) -> String {
        format!("{}{database}{}", self.before, self.after)
    }
    fn run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        run(&self.url("postgres"), sql)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}

/// Cuts a URL where its database is named.
fn split(url: &str) -> (String, String) {
    let (address, after) = url.find('?').map_or((url, ""), |at| url.split_at(at));
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    (format!("{}/", &address[..end]), after.into())
}

fn run(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    on_a_thread(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            client.batch_execute(sql).await
        })
    })
}

/// The folder of `initdb` and `pg_ctl`: of PATH, or the newest of those where distributions put them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    folders.push("/usr/pgsql/bin".into());
    let is_whole = |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(is_whole)
}

/// PostgreSQL refuses to run as root: then its own user runs it, or nobody.
fn as_ordinary_user() -> Command {
    let asked = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if asked(&["-u"]).as_deref() != Some("0") {
        return Command::new("env");
    }
    let user = if asked(&["-u", "postgres"]).is_some() { "postgres" } else { "nobody" };
    let group = asked(&["-gn", user]).unwrap_or_else(|| "nogroup".into());
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).args(["--clear-groups", "--"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_goes_into_the_path_of_the_url() {
        let cases = [
            ("postgres://me@db:5433/mine?sslmode=disable", "postgres://me@db:5433/other?sslmode=disable"),
            ("postgres://me@db:5433", "postgres://me@db:5433/other"),
            ("postgres:///mine?host=/run/postgresql", "postgres:///other?host=/run/postgresql"),
        ];
        for (url, expected) in cases {
            let (before, after) = split(url);
            assert_eq!(format!("{before}other{after}"), expected);
        }
    }
}
