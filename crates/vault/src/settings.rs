use gantry_words::Period;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use url::{Host, Url};

const TIMEOUT_MIN: Period = Period::seconds(1);
const TIMEOUT_MAX: Period = Period::seconds(60);
const START_TIMEOUT_MAX: Period = Period::seconds(60 * 60);
/// Where Kubernetes puts the token of a pod's service account.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// HashiCorp Vault or OpenBao, that keeps the key which the master key is wrapped under. Without an address none is asked.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where it is: `https://HOST:PORT`; `http://` only on the loopback. It is reached directly, whatever `outbound` says.
    pub address: Option<String>,
    /// The name of the transit key.
    pub key: String,
    /// Where the transit engine is mounted.
    pub mount: String,
    /// The namespace of both.
    pub namespace: Option<String>,
    /// A PEM file of authorities whose certificates are believed instead of those of the machine.
    pub ca_file: Option<PathBuf>,
    /// A file with a token, such as Vault's agent keeps fresh. It is read each time.
    pub token_file: Option<PathBuf>,
    /// Logs in with AppRole: the id of the role.
    pub role_id: Option<String>,
    /// The file with the secret id that goes with it.
    pub secret_id_file: Option<PathBuf>,
    /// Logs in with the service account of a pod in Kubernetes: the role.
    pub kubernetes_role: Option<String>,
    /// The file with the service account's token.
    pub kubernetes_token_file: PathBuf,
    /// Where the method to log in with is mounted; `approle` or `kubernetes` where nothing is said.
    pub login_mount: Option<String>,
    /// How long Vault has for an answer, 1s to 60s.
    #[schemars(with = "String")]
    pub timeout: Period,
    /// How long a start waits for a Vault that is down or sealed, up to 1h.
    #[schemars(with = "String")]
    pub start_timeout: Period,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            address: None,
            key: "gantry".into(),
            mount: "transit".into(),
            namespace: None,
            ca_file: None,
            token_file: None,
            role_id: None,
            secret_id_file: None,
            kubernetes_role: None,
            kubernetes_token_file: SERVICE_ACCOUNT_TOKEN.into(),
            login_mount: None,
            timeout: Period::seconds(5),
            start_timeout: Period::seconds(60),
        }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant. It begins with the name of the setting.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let Some(address) = &self.address else { return wrong };
        if parse_address(address).is_none() {
            wrong.push("address is no address of Vault; write https://HOST:PORT, or http:// on the loopback".into());
        }
        if !is_segment(&self.key) {
            wrong.push(format!("key is {:?}; write the name of a transit key", self.key));
        }
        let mounts = [
            ("mount", Some(&self.mount)),
            ("login_mount", self.login_mount.as_ref()),
            ("namespace", self.namespace.as_ref()),
        ];
        for (name, text) in mounts {
            if let Some(text) = text.filter(|text| !text.split('/').all(is_segment)) {
                wrong.push(format!("{name} is {text:?}; write a path without a slash at its ends"));
            }
        }
        match (&self.role_id, &self.secret_id_file) {
            (Some(_), None) => wrong.push("role_id is set without secret_id_file; set both, or neither".into()),
            (None, Some(_)) => wrong.push("secret_id_file is set without role_id; set both, or neither".into()),
            _ => {}
        }
        let ways = [self.token_file.is_some(), self.role_id.is_some(), self.kubernetes_role.is_some()];
        if ways.iter().filter(|is_set| **is_set).count() != 1 {
            wrong.push(
                "address is set, and not one way to log in; set one of token_file, role_id, kubernetes_role".into(),
            );
        }
        if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&self.timeout) {
            wrong.push(format!("timeout is {}; write a duration from {TIMEOUT_MIN} to {TIMEOUT_MAX}", self.timeout));
        }
        if self.start_timeout > START_TIMEOUT_MAX {
            wrong.push(format!("start_timeout is {}; write a duration up to {START_TIMEOUT_MAX}", self.start_timeout));
        }
        wrong
    }
}

/// Reads the address: the master key goes over it, so plain http stays on the machine.
pub(crate) fn parse_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_private = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    (is_private && is_bare && matches!(url.path(), "" | "/")).then_some(url)
}

fn is_segment(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !text.is_empty() && text.len() <= 256 && text.bytes().all(allowed) && !matches!(text, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Settings {
        Settings {
            address: Some("https://vault.example.org:8200".into()),
            token_file: Some("/run/token".into()),
            ..Settings::default()
        }
    }

    #[test]
    fn without_an_address_nothing_is_asked_of_the_rest() {
        assert_eq!(Settings { mount: String::new(), ..Settings::default() }.check(), Vec::<String>::new());
        assert_eq!(usual().check(), Vec::<String>::new());
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        for (address, is_taken) in [
            ("http://127.0.0.1:8200", true),
            ("http://[::1]:8200/", true),
            ("http://localhost:8200", true),
            ("http://vault:8200", false),
            ("http://10.1.2.3:8200", false),
            ("https://vault", true),
            ("https://user@vault", false),
            ("https://vault/ui", false),
            ("vault:8200", false),
        ] {
            assert_eq!(parse_address(address).is_some(), is_taken, "{address}");
        }
    }

    #[test]
    fn every_value_that_cannot_be_meant_is_named() {
        let wrong = Settings {
            address: Some("http://vault".into()),
            key: "a/b".into(),
            mount: "/transit".into(),
            login_mount: Some("..".into()),
            namespace: Some("a//b".into()),
            role_id: Some("id".into()),
            timeout: Period::seconds(61),
            start_timeout: Period::seconds(3601),
            ..usual()
        };

        let complaints = wrong.check();

        let keys: Vec<_> = complaints.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        assert_eq!(
            keys,
            ["address", "key", "mount", "login_mount", "namespace", "role_id", "address", "timeout", "start_timeout"]
        );
    }
}
