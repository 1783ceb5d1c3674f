use crate::RoleMapping;
use gantry_words::{Period, Secret};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const IDLE_MAX: Period = Period::hours(24);
const LIFETIME_MAX: Period = Period::hours(24 * 7);

/// What can be set about people's logins with a browser.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoginSettings {
    /// The URL at which people's browsers reach this server, such as `https://registry.example.com`; `http://` on this machine
    /// only. The identity provider sends them back to `/ui/callback` there, which has to be registered with it.
    pub public_url: Option<String>,
    /// How long a session at the pages lasts unused, up to 24h.
    #[schemars(with = "String")]
    pub session_idle: Period,
    /// How long it lasts however much it is used, up to 168h.
    #[schemars(with = "String")]
    pub session_lifetime: Period,
    /// The identity provider.
    pub oidc: OidcLoginSettings,
    /// Files with further identity providers, each with the keys of `login.oidc` as TOML. Each has a `name` of its own, of small
    /// letters, digits and hyphens, and is registered with the redirect URI `<public_url>/ui/callback/<name>`.
    #[schemars(with = "Vec<String>")]
    pub oidc_files: Vec<PathBuf>,
}

/// The identity provider that people log in at (OpenID Connect).
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OidcLoginSettings {
    /// What the page calls it.
    pub name: String,
    /// Its URL, as its discovery document writes it. Without it there are no logins with a browser.
    pub issuer: Option<String>,
    /// What this server is called there.
    pub client_id: Option<String>,
    /// Its secret there, where it has one.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub client_secret: Option<Secret<String>>,
    /// What is asked for; `openid` has to be among it.
    pub scopes: Vec<String>,
    /// The claim of the token that people are shown by. Who somebody is depends on issuer and subject alone.
    pub name_claim: String,
    /// The claim of the token with the groups of a person; dots lead into objects, as in `realm_access.roles`.
    pub groups_claim: String,
    /// Which group has which role, as `GROUP -> ROLE` with the name or ARN of a role of the default account: whoever is in
    /// several has the role of the first row.
    pub roles: Vec<String>,
    /// A PEM file of authorities that are believed in place of the machine's, for a provider with certificates of its own.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<PathBuf>,
}

impl Default for LoginSettings {
    fn default() -> Self {
        LoginSettings {
            public_url: None,
            session_idle: Period::hours(8),
            session_lifetime: Period::hours(24),
            oidc: OidcLoginSettings::default(),
            oidc_files: Vec::new(),
        }
    }
}

impl Default for OidcLoginSettings {
    fn default() -> Self {
        OidcLoginSettings {
            name: "oidc".into(),
            issuer: None,
            client_id: None,
            client_secret: None,
            scopes: ["openid", "profile"].map(String::from).into(),
            name_claim: "preferred_username".into(),
            groups_claim: "groups".into(),
            roles: Vec::new(),
            ca_file: None,
        }
    }
}

impl LoginSettings {
    /// The public URL, without a slash at its end; empty where none is set.
    pub fn base(&self) -> &str {
        self.public_url.as_deref().unwrap_or_default().trim_end_matches('/')
    }

    /// Whether browsers come over TLS: their cookies are kept from all else then.
    pub fn is_secure(&self) -> bool {
        self.base().starts_with("https://")
    }

    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(url) = &self.public_url
            && !is_public_url(url)
        {
            complaints.push(format!(
                "public_url is {url:?}; write https://HOST in lower case, without a path and without :443, or http:// with localhost or a loopback address"
            ));
        }
        for (name, period, most) in
            [("session_idle", self.session_idle, IDLE_MAX), ("session_lifetime", self.session_lifetime, LIFETIME_MAX)]
        {
            if period.duration().is_zero() || period > most {
                complaints.push(format!("{name} is {period}; write a duration up to {most}"));
            }
        }
        let has_provider = self.oidc.issuer.is_some() || !self.oidc_files.is_empty();
        if has_provider && self.public_url.is_none() {
            complaints.push("public_url is missing, which login.oidc needs: browsers are sent back to it".into());
        }
        if self.oidc.issuer.is_some() {
            complaints.extend(self.oidc.check());
        }
        complaints
    }
}

