//! `WWW-Authenticate`: how a client is told to say who he is (the docker registry's token protocol; RFC 6750).

use crate::{Access, Scopes};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest host with its port.
const HOST_BYTES_MAX: usize = 260;

/// What was wrong with the token a client came with. Clients drop a token they keep only when they are told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenProblem {
    /// It has expired, or is none of ours.
    Invalid,
    /// It was asked for something else.
    InsufficientScope,
}

impl TokenProblem {
    const fn word(self) -> &'static str {
        match self {
            TokenProblem::Invalid => "invalid_token",
            TokenProblem::InsufficientScope => "insufficient_scope",
        }
    }
}

/// The challenges of an answer with 401, one header each, in this order.
///
/// `Bearer` alone by default. Where the host is an address or this machine `Basic` comes first, since some clients
/// refuse to fetch a token from there and take the first challenge that they can meet; but second for whoever came with
/// a token, since tokens are what he does. Where it is no host at all, `Basic` comes alone.
pub fn all(is_https: bool, host: &str, service: &str, needs: &[Access], problem: Option<TokenProblem>) -> Vec<String> {
    let Some(bearer) = bearer(is_https, host, service, needs, problem) else { return vec![basic(service)] };
    match host_is_address(host) {
        Some(true) if problem.is_none() => vec![basic(service), bearer],
        Some(true) => vec![bearer, basic(service)],
        Some(false) | None => vec![bearer],
    }
}

/// Asks for a token of the scopes that `needs` come to, at `/token` of the address by which the client came: clients
/// refuse a realm that lies elsewhere, so it is never a setting.
///
/// `None` where `host` is no name or address with or without a port (RFC 3986, section 3.2): nothing that could end the
/// header, or say more in it, gets through.
pub fn bearer(
    is_https: bool,
    host: &str,
    service: &str,
    needs: &[Access],
    problem: Option<TokenProblem>,
) -> Option<String> {
    host_is_address(host)?;
    let scheme = if is_https { "https" } else { "http" };
    let mut challenge = format!("Bearer realm=\"{scheme}://{host}/token\",service={}", quoted(service));
    let scopes = Scopes::of(needs);
    if !scopes.is_empty() {
        challenge.push_str(&format!(",scope=\"{scopes}\""));
    }
    if let Some(problem) = problem {
        challenge.push_str(&format!(",error=\"{}\"", problem.word()));
    }
    Some(challenge)
}

/// Asks for user name and password.
pub fn basic(service: &str) -> String {
    format!("Basic realm={}", quoted(service))
}

/// A quoted string (RFC 9110, section 5.6.4) of the visible ASCII of `text`.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars().filter(|letter| (' '..='~').contains(letter)) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Whether a well-formed host is an address or this machine; `None` where it is malformed.
fn host_is_address(host: &str) -> Option<bool> {
    if host.is_empty() || host.len() > HOST_BYTES_MAX {
        return None;
    }
    if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        return is_port(port).then_some(true);
    }
    let name_end = host.find(':').unwrap_or(host.len());
    let (name, port) = host.split_at(name_end);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_name) || !is_port(port) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(name.parse::<Ipv4Addr>().is_ok() || last.eq_ignore_ascii_case("localhost"))
}

