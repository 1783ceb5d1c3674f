//! What people really use: each client logs in, pushes and pulls images that are made on the spot, and is refused properly.
//!
//! Every test has a server and a home of its own; nothing of it comes from the network.
#![expect(clippy::unwrap_used, reason = "all of this is tests, also what stands outside of the test functions")]

mod buildah;
mod busy;
mod cosign;
mod crane;
mod docker;
pub(crate) mod engine;
mod helm;
pub(crate) mod layout;
mod notation;
mod oras;
mod podman;
mod regctl;
mod skopeo;

use gantry_e2e::{Image, PASSWORD, Server, USER, tool};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Seconds after which a client has hung.
const CLIENT_SECONDS_MAX: &str = "240";

/// A home folder for clients: what they configure, cache and store goes there, and goes away with it.
pub(crate) struct Home {
    folder: TempDir,
    proxy: Option<String>,
}

impl Home {
    pub(crate) fn new() -> Home {
        let folder = tempfile::Builder::new().prefix("gantry-home-").tempdir().expect("a temporary folder can be made");
        let home = Home { folder, proxy: None };
        for folder in ["tmp", "run", "docker", "containers"] {
            fs::create_dir(home.path(folder)).unwrap();
        }
        home.write(".config/containers/policy.json", r#"{"default": [{"type": "insecureAcceptAnything"}]}"#);
        let at = home.folder.path().display();
        home.write(
            "storage.conf",
            format!(
                "[storage]\ndriver = \"vfs\"\nrunroot = \"{at}/run/storage\"\ngraphroot = \"{at}/containers/storage\"\n"
            ),
        );
        home.write(
            "containers.conf",
            format!(
                "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\nlock_type = \"file\"\n\
                 static_dir = \"{at}/containers/static\"\ntmp_dir = \"{at}/run/libpod\"\nvolume_path = \"{at}/containers/volumes\"\n"
            ),
        );
        home
    }

    /// The same home, whose clients ask for every host at one server: names that nobody resolves lead there too.
    pub(crate) fn behind(self, server: &Server) -> Home {
        Home { proxy: Some(format!("http://{}", server.address())), ..self }
    }

    /// Returns the path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in it, and the folders above.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is below the home")).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Reads a file in it.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name} cannot be read: {error}"))
    }

    /// Runs a client: program and arguments, parted by white space.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.feed(line, "")
    }

    /// The same, with something to read.
    pub(crate) fn feed(&self, line: &str, input: &str) -> Ran {
        let (program, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", CLIENT_SECONDS_MAX]).arg(tool(program)).args(arguments.split_whitespace());
        self.settle(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A client that does not read its input may be gone already.
        let _ = child.stdin.take().expect("it was asked for").write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            line: line.into(),
            succeeded: output.status.success(),
            // What timeout(1) says of itself, and of what it had to kill.
            hung: matches!(output.status.code(), Some(124 | 137)),
            output: text(&output.stdout),
            errors: text(&output.stderr),
        }
    }

    /// Lets a command see this home and nothing of the machine's own.
    pub(crate) fn settle(&self, command: &mut Command) {
        let at = self.folder.path();
        command.current_dir(at).env_clear().env("HOME", at).env("LANG", "C").env("TMPDIR", at.join("tmp"));
        command.envs(self.proxy.iter().map(|proxy| ("HTTP_PROXY", proxy)));
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("XDG_RUNTIME_DIR", at.join("run")).env("DOCKER_CONFIG", at.join("docker"));
        command.env("REGISTRY_AUTH_FILE", at.join("auth.json")).env("BUILDAH_ISOLATION", "chroot");
        command.env("CONTAINERS_STORAGE_CONF", at.join("storage.conf"));
        command.env("CONTAINERS_CONF", at.join("containers.conf"));
        command.env("COSIGN_PASSWORD", "").env("TUF_ROOT", at.join("tuf")).env("SIGSTORE_NO_CACHE", "1");
        command.env("DOCKER_HOST", format!("unix://{}", at.join("docker.sock").display()));
        // The engine's own builder makes what these tests need; the other one is a program that not everyone has.
        command.env("DOCKER_BUILDKIT", "0").env("DOCKER_CLI_EXPERIMENTAL", "enabled");
    }
}

