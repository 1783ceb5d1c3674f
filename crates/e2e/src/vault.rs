//! A stand-in for Vault's transit engine, on 127.0.0.1: neither Vault nor OpenBao comes as a package or builds in a few minutes, so
//! the tests cannot install them. It wraps for real (AES-256-GCM under versions of a key) and speaks as much of the documented HTTP
//! API as is asked of it: transit's encrypt, decrypt and rewrap, logins by AppRole and by Kubernetes, tokens, namespaces, and the
//! errors of a sealed server. What the real ones do beside their documentation it cannot show.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// The namespace that everything is in.
pub const VAULT_NAMESPACE: &str = "team";
/// The token that is good at the start.
pub const VAULT_TOKEN: &str = "s.first";
/// The role and secret that AppRole takes, and the role and token that Kubernetes takes.
pub const VAULT_LOGINS: [(&str, &str); 2] = [("role-of-gantry", "secret-of-gantry"), ("gantry", "jwt.of.pod")];

/// A server with the transit engine at `transit/`, the key `gantry` in it, and no other.
pub struct Vault {
    url: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    /// The versions of the key; none once it was deleted.
    versions: Vec<[u8; 32]>,
    version_min: usize,
    is_sealed: bool,
    token: String,
    asked: Vec<String>,
}

fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

impl Vault {
    /// Starts one; it ends with the process.
    pub fn start() -> Vault {
        let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        let versions = vec![draw()];
        let shared = Shared { versions, version_min: 1, is_sealed: false, token: VAULT_TOKEN.into(), asked: vec![] };
        let shared = Arc::new(Mutex::new(shared));
        let vault = Vault { url, shared: shared.clone() };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Whoever breaks off is of no interest.
                let _ = serve(stream, &shared);
            }
        });
        vault
    }

    /// Its URL, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Seals it, or opens it again.
    pub fn seal(&self, is_sealed: bool) {
        self.lock().is_sealed = is_sealed;
    }

    /// Gives the key another version.
    pub fn rotate(&self) {
        self.lock().versions.push(draw());
    }

    /// Lets only this version of the key and later ones decrypt.
    pub fn allow_from(&self, version: usize) {
        self.lock().version_min = version;
    }

    /// Deletes the key.
    pub fn delete_key(&self) {
        self.lock().versions.clear();
    }

    /// Takes another token from now on.
    pub fn take_token(&self, token: &str) {
        self.lock().token = token.into();
    }

    /// What it was asked so far: the paths.
    pub fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("nothing panics while it holds the lock")
    }
}

/// Answers one request.
fn serve(stream: TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let deadline = Some(Duration::from_secs(10));
    stream.set_read_timeout(deadline)?;
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_string());
    }
    let header = |name: &str| {
        let of_line = |line: &String| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_string())
        };
        lines.iter().skip(1).find_map(of_line)
    };
    let mut body = vec![0; header("content-length").and_then(|count| count.parse().ok()).unwrap_or(0).min(64 * 1024)];
    reader.read_exact(&mut body)?;
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let mut shared = shared.lock().expect("nothing panics while it holds the lock");
    shared.asked.push(path.into());
    let (status, answer) = match header("x-vault-namespace").as_deref() {
        Some(VAULT_NAMESPACE) => shared.answer(path, header("x-vault-token").as_deref(), &body),
        _ => refuse(404, "no handler for route; route entry not found"),
    };
    let answer = answer.to_string();
    let length = answer.len();
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    reader.get_mut().write_all(format!("{head}{answer}").as_bytes())
}

fn refuse(status: u16, error: &str) -> (u16, Value) {
    (status, json!({"errors": [error]}))
}

impl Shared {
    fn answer(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        if self.is_sealed {
            return refuse(503, "Vault is sealed");
        }
        let named = |name: &str| body[name].as_str().unwrap_or_default();
        let login = match path {
            "/v1/auth/approle/login" => Some(((named("role_id"), named("secret_id")), VAULT_LOGINS[0])),
            "/v1/auth/kubernetes/login" => Some(((named("role"), named("jwt")), VAULT_LOGINS[1])),
            _ => None,
        };
        match login {
            Some((given, taken)) if given == taken => {
                return (200, json!({"auth": {"client_token": self.token, "lease_duration": 60, "renewable": true}}));
            }
            Some(_) => return refuse(400, "invalid role or secret ID"),
            None if token != Some(&self.token) => return refuse(403, "permission denied"),
            None => (),
        }
        let ciphertext = named("ciphertext");
        match path {
            "/v1/transit/encrypt/gantry" => match STANDARD.decode(named("plaintext")) {
                Ok(plaintext) => self.wrapped(&plaintext),
                Err(_) => refuse(400, "failed to base64-decode plaintext"),
            },
            "/v1/transit/decrypt/gantry" => match self.unwrap(ciphertext) {
                Ok(plaintext) => (200, json!({"data": {"plaintext": STANDARD.encode(plaintext)}})),
                Err(error) => refuse(400, error),
            },
            "/v1/transit/rewrap/gantry" => match self.unwrap(ciphertext) {
                Ok(plaintext) => self.wrapped(&plaintext),
                Err(error) => refuse(400, error),
            },
            _ => refuse(404, "no handler for route; route entry not found"),
        }
    }

    fn wrapped(&self, plaintext: &[u8]) -> (u16, Value) {
        let Some(key) = self.versions.last() else { return refuse(400, "encryption key not found") };
        let (nonce, mut bytes) = (draw::<NONCE_LEN>(), plaintext.to_vec());
        let sealed =
            cipher(key).seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut bytes);
        sealed.expect("AES-256-GCM takes 64 GiB at a time");
        let text = STANDARD.encode([&nonce[..], &bytes].concat());
        let version = self.versions.len();
        (200, json!({"data": {"ciphertext": format!("vault:v{version}:{text}"), "key_version": version}}))
    }

    fn unwrap(&self, text: &str) -> Result<Vec<u8>, &'static str> {
        const UNLIKE: &str = "invalid ciphertext: no prefix";
        let (version, text) = text.strip_prefix("vault:v").and_then(|rest| rest.split_once(':')).ok_or(UNLIKE)?;
        let version: usize = version.parse().map_err(|_| UNLIKE)?;
        if self.versions.is_empty() {
            return Err("encryption key not found");
        }
        if version < self.version_min {
            return Err("ciphertext or signature version is disallowed by policy (too old)");
        }
        let key = version
            .checked_sub(1)
            .and_then(|at| self.versions.get(at))
            .ok_or("invalid ciphertext: version is too new")?;
        let bytes = STANDARD.decode(text).map_err(|_| "invalid ciphertext: could not decode base64")?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or("invalid ciphertext length")?;
        let mut sealed = sealed.to_vec();
        let opened = cipher(key).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut sealed);
        opened.map(|plaintext| plaintext.to_vec()).map_err(|_| "cipher: message authentication failed")
    }
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of AES-256 has 32 bytes"))
}
