use serde::Deserialize;
use std::{fmt, time::Duration};

/// How long a token lives of which nothing is said (the token protocol of docker's registry).
const LIFETIME_DEFAULT: Duration = Duration::from_secs(60);
/// The longest life that is believed.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a registry's token service gives for credentials, or for none.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryToken {
    token: String,
    lifetime: Duration,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    /// Seconds; what is no such number says nothing.
    expires_in: Option<serde_json::Value>,
}

impl RegistryToken {
    /// Reads the answer of a token service, JSON with `token` or `access_token`; `None` where it holds none that a header can carry.
    pub fn read(answer: &[u8]) -> Option<RegistryToken> {
        let answer: Answer = serde_json::from_slice(answer).ok()?;
        let given = [answer.token, answer.access_token];
        let token = given.into_iter().flatten().find(|token| !token.is_empty())?;
        let seconds = answer.expires_in.and_then(|seconds| seconds.as_u64()).filter(|seconds| *seconds > 0);
        let lifetime = seconds.map_or(LIFETIME_DEFAULT, Duration::from_secs);
        let is_sendable = token.bytes().all(|byte| byte.is_ascii_graphic());
        is_sendable.then(|| RegistryToken { token, lifetime: lifetime.min(LIFETIME_MAX) })
    }

    /// What a request says that carries it: `Bearer …`.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// How long it lives, a day at most.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl fmt::Debug for RegistryToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryToken").field("token", &"***").field("lifetime", &self.lifetime).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, u64)> {
        RegistryToken::read(text.as_bytes()).map(|token| (token.authorization(), token.lifetime().as_secs()))
    }

    #[test]
    fn a_token_has_one_of_two_names_and_lives_a_minute_where_nothing_is_said() {
        assert_eq!(read(r#"{"token":"a.b","expires_in":300}"#), Some(("Bearer a.b".into(), 300)));
        assert_eq!(read(r#"{"access_token":"c","issued_at":"2026-11-01T00:00:00Z"}"#), Some(("Bearer c".into(), 60)));
        assert_eq!(read(r#"{"token":"","access_token":"c","expires_in":0}"#), Some(("Bearer c".into(), 60)));
        assert_eq!(read(r#"{"token":"a","expires_in":"soon"}"#), Some(("Bearer a".into(), 60)));
        assert_eq!(read(r#"{"token":"a","expires_in":18446744073709551615}"#), Some(("Bearer a".into(), 86_400)));
    }

    #[test]
    fn what_no_header_can_carry_is_no_token_and_none_is_shown() {
        for text in ["", "[]", "{}", r#"{"token":""}"#, r#"{"token":"a\r\nb"}"#, r#"{"token":"a b"}"#, r#"{"token":7}"#]
        {
            assert_eq!(read(text), None, "{text}");
        }
        let token = RegistryToken::read(br#"{"token":"secret"}"#).unwrap();
        assert!(!format!("{token:?}").contains("secret"));
    }
}
