use super::{Kind, Launch};
use crate::error::{Outcome, While};
use std::{fs, process::Command};

/// nginx on the same bytes as plain files: the limit for reading, not a registry.
pub(super) const KIND: Kind = Kind {
    name: "nginx",
    about: "2 workers, sendfile, open_file_cache, no access log, no authentication: plain files",
    is_registry: false,
    stores_of: "nginx",
    alive: "/",
    user: None,
    program: |programs| Some(&programs.nginx),
    version: &["-v"],
    command,
};

fn command(launch: &Launch<'_>) -> Outcome<Command> {
    let scratch = launch.scratch.display();
    // Root's workers would become another user, who may not be able to look into the data folder.
    let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
    let tls = launch.tls.map(|certificate| {
        let (certificate, key) = (certificate.certificate.display(), certificate.key.display());
        format!("ssl_certificate {certificate}; ssl_certificate_key {key};")
    });
    let listen = if tls.is_some() { " ssl" } else { "" };
    let text = format!(
        "daemon off; {user} worker_processes 2; pid {scratch}/nginx.pid; error_log stderr warn;
events {{ worker_connections 12000; }}
http {{
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
    keepalive_requests 1000000000; keepalive_timeout 300s;
    open_file_cache max=20000 inactive=1h; open_file_cache_valid 1h; open_file_cache_min_uses 1;
    default_type application/octet-stream;
    client_body_temp_path {scratch}/body;
    server {{ listen 127.0.0.1:{port}{listen}; root {root}; {tls} }}
}}
",
        port = launch.port,
        root = launch.data.display(),
        tls = tls.unwrap_or_default(),
    );
    let path = launch.scratch.join("nginx.conf");
    fs::write(&path, text).while_trying(format!("write {}", path.display()))?;
    let mut command = Command::new(launch.program);
    command.arg("-p").arg(launch.scratch).arg("-c").arg(&path);
    Ok(command)
}
