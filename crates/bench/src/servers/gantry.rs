use super::{Kind, Launch};
use crate::error::Outcome;
use std::{path::Path, process::Command};

const USER: &str = "AKIABENCHBENCHBENCHB";
const PASSWORD: &str = "bench/secret+of/forty=characters/of/len";

/// Gantry as it comes: durable, every request with a Bearer token; only the access log is off, as in every row.
pub(super) const KIND: Kind = Kind {
    name: "gantry",
    about: "defaults without access log: every acknowledged byte is on the disk, every request brings a Bearer token",
    is_registry: true,
    stores_of: "gantry",
    alive: "/readyz",
    user: Some((USER, PASSWORD)),
    program: |programs| Some(&programs.gantry),
    version: &["--version"],
    command,
};

/// Returns a command of Gantry's that knows no settings but those it is given: those of the bench are none of its own,
/// and it refuses what it does not know.
pub(crate) fn command_of(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GANTRY_")) {
        command.env_remove(name);
    }
    command
}

fn command(launch: &Launch<'_>) -> Outcome<Command> {
    let mut command = command_of(launch.program);
    command.arg("serve").arg("--data-dir").arg(launch.data).args(["--listen", &format!("127.0.0.1:{}", launch.port)]);
    command.env("GANTRY_ROOT_ACCESS_KEY_ID", USER).env("GANTRY_ROOT_SECRET_ACCESS_KEY", PASSWORD);
    command.env("GANTRY_CREATE_ON_PUSH", "true").env("GANTRY_HTTP__ACCESS_LOG", "false");
    if let Some(certificate) = launch.tls {
        command.env("GANTRY_TLS__CERTIFICATE", &certificate.certificate).env("GANTRY_TLS__KEY", &certificate.key);
    }
    Ok(command)
}
