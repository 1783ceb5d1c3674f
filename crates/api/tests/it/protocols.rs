//! HTTP/2, TLS and Unix sockets.

use crate::{
    client::Client,
    toy::{MANIFEST, Toy, listener},
};
use gantry_api::{Listener, Server, ServerError, Settings, TlsSettings};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{Request, body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Asks once over HTTP/2.
async fn ask_http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, path: &str) -> (u16, Bytes) {
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://hub.example{path}")).header("authorization", "Bearer good");
    let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_is_spoken_to_those_who_begin_with_it() {
    let toy = Toy::start().await;
    let large = toy.room.put("large", 3 << 20);
    let connect = || async { TcpStream::connect(toy.address).await.unwrap() };

    assert_eq!(ask_http2(connect().await, "/v2/manifest").await, (200, MANIFEST.into()));
    let (_, body) = ask_http2(connect().await, "/v2/file/large").await;
    assert!(body == large);
    let (_, origin) = ask_http2(connect().await, "/v2/where").await;
    assert_eq!(origin, "http://hub.example Some(127.0.0.1)");
}

#[tokio::test]
async fn a_push_over_http2_arrives() {
    let toy = Toy::start().await;
    let stream = TcpStream::connect(toy.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);

    let request = Request::put("http://hub.example/v2/put").header("authorization", "Bearer good");
    let answer = sender.send_request(request.body(Full::new(Bytes::from(vec![7; 5 << 20]))).unwrap()).await.unwrap();

    assert_eq!(answer.status(), 201);
    assert_eq!(toy.room.stored.lock().unwrap()[0].len(), 5 << 20);
}

#[tokio::test]
async fn a_unix_socket_serves_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gantry.sock");
    let toy = Toy::on(Settings::default(), vec![listener(&format!("unix:{}", path.display())).await]).await;
    let large = toy.room.put("large", 300_000);
    let mut client = Client::over(UnixStream::connect(&path).await.unwrap());

    assert!(client.ask("GET /v2/file/large", &[]).await.body == large);
    assert_eq!(client.ask("GET /v2/where", &[]).await.text(), "http://hub.example None");
}

#[tokio::test]
async fn a_socket_file_nobody_listens_on_is_replaced_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gantry.sock");
    let address = format!("unix:{}", path.display());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());

    let living = Listener::bind(&address).await.unwrap();

    assert!(Listener::bind(&address).await.is_err());
    drop(living);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_no_address_is_said_to_be_none() {
    for address in ["", "5000", ":5000", "127.0.0.1", "127.0.0.1:http", "a:99999"] {
        assert!(Listener::bind(address).await.unwrap_err().to_string().contains("127.0.0.1:5000"), "{address}");
    }
}

/// A folder with a certificate and its key.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("tls.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("tls.key")
    }

    /// Makes a new pair, and returns the certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["hub.example".into()]).unwrap();
        // The length tells a new file from an old one where the clock is too coarse to.
        let padding = "\n".repeat(self.length(&self.certificate()) % 7 + 1);
        std::fs::write(self.certificate(), made.cert.pem() + &padding).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    fn length(&self, path: &Path) -> usize {
        std::fs::metadata(path).map_or(0, |metadata| metadata.len() as usize)
    }

    fn settings(&self) -> Settings {
        let tls = TlsSettings { certificate: Some(self.certificate()), key: Some(self.key()) };
        Settings { tls, ..Settings::default() }
    }
}

/// Connects, trusting only `trusted`.
async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect("hub.example".try_into().unwrap(), stream).await
}

#[tokio::test]
async fn both_protocols_are_spoken_over_tls() {
    let files = Files::new();
    let certificate = files.renew();
    let toy = Toy::with(files.settings()).await;
    let large = toy.room.put("large", 700_000);

    let mut http1 = Client::over(connect(toy.address, &certificate, &["http/1.1"]).await.unwrap());
    let http2 = connect(toy.address, &certificate, &["h2", "http/1.1"]).await.unwrap();

    assert!(http1.ask("GET /v2/file/large", &[]).await.body == large);
    assert_eq!(http1.ask("GET /v2/where", &[]).await.text(), "https://hub.example Some(127.0.0.1)");
    assert!(ask_http2(http2, "/v2/file/large").await.1 == large);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let files = Files::new();
    let first = files.renew();
    let toy = Toy::with(files.settings()).await;
    assert!(connect(toy.address, &first, &[]).await.is_ok());

    let second = files.renew();
    while connect(toy.address, &second, &[]).await.is_err() {
        gantry_env::Env::real().sleep(std::time::Duration::from_secs(1)).await;
    }
    std::fs::write(files.certificate(), "no certificate at all").unwrap();
    gantry_env::Env::real().sleep(std::time::Duration::from_secs(10)).await;

    assert!(connect(toy.address, &second, &[]).await.is_ok());
    assert!(connect(toy.address, &first, &[]).await.is_err());
}

#[tokio::test]
async fn a_certificate_without_its_key_is_no_certificate() {
    let (files, others) = (Files::new(), Files::new());
    let tls = TlsSettings { certificate: Some(files.certificate()), key: Some(others.key()) };
    let start = |tls| {
        Server::new(Settings { tls, ..Settings::default() }, vec![], Arc::new(crate::toy::Words), crate::toy::env())
    };

    let error = start(tls).err().unwrap().to_string();
    let missing = TlsSettings { certificate: Some("/nowhere/tls.crt".into()), key: Some(others.key()) };

    assert!(error.contains("cannot be served"), "{error}");
    assert!(start(missing).err().unwrap().to_string().contains("/nowhere/tls.crt"));
}

#[tokio::test]
async fn a_listener_that_must_speak_tls_needs_a_certificate() {
    let server = Server::new(Settings::default(), vec![], Arc::new(crate::toy::Words), crate::toy::env()).unwrap();

    let ended = server.run(vec![listener("https://127.0.0.1:0").await], std::future::ready(())).await;

    assert!(matches!(ended, Err(ServerError::NoCertificate { .. })));
}

#[tokio::test]
async fn plain_http_is_spoken_beside_tls_where_the_address_says_so() {
    let files = Files::new();
    let toy = Toy::on(files.settings(), vec![listener("http://127.0.0.1:0").await]).await;

    assert_eq!(toy.client().await.ask("GET /v2/manifest", &[]).await.status, 200);
}
