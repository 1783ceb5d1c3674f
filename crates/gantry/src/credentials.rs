//! Credentials for servers, where docker keeps its own: its file, or the helper that the file names.

use crate::{output::Failure, private_file};
use base64::{Engine, engine::general_purpose::STANDARD};
use gantry_words::Secret;
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Bytes of a helper's answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a file with a user and a password that are read.
const PAIR_BYTES_MAX: u64 = 8 << 10;
/// Our own helper: it fetches credentials each time, and takes what it is given without keeping it.
const OWN_HELPER: &str = "gantry";

/// What a request says of who asks (RFC 7617).
pub(crate) fn basic(user: &str, password: &Secret<String>) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal())))
}

/// Reads a password from a file, without the line end behind it.
pub(crate) fn read_password(file: &Path) -> Result<Secret<String>, Failure> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::failed(format!("cannot read {}: {error}", file.display()), "Name a file with the password in it")
    })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_string()))
}

/// Reads a file with `USER:PASSWORD`; returns what a request says of who asks.
///
/// # Errors
/// It cannot be read, or holds something else.
pub(crate) fn read_pair(file: &Path) -> Result<String, Failure> {
    let failed = |problem: String| {
        Failure::failed(format!("{}: {problem}", file.display()), "Name a file with USER:PASSWORD in it")
    };
    let mut text = String::new();
    let opened = OpenOptions::new().read(true).open(file);
    let read = opened.and_then(|opened| opened.take(PAIR_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| failed(format!("it cannot be read: {error}")))?;
    let (user, password) = text.trim().split_once(':').ok_or_else(|| failed("it is no USER:PASSWORD".into()))?;
    Ok(basic(user, &Secret::new(password.to_owned())))
}

/// Where docker keeps its credentials.
fn docker_config() -> PathBuf {
    let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map_or_else(PathBuf::new, PathBuf::from).join(".docker");
    folder.unwrap_or_else(home).join("config.json")
}

/// Finds the `Authorization` for a host; `None` where nobody has logged in.
///
/// # Errors
/// The helper that keeps the credentials cannot be asked.
pub(crate) fn stored(host: &str) -> Result<Option<String>, Failure> {
    let document = read(&docker_config()).unwrap_or_default();
    match helper(&document, host) {
        Some(name) => ask(&name, host),
        None => Ok(in_file(&document, host)),
    }
}

/// Keeps credentials for a host, and says where.
pub(crate) type Kept = fn(&str, &str, &Secret<String>) -> Result<String, Failure>;

/// Keeps credentials for a host in docker's own file, whatever helper it names; returns where.
pub(crate) fn store_for_docker(host: &str, user: &str, password: &Secret<String>) -> Result<String, Failure> {
    let file = docker_config();
    store_in(&file, host, user, password).map(|()| file.display().to_string())
}

/// Keeps credentials for a host; returns where.
pub(crate) fn store(host: &str, user: &str, password: &Secret<String>) -> Result<String, Failure> {
    let file = docker_config();
    match helper(&read(&file).unwrap_or_default(), host) {
        Some(name) if name == OWN_HELPER => {
            let problem =
                format!("docker's configuration has {} answer for {host}, which keeps nothing", program(&name));
            Err(Failure::usage(problem, "Take it out there, or set DOCKER_CONFIG to another folder"))
        }
        Some(name) => {
            let kept = json!({"ServerURL": host, "Username": user, "Secret": password.reveal()}).to_string();
            run(&name, "store", &kept).map(|_| program(&name))
        }
        None => store_in(&file, host, user, password).map(|()| file.display().to_string()),
    }
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn in_file(document: &Value, host: &str) -> Option<String> {
    let auth = document["auths"][host]["auth"].as_str()?;
    Some(format!("Basic {auth}"))
}

/// The helper for a host: its own, else the one for all.
fn helper(document: &Value, host: &str) -> Option<String> {
    let name = document["credHelpers"][host].as_str().or(document["credsStore"].as_str())?;
    (!name.is_empty()).then(|| name.to_string())
}

fn program(helper: &str) -> String {
    format!("docker-credential-{helper}")
}

fn ask(helper: &str, host: &str) -> Result<Option<String>, Failure> {
    let Some(text) = run(helper, "get", host)? else { return Ok(None) };
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let found = answer["Username"].as_str().zip(answer["Secret"].as_str());
    Ok(found.map(|(user, password)| basic(user, &Secret::new(password.into()))))
}

/// Runs a helper; `None` where it says that it has nothing. It may ask the person something, so it has no deadline.
fn run(helper: &str, verb: &str, input: &str) -> Result<Option<String>, Failure> {
    let name = program(helper);
    let failed = |error: io::Error| {
        let remedy = "Install it, or give --user and --password-file";
        Failure::failed(format!("cannot ask {name}, which docker's configuration names: {error}"), remedy)
    };
    let mut command = Command::new(&name);
    let mut child = command.arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(failed)?;
    }
    let mut answer = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).map_err(failed)?;
    }
    let is_done = child.wait().map_err(failed)?.success();
    match verb {
        "get" => Ok(Some(answer).filter(|_| is_done)),
        _ if is_done => Ok(Some(answer)),
        _ => Err(Failure::failed(format!("{name} does not keep the credentials: {}", answer.trim()), "")),
    }
}

/// Stores credentials for a host in docker's file, and leaves the rest of it as it is.
fn store_in(file: &Path, host: &str, user: &str, password: &Secret<String>) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(
            format!("cannot write {}: {error}", file.display()),
            "Look at the folder's permissions, or set DOCKER_CONFIG",
        )
    };
    let mut document: Value = match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(&error))?,
        Err(_) => json!({}),
    };
    let auth = STANDARD.encode(format!("{user}:{}", password.reveal()));
    document["auths"][host] = json!({"auth": auth});
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let text = serde_json::to_vec_pretty(&document).map_err(|error| failed(&error))?;
    private_file::write(file, &text).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_kept_beside_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("docker/config.json");
        store_in(&file, "one:5000", "user", &Secret::new("a".into())).unwrap();

        store_in(&file, "two:5000", "user", &Secret::new("b".into())).unwrap();

        let document = read(&file).unwrap();
        assert_eq!(in_file(&document, "one:5000"), Some(basic("user", &Secret::new("a".into()))));
        assert_eq!(in_file(&document, "two:5000"), Some(basic("user", &Secret::new("b".into()))));
        assert_eq!(in_file(&document, "three:5000"), None);
    }

    #[test]
    fn a_file_holds_a_user_and_a_password_which_may_have_colons() {
        let folder = tempfile::tempdir().unwrap();
        let [good, bad] = ["good", "bad"].map(|name| folder.path().join(name));
        fs::write(&good, "user:a:b\n").unwrap();
        fs::write(&bad, "user").unwrap();

        assert_eq!(read_pair(&good), Ok(basic("user", &Secret::new("a:b".into()))));
        assert!(read_pair(&bad).is_err() && read_pair(&folder.path().join("none")).is_err());
    }

    #[test]
    fn the_helper_of_a_host_goes_before_that_of_all() {
        let document = json!({"credsStore": "desktop", "credHelpers": {"one:5000": "pass"}});

        assert_eq!(helper(&document, "one:5000").as_deref(), Some("pass"));
        assert_eq!(helper(&document, "two:5000").as_deref(), Some("desktop"));
        assert_eq!(helper(&json!({"auths": {}}), "two:5000"), None);
    }
}
