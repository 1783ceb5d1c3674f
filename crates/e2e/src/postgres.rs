//! A PostgreSQL for tests. Needs nothing but `std` and `tempfile`.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A PostgreSQL of its own, on a Unix socket in a temporary folder, that can be killed and started again.
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Panics
    /// There is no PostgreSQL on this machine, or it does not start: a test that cannot run has not passed.
    pub fn start() -> Postgres {
        let folder = tempfile::Builder::new().prefix("gantry-pg-").tempdir().expect("a temporary folder can be made");
        let postgres = Postgres { folder, programs: programs().expect("install PostgreSQL: apt install postgresql") };
        if is_root() {
            let status = Command::new("chown").arg("nobody").arg(postgres.folder.path()).status();
            assert!(status.is_ok_and(|status| status.success()), "the folder cannot be given to nobody");
        }
        let data = postgres.data();
        postgres.run("initdb", &["-D", &data, "-U", "gantry", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]);
        postgres.resume();
        postgres
    }

    /// Where a server finds it.
    pub fn url(&self) -> String {
        url(self.socket_folder(), "postgres")
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }

    /// Starts it again.
    pub fn resume(&self) {
        let folder = self.folder.path().display();
        let options = format!("-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=500");
        let log = format!("{}/log", self.folder.path().display());
        self.run("pg_ctl", &["-D", &self.data(), "-l", &log, "-t", "60", "-w", "-o", &options, "start"]);
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }

    /// PostgreSQL refuses to run as root: then nobody runs it.
    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--"]).arg(&program);
            command
        } else {
            Command::new(&program)
        };
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status().expect("PostgreSQL's programs can be run");
        assert!(status.success(), "{} {arguments:?} exits {status}", program.display());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid_file = Path::new(&self.data()).join("postmaster.pid");
        if pid_file.exists() {
            self.kill();
        }
    }
}

/// Makes a database in the PostgreSQL whose socket is in this folder; returns where a server finds it.
///
/// # Panics
/// It cannot be made.
pub fn create_database(socket_folder: &Path, name: &str) -> String {
    let found = folders().into_iter().map(|folder| folder.join("createdb")).find(|program| program.is_file());
    let mut command = Command::new(found.expect("install PostgreSQL: apt install postgresql"));
    command.arg("-h").arg(socket_folder).args(["-U", "gantry", name]).stdin(Stdio::null());
    let status = command.status().expect("PostgreSQL's programs can be run");
    assert!(status.success(), "the database {name} cannot be made: {status}");
    url(socket_folder, name)
}

fn url(socket_folder: &Path, database: &str) -> String {
    format!("postgres://gantry@/{database}?host={}", socket_folder.display())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The folder of `initdb` and `pg_ctl`.
fn programs() -> Option<PathBuf> {
    folders().into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

/// Where PostgreSQL's programs may be: in PATH, or where Debian puts them, the newest first.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map_while(Result::ok);
    let mut of_debian: Vec<PathBuf> = of_debian.map(|entry| entry.path().join("bin")).collect();
    of_debian.sort();
    std::env::split_paths(&path).chain(of_debian.into_iter().rev()).collect()
}
