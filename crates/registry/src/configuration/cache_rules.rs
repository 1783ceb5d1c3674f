use serde::{Deserialize, Serialize};

/// Rules of a registry (Amazon ECR User Guide, "Service quotas").
pub const CACHE_RULES_MAX: u64 = 50;

/// Repositories that are filled from another registry when somebody pulls. Its prefix is the document's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheRule {
    /// Where from.
    pub upstream: Upstream,
    /// The ARN of the secret with the credentials for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_arn: Option<String>,
    /// The ARN of the role by which it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_role_arn: Option<String>,
}

/// Another registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upstream {
    /// Its address, as it was given.
    pub url: String,
    /// What it is called in the API, where that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The beginning of its repositories' names, where that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

impl Upstream {
    /// Whether its address can be one: a host with an optional port, without credentials, path or query.
    pub fn is_well_formed(&self) -> bool {
        let host = self.url.strip_prefix("https://").unwrap_or(&self.url);
        let (name, port) = host.rsplit_once(':').unwrap_or((host, "443"));
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        name.len() <= 253 && name.split('.').all(is_label) && port.parse::<u16>().is_ok_and(|port| port > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_well_formed(url: &str) -> bool {
        Upstream { url: url.into(), kind: None, prefix: None }.is_well_formed()
    }

    #[test]
    fn an_upstream_is_a_host() {
        for url in ["hub.example", "https://hub.example", "hub.example:5000", "localhost"] {
            assert!(is_well_formed(url), "{url}");
        }
        for url in [
            "",
            "http://hub.example",
            "hub.example/v2",
            "user@hub.example",
            "hub..example",
            "-a.example",
            "a:0",
            "a:x",
            "ä.example",
        ] {
            assert!(!is_well_formed(url), "{url}");
        }
    }
}