impl OidcLoginSettings {
    /// Which groups of the provider have which roles.
    pub fn role_mappings(&self) -> Vec<RoleMapping> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        self.roles.iter().filter_map(|row| mapping(issuer, row)).collect()
    }

    /// Returns a sentence for each value that cannot be meant in one of `oidc_files`, beside the providers before it.
    pub(super) fn check_further(&self, before: &[&OidcLoginSettings]) -> Vec<String> {
        let mut complaints = self.check();
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(is_letter) {
            let name = &self.name;
            complaints.push(format!("oidc.name is {name:?}; write 1 to 32 small letters, digits and hyphens"));
        }
        if self.issuer.is_none() {
            complaints.push("oidc.issuer is missing; write the provider's URL".into());
        }
        if before.iter().any(|other| other.name == self.name || other.issuer == self.issuer) {
            complaints.push("oidc.name and oidc.issuer are those of another provider; each has its own".into());
        }
        complaints
    }

    fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if let Some(issuer) = self.issuer.as_ref().filter(|issuer| !is_url(issuer)) {
            complaints
                .push(format!("oidc.issuer is {issuer:?}; write a URL, as the provider's discovery document does"));
        }
        if self.client_id.as_ref().is_none_or(String::is_empty) {
            complaints.push("oidc.client_id is missing; write what the provider calls this server".into());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            complaints.push("oidc.scopes has no openid, without which there is no token to tell a person by".into());
        }
        if self.roles.is_empty() {
            complaints.push("oidc.roles is empty, so nobody could log in; write GROUP -> ROLE".into());
        }
        for row in self.roles.iter().filter(|row| mapping("https://", row).is_none()) {
            complaints
                .push(format!("oidc.roles has {row:?}; write GROUP -> ROLE, such as platform-team -> registry-admin"));
        }
        for (name, value) in
            [("name", &self.name), ("name_claim", &self.name_claim), ("groups_claim", &self.groups_claim)]
        {
            if value.is_empty() {
                complaints.push(format!("oidc.{name} is empty"));
            }
        }
        complaints
    }
}

fn mapping(issuer: &str, row: &str) -> Option<RoleMapping> {
    format!("{issuer}: {row}").parse().ok()
}

/// `https://HOST[:PORT]`, or `http://` with a host that is this machine; as browsers write an `Origin`: in lower case, and without
/// the port that is usual.
fn is_public_url(url: &str) -> bool {
    let Some((scheme, host)) = url.trim_end_matches('/').split_once("://") else { return false };
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let is_host = !host.is_empty() && host.bytes().all(is_allowed);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = name == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let usual = if scheme == "https" { ":443" } else { ":80" };
    is_host && !host.ends_with(usual) && (scheme == "https" || (scheme == "http" && is_here))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> LoginSettings {
        let oidc = OidcLoginSettings {
            issuer: Some("https://id.example.com".into()),
            client_id: Some("gantry".into()),
            roles: vec!["dev -> push".into()],
            ..OidcLoginSettings::default()
        };
        LoginSettings { public_url: Some("https://registry.example.com".into()), oidc, ..LoginSettings::default() }
    }

    #[test]
    fn the_defaults_and_a_whole_provider_are_without_complaint() {
        assert_eq!(LoginSettings::default().check(), Vec::<String>::new());
        assert_eq!(complete().check(), Vec::<String>::new());
    }

    #[test]
    fn what_a_provider_lacks_is_named() {
        let mut settings = complete();
        settings.public_url = None;
        settings.oidc.client_id = None;
        settings.oidc.scopes = vec!["profile".into()];
        settings.oidc.roles = vec!["dev".into()];

        let complaints = settings.check();

        let keys: Vec<_> = complaints.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        assert_eq!(keys, ["public_url", "oidc.client_id", "oidc.scopes", "oidc.roles"]);
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for url in [
            "https://a.example",
            "https://a.example:8443/",
            "http://localhost:5000",
            "http://127.0.0.1:5000",
            "http://[::1]:1",
        ] {
            assert!(is_public_url(url), "{url}");
        }
        for url in [
            "http://a.example",
            "a.example",
            "https://",
            "https://a/b",
            "https://u@a",
            "ftp://a",
            "https://a?b",
            "https://A.example",
            "https://a:443",
            "http://localhost:80",
        ] {
            assert!(!is_public_url(url), "{url}");
        }
    }
}