/// Nothing, or a colon with a number that is a port, or with nothing.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => {
            digits.is_empty() || (digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok())
        }
        None => text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, action};
    use proptest::prelude::*;

    fn on(action: Action, name: &str) -> Access {
        Access::on(action, &name.parse().unwrap())
    }

    #[test]
    fn a_push_is_asked_for_a_token_to_pull_and_push() {
        let needs = [on(action::ECR_INITIATE_LAYER_UPLOAD, "team/app")];

        assert_eq!(
            bearer(true, "hub.example:5000", "hub.example:5000", &needs, None).unwrap(),
            r#"Bearer realm="https://hub.example:5000/token",service="hub.example:5000",scope="repository:team/app:pull,push""#
        );
    }

    #[test]
    fn what_is_wrong_with_the_token_is_said_with_the_full_scope() {
        let needs = [on(action::ECR_BATCH_GET_IMAGE, "a")];
        let with = |problem| bearer(false, "hub.example", "gantry", &needs, Some(problem)).unwrap();

        assert_eq!(
            with(TokenProblem::Invalid),
            r#"Bearer realm="http://hub.example/token",service="gantry",scope="repository:a:pull",error="invalid_token""#
        );
        assert!(
            with(TokenProblem::InsufficientScope).ends_with(r#"scope="repository:a:pull",error="insufficient_scope""#)
        );
    }

    #[test]
    fn the_catalogue_and_several_repositories_are_named() {
        let scope = |needs: &[Access]| {
            let challenge = bearer(true, "a", "a", needs, None).unwrap();
            challenge.split_once("scope=").map(|(_, scope)| scope.to_string())
        };

        assert_eq!(scope(&[Access::to(action::ECR_DESCRIBE_REPOSITORIES)]).unwrap(), "\"registry:catalog:*\"");
        assert_eq!(
            scope(&[on(action::ECR_BATCH_DELETE_IMAGE, "b"), on(action::ECR_LIST_IMAGES, "a")]).unwrap(),
            "\"repository:a:pull repository:b:delete\""
        );
        assert_eq!(scope(&[]), None);
    }

    #[test]
    fn basic_comes_first_at_addresses_and_at_this_machine_only() {
        for host in [
            "127.0.0.1:5000",
            "10.1.2.3",
            "203.0.113.9",
            "[::1]:5000",
            "[2001:db8::1]",
            "localhost",
            "LocalHost:5000",
            "a.localhost",
            "localhost.:80",
        ] {
            let challenges = all(false, host, "gantry", &[], None);
            assert_eq!(challenges[0], "Basic realm=\"gantry\"", "{host}");
            assert_eq!(challenges[1], format!("Bearer realm=\"http://{host}/token\",service=\"gantry\""), "{host}");
        }
        for host in ["hub.example", "hub.example:5000", "a", "127.0.0.1.example", "localhost.example", "mylocalhost"] {
            let challenges = all(false, host, "gantry", &[], None);
            assert!(challenges.len() == 1 && challenges[0].starts_with("Bearer"), "{host}");
        }
    }

    #[test]
    fn whoever_came_with_a_token_is_first_asked_for_another() {
        let challenges = all(false, "127.0.0.1:5000", "gantry", &[], Some(TokenProblem::Invalid));

        assert!(challenges[0].starts_with("Bearer") && challenges[0].ends_with("error=\"invalid_token\""));
        assert_eq!(challenges[1], "Basic realm=\"gantry\"");
    }

    #[test]
    fn a_host_that_is_none_never_stands_in_a_header() {
        let long = "a".repeat(261);
        for host in [
            "",
            ":80",
            "a b",
            "a\"",
            "a\r\nX: y",
            "a,b",
            "a/b",
            "u@a",
            "a:99999",
            "a:-1",
            "a:+1",
            "a:8o",
            "[::1",
            "[]",
            "[g]",
            "[::1]x",
            "[fe80::1%25eth0]",
            "::1",
            "ä",
            "a%20",
            "a\\",
            &long,
        ] {
            assert_eq!(all(true, host, "gantry", &[], None), ["Basic realm=\"gantry\""], "{host:?}");
        }
    }

    #[test]
    fn a_service_name_cannot_end_its_quotes() {
        assert_eq!(basic("a\"b\\c\r\nd\u{e4}"), r#"Basic realm="a\"b\\cd""#);
    }

    proptest! {
        #[test]
        fn a_challenge_is_one_line_of_visible_ascii_with_balanced_quotes(host in ".{0,40}", service in ".{0,40}") {
            for challenge in all(true, &host, &service, &[on(action::ECR_PUT_IMAGE, "a")], Some(TokenProblem::Invalid)) {
                prop_assert!(challenge.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                let bare = challenge.replace("\\\\", "").replace("\\\"", "");
                let quotes = if challenge.starts_with("Bearer") { 8 } else { 2 };
                prop_assert_eq!(bare.matches('"').count(), quotes);
            }
        }
    }
}
