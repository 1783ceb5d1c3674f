use gantry_words::Network;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, net::IpAddr, str::FromStr};

/// Where a trusted proxy may be: an address, a network such as `10.0.0.0/8`, or `unix` for the Unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// Whoever can open the Unix socket.
    Unix,
    /// Whoever comes from there.
    Network(Network),
}

/// Why a text says of no place where a proxy may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address or network, such as 10.1.2.3, 10.0.0.0/8, fd00::/8 or unix")]
pub struct TrustedProxyError {
    text: String,
}

impl TrustedProxy {
    /// Whether a client at `peer` (`None`: on a Unix socket) is within.
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer) {
            (TrustedProxy::Unix, None) => true,
            (TrustedProxy::Network(network), Some(peer)) => network.contains(peer),
            (TrustedProxy::Unix, Some(_)) | (TrustedProxy::Network(_), None) => false,
        }
    }
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;
    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        if text == "unix" {
            return Ok(TrustedProxy::Unix);
        }
        text.parse().map(TrustedProxy::Network).map_err(|_| TrustedProxyError { text: text.into() })
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustedProxy::Unix => f.write_str("unix"),
            TrustedProxy::Network(network) => network.fmt(f),
        }
    }
}

impl Serialize for TrustedProxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrustedProxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_word_unix_trusts_unix_sockets() {
        let (unix, anywhere): (TrustedProxy, TrustedProxy) = ("unix".parse().unwrap(), "0.0.0.0/0".parse().unwrap());

        assert!(unix.contains(None) && !unix.contains(Some("127.0.0.1".parse().unwrap())));
        assert!(!anywhere.contains(None) && anywhere.contains(Some("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn what_is_neither_says_what_would_be() {
        let error = "sockets".parse::<TrustedProxy>().unwrap_err();

        assert_eq!(
            error.to_string(),
            "\"sockets\" is no address or network, such as 10.1.2.3, 10.0.0.0/8, fd00::/8 or unix"
        );
    }
}
