//! Where and how the binary listens: plain beside TLS, HTTP/2, Unix sockets, IPv6, certificates that are renewed.

use gantry_e2e::{PASSWORD, USER, program, tool, until};
use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A server with listeners of its own, and a certificate unless it is to have none.
struct Listening {
    child: Child,
    urls: Vec<String>,
    folder: TempDir,
}

impl Listening {
    fn on(listen: &str) -> Listening {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), "first");
        install(folder.path(), "first");
        let listen = listen.replace("{folder}", &folder.path().display().to_string());
        let mut child = serve(folder.path(), &listen)
            .env("GANTRY_TLS__CERTIFICATE", folder.path().join("cert.pem"))
            .env("GANTRY_TLS__KEY", folder.path().join("key.pem"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut urls = Vec::new();
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
            match line.trim().strip_prefix("Gantry listens on ") {
                Some(url) => urls.push(url.to_string()),
                None => break,
            }
            line.clear();
        }
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        assert!(!urls.is_empty(), "the server did not say where it listens: {line}");
        Listening { child, urls, folder }
    }

    /// Asks with curl, which believes the certificate of this name; returns the HTTP version and the status.
    fn ask(&self, url: &str, certificate: &str, options: &[&str]) -> Option<(String, u16)> {
        let mut command = Command::new(tool("curl"));
        command.args(["--silent", "--show-error", "--max-time", "20", "--output", "/dev/null"]);
        command.args(["--write-out", "%{http_version} %{http_code}", "--user", &format!("{USER}:{PASSWORD}")]);
        command.arg("--cacert").arg(self.folder.path().join(format!("{certificate}.cert.pem"))).args(options);
        match url.strip_prefix("unix:") {
            Some(path) => command.args(["--unix-socket", path, "http://localhost/v2/"]),
            None => command.arg(format!("{url}/v2/")),
        };
        let output = command.output().expect("curl can be run");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (version, status) = text.split_once(' ')?;
        output.status.success().then(|| (version.to_string(), status.parse().unwrap()))
    }

    fn url(&self, beginning: &str) -> &str {
        let found = self.urls.iter().find(|url| url.starts_with(beginning));
        found.unwrap_or_else(|| panic!("no {beginning} in {:?}", self.urls))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Path, listen: &str) -> Command {
    let mut command = program();
    command.arg("serve").arg("--data-dir").arg(folder.join("data")).env("GANTRY_LISTEN", listen);
    command.env("GANTRY_ROOT_ACCESS_KEY_ID", USER).env("GANTRY_ROOT_SECRET_ACCESS_KEY", PASSWORD);
    command.env("NO_COLOR", "1").stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Makes a certificate for this machine's own addresses, and its key.
fn certify(folder: &Path, name: &str) {
    let file = |kind: &str| folder.join(format!("{name}.{kind}.pem"));
    let output = Command::new(tool("openssl"))
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost"])
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("cert"))
        .output()
        .expect("openssl can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Puts a certificate where the server looks for it.
fn install(folder: &Path, name: &str) {
    for kind in ["key", "cert"] {
        let fresh: PathBuf = folder.join(format!("{kind}.pem.new"));
        std::fs::copy(folder.join(format!("{name}.{kind}.pem")), &fresh).unwrap();
        std::fs::rename(fresh, folder.join(format!("{kind}.pem"))).unwrap();
    }
}

#[test]
fn plain_listeners_stand_beside_those_with_tls_on_every_kind_of_address() {
    let server =
        Listening::on("https://127.0.0.1:0,http://127.0.0.1:0,http://[::1]:0,[::1]:0,unix:{folder}/gantry.sock");

    assert_eq!(server.urls.len(), 5, "{:?}", server.urls);
    for beginning in ["https://127.0.0.1:", "http://127.0.0.1:", "http://[::1]:", "https://[::1]:", "unix:/"] {
        let answer = server.ask(server.url(beginning), "first", &["--http1.1"]);
        assert_eq!(answer, Some(("1.1".into(), 200)), "{beginning}");
    }
}

#[test]
fn http_2_is_spoken_by_alpn_and_by_prior_knowledge() {
    let server = Listening::on("https://127.0.0.1:0,http://127.0.0.1:0,unix:{folder}/gantry.sock");
    let (tls, plain) = (server.url("https://"), server.url("http://"));

    assert_eq!(server.ask(tls, "first", &["--http2"]), Some(("2".into(), 200)));
    assert_eq!(server.ask(tls, "first", &["--http1.1"]), Some(("1.1".into(), 200)));
    assert_eq!(server.ask(plain, "first", &["--http2-prior-knowledge"]), Some(("2".into(), 200)));
    assert_eq!(server.ask(server.url("unix:"), "first", &["--http2-prior-knowledge"]), Some(("2".into(), 200)));
}

#[test]
fn a_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let server = Listening::on("127.0.0.1:0");
    let (url, folder) = (server.url("https://"), server.folder.path());
    let believes = |name: &str| server.ask(url, name, &[]).is_some();
    certify(folder, "second");
    assert!(believes("first") && !believes("second"));

    install(folder, "second");
    let is_renewed = until(Duration::from_secs(15), || believes("second"));
    std::fs::write(folder.join("cert.pem"), "no certificate").unwrap();
    let stays = !until(Duration::from_secs(5), || !believes("second"));

    assert!(is_renewed, "the new certificate is not served");
    assert!(!believes("first"), "the old certificate is still served");
    assert!(stays, "a broken certificate took the place of a good one");
}

#[test]
fn tls_that_is_asked_for_without_a_certificate_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();

    let output = serve(folder.path(), "https://127.0.0.1:0").stderr(Stdio::piped()).output().unwrap();

    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("tls.certificate"), "{errors}");
}

#[test]
fn an_address_that_is_none_is_refused_by_the_configuration() {
    for listen in ["ftp://127.0.0.1:0", "https://", "http://127.0.0.1", "https://unix:/run/x.sock", "127.0.0.1"] {
        let folder = tempfile::tempdir().unwrap();

        let output = serve(folder.path(), listen).stderr(Stdio::piped()).output().unwrap();

        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{listen}: {errors}");
        assert!(errors.contains(listen) && errors.contains("https://0.0.0.0:5000"), "{listen}: {errors}");
    }
}
