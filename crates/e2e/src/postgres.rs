use std::{
    fs,
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
        format!("postgres://gantry@/postgres?host={}", self.folder.path().display())
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }

    /// Starts it again.
    pub fn resume(&self) {
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", self.folder.path().display());
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

fn is_root() -> bool {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// The folder of `initdb` and `pg_ctl`: of PATH, or the newest where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().map_while(Result::ok);
    let mut of_debian: Vec<PathBuf> = of_debian.map(|entry| entry.path().join("bin")).collect();
    of_debian.sort();
    let folders = std::env::split_paths(&path).chain(of_debian.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}
