use super::*;
use gantry_env::BoxFuture;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{io, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// A server that answers every connection with what `answer` makes of the head of the request; it ends with the test.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answer: impl Fn(SocketAddr) -> String + Send + 'static) -> Self {
        Server::serve(move |mut stream, address| {
            let answer = answer(address);
            Box::pin(async move { drop(stream.write_all(answer.as_bytes()).await) })
        })
        .await
    }

    async fn serve(answer: impl Fn(TcpStream, SocketAddr) -> BoxFuture<'static, ()> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let head = head_of(&mut stream).await;
                seen.lock().unwrap().push(head);
                tokio::spawn(answer(stream, address));
            }
        });
        Server { address, heads }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn head_of(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        head.push(byte);
    }
    String::from_utf8(head).unwrap()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// Leads every name to the next of these addresses, and to the last ever after.
struct Names(Mutex<VecDeque<Vec<IpAddr>>>, Arc<AtomicUsize>);

impl Resolver for Names {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { Ok(answer.unwrap_or_default()) })
    }
}

fn names(answers: &[&[&str]]) -> (Names, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let answers = answers.iter().map(|all| all.iter().map(|one| one.parse().unwrap()).collect()).collect();
    (Names(Mutex::new(answers), asked.clone()), asked)
}

fn client_with(allow: &[&str], resolver: impl Resolver) -> Client {
    let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
    Client::new(Settings { allow, ..Settings::default() }, resolver, Env::real())
}

/// A client that may ask 127.0.0.1, where the servers of the tests are.
fn client() -> Client {
    client_with(&["127.0.0.1"], names(&[&[]]).0)
}

fn get(url: &str) -> Request {
    Request::get(url, LONG, 1000)
}

#[tokio::test]
async fn a_named_target_answers() {
    let server = Server::start(|_| ok("hello")).await;

    let response = client().send(get(&server.url("/a?b=c"))).await.unwrap();

    assert_eq!((response.status.as_u16(), &*response.body), (200, &b"hello"[..]));
    let head = server.heads().remove(0).to_lowercase();
    assert!(head.starts_with("get /a?b=c http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", server.address)) && head.contains("user-agent: gantry/"), "{head}");
}

