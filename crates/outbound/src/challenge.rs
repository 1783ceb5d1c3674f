use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Bytes of a challenge at most.
const BYTES_MAX: usize = 4 << 10;

/// What a registry wants of who asks, one header of `WWW-Authenticate` (RFC 9110, section 11.6.1; the token protocol of docker's
/// registry): its first scheme with what that says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// In small letters.
    scheme: String,
    realm: Option<String>,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// Reads a challenge of at most 4 KiB; `None` where there is no scheme, or a string that does not end.
    pub fn parse(text: &str) -> Option<Challenge> {
        let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.is_empty() || text.len() > BYTES_MAX {
            return None;
        }
        let mut challenge = Challenge { scheme: scheme.to_ascii_lowercase(), ..Challenge::default() };
        while let Some((key, after)) = rest.trim_start_matches([' ', '\t', ',']).split_once('=') {
            let (value, behind) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => {
                    let (value, behind) = after.split_once(',').unwrap_or((after, ""));
                    (value.trim().to_owned(), behind)
                }
            };
            let place = match key.trim().to_ascii_lowercase().as_str() {
                "realm" => &mut challenge.realm,
                "service" => &mut challenge.service,
                "scope" => &mut challenge.scope,
                // Of the next scheme, or of no use here.
                _ => &mut None,
            };
            place.get_or_insert(value);
            rest = behind;
        }
        Some(challenge)
    }

    /// Whether user and password are wanted as they are.
    pub fn is_basic(&self) -> bool {
        self.scheme == "basic"
    }

    /// The scope that it names.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Where a token is had for a scope such as `repository:team/app:pull`; `None` where none is wanted, or who gives them would be asked
    /// without TLS though the registry has it (`is_tls`).
    pub fn token_url(&self, is_tls: bool, scope: &str) -> Option<String> {
        let realm = self.realm.as_deref().filter(|_| self.scheme == "bearer")?;
        if !realm.starts_with("https://") && (is_tls || !realm.starts_with("http://")) {
            return None;
        }
        let sign = if realm.contains('?') { '&' } else { '?' };
        let mut url = format!("{realm}{sign}scope={}", utf8_percent_encode(scope, NON_ALPHANUMERIC));
        if let Some(service) = &self.service {
            url.push_str(&format!("&service={}", utf8_percent_encode(service, NON_ALPHANUMERIC)));
        }
        Some(url)
    }
}

/// The text up to the next quote, and what is behind that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULL: &str = "repository:a/db:pull";

    #[test]
    fn a_registry_says_where_a_token_is_had_and_for_what() {
        let said =
            r#"Bearer realm="https://auth.example.com/token",service="registry \"x\"",scope="repository:a/db:pull""#;

        let challenge = Challenge::parse(said).unwrap();

        let expected = "https://auth.example.com/token?scope=repository%3Aa%2Fdb%3Apull&service=registry%20%22x%22";
        assert_eq!(challenge.scope(), Some(PULL));
        assert_eq!(challenge.token_url(true, PULL).as_deref(), Some(expected));
    }

    #[test]
    fn a_realm_without_quotes_and_with_a_query_is_one_too() {
        let challenge = Challenge::parse("bearer realm=https://a/token?x=1").unwrap();

        assert_eq!(challenge.scope(), None);
        assert_eq!(
            challenge.token_url(true, PULL).as_deref(),
            Some("https://a/token?x=1&scope=repository%3Aa%2Fdb%3Apull")
        );
    }

    #[test]
    fn no_password_goes_to_who_gives_tokens_without_tls_for_a_registry_with_it() {
        let said = Challenge::parse(r#"Bearer realm="http://a/token""#).unwrap();

        assert_eq!(said.token_url(true, PULL), None);
        assert!(said.token_url(false, PULL).is_some());
        let file = Challenge::parse(r#"Bearer realm="file:///etc/passwd""#).unwrap();
        assert_eq!(file.token_url(false, PULL), None);
    }

    #[test]
    fn other_challenges_are_told_apart_and_what_is_cut_off_is_none() {
        assert!(Challenge::parse(r#"Basic realm="gantry""#).unwrap().is_basic());
        assert_eq!(Challenge::parse(r#"Bearer realm="https://a"#), None);
        assert_eq!(Challenge::parse(""), None);
        let other = Challenge::parse("Negotiate").unwrap();
        assert!(!other.is_basic() && other.token_url(true, PULL).is_none());
    }
}
