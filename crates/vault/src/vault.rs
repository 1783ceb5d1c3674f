use crate::{Settings, VaultError, Wrapped, answer, settings::parse_address};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gantry_env::Env;
use gantry_outbound::{Authorities, Client, Request, SystemResolver};
use gantry_words::{Network, Secret};
use http::{HeaderValue, header::HeaderName};
use serde_json::json;
use std::{fs, path::Path, time::Duration};
use zeroize::Zeroizing;

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The longest credential in a file. The tokens of service accounts have some 1500 bytes.
const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;
/// The wait before a Vault that is down is asked again: the first, and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Vault, "Namespaces" and "HTTP API".
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
/// What Vault's agent wants to see, so that no browser is led to it.
const IS_REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A Vault or OpenBao, and a transit key there.
pub struct Vault {
    client: Client,
    env: Env,
    settings: Settings,
    /// Without a slash at its end.
    address: String,
    authorities: Option<Authorities>,
}

impl Vault {
    /// Makes ready to ask; `None` where no address is set. Nobody is asked yet.
    ///
    /// # Errors
    /// [`VaultError::Setting`], [`VaultError::File`], [`VaultError::Authorities`].
    pub fn open(settings: &Settings, env: Env) -> Result<Option<Vault>, VaultError> {
        let Some(address) = &settings.address else { return Ok(None) };
        if let Some(wrong) = settings.check().into_iter().next() {
            return Err(VaultError::Setting(wrong));
        }
        let address =
            parse_address(address).ok_or_else(|| VaultError::Setting("address is no address of Vault".into()))?;
        let authorities = match &settings.ca_file {
            None => None,
            Some(path) => Some(Authorities::parse(&read_file("ca_file", path)?)?),
        };
        // Whoever writes the settings names it, so it may lie anywhere; whether plain http may be spoken is checked above.
        let everywhere: Vec<Network> =
            ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect();
        let outbound = gantry_outbound::Settings { allow: everywhere, proxy: None };
        let client = Client::new(outbound, SystemResolver, env.clone());
        let address = address.as_str().trim_end_matches('/').to_string();
        Ok(Some(Vault { client, env, settings: settings.clone(), address, authorities }))
    }

    /// The transit key, as people are told of it: `transit/keys/gantry at https://vault:8200`.
    pub fn key(&self) -> String {
        format!("{}/keys/{} at {}", self.settings.mount, self.settings.key, self.address)
    }

