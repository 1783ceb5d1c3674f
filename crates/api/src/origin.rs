use gantry_words::{AccountId, Region};
use http::{HeaderMap, HeaderValue, Uri, Version, header};
use std::{fmt, net::IpAddr};

/// The longest host with its port.
const HOST_BYTES_MAX: usize = 260;

/// Scheme and host by which the client reached us: what the realm of a challenge is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    is_https: bool,
    host: HeaderValue,
}

/// Why no origin can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginError {
    /// HTTP/1.1 without a `Host`.
    Missing,
    /// More than one `Host`.
    Several,
    /// Not `name[:port]`, `address[:port]` or `[address][:port]`.
    Malformed,
}

impl OriginError {
    /// What the client is told.
    pub const fn message(self) -> &'static str {
        match self {
            OriginError::Missing => "The request has no Host header; HTTP/1.1 asks for one",
            OriginError::Several => "The request has more than one Host header; exactly one is needed",
            OriginError::Malformed => "The Host of the request is no host name or address with an optional port",
        }
    }
}

impl Origin {
    /// An origin; `None` where `host` is not `name[:port]`, `address[:port]` or `[address][:port]`.
    pub fn new(is_https: bool, host: &str) -> Option<Self> {
        let host = HeaderValue::from_str(host).ok().filter(|host| is_host(host.as_bytes()))?;
        Some(Origin { is_https, host })
    }

    /// Tells the origin of a request: the authority of an absolute address wins over `Host` (RFC 9112, section 3.2.2).
    ///
    /// # Errors
    /// The request names no host, several, or what is none.
    pub fn of(is_https: bool, uri: &Uri, headers: &HeaderMap, version: Version) -> Result<Self, OriginError> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (first, more) = (hosts.next(), hosts.next());
        if more.is_some() {
            return Err(OriginError::Several);
        }
        if let Some(authority) = uri.authority() {
            return Origin::new(is_https, authority.as_str()).ok_or(OriginError::Malformed);
        }
        match first {
            Some(host) if is_host(host.as_bytes()) => Ok(Origin { is_https, host: host.clone() }),
            Some(_) => Err(OriginError::Malformed),
            None if version <= Version::HTTP_10 => Ok(Origin { is_https, host: HeaderValue::from_static("localhost") }),
            None => Err(OriginError::Missing),
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    /// Whether the client came over TLS, to us or to a trusted proxy.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// The account that the host names, as `<account>.dkr.ecr.<region>.<anything>`; none for all other hosts.
    pub fn account(&self) -> Option<AccountId> {
        Some(self.registry_parts()?.0)
    }

    /// The host and port by which the registry of `account` is reached, where this one was reached by its own account's or,
    /// for `own`, by any host that names none.
    ///
    /// An address cannot have names below it: there it is `localhost` that has.
    pub fn registry_of(&self, account: AccountId, own: AccountId, region: &Region) -> String {
        let host = self.host();
        if let Some((_, rest)) = self.registry_parts() {
            return format!("{account}.dkr.ecr.{rest}");
        }
        if account == own {
            return host.into();
        }
        let (name, port) = match host.rfind(':').filter(|_| !host.ends_with(']')) {
            Some(colon) => host.split_at(colon),
            None => (host, ""),
        };
        let is_address = name.starts_with('[') || name.parse::<IpAddr>().is_ok();
        let name = if is_address { "localhost" } else { name };
        format!("{account}.dkr.ecr.{region}.{name}{port}")
    }

    /// The account of the host, and what stands behind `dkr.ecr.`.
    fn registry_parts(&self) -> Option<(AccountId, &str)> {
        let (account, rest) = self.host().split_once('.')?;
        let mut labels = rest.splitn(4, '.');
        let [dkr, ecr, region, anything] = std::array::from_fn(|_| labels.next().unwrap_or_default());
        let is_registry = dkr.eq_ignore_ascii_case("dkr")
            && ecr.eq_ignore_ascii_case("ecr")
            && region.to_ascii_lowercase().parse::<Region>().is_ok()
            && anything.starts_with(|first: char| first.is_ascii_alphanumeric());
        let behind = rest.get(dkr.len() + ecr.len() + 2..)?;
        Some((account.parse().ok().filter(|_| is_registry)?, behind))
    }

    /// Host with its port where one was given.
    pub fn host(&self) -> &str {
        self.host.to_str().unwrap_or("localhost")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host())
    }
}

