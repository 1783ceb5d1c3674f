use super::{
    catalogue::{Catalogue, Key, PREFIX},
    complaint::Complaint,
    kind::Kind,
    origin::Origin,
    tree::{Assignment, Source},
};
use serde_json::Value;
use std::{ffi::OsString, io, path::Path};

/// Names the configuration file.
pub(crate) const CONFIG: &str = "GANTRY_CONFIG";
/// Variables of ours that are no settings: of the commands that talk to a server, and of the tools of tests.
const OTHERS: [&str; 8] = [
    CONFIG,
    "GANTRY_AUDIENCE",
    "GANTRY_CA_FILE",
    "GANTRY_IDENTITY_TOKEN",
    "GANTRY_PASSWORD_FILE",
    "GANTRY_SERVER",
    "GANTRY_TOOLS",
    "GANTRY_USER",
];
const OF_TESTS: &str = "GANTRY_TEST_";
/// Behind the variable of a secret: names a file that holds it, as container platforms mount them.
const FILE: &str = "_FILE";

/// Reads the variables that begin with `GANTRY_`; `read_file` reads the files that hold secrets.
pub(crate) fn read(
    variables: &[(OsString, OsString)],
    catalogue: &Catalogue,
    read_file: &dyn Fn(&Path) -> io::Result<String>,
) -> Source {
    let mut source = Source::default();
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (name.to_string_lossy(), value)).collect();
    variables.sort();
    for (name, value) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        let origin = Origin::Environment { name: name.to_string() };
        let Some(text) = value.to_str() else {
            source.complaints.push(Complaint::at(&origin, "the value is no UTF-8", "write it in UTF-8"));
            continue;
        };
        if is_no_setting(name, text) {
            continue;
        }
        match value_of(name, text, catalogue, read_file) {
            Ok((key, value)) => source.assignments.push(Assignment { path: key.path.clone(), value, origin }),
            Err((problem, remedy)) => {
                source.refused.extend(meant(name, catalogue).map(|key| key.path.clone()));
                source.complaints.push(Complaint::at(&origin, problem, remedy));
            }
        }
    }
    source
}

fn is_no_setting(name: &str, value: &str) -> bool {
    OTHERS.contains(&name) || name.starts_with(OF_TESTS) || is_service_link(name, value)
}

/// Kubernetes tells each pod of the services beside it: for one called `gantry` or `gantry-db` in variables that begin
/// as ours do (`GANTRY_SERVICE_HOST`, `GANTRY_PORT_5000_TCP_ADDR`, `GANTRY_DB_PORT=tcp://10.0.0.1:5432`).
fn is_service_link(name: &str, value: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_protocol = |word: &str| matches!(word, "TCP" | "UDP" | "SCTP");
    let is_url = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let is_port = |port: &str, protocol: &str| is_number(port) && is_protocol(protocol);
    match words.as_slice() {
        [.., "PORT", port, protocol, "ADDR" | "PORT" | "PROTO"] if is_port(port, protocol) => true,
        [.., "PORT", port, protocol] if is_port(port, protocol) => is_url,
        [.., "SERVICE", "HOST"] => true,
        [.., "PORT"] if is_url => true,
        words => words.windows(2).any(|pair| pair == ["SERVICE", "PORT"]) && is_number(value),
    }
}

fn value_of<'a>(
    name: &str,
    text: &str,
    catalogue: &'a Catalogue,
    read_file: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<(&'a Key, Value), (String, String)> {
    if let Some(key) = catalogue.find_variable(name) {
        // Empty is how a template says "nothing" to what may be absent.
        let is_absent = text.is_empty() && key.is_optional && key.kind != Kind::Secret;
        return Ok((key, if is_absent { Value::Null } else { key.kind.value_of(text) }));
    }
    let secret = name.strip_suffix(FILE).and_then(|name| catalogue.find_variable(name));
    match secret {
        Some(key) if key.kind == Kind::Secret => match read_file(Path::new(text)) {
            Ok(secret) => Ok((key, secret.trim_end_matches(['\r', '\n']).into())),
            Err(error) => {
                let problem = format!("{} cannot be read from {text:?}: {error}", key.path);
                Err((problem, "name a file that this user may read".into()))
            }
        },
        Some(key) => {
            let remedy = format!("give the value itself in {}", key.variable());
            Err((format!("{} is no secret, and is not read from a file", key.path), remedy))
        }
        None => Err(("there is no such setting".into(), catalogue.hint(&path_of(name), Key::variable))),
    }
}

/// The key that a variable in vain was for.
fn meant<'a>(name: &str, catalogue: &'a Catalogue) -> Option<&'a Key> {
    let secret = name.strip_suffix(FILE).and_then(|name| catalogue.find_variable(name));
    secret.or_else(|| catalogue.meant(&path_of(name)))
}

/// The dotted path that a variable would set.
fn path_of(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).replace("__", ".").to_lowercase()
}