#[tokio::test]
async fn this_machine_is_not_asked_however_it_is_written() {
    let server = Server::start(|_| ok("inside")).await;
    let port = server.address.port();
    let client = client_with(&[], names(&[&["127.0.0.1"]]).0);

    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "0",
        "inside.example.com",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
    ] {
        let refused = client.send(get(&format!("https://{host}:{port}/"))).await.unwrap_err();
        assert!(matches!(refused, OutboundError::NotPublic { .. }), "{host}: {refused}");
    }
    assert_eq!(server.heads(), [""; 0]);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_address_that_was_checked_is_asked() {
    let server = Server::start(|_| ok("hello")).await;
    let (resolver, asked) = names(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let client = client_with(&["127.0.0.1"], resolver);

    let response = client.send(get(&format!("http://a.example.com:{}/", server.address.port()))).await.unwrap();

    assert_eq!(response.status, 200);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_at_a_redirect_is_refused() {
    let server = Server::start(|_| to("/again")).await;
    let (resolver, _) = names(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = client_with(&["127.0.0.1"], resolver);
    let url = format!("http://a.example.com:{}/", server.address.port());

    let refused = client.send(get(&url).redirects(Redirects::SameHost)).await.unwrap_err();

    assert!(matches!(refused, OutboundError::NotPublic { .. }), "{refused}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_an_address_that_is_not_named_is_refused() {
    for location in
        ["https://127.0.0.2/", "https://169.254.169.254/latest/meta-data/", "http://[::1]/", "https://0x7f.2/"]
    {
        let server = Server::start(move |_| to(location)).await;

        let refused = client().send(get(&server.url("/")).redirects(Redirects::Any)).await.unwrap_err();

        assert!(matches!(refused, OutboundError::NotPublic { .. }), "{location}: {refused}");
    }
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_the_request_says() {
    let there = Server::start(|_| ok("there")).await;
    let location = there.url("/there");
    let here = Server::start(move |_| to(&location)).await;
    let request = get(&here.url("/")).header(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"));

    let none = client().send(request.clone()).await.unwrap();
    let same = client().send(request.clone().redirects(Redirects::SameHost)).await.unwrap_err();
    let any = client().send(request.redirects(Redirects::Any)).await.unwrap();

    assert_eq!(none.status, 302);
    assert!(same.to_string().contains("to another host"), "{same}");
    assert_eq!(&*any.body, b"there");
    assert!(here.heads().iter().all(|head| head.contains("Bearer secret")));
    assert!(there.heads().iter().all(|head| !head.contains("Bearer secret")));
}

#[tokio::test]
async fn redirects_without_end_are_ended() {
    let server = Server::start(|_| to("/round")).await;

    let refused = client().send(get(&server.url("/")).redirects(Redirects::Any)).await.unwrap_err();

    assert!(refused.to_string().contains("too many"), "{refused}");
    assert_eq!(server.heads().len(), REDIRECTS_MAX + 1);
}

#[tokio::test]
async fn a_post_is_not_sent_elsewhere() {
    let server = Server::start(|_| to("/round")).await;
    let request = Request::post(&server.url("/"), "x".into(), LONG, 10).redirects(Redirects::Any);

    assert_eq!(client().send(request).await.unwrap().status, 302);
}

#[tokio::test]
async fn a_body_without_end_is_read_to_its_limit_only() {
    let server = Server::serve(|mut stream, _| {
        Box::pin(async move {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let mut written = stream.write_all(head.as_bytes()).await;
            while written.is_ok() {
                written = stream.write_all(b"8\r\naaaaaaaa\r\n").await;
            }
        })
    })
    .await;

    let refused = client().send(get(&server.url("/"))).await.unwrap_err();

    assert!(matches!(refused, OutboundError::TooLong { bytes_max: 1000, .. }), "{refused}");
}

#[tokio::test]
async fn a_body_that_is_wanted_in_pieces_comes_so_and_ends_where_nobody_takes_them() {
    let server = Server::start(|_| ok(&"a".repeat(1000))).await;
    let (sender, mut pieces) = tokio::sync::mpsc::channel(16);
    let (nobody, _) = tokio::sync::mpsc::channel(16);

    let answer = client().send_in_pieces(get(&server.url("/")), sender).await.unwrap();
    let refused = client().send_in_pieces(get(&server.url("/")), nobody).await.unwrap_err();

    let mut taken = Vec::new();
    while let Some(piece) = pieces.recv().await {
        taken.extend_from_slice(&piece);
    }
    assert_eq!((answer.status, answer.body.len(), taken), (StatusCode::OK, 0, "a".repeat(1000).into_bytes()));
    assert!(matches!(refused, OutboundError::Unwanted { .. }), "{refused}");
}

#[tokio::test]
async fn in_pieces_too_a_body_is_read_to_its_limit_only_and_others_than_200_stay_whole() {
    let long = Server::start(|_| ok(&"a".repeat(1001))).await;
    let missing = Server::start(|_| "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone".into()).await;
    let (sender, mut pieces) = tokio::sync::mpsc::channel(16);
    let (kept, _taken) = tokio::sync::mpsc::channel(16);

    let refused = client().send_in_pieces(get(&long.url("/")), kept).await.unwrap_err();
    let answer = client().send_in_pieces(get(&missing.url("/")), sender).await.unwrap();

    assert!(matches!(refused, OutboundError::TooLong { bytes_max: 1000, .. }), "{refused}");
    assert_eq!((answer.status, &answer.body[..], pieces.recv().await), (StatusCode::NOT_FOUND, &b"none"[..], None));
}

#[tokio::test]
async fn a_body_may_be_as_long_as_its_limit() {
    for (bytes, is_taken) in [(1000, true), (1001, false)] {
        let server = Server::start(move |_| ok(&"a".repeat(bytes))).await;

        assert_eq!(client().send(get(&server.url("/"))).await.is_ok(), is_taken);
    }
}

#[tokio::test]
async fn a_head_without_end_is_not_read() {
    let server = Server::start(|_| format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(2 * HEAD_BYTES_MAX))).await;

    assert!(matches!(client().send(get(&server.url("/"))).await, Err(OutboundError::Http { .. })));
}

#[tokio::test]
async fn who_does_not_come_to_an_end_is_left_at_the_deadline() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"] {
        let server = Server::serve(move |mut stream, _| {
            Box::pin(async move {
                drop(stream.write_all(head.as_bytes()).await);
                std::future::pending().await
            })
        })
        .await;

        let refused = client().send(Request::get(&server.url("/"), SOON, 1000)).await.unwrap_err();

        assert!(matches!(refused, OutboundError::Deadline { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_is_an_error() {
    let server = Server::start(|_| "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".into()).await;

    assert!(matches!(client().send(get(&server.url("/"))).await, Err(OutboundError::Http { .. })));
}

#[tokio::test]
async fn the_proxy_is_told_the_address_that_was_checked() {
    let proxy = Server::start(|_| "HTTP/1.1 403 No\r\n\r\n".into()).await;
    let settings = Settings { proxy: Some(format!("http://{}", proxy.address)), ..Settings::default() };
    let client = Client::new(settings, names(&[&["8.8.8.8"]]).0, Env::real());

    let refused = client.send(get("https://a.example.com/")).await.unwrap_err();

    assert_eq!(refused.to_string(), "the proxy does not connect to a.example.com: HTTP/1.1 403 No");
    assert!(proxy.heads()[0].starts_with("CONNECT 8.8.8.8:443 HTTP/1.1\r\n"), "{:?}", proxy.heads());
}

#[tokio::test]
async fn a_named_target_is_reached_without_the_proxy() {
    let (server, proxy) = (Server::start(|_| ok("direct")).await, Server::start(|_| ok("proxy")).await);
    let settings =
        Settings { allow: vec!["127.0.0.1".parse().unwrap()], proxy: Some(format!("http://{}", proxy.address)) };
    let client = Client::new(settings, names(&[&[]]).0, Env::real());

    assert_eq!(&*client.send(get(&server.url("/"))).await.unwrap().body, b"direct");
    assert_eq!(proxy.heads(), [""; 0]);
}

/// A server of TLS for `name`, with the bundle by which it is believed.
async fn tls_server(name: &str) -> (Server, Authorities) {
    let made = rcgen::generate_simple_self_signed([name.to_string()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { address: listener.local_addr().unwrap(), heads: Arc::default() };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            head_of(&mut stream).await;
            drop(stream.write_all(ok("secure").as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    (server, Authorities::parse(made.cert.pem().as_bytes()).unwrap())
}

#[tokio::test]
async fn a_certificate_is_believed_from_the_bundle_of_the_request_alone_and_for_its_name_alone() {
    let (server, authorities) = tls_server("issuer.example.com").await;
    let (_, others) = tls_server("issuer.example.com").await;
    let client = client_with(&["127.0.0.1"], names(&[&["127.0.0.1"]]).0);
    let ask = |host: &str, authorities: Option<&Authorities>| {
        let url = format!("https://{host}:{}/", server.address.port());
        client.send(get(&url).authorities(authorities.cloned()))
    };

    let believed = ask("issuer.example.com", Some(&authorities)).await;
    assert_eq!(&*believed.unwrap().body, b"secure");
    for refused in [
        ask("issuer.example.com", None).await,
        ask("issuer.example.com", Some(&others)).await,
        ask("other.example.com", Some(&authorities)).await,
    ] {
        assert!(matches!(refused, Err(OutboundError::Connect { .. })), "{refused:?}");
    }
}
