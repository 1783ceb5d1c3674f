//! What is unwise about how an image is made: its configuration (OCI Image 1.1.1, "Image Configuration"), its history, and
//! files that give rights away.

mod history;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{ExposedSecret, Severity, find_secrets};
use history::Step;

/// What the rules find: a change of it means that images are to be read again.
pub(crate) const REVISION: u32 = 1;
/// Bytes of a configuration at most; larger ones are not read.
pub const IMAGE_CONFIG_BYTES_MAX: usize = 4 << 20;
/// Misconfigurations of an image at most.
pub const MISCONFIGURATIONS_MAX: usize = 500;
/// Characters of a build step at most.
const STEP_CHARACTERS_MAX: usize = 200;
/// Characters of evidence at most.
const EVIDENCE_CHARACTERS_MAX: usize = 160;

/// Something unwise about an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Misconfiguration {
    /// The rule: `root-user`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// What shows it: a line of the history, a path. Never a secret.
    pub evidence: String,
    /// What to do.
    pub advice: String,
}

/// What is read of an image's configuration; what is not there is empty.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
pub struct ImageConfig {
    /// How its containers run.
    #[serde(default)]
    pub config: Option<RunConfig>,
    /// How it was made, the oldest first.
    #[serde(default)]
    pub history: Option<Vec<HistoryEntry>>,
    /// Its layers.
    #[serde(default)]
    pub rootfs: Option<RootFs>,
    /// The operating system it runs on, in Go's word.
    #[serde(default)]
    pub os: Option<String>,
    /// The processor it runs on, in Go's word.
    #[serde(default)]
    pub architecture: Option<String>,
    /// Which of the processor's variants.
    #[serde(default)]
    pub variant: Option<String>,
}

/// The layers of an image, unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct RootFs {
    /// The digest of each layer's archive, unpacked: the lowest first.
    #[serde(default)]
    pub diff_ids: Option<Vec<String>>,
}

/// How containers of an image run.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunConfig {
    /// Who they run as: a name or a number, with a group after a colon.
    #[serde(default)]
    pub user: Option<String>,
    /// Their environment: `NAME=value`.
    #[serde(default)]
    pub env: Option<Vec<String>>,
    /// Ports they listen at: `80/tcp`.
    #[serde(default)]
    pub exposed_ports: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    /// Docker's check of their health.
    #[serde(default)]
    pub healthcheck: Option<Healthcheck>,
    /// Labels.
    #[serde(default)]
    pub labels: Option<BTreeMap<String, String>>,
}

/// A check of a container's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Healthcheck {
    /// The command; `NONE` alone switches a base image's check off.
    #[serde(rename = "Test", default)]
    pub test: Option<Vec<String>>,
}

/// One step of an image's making.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct HistoryEntry {
    /// The command.
    #[serde(default)]
    pub created_by: Option<String>,
    /// What the builder notes; Buildah names the base image.
    #[serde(default)]
    pub comment: Option<String>,
    /// Whether it left no layer.
    #[serde(default)]
    pub empty_layer: Option<bool>,
}

/// A file of the image whose mode has the setuid or the setgid bit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct SetuidFile {
    /// Its normalised path.
    pub path: String,
    /// Its permission bits.
    pub mode: u32,
}

impl ImageConfig {
    /// Reads a configuration (`application/vnd.oci.image.config.v1+json`, or Docker's).
    ///
    /// # Errors
    /// A sentence, where it is too large or no such document.
    pub fn parse(bytes: &[u8]) -> Result<ImageConfig, String> {
        if bytes.len() > IMAGE_CONFIG_BYTES_MAX {
            let length = bytes.len();
            return Err(format!("the configuration has {length} bytes, more than {IMAGE_CONFIG_BYTES_MAX}"));
        }
        serde_json::from_slice(bytes).map_err(|error| format!("the configuration cannot be read: {error}"))
    }

    /// Returns the build step that made each of so many layers, the lowest first, as the builder noted it (`created_by`): in one line,
    /// cut where it is long, and without secrets. Empty where the history counts the layers otherwise.
    pub fn build_steps(&self, layers: usize) -> Vec<String> {
        let entries = || self.history.iter().flatten().filter(|entry| !entry.empty_layer.unwrap_or_default());
        match entries().count() == layers {
            true => entries().map(|entry| build_step(entry.created_by.as_deref().unwrap_or_default())).collect(),
            false => Vec::new(),
        }
    }
}

fn build_step(command: &str) -> String {
    let step = Step::parse(command);
    match find_secrets("history", command.as_bytes()).is_empty() {
        true => step.told(STEP_CHARACTERS_MAX),
        false => format!("{} …", step.verb()),
    }
}

