use gantry_words::Period;
use serde::{Deserialize, Serialize};

/// Clients take less than a minute for a minute.
const LIFETIME_MIN: Period = Period::seconds(60);
/// As long as ECR's; a key outlives every token it signed.
const LIFETIME_MAX: Period = Period::hours(12);
const PER_MINUTE_MAX: u32 = 60_000;

/// What can be set about logins and tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long a token lives that only reads, 60s to 12h.
    #[schemars(with = "String")]
    pub pull_lifetime: Period,
    /// How long a token lives that may also write, 60s to 12h. A push asks for a new one between two layers, but not
    /// within one: a running upload is never cut for it.
    #[schemars(with = "String")]
    pub push_lifetime: Period,
    /// How many logins from one address may fail in a minute before further ones are answered 429; 0 for any number.
    /// The right credentials are let in nevertheless, unless they are so short that they could be guessed.
    pub login_failures_per_minute: u32,
    /// Whether what the policy of a repository allows to anyone (`"Principal": "*"`) is allowed without credentials too. In
    /// ECR such a policy means everybody who has some.
    pub anonymous_pull: bool,
    /// How many requests without credentials are served from one address in a minute (IPv6: one network of 64 bits) before
    /// further ones are answered 429; 0 for any number. An image takes one for its manifest and one for each layer.
    pub anonymous_requests_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            pull_lifetime: Period::minutes(5),
            push_lifetime: Period::minutes(15),
            login_failures_per_minute: 30,
            anonymous_pull: false,
            anonymous_requests_per_minute: 600,
        }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (name, period) in [("pull_lifetime", self.pull_lifetime), ("push_lifetime", self.push_lifetime)] {
            if !(LIFETIME_MIN..=LIFETIME_MAX).contains(&period) {
                complaints.push(format!("{name} is {period}; write a duration from 60s to 12h"));
            }
        }
        for (name, count) in [
            ("login_failures_per_minute", self.login_failures_per_minute),
            ("anonymous_requests_per_minute", self.anonymous_requests_per_minute),
        ] {
            if count > PER_MINUTE_MAX {
                complaints.push(format!("{name} is {count}; write at most {PER_MINUTE_MAX}, or 0 for any number"));
            }
        }
        complaints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_without_complaint() {
        assert_eq!(Settings::default().check(), Vec::<String>::new());
    }

    #[test]
    fn every_value_that_cannot_be_meant_is_named() {
        let settings = Settings {
            pull_lifetime: Period::seconds(59),
            push_lifetime: Period::hours(13),
            login_failures_per_minute: 60_001,
            anonymous_pull: true,
            anonymous_requests_per_minute: 60_001,
        };

        let complaints = settings.check();

        let keys: Vec<_> = complaints.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        assert_eq!(
            keys,
            ["pull_lifetime", "push_lifetime", "login_failures_per_minute", "anonymous_requests_per_minute"]
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(
            serde_json::from_str::<Settings>(r#"{"pull_life": "5m"}"#).unwrap_err().to_string().contains("pull_life")
        );
        let settings: Settings = serde_json::from_str(r#"{"pull_lifetime": "10m"}"#).unwrap();
        assert_eq!(settings, Settings { pull_lifetime: Period::minutes(10), ..Settings::default() });
    }
}
