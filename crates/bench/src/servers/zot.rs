use super::{Kind, Launch};
use crate::error::{Outcome, While};
use serde_json::json;
use std::{fs, process::Command};

/// zot as it comes: it does not wait for the disk.
pub(super) const KIND: Kind = Kind {
    name: "zot",
    about: "local files, gc on, dedupe on but for lists and manifest pushes, no fsync (its default), no access log, \
            no authentication",
    is_registry: true,
    stores_of: "zot",
    alive: "/v2/",
    user: None,
    program: |programs| programs.zot.as_deref(),
    version: &["--version"],
    command: |launch| command(launch, false),
};

/// zot with `commit: true`: blobs are synced.
pub(super) const KIND_SYNC: Kind = Kind {
    name: "zotsync",
    about: "as zot, with storage.commit: blobs are synced before they are acknowledged",
    command: |launch| command(launch, true),
    ..KIND
};

fn command(launch: &Launch<'_>, syncs: bool) -> Outcome<Command> {
    // With dedupe it walks its whole store after each start, and the walk grows with the square of what there is: over a
    // store of 15,000 manifests it takes hours, and requests wait for seconds meanwhile.
    let dedupes = !launch.is_large;
    let settings = json!({
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": launch.data, "dedupe": dedupes, "gc": true, "commit": syncs},
        "http": {"address": "127.0.0.1", "port": launch.port.to_string()},
        "log": {"level": "error"},
    });
    let path = launch.scratch.join("zot.json");
    fs::write(&path, settings.to_string()).while_trying(format!("write {}", path.display()))?;
    let mut command = Command::new(launch.program);
    command.arg("serve").arg(&path);
    Ok(command)
}