/// Returns what is unwise about an image, the worst first; [`MISCONFIGURATIONS_MAX`] at most.
///
/// `setuid` are the files with such bits that its layers leave visible.
pub fn find_misconfigurations(image: &ImageConfig, setuid: &[SetuidFile]) -> Vec<Misconfiguration> {
    let nothing = RunConfig::default();
    let run = image.config.as_ref().unwrap_or(&nothing);
    let mut found = Vec::new();
    found.extend(root_user(run));
    found.extend(no_healthcheck(run));
    found.extend(latest_base(image, run));
    found.extend(run.env.iter().flatten().filter_map(|variable| secret_in_environment(variable)));
    found.extend(run.exposed_ports.iter().flat_map(BTreeMap::keys).filter_map(|port| remote_login(port)));
    let commands = image.history.iter().flatten().filter_map(|entry| entry.created_by.as_deref());
    commands.for_each(|command| found.extend(history_step(command)));
    found.extend(setuid.iter().map(setuid_file));
    found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
    found.dedup();
    found.truncate(MISCONFIGURATIONS_MAX);
    found
}

fn misconfiguration(rule: &str, severity: Severity, title: &str, evidence: &str, advice: &str) -> Misconfiguration {
    let evidence = match evidence.char_indices().nth(EVIDENCE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &evidence[..end]),
        None => evidence.to_owned(),
    };
    Misconfiguration { rule: rule.to_owned(), severity, title: title.to_owned(), evidence, advice: advice.to_owned() }
}

fn root_user(run: &RunConfig) -> Option<Misconfiguration> {
    let user = run.user.as_deref().unwrap_or_default();
    let name = user.split(':').next().unwrap_or_default();
    matches!(name, "" | "0" | "root").then(|| {
        let evidence = if user.is_empty() { "no user is set".to_owned() } else { format!("USER {user}") };
        misconfiguration(
            "root-user",
            Severity::Medium,
            "Containers run as root",
            &evidence,
            "Make a user in the image and name it with USER, best by number, so that Kubernetes can check runAsNonRoot.",
        )
    })
}

fn no_healthcheck(run: &RunConfig) -> Option<Misconfiguration> {
    let test = run.healthcheck.as_ref().and_then(|check| check.test.as_deref()).unwrap_or_default();
    let is_checked = !matches!(test, [] | [_]) && test[0] != "NONE";
    let listens = run.exposed_ports.as_ref().is_some_and(|ports| !ports.is_empty());
    (listens && !is_checked).then(|| {
        misconfiguration(
            "no-healthcheck",
            Severity::Informational,
            "It listens, and nothing tells whether it is well",
            "no HEALTHCHECK",
            "Add a HEALTHCHECK, or a probe where it runs: Kubernetes does not use the image's.",
        )
    })
}

/// Labels with the name of the base image (OCI Image 1.1.1, "Pre-Defined Annotation Keys").
const BASE_NAME: &str = "org.opencontainers.image.base.name";

fn latest_base(image: &ImageConfig, run: &RunConfig) -> Option<Misconfiguration> {
    let label = run.labels.as_ref().and_then(|labels| labels.get(BASE_NAME)).map(String::as_str);
    let comments = image.history.iter().flatten().filter_map(|entry| entry.comment.as_deref());
    let noted = comments.filter_map(|comment| comment.strip_prefix("FROM "));
    let moving = label.into_iter().chain(noted).map(str::trim).find(|base| is_moving(base))?;
    Some(misconfiguration(
        "latest-base",
        Severity::Low,
        "It was built on a base image that changes under its name",
        moving,
        "Name the base image by a version, and by its digest: FROM name:1.2@sha256:…",
    ))
}

