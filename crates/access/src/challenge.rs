//! `WWW-Authenticate`: what a client must bring (RFC 7235; the docker token protocol).

use crate::{Access, Resource, ScopeVerb};
use gantry_words::RepositoryName;
use std::{collections::BTreeMap, net::IpAddr};

/// What was wrong with the token that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// Expired, or not valid: the client must drop it.
    Invalid,
    /// It was not asked for what is needed now.
    Scope,
}

/// Whether a `Host` header is one that may stand in an answer: a name, an IPv4 address or an IPv6 one in brackets, with
/// or without a port; nothing else gets into a header from there.
pub fn is_host(host: &str) -> bool {
    if host.is_empty() || host.len() > 261 {
        return false;
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (None, port),
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, _)) => (Some(name), &host[name.len()..]),
            None => (Some(host), ""),
        },
    };
    let is_port = |port: &str| port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    name.is_none_or(is_name) && (port.is_empty() || is_port(port))
}

/// Whether a host is an IP literal or this machine: some clients believe no token service there, so Basic comes first.
pub fn prefers_basic(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok()
}

/// The Bearer challenge: where tokens are, for which service, with which scopes.
///
/// `scheme` and `host` are those the client used ([`is_host`]).
pub fn bearer(scheme: &str, host: &str, accesses: &[Access], problem: Option<TokenProblem>) -> String {
    let mut text = format!("Bearer realm=\"{scheme}://{host}/token\",service=\"{host}\"");
    let scope = scope(accesses);
    if !scope.is_empty() {
        text.push_str(&format!(",scope=\"{scope}\""));
    }
    match problem {
        Some(TokenProblem::Invalid) => text.push_str(",error=\"invalid_token\""),
        Some(TokenProblem::Scope) => text.push_str(",error=\"insufficient_scope\""),
        None => {}
    }
    text
}

/// The Basic challenge.
pub fn basic() -> &'static str {
    "Basic realm=\"Gantry\", charset=\"UTF-8\""
}

/// The scopes that cover what is needed. Who pushes is told to ask for pulls too, as clients do anyway.
fn scope(accesses: &[Access]) -> String {
    let mut catalog = false;
    let mut verbs: BTreeMap<&RepositoryName, [bool; 3]> = BTreeMap::new();
    for access in accesses {
        let verb = access.action.scope_verbs().first();
        match (&access.resource, verb) {
            (Resource::Registry, Some(ScopeVerb::Catalog)) => catalog = true,
            (Resource::Repository(name), Some(verb)) => {
                let wanted = verbs.entry(name).or_default();
                match verb {
                    ScopeVerb::Pull | ScopeVerb::Catalog => wanted[0] = true,
                    ScopeVerb::Push => (wanted[0], wanted[1]) = (true, true),
                    ScopeVerb::Delete => wanted[2] = true,
                }
            }
            _ => {}
        }
    }
    let print = |(name, wanted): (&RepositoryName, [bool; 3])| {
        let words =
            ["pull", "push", "delete"].into_iter().zip(wanted).filter(|(_, wanted)| *wanted).map(|(word, _)| word);
        format!("repository:{name}:{}", words.collect::<Vec<_>>().join(","))
    };
    let catalog = catalog.then(|| "registry:catalog:*".to_string());
    catalog.into_iter().chain(verbs.into_iter().map(print)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action;

    #[test]
    fn the_challenge_asks_for_the_scope_of_the_request() {
        let push = [Access::on(action::ECR_PUT_IMAGE, &"team/app".parse().unwrap())];

        assert_eq!(
            bearer("https", "registry.example:5000", &push, Some(TokenProblem::Scope)),
            "Bearer realm=\"https://registry.example:5000/token\",service=\"registry.example:5000\",\
             scope=\"repository:team/app:pull,push\",error=\"insufficient_scope\""
        );
    }

    #[test]
    fn only_a_host_gets_into_a_header() {
        for host in ["a", "a.b:5000", "127.0.0.1:5000", "[::1]", "[::1]:80", "under_score"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a\"b", "a b", "a\r\nb", "a:", "a:99999", "[::1", "[x]:80", "a/b", "user@a", "::1"] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn clients_that_distrust_token_services_on_this_machine_see_basic_first() {
        for host in ["localhost:5000", "127.0.0.1", "[::1]:5000", "10.1.2.3:80"] {
            assert!(prefers_basic(host), "{host}");
        }
        assert!(!prefers_basic("registry.example:5000"));
    }
}
