//! Starts a Gantry for a test and stops it again. Needs nothing but `std`.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

/// The root user that a launched server knows.
pub(crate) const USER: &str = "AKIAIOSFODNN7EXAMPLE";
/// His password.
pub(crate) const PASSWORD: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// What stands before the address in the line that a server prints when it is ready.
const READY: &str = "Gantry listens on ";
const READY_WITHIN: Duration = Duration::from_secs(20);
/// More than this of its output is not kept.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    url: String,
    output: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `binary` on `data`, at a port of the system's choice, with these environment variables beside the usual ones.
    ///
    /// # Errors
    /// When it does not say within 20 seconds that it listens; the sentence ends with what it said instead.
    pub(crate) fn start(binary: &Path, data: &Path, settings: &[(&str, &str)]) -> Result<Self, String> {
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data-dir").arg(data).args(["--listen", "127.0.0.1:0"]);
        command.env("GANTRY_ROOT_ACCESS_KEY_ID", USER).env("GANTRY_ROOT_SECRET_ACCESS_KEY", PASSWORD);
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|cause| format!("cannot start {}: {cause}", binary.display()))?;
        let output = Arc::new(Mutex::new(String::new()));
        let (ready, address) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, ready.clone(), Arc::clone(&output));
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, ready, Arc::clone(&output));
        }
        let mut server = Self { child, url: String::new(), output };
        match address.recv_timeout(READY_WITHIN) {
            Ok(url) => server.url = url,
            Err(_) => return Err(format!("{} does not listen; it says:\n{}", binary.display(), server.output())),
        }
        Ok(server)
    }

    /// Returns where it listens, such as `http://127.0.0.1:41233`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what it has written so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it cannot be asked, or does not end well.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let id = self.child.id().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .map_err(|cause| format!("cannot end process {id}: {cause}"))?;
        match self.child.wait() {
            Ok(status) if ExitStatus::success(&status) => Ok(()),
            Ok(status) => Err(format!("the server ends with {status}; it says:\n{}", self.output())),
            Err(cause) => Err(format!("cannot wait for process {id}: {cause}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads what a server writes until it ends, keeps it, and sends on the address when it comes.
fn follow(stream: impl Read + Send + 'static, ready: Sender<String>, output: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(url) = find_address(&line) {
                // Nobody listens any more once the first address has come.
                let _ = ready.send(url.to_string());
            }
            let mut kept = output.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < OUTPUT_BYTES_MAX {
                let _ = writeln!(kept, "{line}");
            }
        }
    });
}

fn find_address(line: &str) -> Option<&str> {
    let (_, address) = line.split_once(READY)?;
    address.split([' ', '"', ',']).next().filter(|address| address.starts_with("http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_line_that_says_it() {
        assert_eq!(find_address("Gantry listens on http://127.0.0.1:41233"), Some("http://127.0.0.1:41233"));
        assert_eq!(find_address("Gantry listens on http://[::1]:5000, https://[::1]:5001"), Some("http://[::1]:5000"));
        assert_eq!(find_address("Gantry listens on unix:/run/gantry.sock"), None);
        assert_eq!(find_address("Gantry is ready"), None);
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_words() {
        let trouble = Server::start(Path::new("/bin/ls"), Path::new("/nowhere"), &[]).err().unwrap();

        assert!(trouble.starts_with("/bin/ls does not listen; it says:\n"), "{trouble}");
        assert!(trouble.contains("--data-dir"), "{trouble}");
    }
}