fn is_host(text: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
    let is_address = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
    if text.is_empty() || text.len() > HOST_BYTES_MAX {
        return false;
    }
    if let Some(inside) = text.strip_prefix(b"[") {
        let Some(end) = inside.iter().position(|byte| *byte == b']') else { return false };
        return end > 0 && inside[..end].iter().all(is_address) && is_port(&inside[end + 1..]);
    }
    let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    end > 0 && text[..end].iter().all(is_name) && is_port(&text[end..])
}

/// Nothing, or a colon and up to five digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(hosts: &[&'static str]) -> HeaderMap {
        hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host))).collect()
    }

    #[test]
    fn the_host_header_names_the_origin() {
        let uri = Uri::from_static("/v2/");

        let origin = Origin::of(true, &uri, &headers(&["hub.example:5000"]), Version::HTTP_11).unwrap();

        assert_eq!(origin.to_string(), "https://hub.example:5000");
    }

    #[test]
    fn an_absolute_address_wins_over_the_host_header() {
        let uri = Uri::from_static("http://a.example/v2/");

        let origin = Origin::of(false, &uri, &headers(&["b.example"]), Version::HTTP_11).unwrap();

        assert_eq!(origin.host(), "a.example");
    }

    #[test]
    fn a_request_without_exactly_one_host_is_refused() {
        let uri = Uri::from_static("/");

        assert_eq!(Origin::of(false, &uri, &headers(&[]), Version::HTTP_11), Err(OriginError::Missing));
        assert_eq!(Origin::of(false, &uri, &headers(&["a", "a"]), Version::HTTP_11), Err(OriginError::Several));
        assert!(Origin::of(false, &uri, &headers(&[]), Version::HTTP_10).is_ok());
    }

    #[test]
    fn a_host_of_ecrs_form_names_an_account_and_no_other_does() {
        let account = |host: &str| Origin::new(true, host).unwrap().account().map(|account| account.to_string());

        for host in ["111122223333.dkr.ecr.us-east-1.hub.example:5000", "111122223333.DKR.ecr.EU-west-1.localhost"] {
            assert_eq!(account(host).as_deref(), Some("111122223333"), "{host}");
        }
        for host in [
            "hub.example",
            "11112222333.dkr.ecr.us-east-1.hub",
            "111122223333.dkr.ecr.us-east-1",
            "111122223333.dkr.ecr.us-east-1.",
            "111122223333.dkr.ecr..hub",
            "111122223333.dkr.ecr.us_east.hub",
            "111122223333.ecr.dkr.us-east-1.hub",
            "a.111122223333.dkr.ecr.us-east-1.hub",
            "111122223333",
            "[::1]:5000",
        ] {
            assert_eq!(account(host), None, "{host}");
        }
    }

    #[test]
    fn the_registry_of_an_account_has_a_host_of_its_own() {
        let [own, other] = ["000000000000", "111122223333"].map(|id| id.parse().unwrap());
        let host = |at: &str, account| Origin::new(true, at).unwrap().registry_of(account, own, &Region::default());

        assert_eq!(host("hub.example:5000", own), "hub.example:5000");
        assert_eq!(host("hub.example:5000", other), "111122223333.dkr.ecr.us-east-1.hub.example:5000");
        assert_eq!(host("127.0.0.1:5000", other), "111122223333.dkr.ecr.us-east-1.localhost:5000");
        assert_eq!(host("[::1]", other), "111122223333.dkr.ecr.us-east-1.localhost");
        assert_eq!(host("111122223333.dkr.ecr.eu-west-1.hub:1", own), "000000000000.dkr.ecr.eu-west-1.hub:1");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_a_port() {
        for host in ["a", "a.example", "a_b:1", "127.0.0.1:5000", "[::1]", "[fe80::1]:80", "a:"] {
            assert!(Origin::new(false, host).is_some(), "{host}");
        }
        for host in
            ["", ":80", "a b", "a\"", "a,b", "a/b", "u@a", "a:b", "a:123456", "[::1", "[]", "[g]", "[::1]x", "::1"]
        {
            assert!(Origin::new(false, host).is_none(), "{host}");
        }
        assert!(Origin::new(false, &"a".repeat(261)).is_none());
    }
}
