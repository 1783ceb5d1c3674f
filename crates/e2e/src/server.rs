use crate::{Client, create_database, program};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The user of the tests.
pub const USER: &str = "AKIATESTTESTTESTTEST";
/// His password.
pub const PASSWORD: &str = "test/secret+of/forty=characters/of/length";

/// The setting that gives a server a master key.
pub const MASTER_KEY: (&str, &str) = ("GANTRY_ENCRYPTION__MASTER_KEY", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=");

/// A running server, in a folder of its own unless told otherwise. Killed when dropped.
pub struct Server {
    child: Option<Child>,
    settings: Vec<(String, String)>,
    data: PathBuf,
    address: String,
    urls: Vec<String>,
    log: Arc<Mutex<String>>,
    _folder: Option<TempDir>,
}

/// Returns the binary under test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GANTRY_BIN") {
        return path.into();
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let built = ["release/gantry", "debug/gantry"].map(|path| target.join(path));
    let found = built.iter().find(|path| path.exists());
    found.expect("build the binary first: cargo build --release --bin gantry").clone()
}

const DATABASE: &str = "GANTRY_DATABASE__URL";

/// Returns whether the servers keep their metadata in PostgreSQL, where a test says nothing of it.
pub fn is_on_postgresql() -> bool {
    std::env::var_os(POSTGRESQL).is_some()
}

/// Names the folder of the socket of a PostgreSQL, in which each data folder gets a database of its own.
const POSTGRESQL: &str = "GANTRY_TEST_POSTGRESQL";

fn database_of(data: &Path) -> Option<String> {
    static MADE: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
    let socket_folder = std::env::var_os(POSTGRESQL)?;
    let mut made = MADE.lock().expect("nothing panics while it holds the map");
    let name = format!("test_{}_{}", std::process::id(), made.len());
    let url = made.entry(data.into()).or_insert_with(|| create_database(Path::new(&socket_folder), &name));
    Some(url.clone())
}

/// Returns a port that nobody listens on, which the system gives to nobody by itself either: a server that starts again
/// finds it free, whatever the clients and servers of other tests were given meanwhile.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static DRAWN: AtomicU16 = AtomicU16::new(0);
    let begin = (std::process::id() % u32::from(COUNT)) as u16;
    let next = || FIRST + (begin + DRAWN.fetch_add(1, Relaxed) % COUNT) % COUNT;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(next).take(usize::from(COUNT)).find(is_free).expect("some port is free")
}

impl Server {
    /// Starts a server that creates repositories on push.
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// Starts a server with further settings, as environment variables.
    pub fn with(settings: &[(&str, &str)]) -> Server {
        let folder = tempfile::Builder::new().prefix("gantry-e2e-").tempdir().expect("a temporary folder can be made");
        let mut server = Server::on(&folder.path().join("data"), settings);
        server._folder = Some(folder);
        server
    }

    /// Starts a server on a folder.
    pub fn on(data: &Path, settings: &[(&str, &str)]) -> Server {
        Server::listening(&format!("127.0.0.1:{}", free_port()), data, settings)
    }

    /// Starts a server on a folder, on other addresses, with commas in between.
    pub fn listening(listen: &str, data: &Path, settings: &[(&str, &str)]) -> Server {
        let given = settings.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let mut server = Server {
            child: None,
            settings: database_of(data).into_iter().map(|url| (DATABASE.into(), url)).chain(given).collect(),
            data: data.into(),
            address: String::new(),
            urls: vec![],
            log: Arc::default(),
            _folder: None,
        };
        server.launch(listen);
        server
    }

    fn launch(&mut self, listen: &str) {
        let mut command = program();
        command.arg("serve").arg("--data-dir").arg(&self.data).arg("--listen").arg(listen);
        command.env("GANTRY_ROOT_ACCESS_KEY_ID", USER).env("GANTRY_ROOT_SECRET_ACCESS_KEY", PASSWORD);
        command.env("GANTRY_CREATE_ON_PUSH", "true").env("NO_COLOR", "1");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stderr = child.stderr.take().expect("it was asked for");
        let log = self.log.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.lock().expect("nothing panics while it holds the log").push_str(&format!("{line}\n"));
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("it was asked for"));
        self.child = Some(child);
        self.urls = self.await_urls(&mut stdout);
        let first = self.urls.first().and_then(|url| url.split_once("://"));
        self.address = first.map_or_else(String::new, |(_, address)| address.into());
        // What it prints later is read too, or it would wait for a reader some day.
        thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    }

    fn await_urls(&mut self, stdout: &mut impl BufRead) -> Vec<String> {
        let (mut line, mut urls) = (String::new(), vec![]);
        while stdout.read_line(&mut line).is_ok_and(|count| count > 0) {
            let said = line.trim();
            match said.strip_prefix("Gantry listens on ").or(said.strip_prefix("Metrics are at ")) {
                Some(url) => urls.push(url.into()),
                None => return urls,
            }
            line.clear();
        }
        panic!("the server did not say where it listens:\n{}", self.log_end());
    }

    /// Returns where it listens, as it says itself; the metrics' own address last.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Returns `host:port` of the first address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns what it is told beside its folder, as environment variables.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Returns what it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("nothing panics while it holds the log").clone()
    }

    /// Returns the end of its log for people to read, and before it the end of what it warned of: all of it is more than anybody
    /// reads where thousands of requests were made.
    pub fn log_end(&self) -> String {
        const LINES: usize = 40;
        const CHARACTERS: usize = 500;
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let (before, end) = lines.split_at(lines.len().saturating_sub(LINES));
        let is_warning = |line: &&&str| !line.contains(" INFO ");
        let warned: Vec<_> = before.iter().filter(is_warning).collect();
        let warned = warned[warned.len().saturating_sub(LINES)..].iter().copied();
        let shown = warned.chain(end).map(|line| line.chars().take(CHARACTERS).collect::<String>());
        shown.collect::<Vec<_>>().join("\n")
    }

    /// Returns a client with the root credentials.
    pub fn client(&self) -> Client {
        Client::new(&self.address, USER, PASSWORD)
    }

    /// Kills it as a power cut would, as far as a process can tell.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own child can be killed");
            child.wait().expect("our own child can be waited for");
        }
    }

    /// Asks it to stop, and waits for that.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = i32::try_from(child.id()).expect("process ids fit");
        // SAFETY: a signal to our own child, which has not been waited for yet.
        unsafe { libc::kill(pid, libc::SIGTERM) };
        let limit = Instant::now() + Duration::from_secs(40);
        while child.try_wait().expect("our own child can be waited for").is_none() {
            assert!(Instant::now() < limit, "the server did not stop:\n{}", self.log_end());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again on the same address; returns how long it took until it said so.
    pub fn restart(&mut self) -> Duration {
        self.kill();
        let (address, begun) = (self.address.clone(), Instant::now());
        self.launch(&address);
        begun.elapsed()
    }

    /// Returns another command of the binary on the data folder, with the server's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(arguments).arg("--data-dir").arg(&self.data);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs another command of the binary on the data folder; returns exit code, output and errors.
    pub fn tool(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).env("NO_COLOR", "1").output().expect("the binary starts");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("the server's log:\n{}", self.log_end());
        }
    }
}
