use gantry_words::Network;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use url::Url;

/// What can be set about requests that leave the site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Addresses and networks that may be asked though they are not public, such as `["10.1.2.3", "10.8.0.0/16"]`. Plain
    /// http goes only to these.
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<Network>,
    /// A proxy for requests that leave the site, such as `http://proxy.example.com:3128`. It is asked to connect to the
    /// address that was checked, not to a name. What `allow` names is reached without it.
    pub proxy: Option<String>,
}

impl Settings {
    /// Says whether `address` is named.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(address))
    }

    /// Returns the host and port of the proxy.
    pub(crate) fn proxy_address(&self) -> Option<(String, u16)> {
        let url = self.proxy.as_deref().and_then(|text| Url::parse(text).ok())?;
        let is_bare = url.scheme() == "http" && url.username().is_empty() && url.password().is_none();
        let is_short = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str()?.trim_matches(['[', ']']).to_string();
        (is_bare && is_short).then_some((host, url.port_or_known_default()?))
    }

    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.proxy.is_some() && self.proxy_address().is_none() {
            // It is not repeated: a password may stand in it.
            complaints.push(
                "proxy is no address of a proxy; write http://HOST:PORT, without user, password or path".to_string(),
            );
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_proxy(proxy: &str) -> Settings {
        Settings { proxy: Some(proxy.into()), ..Settings::default() }
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let settings = Settings::default();

        assert!(!settings.allows([127, 0, 0, 1].into()));
        assert_eq!(settings.check(), Vec::<String>::new());
    }

    #[test]
    fn networks_are_read_and_written_as_text() {
        let text = r#"{"allow":["10.1.2.3/32","fd00::/8"],"proxy":null}"#;

        let settings: Settings = serde_json::from_str(text).unwrap();

        assert!(settings.allows([10, 1, 2, 3].into()));
        assert_eq!(serde_json::to_string(&settings).unwrap(), text);
        assert!(serde_json::from_str::<Settings>(r#"{"allow":["localhost"]}"#).is_err());
    }

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        assert_eq!(
            with_proxy("http://proxy.example.com:3128").proxy_address(),
            Some(("proxy.example.com".into(), 3128))
        );
        assert_eq!(with_proxy("http://[fd00::1]:3128/").proxy_address(), Some(("fd00::1".into(), 3128)));
        for proxy in ["", "proxy:3128", "https://proxy:3128", "http://user:word@proxy:3128", "http://proxy/path"] {
            let complaints = with_proxy(proxy).check();
            assert!(complaints.len() == 1 && !complaints[0].contains("word@"), "{proxy}: {complaints:?}");
        }
    }
}
