//! A small provider: discovery, keys, tokens; and it can lie.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// 2026-11-21T10:40:00Z
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_257_600_000);

/// What a provider does other than it should.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lie {
    None,
    /// It answers 503.
    Down,
    /// It takes the question, and says nothing.
    Hang,
    OtherIssuer,
    IssuerWithSlash,
    KeysElsewhere(String),
    /// Its keys are said to be somewhere else.
    RedirectTo(String),
    /// Its key set is longer than is read.
    Giant,
    ManyKeys,
    /// Its key set is this.
    Text(String),
}

pub(super) struct TestKey {
    id: String,
    pair: Ed25519KeyPair,
}

impl TestKey {
    pub(super) fn new(id: &str) -> Self {
        TestKey { id: id.into(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": b64(self.pair.public_key().as_ref())})
    }
}

pub(super) fn key_set(keys: &[&TestKey]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) struct TestIssuer {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    keys: String,
    lie: Lie,
    max_age: Option<u32>,
    asked: Vec<String>,
}

impl TestIssuer {
    pub(super) async fn start(keys: &[&TestKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared { keys: key_set(keys), lie: Lie::None, max_age: None, asked: vec![] };
        let issuer = TestIssuer { url: url.clone(), shared: Arc::new(Mutex::new(shared)) };
        let shared = issuer.shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, url.clone(), shared.clone()));
            }
        });
        issuer
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The paths that were asked for, in their order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.shared.lock().unwrap().asked.clone()
    }

    pub(super) fn publish(&self, keys: &[&TestKey]) {
        self.shared.lock().unwrap().keys = key_set(keys);
    }

    pub(super) fn lie(&self, lie: Lie) {
        self.shared.lock().unwrap().lie = lie;
    }

    pub(super) fn say_max_age(&self, seconds: u32) {
        self.shared.lock().unwrap().max_age = Some(seconds);
    }

    /// A token issued at `at` for an hour, with `changes` to its claims.
    pub(super) fn token(&self, key: &TestKey, at: Timestamp, changes: Value) -> String {
        let mut claims = json!({
            "iss": self.url, "aud": "sts.amazonaws.com", "sub": "repo:team/app:ref:refs/heads/main",
            "iat": at.seconds(), "exp": at.seconds() + 3600,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": key.id});
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{signed}.{}", b64(key.pair.sign(signed.as_bytes())))
    }
}

async fn serve(mut stream: TcpStream, url: String, shared: Arc<Mutex<Shared>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let path = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_string();
    let answer = {
        let mut shared = shared.lock().unwrap();
        shared.asked.push(path.clone());
        answer(&path, &url, &shared)
    };
    match answer {
        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
        None => std::future::pending().await,
    }
}

/// The answer, whole; `None` for none at all.
fn answer(path: &str, url: &str, shared: &Shared) -> Option<String> {
    let ok =
        |headers: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    let is_keys = path == "/keys";
    Some(match &shared.lie {
        Lie::Hang => return None,
        Lie::Down => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".into(),
        Lie::RedirectTo(there) if is_keys => {
            format!("HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n")
        }
        Lie::Giant if is_keys => ok("", &" ".repeat(2 * 1024 * 1024)),
        Lie::ManyKeys if is_keys => ok("", &json!({"keys": vec![json!({"kty": "RSA"}); 101]}).to_string()),
        Lie::Text(text) if is_keys => ok("", text),
        _ if is_keys => {
            let headers = shared.max_age.map(|seconds| format!("Cache-Control: max-age={seconds}\r\n"));
            ok(&headers.unwrap_or_default(), &shared.keys)
        }
        lie => {
            let issuer = match lie {
                Lie::OtherIssuer => "https://other.example.com".into(),
                Lie::IssuerWithSlash => format!("{url}/"),
                _ => url.to_string(),
            };
            let keys = if let Lie::KeysElsewhere(there) = lie { there.clone() } else { format!("{url}/keys") };
            ok("", &json!({"issuer": issuer, "jwks_uri": keys}).to_string())
        }
    })
}
