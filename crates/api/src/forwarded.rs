use crate::{Origin, TrustedProxy};
use http::HeaderMap;
use std::net::IpAddr;

/// What a trusted proxy says of the client before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Where the client is; `None` on a Unix socket.
    pub source: Option<IpAddr>,
    /// Scheme and host by which the client reached the proxy.
    pub origin: Origin,
}

/// Tells client and origin of a request that came from `peer`, believing only proxies that are trusted.
///
/// Of `X-Forwarded-For` the rightmost address that is no trusted proxy counts: all left of it anybody could have
/// written. Of `-Proto` and `-Host` the last value counts: the one the nearest proxy added.
pub fn forwarded(trusted: &[TrustedProxy], peer: Option<IpAddr>, origin: Origin, headers: &HeaderMap) -> Forwarded {
    let is_trusted = |peer: Option<IpAddr>| trusted.iter().any(|proxy| proxy.contains(peer));
    if trusted.is_empty() || !is_trusted(peer) {
        return Forwarded { source: peer, origin };
    }
    let mut source = peer;
    for text in values(headers, "x-forwarded-for").rev() {
        let Some(address) = parse_address(text) else { break };
        source = Some(address);
        if !is_trusted(source) {
            break;
        }
    }
    let is_https = match values(headers, "x-forwarded-proto").next_back() {
        Some(scheme) => scheme.eq_ignore_ascii_case("https"),
        None => origin.is_https(),
    };
    let host = values(headers, "x-forwarded-host").next_back().unwrap_or(origin.host());
    let origin = Origin::new(is_https, host).unwrap_or(origin);
    Forwarded { source, origin }
}

/// All values of a header that is a list, in their order.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|value| !value.is_empty())
}

/// An address, in brackets and with a port or without.
fn parse_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn seen(trusted: &[&str], peer: &str, pairs: &[(&'static str, &'static str)]) -> (String, String) {
        let trusted: Vec<TrustedProxy> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let origin = Origin::new(false, "inner:5000").unwrap();
        let forwarded = forwarded(&trusted, peer.parse().ok(), origin, &headers(pairs));
        (forwarded.source.map_or("-".into(), |source| source.to_string()), forwarded.origin.to_string())
    }

    const ALL: [(&str, &str); 3] =
        [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "hub.example")];

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(seen(&[], "10.0.0.1", &ALL), ("10.0.0.1".into(), "http://inner:5000".into()));
        assert_eq!(seen(&["10.0.0.2"], "10.0.0.1", &ALL), ("10.0.0.1".into(), "http://inner:5000".into()));
        assert_eq!(seen(&["10.0.0.0/8"], "10.0.0.1", &ALL), ("203.0.113.9".into(), "https://hub.example".into()));
        assert_eq!(seen(&["unix"], "", &ALL), ("203.0.113.9".into(), "https://hub.example".into()));
    }

    #[test]
    fn an_address_that_the_client_made_up_is_not_believed() {
        for (list, source) in [
            ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
            ("1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
            ("10.0.0.9, 10.0.0.7", "10.0.0.9"),
            ("1.2.3.4, nonsense", "10.0.0.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(seen(&["10.0.0.0/8"], "10.0.0.1", &[("x-forwarded-for", list)]).0, source, "{list}");
        }
    }

    #[test]
    fn a_host_that_is_none_is_not_taken_over() {
        assert_eq!(seen(&["10.0.0.1"], "10.0.0.1", &[("x-forwarded-host", "a\"b")]).1, "http://inner:5000");
    }
}
