use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// An identity provider on 127.0.0.1, over TLS: discovery, keys and tokens. It can lie.
pub struct Issuer {
    url: String,
    certificate: String,
    pair: Ed25519KeyPair,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    keys: String,
    lie: Lie,
    asked: usize,
}

/// What a provider does other than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// It answers 503.
    Down,
    /// It says that it is another.
    OtherIssuer,
    /// Its keys are said to be at an address of the server's own network.
    KeysInside,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    /// Starts one; it ends with the process.
    pub fn start() -> Issuer {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate can be made");
        let (der, pem) = (made.cert.der().to_vec(), made.cert.pem());
        let key = made.signing_key.serialize_der();
        let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
        let url = format!("https://{}", listener.local_addr().expect("it listens"));
        let pair = Ed25519KeyPair::generate().expect("a key can be made");
        let x = b64(pair.public_key().as_ref());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": x}]}).to_string();
        let shared = Arc::new(Mutex::new(Shared { keys, lie: Lie::None, asked: 0 }));
        let issuer = Issuer { url: url.clone(), certificate: pem, pair, shared: shared.clone() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let chain = vec![CertificateDer::from(der)];
        let key = PrivateKeyDer::try_from(key).expect("a key of its own making");
        let config = config.expect("versions are known").with_no_client_auth().with_single_cert(chain, key);
        let config = Arc::new(config.expect("certificate and key fit"));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &config, &url, &shared);
            }
        });
        issuer
    }

    /// Its URL, `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same as ARNs and the keys of conditions have it.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("https://")
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its keys, as a JWK set.
    pub fn key_set(&self) -> String {
        self.lock().keys.clone()
    }

    /// How often it was asked for anything.
    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    /// Lets it lie from now on.
    pub fn lie(&self, lie: Lie) {
        self.lock().lie = lie;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("nothing panics while it holds the lock")
    }

    /// A token issued now for ten minutes, for `gantry`, with `claims` over the others.
    pub fn token(&self, claims: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
        let mut all = json!({"iss": self.url, "aud": "gantry", "sub": "nobody", "iat": now, "exp": now + 600});
        for (name, value) in claims.as_object().expect("claims are an object") {
            all[name] = value.clone();
        }
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "one"});
        let signed = format!("{}.{}", b64(header.to_string()), b64(all.to_string()));
        format!("{signed}.{}", b64(self.pair.sign(signed.as_bytes())))
    }
}

/// Answers one request; whoever breaks off is of no interest.
fn serve(stream: TcpStream, config: &Arc<ServerConfig>, url: &str, shared: &Mutex<Shared>) {
    let deadline = Some(Duration::from_secs(10));
    let (Ok(()), Ok(())) = (stream.set_read_timeout(deadline), stream.set_write_timeout(deadline)) else { return };
    let Ok(connection) = ServerConnection::new(config.clone()) else { return };
    let mut stream = StreamOwned::new(connection, stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 * 1024 {
        if !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = {
        let mut shared = shared.lock().expect("nothing panics while it holds the lock");
        shared.asked += 1;
        match shared.lie {
            Lie::Down => ("503 Service Unavailable", String::new()),
            _ if path == "/keys" => ("200 OK", shared.keys.clone()),
            lie => {
                let issuer = if lie == Lie::OtherIssuer { "https://other.example.com" } else { url };
                let keys = match lie {
                    Lie::KeysInside => "http://10.255.255.1/keys".to_string(),
                    _ => format!("{url}/keys"),
                };
                ("200 OK", json!({"issuer": issuer, "jwks_uri": keys}).to_string())
            }
        }
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
    stream.conn.send_close_notify();
    let _ = stream.flush();
}
