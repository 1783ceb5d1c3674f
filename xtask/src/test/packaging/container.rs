//! The container image: a binary without shared libraries in an image that holds nothing else, which is run.

use super::super::Grounds;
use crate::{
    run, tools,
    trouble::{Outcome, Trouble, While},
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

const IMAGE: &str = "localhost/gantry:test";
/// How long the server in the container may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Builds the image as the Containerfile says, runs it, and asks it whether it is ready.
pub(super) fn check(grounds: &Grounds<'_>) -> Outcome<()> {
    let context = tempfile::tempdir().while_trying("make a temporary folder")?;
    fs::copy(grounds.binary()?, context.path().join("gantry")).while_trying("copy the binary")?;
    let stores = Stores(context.path().to_owned());
    let mut build = stores.command("buildah");
    build.args(["build", "--isolation", "chroot", "--quiet", "--tag", IMAGE, "--file"]);
    run::capture(build.arg(grounds.places.root.join("packaging/Containerfile")).arg(context.path()))?;
    let runtime = tools::require(grounds.places, "runc")?;
    let run = stores.run(&runtime).spawn().while_trying("start podman")?;
    Container(run).check()
}

/// Where images and containers of this test lie, apart from any others.
struct Stores(PathBuf);

impl Stores {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--storage-driver", "vfs", "--root"]).arg(self.0.join("storage"));
        command.arg("--runroot").arg(self.0.join("run"));
        command
    }

    /// A container on this machine's own network, at a port of the kernel's choice, with the volume that the image asks for.
    fn run(&self, runtime: &Path) -> Command {
        let mut command = self.command("podman");
        // Unlike crun, which podman takes by itself, runc runs where control groups are of both versions.
        command.arg("--runtime").arg(runtime);
        command.args(["run", "--rm", "--network", "host", "--env", "GANTRY_LISTEN=127.0.0.1:0"]);
        // podman asks for more than a machine that is itself a guest may give.
        command.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]);
        command.arg(IMAGE).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// A container that runs, ended with the value.
struct Container(Child);

impl Container {
    fn check(mut self) -> Outcome<()> {
        let greeting = self.0.stdout.take().map(BufReader::new);
        let address = greeting.and_then(|lines| address_in(lines.lines().map_while(Result::ok)));
        match address.map(|address| is_ready(&address)) {
            Some(Ok(true)) => self.end(),
            Some(Ok(false)) => Err(self.failed("answers, and is not ready")),
            Some(Err(error)) => Err(self.failed(&format!("does not answer: {error}"))),
            None => Err(self.failed("does not say where it listens")),
        }
    }

    /// Asks it to stop, as an engine does; it must end well.
    fn end(mut self) -> Outcome<()> {
        let id = self.0.id().to_string();
        run::run(Command::new("kill").args(["-TERM", &id]))?;
        let status = self.0.wait().while_trying("wait for podman")?;
        if status.success() { Ok(()) } else { Err(self.failed(&format!("was asked to stop and ended with {status}"))) }
    }

    fn failed(&mut self, how: &str) -> Trouble {
        let _ = self.0.kill();
        let mut said = String::new();
        if let Some(errors) = &mut self.0.stderr {
            let _ = errors.read_to_string(&mut said);
        }
        Trouble::new(format!("the container {how}\n{}", said.trim_end()))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Finds the address in the greeting.
fn address_in(lines: impl Iterator<Item = String>) -> Option<String> {
    let mut after = lines.filter_map(|line| line.split_once("http://").map(|(_, rest)| rest.to_owned()));
    after.next().map(|rest| rest.split_whitespace().next().unwrap_or_default().to_owned())
}

fn is_ready(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_greeting() {
        let lines = ["Gantry listens on http://127.0.0.1:4711", "and more"].map(String::from);

        assert_eq!(address_in(lines.into_iter()).as_deref(), Some("127.0.0.1:4711"));
        assert_eq!(address_in(std::iter::empty()), None);
    }
}
