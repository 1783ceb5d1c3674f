//! How a server is reached: TLS, HTTP/2, IPv6, Unix sockets, an address of its own for the metrics.

use gantry_e2e::{Client, PASSWORD, Raw, Server, USER, run_with, until};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::CertificateDer};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// What a client begins HTTP/2 with, and an empty frame of settings (RFC 9113, sections 3.4 and 6.5).
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The type of that frame.
const SETTINGS: u8 = 4;

/// A folder with a certificate, its key, and a data folder.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Makes a new certificate and key, and returns the certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        std::fs::write(self.path("tls.crt"), made.cert.pem()).unwrap();
        std::fs::write(self.path("tls.key"), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    fn server(&self, listen: &str, settings: &[(&str, &str)]) -> Server {
        Server::listening(listen, &self.path("data"), settings)
    }

    fn tls_server(&self) -> Server {
        let (certificate, key) = (self.text("tls.crt"), self.text("tls.key"));
        self.server("127.0.0.1:0", &[("GANTRY_TLS__CERTIFICATE", &certificate), ("GANTRY_TLS__KEY", &key)])
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Shakes hands, believing `trusted` alone.
fn connect(address: &str, trusted: &CertificateDer<'static>, protocol: &str) -> io::Result<Tls> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    let mut connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    connection.complete_io(&mut stream)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Asks for `/healthz` over HTTP/1.1, and returns the first line of the answer.
fn health(mut stream: impl Read + Write) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A server may close TLS without a word once it has said it all.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_string()
}

/// The type of the first frame of an answer in HTTP/2.
fn first_frame(mut stream: impl Read + Write) -> u8 {
    stream.write_all(HTTP2).unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    head[3]
}

#[test]
fn a_registry_over_tls_is_used_by_who_believes_its_authority() {
    let place = Place::new();
    place.renew();
    let server = place.tls_server();
    let (url, home, ca) = (server.urls()[0].clone(), place.text("home"), place.text("tls.crt"));
    std::fs::write(place.path("password"), PASSWORD).unwrap();
    let password = place.text("password");
    let types = |words: &[&str]| run_with(words, &[("DOCKER_CONFIG", &home)]);
    let login = ["login", &url, "--user", USER, "--password-file", &password];

    let (stranger, _, refused) = types(&login);
    let (code, said, errors) = types(&[&login[..], &["--ca-file", &ca]].concat());
    let (created, _, _) = types(&["repo", "create", "app", "--server", &url, "--ca-file", &ca]);
    let (plain, _, hint) = types(&["repo", "ls", "--server", &url.replace("https", "http")]);

    assert!(url.starts_with("https://"), "{url}");
    assert_eq!((code, created), (0, 0), "{said}{errors}");
    assert!(stranger == 3 && refused.contains("--ca-file"), "{refused}");
    assert!(plain == 3 && hint.contains("https://"), "{hint}");
}

#[test]
fn a_renewed_certificate_is_served_without_a_restart() {
    let place = Place::new();
    let first = place.renew();
    let server = place.tls_server();
    let opened_before = connect(server.address(), &first, "http/1.1").unwrap();

    let second = place.renew();
    let is_renewed = until(Duration::from_secs(20), || connect(server.address(), &second, "http/1.1").is_ok());

    assert!(is_renewed, "the new certificate is not served:\n{}", server.log_end());
    assert!(connect(server.address(), &first, "http/1.1").is_err(), "the old one still is");
    assert_eq!(health(opened_before), "HTTP/1.1 200 OK", "a connection that was open goes on");
}

#[test]
fn http2_is_spoken_over_tls_and_in_the_clear() {
    let place = Place::new();
    let certificate = place.renew();
    let secure = place.tls_server();
    let plain = Server::start();

    let over_tls = connect(secure.address(), &certificate, "h2").unwrap();
    let chosen = over_tls.conn.alpn_protocol().map(<[u8]>::to_vec);
    let in_the_clear = TcpStream::connect(plain.address()).unwrap();
    in_the_clear.set_read_timeout(Some(Duration::from_secs(20))).unwrap();

    assert_eq!(chosen.as_deref(), Some(&b"h2"[..]));
    assert_eq!(first_frame(over_tls), SETTINGS);
    assert_eq!(first_frame(in_the_clear), SETTINGS);
}

#[test]
fn several_addresses_serve_the_same_and_each_says_whether_it_speaks_tls() {
    let place = Place::new();
    place.renew();
    let (certificate, key, socket) = (place.text("tls.crt"), place.text("tls.key"), place.text("gantry.sock"));
    let listen = format!("http://127.0.0.1:0,[::1]:0,unix:{socket}");
    let settings = [("GANTRY_TLS__CERTIFICATE", certificate.as_str()), ("GANTRY_TLS__KEY", &key)];

    let mut server = place.server(&listen, &settings);
    let urls = server.urls().to_vec();

    assert_eq!(server.client().get("/v2/").status, 200);
    assert!(urls[1].starts_with("https://[::1]:") && TcpStream::connect(&urls[1][8..]).is_ok(), "{urls:?}");
    assert_eq!(urls[2], format!("unix:{socket}"));
    assert_eq!(health(UnixStream::connect(&socket).unwrap()), "HTTP/1.1 200 OK");
    server.stop();
    assert!(!Path::new(&socket).exists(), "the socket is taken away at the end");
}

#[test]
fn the_metrics_have_an_address_of_their_own_and_nothing_else_is_there() {
    let place = Place::new();
    let server = place.server("127.0.0.1:0", &[("GANTRY_METRICS_LISTEN", "127.0.0.1:0")]);
    let url = &server.urls()[1];
    let stranger = Client::anonymous(url.strip_prefix("http://").unwrap().trim_end_matches("/metrics"));

    assert_eq!(stranger.get("/metrics").status, 200);
    assert_eq!(stranger.get("/healthz").status, 200);
    assert_eq!(stranger.get("/v2/").status, 404);
    assert_eq!(Client::anonymous(server.address()).get("/metrics").status, 401);
}

#[test]
fn the_api_describes_itself_to_those_who_may_come_in() {
    let server = Server::start();
    server.client().send("POST", "/api/v1/repositories", &[], br#"{"name": "team/app"}"#);

    let document = server.client().get("/api/v1/openapi.json");
    let shown = server.client().get("/api/v1/repositories/team/app").json();
    let refused = server.client().get("/api/v1/repositories/none").json();

    assert_eq!(Client::anonymous(server.address()).get("/api/v1/openapi.json").status, 401);
    assert_eq!(document.text(), include_str!("../../../../docs/openapi.json"));
    for (schema, answer) in [("Repository", &shown), ("Refusal", &refused)] {
        let schema = &document.json()["components"]["schemas"][schema];
        let members = answer.as_object().unwrap();
        assert!(members.keys().all(|name| schema["properties"].get(name).is_some()), "{answer} is not as described");
        let required = schema["required"].as_array().unwrap();
        assert!(required.iter().all(|name| members.contains_key(name.as_str().unwrap())), "{answer} lacks something");
    }
}

#[test]
fn a_server_that_is_stopped_answers_what_it_has_begun_to_hear() {
    let mut server = Server::start();
    let mut raw = Raw::connect(server.address());
    let bytes = b"the whole of it";
    let target = "/v2/team/app/blobs/uploads/";
    raw.request("POST", target, "content-length: 0\r\n", b"");
    let location = raw.answer().and_then(|answer| answer.header("location").map(str::to_string)).unwrap();
    raw.request("PATCH", &location, &format!("content-length: {}\r\nexpect: 100-continue\r\n", bytes.len()), b"");
    assert_eq!(raw.answer().map(|answer| answer.status), Some(100), "the server listens to the body");

    let stopping = std::thread::spawn(move || {
        server.stop();
        server
    });
    raw.send(bytes);
    let answer = raw.answer();
    stopping.join().unwrap();

    assert_eq!(answer.map(|answer| answer.status), Some(202));
}
