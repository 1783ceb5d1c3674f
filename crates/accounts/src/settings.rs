use gantry_words::Period;
use serde::{Deserialize, Serialize};

/// Clients take less than a minute for a minute.
const LIFETIME_MIN: Period = Period::seconds(60);
/// As long as ECR's; a key outlives every token it signed.
const LIFETIME_MAX: Period = Period::hours(12);
const PER_MINUTE_MAX: u32 = 60_000;
const PERSONAL_LIFETIME_MIN: Period = Period::hours(1);
const PERSONAL_LIFETIME_MAX: Period = Period::hours(3650 * 24);

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
    /// How many logins of one name from one address may fail in a minute before further ones from there are answered 429 without
    /// their password being looked at; 0 for any number. Logins of that name from elsewhere, and with personal tokens, go on.
    pub login_failures_per_name_per_minute: u32,
    /// How long a personal token may live at most, 1h to 3650d.
    #[schemars(with = "String")]
    pub personal_token_lifetime_max: Period,
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
            login_failures_per_name_per_minute: 10,
            personal_token_lifetime_max: Period::hours(90 * 24),
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
        let most = self.personal_token_lifetime_max;
        if !(PERSONAL_LIFETIME_MIN..=PERSONAL_LIFETIME_MAX).contains(&most) {
            complaints.push(format!("personal_token_lifetime_max is {most}; write a duration from 1h to 3650d"));
        }
        let counts = [
            ("login_failures_per_minute", self.login_failures_per_minute),
            ("login_failures_per_name_per_minute", self.login_failures_per_name_per_minute),
            ("anonymous_requests_per_minute", self.anonymous_requests_per_minute),
        ];
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > PER_MINUTE_MAX) {
            complaints.push(format!("{name} is {count}; write at most {PER_MINUTE_MAX}, or 0 for any number"));
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
            login_failures_per_name_per_minute: 60_001,
            personal_token_lifetime_max: Period::minutes(59),
            anonymous_pull: true,
            anonymous_requests_per_minute: 60_001,
        };

        let complaints = settings.check();

        let keys: Vec<_> = complaints.iter().filter_map(|sentence| sentence.split(' ').next()).collect();
        let wanted = [
            "pull_lifetime",
            "push_lifetime",
            "personal_token_lifetime_max",
            "login_failures_per_minute",
            "login_failures_per_name_per_minute",
            "anonymous_requests_per_minute",
        ];
        assert_eq!(keys, wanted);
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
