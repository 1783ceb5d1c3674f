//! Where a URL leads, and whether one may go there. Pure, but for the question that the resolver is asked.

use crate::{OutboundError, Resolver, Settings, is_public};
use std::net::IpAddr;
use url::{Host, Url};

const URL_BYTES_MAX: usize = 8 * 1024;
/// How many addresses of a name are looked at.
const ADDRESSES_MAX: usize = 32;

/// A URL of http or https that has a host, and neither user nor password.
#[derive(Clone, Debug)]
pub(crate) struct Target(Url);

/// How a target is reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// Any of these; all have been checked.
    pub(crate) addresses: Vec<IpAddr>,
    /// Whether all are named by the settings.
    pub(crate) is_named: bool,
}

impl Target {
    pub(crate) fn parse(text: &str) -> Result<Self, OutboundError> {
        if text.len() > URL_BYTES_MAX {
            return Err(OutboundError::Url("it is too long"));
        }
        Target::of(Url::parse(text).map_err(|_| OutboundError::Url("it cannot be read; write https://HOST/PATH"))?)
    }

    /// Where a redirect to `location` leads from here.
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        let url = (location.len() <= URL_BYTES_MAX).then(|| self.0.join(location).ok()).flatten()?;
        Target::of(url).ok()
    }

    fn of(mut url: Url) -> Result<Self, OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Url("its scheme is neither https nor http"));
        }
        if url.host().is_none() {
            return Err(OutboundError::Url("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Url("it holds a user or a password"));
        }
        url.set_fragment(None);
        Ok(Target(url))
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host as messages name it.
    pub(crate) fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().to_string()
    }

    /// The name or address that the certificate is for.
    pub(crate) fn certificate_name(&self) -> String {
        self.host().trim_matches(['[', ']']).to_string()
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// What the header `Host` says.
    pub(crate) fn authority(&self) -> String {
        self.0.port().map_or_else(|| self.host(), |port| format!("{}:{port}", self.host()))
    }

    /// The path with the query.
    pub(crate) fn path(&self) -> String {
        self.0.query().map_or_else(|| self.0.path().into(), |query| format!("{}?{query}", self.0.path()))
    }

    pub(crate) fn is_same_host(&self, other: &Target) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// Finds the addresses once, and checks every one.
    pub(crate) async fn way(&self, settings: &Settings, resolver: &dyn Resolver) -> Result<Way, OutboundError> {
        let addresses = match self.0.host() {
            // However it is written, `0x7f.1` or `2130706433`, it is read as the address that it is.
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => resolver
                .resolve(name)
                .await
                .map_err(|source| OutboundError::Resolve { host: self.host(), source: Some(source) })?,
            None => Vec::new(),
        };
        self.check(addresses, settings)
    }

    /// One address that may not be asked spoils all: which of them is taken is up to whoever answers for the name.
    fn check(&self, mut addresses: Vec<IpAddr>, settings: &Settings) -> Result<Way, OutboundError> {
        addresses.truncate(ADDRESSES_MAX);
        let host = || self.host();
        if addresses.is_empty() {
            return Err(OutboundError::Resolve { host: host(), source: None });
        }
        let refused = addresses.iter().find(|address| !is_public(**address) && !settings.allows(**address));
        if let Some(address) = refused {
            return Err(OutboundError::NotPublic { host: host(), address: *address });
        }
        let is_named = addresses.iter().all(|address| settings.allows(*address));
        if !self.is_tls() && !is_named {
            return Err(OutboundError::PlainHttp { host: host() });
        }
        Ok(Way { addresses, is_named })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, addresses: &[&str], allow: &[&str]) -> Result<Way, OutboundError> {
        let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
        let settings = Settings { allow, ..Settings::default() };
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Target::parse(url).unwrap().check(addresses, &settings)
    }

    #[test]
    fn public_targets_are_reached_over_tls_alone() {
        assert!(!check("https://issuer.example.com/", &["8.8.8.8"], &[]).unwrap().is_named);
        let refused = check("http://issuer.example.com/", &["8.8.8.8"], &[]);
        assert!(matches!(refused, Err(OutboundError::PlainHttp { .. })));
        assert!(check("http://issuer.example.com/", &["8.8.8.8"], &["8.8.8.8"]).unwrap().is_named);
    }

    #[test]
    fn one_private_address_among_public_ones_is_enough_to_refuse() {
        let refused = check("https://issuer.example.com/", &["8.8.8.8", "169.254.169.254"], &[]);

        let said = refused.unwrap_err().to_string();
        assert!(said.contains("leads to 169.254.169.254") && said.contains("outbound.allow"), "{said}");
    }

    #[test]
    fn a_target_that_is_private_is_reached_where_it_is_named() {
        assert!(check("https://issuer.example.com/", &["10.1.2.3"], &["10.0.0.0/8"]).is_ok());
        assert!(check("https://issuer.example.com/", &["10.1.2.3", "192.168.1.1"], &["10.0.0.0/8"]).is_err());
        assert!(check("https://issuer.example.com/", &["::ffff:10.1.2.3"], &["10.1.2.3"]).is_ok());
        assert!(check("https://issuer.example.com/", &[], &[]).is_err());
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for url in [
            "",
            "issuer.example.com",
            "ftp://issuer.example.com/",
            "file:///etc/passwd",
            "https://user@issuer.example.com/",
            "https://:word@issuer.example.com/",
            "https://",
            "https://1.2.3.4.5.999999/",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_redirect_is_read_from_where_it_was_said() {
        let here = Target::parse("https://a.example.com:8443/x/y?z#f").unwrap();

        for (location, host, path, is_same) in [
            ("w", "a.example.com", "/x/w", true),
            ("/w?q", "a.example.com", "/w?q", true),
            ("//b.example.com/w", "b.example.com", "/w", false),
            ("https://a.example.com/w", "a.example.com", "/w", false),
            ("http://a.example.com:8443/w", "a.example.com", "/w", false),
        ] {
            let next = here.join(location).unwrap();
            assert_eq!((next.host(), next.path(), next.is_same_host(&here)), (host.into(), path.into(), is_same));
        }
        assert!(here.join("javascript:alert(1)").is_none());
    }
}