    /// Wraps a secret under the transit key. It is not bound to anything.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn wrap(&self, secret: &[u8]) -> Result<Wrapped, VaultError> {
        let plaintext = Zeroizing::new(STANDARD.encode(secret));
        let body = Zeroizing::new(json!({"plaintext": *plaintext}).to_string());
        let (path, answer) = self.transit("encrypt", &body).await?;
        answer::wrapped(&answer).ok_or_else(|| self.unlike(path))
    }

    /// Unwraps what [`Vault::wrap`] made.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (path, answer) = self.transit("decrypt", &json!({"ciphertext": wrapped.as_str()}).to_string()).await?;
        answer::plaintext(&answer).ok_or_else(|| self.unlike(path))
    }

    /// Wraps the same secret under the newest version of the transit key; the secret does not leave Vault.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn rewrap(&self, wrapped: &Wrapped) -> Result<Wrapped, VaultError> {
        let (path, answer) = self.transit("rewrap", &json!({"ciphertext": wrapped.as_str()}).to_string()).await?;
        answer::wrapped(&answer).ok_or_else(|| self.unlike(path))
    }

    /// Asks again and again while nobody answers there or it is sealed, for `patience` at most.
    ///
    /// # Errors
    /// The last one, and at once one that does not pass.
    pub async fn patiently<T>(
        &self,
        patience: Duration,
        mut ask: impl AsyncFnMut(&Vault) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let until = self.env.elapsed().saturating_add(patience);
        let mut pause = PAUSE_FIRST;
        loop {
            match ask(self).await {
                Err(error) if error.is_passing() && self.env.elapsed() + pause < until => {
                    tracing::warn!("{error}; it is asked again in {pause:?}");
                    self.env.sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                answered => return answered,
            }
        }
    }

    async fn transit(&self, operation: &str, body: &str) -> Result<(String, Bytes), VaultError> {
        let token = self.log_in().await?;
        let path = format!("{}/{operation}/{}", self.settings.mount, self.settings.key);
        let answer = self.post(&path, Some(&token), body).await?;
        Ok((path, answer))
    }

    /// Returns a token: the one in the file, or that of a login.
    async fn log_in(&self) -> Result<Secret<String>, VaultError> {
        let settings = &self.settings;
        let (method, body) = match (&settings.token_file, &settings.role_id, &settings.secret_id_file) {
            (Some(file), ..) => return read_credential("token_file", file),
            (None, Some(role), Some(file)) => {
                let secret = read_credential("secret_id_file", file)?;
                ("approle", json!({"role_id": role, "secret_id": secret.reveal()}))
            }
            _ => {
                let token = read_credential("kubernetes_token_file", &settings.kubernetes_token_file)?;
                ("kubernetes", json!({"role": settings.kubernetes_role, "jwt": token.reveal()}))
            }
        };
        let path = format!("auth/{}/login", settings.login_mount.as_deref().unwrap_or(method));
        let answer = self.post(&path, None, &Zeroizing::new(body.to_string())).await?;
        answer::token(&answer).ok_or_else(|| self.unlike(path))
    }

    async fn post(&self, path: &str, token: Option<&Secret<String>>, body: &str) -> Result<Bytes, VaultError> {
        let url = format!("{}/v1/{path}", self.address);
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut request = Request::post(&url, body, self.settings.timeout.duration(), ANSWER_BYTES_MAX)
            .authorities(self.authorities.clone())
            .header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(IS_REQUEST, HeaderValue::from_static("true"));
        let token = token.map(|token| token.reveal().as_str());
        for (name, value) in [(TOKEN, token), (NAMESPACE, self.settings.namespace.as_deref())] {
            let Some(value) = value else { continue };
            // Settings and files were checked: what they hold are visible characters.
            let mut value = HeaderValue::from_str(value).map_err(|_| self.unlike(path.into()))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let answer = self.client.send(request).await.map_err(|error| VaultError::Unreachable { error })?;
        let (status, address) = (answer.status.as_u16(), self.address.clone());
        match status {
            200..=299 => Ok(answer.body),
            // 307 of a standby that does not pass on, 473 of one for performance, 429 of one too busy.
            307 | 412 | 429 | 473 | 500..=599 => {
                Err(VaultError::Unavailable { address, status, said: answer::said(&answer.body) })
            }
            _ => Err(VaultError::Refused { address, path: path.into(), status, said: answer::said(&answer.body) }),
        }
    }

    fn unlike(&self, path: String) -> VaultError {
        VaultError::Answer { address: self.address.clone(), path }
    }
}

fn read_file(setting: &'static str, path: &Path) -> Result<Vec<u8>, VaultError> {
    fs::read(path).map_err(|error| VaultError::File { setting, path: path.display().to_string(), error })
}

fn read_credential(setting: &'static str, path: &Path) -> Result<Secret<String>, VaultError> {
    let bytes = Zeroizing::new(read_file(setting, path)?);
    let unlike = || VaultError::Credential { setting, path: path.display().to_string() };
    let text = std::str::from_utf8(&bytes).map_err(|_| unlike())?.trim();
    let is_one =
        !text.is_empty() && text.len() <= CREDENTIAL_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_one.then(|| Secret::new(text.to_string())).ok_or_else(unlike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_one_line_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(read_credential("token_file", &path), Err(VaultError::File { .. })));

        fs::write(&path, "s.token\n").unwrap();
        assert_eq!(read_credential("token_file", &path).unwrap().reveal(), "s.token");
        for text in ["", "\n", "two lines\nof it", &"a".repeat(CREDENTIAL_BYTES_MAX + 1)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(read_credential("token_file", &path), Err(VaultError::Credential { .. })));
        }
    }

    #[tokio::test]
    async fn who_refuses_is_not_asked_again_and_who_is_down_no_longer_than_is_waited() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            // Nobody serves there.
            address: Some("http://127.0.0.1:1".into()),
            token_file: Some(folder.path().join("token")),
            ..Settings::default()
        };
        let vault = Vault::open(&settings, Env::real()).unwrap().unwrap();
        let mut asked = 0;

        let refused = vault
            .patiently(Duration::from_secs(60), async |_| {
                asked += 1;
                Err::<(), _>(VaultError::Setting("no".into()))
            })
            .await;

        assert!(matches!(refused, Err(VaultError::Setting(_))) && asked == 1);
        fs::write(folder.path().join("token"), "t").unwrap();
        let down = vault.patiently(Duration::ZERO, async |vault| vault.wrap(b"x").await).await.unwrap_err();
        assert!(down.is_passing() && down.remedy().contains("unseal"), "{down}");
    }
}