/// What a client did.
pub(crate) struct Ran {
    line: String,
    succeeded: bool,
    hung: bool,
    /// What it printed.
    pub(crate) output: String,
    /// What it complained of, and how it got on.
    pub(crate) errors: String,
}

impl Ran {
    /// Returns it, which must have ended well.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Ran {
        assert!(self.succeeded, "{} failed:\n{}{}", self.line, self.output, self.errors);
        self
    }

    /// Returns all that it said; it must have been refused, not have hung.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert!(!self.succeeded && !self.hung, "{} succeeded, or hung:\n{}{}", self.line, self.output, self.errors);
        self.all()
    }

    /// Returns output and complaints.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.output, self.errors)
    }

    /// Returns the output without white space around it.
    pub(crate) fn text(&self) -> &str {
        self.output.trim()
    }

    /// Returns the output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.output).unwrap_or_else(|_| panic!("{} printed no JSON:\n{}", self.line, self.all()))
    }
}

/// Asserts that a client understood one of these.
#[track_caller]
pub(crate) fn assert_says(said: &str, any_of: &[&str]) {
    let said_small = said.to_lowercase();
    assert!(any_of.iter().any(|word| said_small.contains(&word.to_lowercase())), "says none of {any_of:?}:\n{said}");
}

/// Returns what the server holds under a reference: digest, media type, and the manifest itself.
#[track_caller]
pub(crate) fn held(server: &Server, name: &str, reference: &str) -> (String, String, serde_json::Value) {
    let answer = server.client().get(&format!("/v2/{name}/manifests/{reference}"));
    assert_eq!(answer.status, 200, "{name}:{reference}: {}", answer.text());
    let header = |name| answer.header(name).unwrap_or_default().to_string();
    (header("docker-content-digest"), header("content-type"), answer.json())
}

/// Returns the tags the server lists.
pub(crate) fn tags(server: &Server, name: &str) -> Vec<String> {
    let answer = server.client().get(&format!("/v2/{name}/tags/list"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tags = answer.json()["tags"].as_array().cloned().unwrap_or_default();
    tags.iter().map(|tag| tag.as_str().unwrap_or_default().to_string()).collect()
}

/// Pushes one image under more tags than a page holds; returns them in order.
pub(crate) fn push_many_tags(server: &Server, name: &str) -> Vec<String> {
    let (client, image) = (server.client(), Image::small(1));
    let tags: Vec<String> = (0..1100).map(|number| format!("{number:04}")).collect();
    image.push(&client, name, &tags[0]).unwrap();
    for tag in &tags[1..] {
        let path = format!("/v2/{name}/manifests/{tag}");
        assert_eq!(client.send("PUT", &path, &[("content-type", Image::MEDIA_TYPE)], &image.manifest).status, 201);
    }
    let page = client.get(&format!("/v2/{name}/tags/list"));
    assert!(page.header("link").is_some(), "there is a second page");
    tags
}

/// Returns the manifests that refer to an image, as the server lists them.
pub(crate) fn referrers(server: &Server, name: &str, digest: &str) -> Vec<serde_json::Value> {
    let answer = server.client().get(&format!("/v2/{name}/referrers/{digest}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["manifests"].as_array().cloned().unwrap_or_default()
}

/// A server and a home that has logged in with `login`, the client's own command; `{host}` and `{user}` are filled in.
pub(crate) fn logged_in(login: &str) -> (Server, Home) {
    let (server, home) = (Server::start(), Home::new());
    log_in(&server, &home, login, PASSWORD).succeeded();
    (server, home)
}

/// Logs in with a password.
pub(crate) fn log_in(server: &Server, home: &Home, login: &str, password: &str) -> Ran {
    home.feed(&login.replace("{host}", server.address()).replace("{user}", USER), password)
}

/// Prints a path; those of the tests have no white space.
pub(crate) fn print(path: &Path) -> String {
    path.display().to_string()
}
