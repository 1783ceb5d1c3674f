use gantry_words::Period;
use serde::{Deserialize, Serialize};

/// Tokens of docker clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long a token that only pulls is valid; at least 60s.
    pub pull_lifetime: Period,
    /// How long a token that pushes or deletes is valid; at least 60s. A push that began with a valid token goes on.
    pub push_lifetime: Period,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { pull_lifetime: Period::minutes(5), push_lifetime: Period::minutes(15) }
    }
}

impl Settings {
    /// Returns a sentence for each value that cannot be meant.
    pub fn check(&self) -> Vec<String> {
        let lifetimes = [("tokens.pull_lifetime", self.pull_lifetime), ("tokens.push_lifetime", self.push_lifetime)];
        let is_wrong = |period: Period| !(60..=12 * 3600).contains(&period.duration().as_secs());
        let complain = |(name, period): (&str, Period)| format!("{name} is {period}: between 60s and 12h, please");
        lifetimes.into_iter().filter(|(_, period)| is_wrong(*period)).map(complain).collect()
    }
}