/// Tells whether a reference to an image names no version: no tag, or `latest`.
fn is_moving(base: &str) -> bool {
    let last = base.rsplit('/').next().unwrap_or(base);
    !base.contains('@') && base != "scratch" && last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// Ends of variables' names that hold secrets.
const SECRET_NAMES: &[&str] =
    &["_API_KEY", "_CREDENTIALS", "_PASSWD", "_PASSWORD", "_PRIVATE_KEY", "_SECRET", "_SECRET_KEY", "_TOKEN"];

fn secret_in_environment(variable: &str) -> Option<Misconfiguration> {
    let (name, value) = variable.split_once('=')?;
    let known = find_secrets("ENV", variable.as_bytes());
    let upper = format!("_{}", name.to_ascii_uppercase());
    let is_named = SECRET_NAMES.iter().any(|ending| upper.ends_with(ending)) && !value.starts_with(['/', '$']);
    let severity = match known.first() {
        Some(secret) => secret.severity,
        None if is_named && !value.trim().is_empty() => Severity::High,
        None => return None,
    };
    Some(misconfiguration(
        "secret-in-environment",
        severity,
        "A secret is part of the image's environment",
        &format!("ENV {name}=***"),
        "Give it to the container when it starts, and change it: whoever can pull the image has it.",
    ))
}

fn remote_login(port: &str) -> Option<Misconfiguration> {
    let number = port.split('/').next()?;
    matches!(number, "22" | "23" | "3389").then(|| {
        misconfiguration(
            "remote-login",
            Severity::Medium,
            "It offers a login from afar",
            &format!("EXPOSE {port}"),
            "Leave the login to the host: docker exec, kubectl exec.",
        )
    })
}

/// What one line of the history shows; its secrets are masked in all evidence.
fn history_step(command: &str) -> Vec<Misconfiguration> {
    let secrets = find_secrets("history", command.as_bytes());
    let step = Step::parse(command);
    let shown = if secrets.is_empty() { step.shown() } else { step.verb().to_owned() };
    let mut found = Vec::new();
    found.extend(secrets.first().map(|secret| secret_in_history(secret, step.verb())));
    found.extend(step.secret_arguments().map(|name| {
        misconfiguration(
            "secret-in-build-argument",
            Severity::High,
            "A secret was given to the build as an argument, and the history keeps it",
            &format!("ARG {name}=***"),
            "Use RUN --mount=type=secret, and change the secret: whoever can pull the image has it.",
        )
    }));
    let rows = [
        (
            step.adds_address(),
            "add-url",
            Severity::Medium,
            "A file was added from an address without a checksum",
            "Use ADD --checksum=sha256:…, or RUN with a download that is verified.",
        ),
        (
            step.pipes_to_shell(),
            "download-to-shell",
            Severity::Medium,
            "What was downloaded was run unseen",
            "Download to a file, check its digest or signature, then run it.",
        ),
        (
            step.opens_to_everybody(),
            "world-writable",
            Severity::Medium,
            "Files were made writable for everybody",
            "Give the files to the user that needs them: COPY --chown, chmod 755.",
        ),
        (
            step.skips_verification(),
            "unverified-download",
            Severity::Medium,
            "The check of a certificate or signature was switched off",
            "Add the missing certificate or key to the image instead.",
        ),
    ];
    let held = rows.into_iter().filter(|(holds, ..)| *holds);
    found
        .extend(held.map(|(_, rule, severity, title, advice)| misconfiguration(rule, severity, title, &shown, advice)));
    found
}

fn secret_in_history(secret: &ExposedSecret, verb: &str) -> Misconfiguration {
    misconfiguration(
        "secret-in-history",
        secret.severity,
        "A secret stands in the image's history",
        &format!("{verb}: {} ({}, {})", secret.title, secret.preview, secret.fingerprint),
        "Use RUN --mount=type=secret, and change the secret: whoever can pull the image has it.",
    )
}

/// Setuid and setgid files that distributions install, by their last segment, sorted.
const USUAL_SETUID: &[&str] = &[
    "bbsuid",
    "chage",
    "chfn",
    "chsh",
    "crontab",
    "dbus-daemon-launch-helper",
    "expiry",
    "fusermount",
    "fusermount3",
    "gpasswd",
    "mount",
    "mount.nfs",
    "newgidmap",
    "newgrp",
    "newuidmap",
    "pam_timestamp_check",
    "passwd",
    "ping",
    "pkexec",
    "polkit-agent-helper-1",
    "ssh-agent",
    "ssh-keysign",
    "staprun",
    "su",
    "sudo",
    "sudoedit",
    "umount",
    "unix_chkpwd",
    "userhelper",
    "utempter",
    "wall",
    "write",
];

fn setuid_file(file: &SetuidFile) -> Misconfiguration {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let everybody_writes = file.mode & 0o002 != 0;
    let (severity, title) = if everybody_writes {
        (Severity::High, "A setuid file can be changed by everybody")
    } else if USUAL_SETUID.binary_search(&name).is_ok() {
        (Severity::Informational, "A program of the distribution gives its owner's rights")
    } else {
        (Severity::Medium, "A program gives its owner's rights to whoever runs it")
    };
    misconfiguration(
        "setuid-file",
        severity,
        title,
        &format!("{} (mode {:04o})", file.path, file.mode & 0o7777),
        "Take the bits away (chmod a-s), or run containers with no-new-privileges.",
    )
}
