use super::{Kind, Launch};
use crate::error::{Outcome, While};
use std::{fs, process::Command};

/// CNCF distribution 3, as its own example configures it.
pub(super) const KIND: Kind = Kind {
    name: "distribution",
    about: "local files, blob descriptors cached in memory, no access log, no authentication",
    is_registry: true,
    stores_of: "distribution",
    alive: "/v2/",
    user: None,
    program: |programs| Some(&programs.distribution),
    version: &["--version"],
    command,
};

fn command(launch: &Launch<'_>) -> Outcome<Command> {
    let text = format!(
        "version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  cache: {{blobdescriptor: inmemory}}
  delete: {{enabled: true}}
http: {{addr: '127.0.0.1:{port}'}}
",
        root = launch.data.display(),
        port = launch.port,
    );
    let path = launch.scratch.join("distribution.yml");
    fs::write(&path, text).while_trying(format!("write {}", path.display()))?;
    let mut command = Command::new(launch.program);
    // It would otherwise look for a collector of traces at every request.
    command.arg("serve").arg(&path).env("OTEL_TRACES_EXPORTER", "none");
    Ok(command)
}
