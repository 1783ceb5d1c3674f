//! Who asks a registry: what it said that it wants, and the tokens that it gave.

use gantry_env::Env;
use gantry_outbound::{Challenge, RegistryToken};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use ureq::http::HeaderMap;

/// Tokens that are kept at most: one for each repository that is read now, and many more.
const TOKENS_MAX: usize = 1_000;

/// Who asks, and how he says so. Nothing is told to a registry that has not asked for it.
pub(super) struct Login {
    /// `Basic …`.
    basic: Option<String>,
    env: Env,
    kept: Mutex<Kept>,
}

/// What is known of how a registry is asked.
#[derive(Default)]
struct Kept {
    /// What it wanted last, by what the scope begins with.
    challenges: HashMap<String, Challenge>,
    /// By scope.
    tokens: HashMap<String, Token>,
    /// Scopes by the registry's own words, where they are other ones.
    scopes: HashMap<String, String>,
}

struct Token {
    authorization: String,
    /// When it is no longer used.
    until: Duration,
}

/// How something is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With this, or without anything.
    Known(Option<String>),
    /// With a token that is had at this address.
    Token(String),
}

impl Login {
    pub(super) fn new(basic: Option<String>, env: Env) -> Login {
        Login { basic, env, kept: Mutex::default() }
    }

    /// `Basic …`, where there are credentials.
    pub(super) fn basic(&self) -> Option<&str> {
        self.basic.as_deref()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides how something of a scope is asked for.
    pub(super) fn way(&self, scope: &str, is_tls: bool) -> Way {
        let (kept, now) = (self.kept(), self.env.elapsed());
        if let Some(token) = kept.tokens.get(scope).filter(|token| now < token.until) {
            return Way::Known(Some(token.authorization.clone()));
        }
        let Some(challenge) = kept.challenges.get(family(scope)) else { return Way::Known(None) };
        let wanted = kept.scopes.get(scope).map_or(scope, String::as_str);
        match challenge.token_url(is_tls, wanted) {
            Some(url) => Way::Token(url),
            None => Way::Known(self.basic.clone()),
        }
    }

    /// Learns from a refusal (401) how it wants to be asked; says whether that can be done.
    pub(super) fn meet(&self, headers: &HeaderMap, scope: &str, is_tls: bool) -> bool {
        let challenges = headers.get_all("www-authenticate").iter();
        let challenges: Vec<Challenge> =
            challenges.filter_map(|value| Challenge::parse(value.to_str().ok()?)).collect();
        let bearer = challenges.iter().find(|challenge| challenge.token_url(is_tls, scope).is_some());
        let basic = challenges.iter().find(|challenge| challenge.is_basic()).filter(|_| self.basic.is_some());
        let mut kept = self.kept();
        kept.tokens.remove(scope);
        let Some(challenge) = bearer.or(basic) else { return false };
        match challenge.scope().filter(|wanted| *wanted != scope) {
            Some(wanted) => drop(kept.scopes.insert(scope.to_owned(), wanted.to_owned())),
            None => drop(kept.scopes.remove(scope)),
        }
        kept.challenges.insert(family(scope).to_owned(), challenge.clone());
        true
    }

    /// Keeps a token until three quarters of its life are over; returns what a question says that carries it.
    pub(super) fn keep(&self, scope: &str, token: &RegistryToken) -> String {
        let authorization = token.authorization();
        let until = self.env.elapsed() + token.lifetime() * 3 / 4;
        let mut kept = self.kept();
        if kept.tokens.len() >= TOKENS_MAX {
            kept.tokens.clear();
            kept.scopes.clear();
        }
        kept.tokens.insert(scope.to_owned(), Token { authorization: authorization.clone(), until });
        authorization
    }
}

/// What scopes of one kind begin with: they are asked for in one way.
fn family(scope: &str) -> &str {
    scope.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "repository:team/one:pull";
    const TWO: &str = "repository:team/two:pull";

    fn login(basic: Option<&str>) -> Login {
        Login::new(basic.map(str::to_owned), Env::real())
    }

    fn wants(challenges: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append("www-authenticate", challenge.parse().unwrap());
        }
        headers
    }

    fn token(seconds: u64) -> RegistryToken {
        RegistryToken::read(format!(r#"{{"token":"t","expires_in":{seconds}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn nothing_is_told_before_a_registry_asks_for_it() {
        assert_eq!(login(Some("Basic x")).way(ONE, true), Way::Known(None));
    }

    #[test]
    fn a_registry_that_wants_a_token_wants_one_for_each_repository() {
        let login = login(Some("Basic x"));

        assert!(login.meet(
            &wants(&[r#"Bearer realm="https://a/token",service="s",scope="repository:team/one:pull""#]),
            ONE,
            true
        ));
        let fetched = login.keep(ONE, &token(300));

        assert_eq!(fetched, "Bearer t");
        assert_eq!(login.way(ONE, true), Way::Known(Some("Bearer t".into())));
        let url = "https://a/token?scope=repository%3Ateam%2Ftwo%3Apull&service=s";
        assert_eq!(login.way(TWO, true), Way::Token(url.into()));
        assert_eq!(login.way("registry:catalog:*", true), Way::Known(None));
    }

    #[test]
    fn a_token_that_is_refused_is_fetched_again_for_what_the_registry_names() {
        let login = login(None);
        login.meet(&wants(&[r#"Bearer realm="https://a/token""#]), ONE, true);
        login.keep(ONE, &token(300));

        login.meet(&wants(&[r#"Bearer realm="https://a/token",scope="repository:team/one:metadata_read""#]), ONE, true);

        let url = "https://a/token?scope=repository%3Ateam%2Fone%3Ametadata%5Fread";
        assert_eq!(login.way(ONE, true), Way::Token(url.into()));
    }

    #[test]
    fn a_password_is_told_as_it_is_where_no_token_is_to_be_had_and_nobody_without_one_gets_in() {
        let (known, stranger) = (login(Some("Basic x")), login(None));
        let basic = wants(&[r#"Basic realm="r""#]);

        assert!(known.meet(&basic, ONE, true) && !stranger.meet(&basic, ONE, true));

        assert_eq!(known.way(TWO, true), Way::Known(Some("Basic x".into())));
        let plain = wants(&[r#"Bearer realm="http://a/token""#]);
        assert!(!known.meet(&plain, ONE, true) && known.meet(&plain, ONE, false));
        assert!(!known.meet(&wants(&["Negotiate"]), ONE, true));
    }
}
