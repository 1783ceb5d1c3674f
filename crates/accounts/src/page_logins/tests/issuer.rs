//! A small provider that people log in at: discovery, keys, and a token endpoint that gives what it is told to.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_words::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(super) const CLIENT: &str = "gantry";

/// What it does.
#[derive(Default)]
struct State {
    is_down: bool,
    token: Option<String>,
    /// Bodies that its token endpoint was sent, with the `Authorization` before them.
    asked: Vec<String>,
}

pub(super) struct TestIssuer {
    pub(super) url: String,
    pair: Ed25519KeyPair,
    state: Arc<Mutex<State>>,
}

impl TestIssuer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pair = Ed25519KeyPair::generate().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]}).to_string();
        let discovery = json!({
            "issuer": url, "jwks_uri": format!("{url}/keys"), "authorization_endpoint": format!("{url}/auth"),
            "token_endpoint": format!("{url}/token"), "authorization_response_iss_parameter_supported": true,
        });
        let (shared, discovery) = (state.clone(), discovery.to_string());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, discovery.clone(), keys.clone(), shared.clone()));
            }
        });
        TestIssuer { url, pair, state }
    }

    pub(super) fn goes_down(&self) {
        self.state.lock().unwrap().is_down = true;
    }

    /// Has it give a token for the next code, and for that one alone.
    pub(super) fn gives(&self, token: String) {
        self.state.lock().unwrap().token = Some(token);
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// A token for a login with `nonce`, with changes to its claims.
    pub(super) fn token(&self, nonce: &str, now: Timestamp, changes: Value) -> String {
        let mut claims = json!({
            "iss": self.url, "aud": CLIENT, "sub": "00u1", "nonce": nonce, "iat": now.seconds(),
            "exp": now.seconds() + 300, "preferred_username": "ann", "groups": ["dev"],
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(&claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes())))
    }
}

async fn serve(stream: TcpStream, discovery: String, keys: String, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let begin = head.len();
        stream.read_line(&mut head).await.unwrap();
        let line = head[begin..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let path = head.split(' ').nth(1).unwrap().to_string();
    let (status, text) = {
        let mut state = state.lock().unwrap();
        match path.as_str() {
            _ if state.is_down => ("503 Service Unavailable", String::new()),
            "/keys" => ("200 OK", keys),
            "/token" => {
                let authorization = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
                let asked = format!("{} {}", authorization.unwrap_or_default(), String::from_utf8(body).unwrap());
                state.asked.push(asked);
                match state.token.take() {
                    Some(token) => ("200 OK", json!({"id_token": token, "access_token": "x"}).to_string()),
                    None => ("400 Bad Request", json!({"error": "invalid_grant"}).to_string()),
                }
            }
            _ => ("200 OK", discovery),
        }
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}
