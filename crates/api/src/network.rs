use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, net::IpAddr, str::FromStr};

/// Where a trusted proxy may be: an address, a network such as `10.0.0.0/8`, or `unix` for the Unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Whoever can open the Unix socket.
    Unix,
    /// The addresses that share the first `bits` bits with `address`.
    Addresses {
        /// Any address of the network.
        address: IpAddr,
        /// How many bits count.
        bits: u8,
    },
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address or network, such as 10.1.2.3, 10.0.0.0/8, fd00::/8 or unix")]
pub struct NetworkError {
    text: String,
}

impl Network {
    /// Whether a client at `peer` (`None`: on a Unix socket) is within.
    pub fn contains(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer.map(|peer| peer.to_canonical())) {
            (Network::Unix, None) => true,
            (Network::Addresses { address, bits }, Some(peer)) => shares(*address, peer, *bits),
            _ => false,
        }
    }
}

fn shares(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            a.to_bits().checked_shr(32 - u32::from(bits)) == b.to_bits().checked_shr(32 - u32::from(bits))
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            a.to_bits().checked_shr(128 - u32::from(bits)) == b.to_bits().checked_shr(128 - u32::from(bits))
        }
        _ => false,
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text == "unix" {
            return Ok(Network::Unix);
        }
        let error = || NetworkError { text: text.into() };
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(error)?,
        };
        Ok(Network::Addresses { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Network::Unix => f.write_str("unix"),
            Network::Addresses { address, bits } => write!(f, "{address}/{bits}"),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_share_its_bits() {
        for (network, address, within) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("fd00::/8", "fd12::1", true),
            ("::/0", "fe80::1", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ] {
            let network: Network = network.parse().unwrap();

            assert_eq!(network.contains(Some(address.parse().unwrap())), within, "{network} {address}");
        }
    }

    #[test]
    fn only_the_word_unix_trusts_unix_sockets() {
        assert!("unix".parse::<Network>().unwrap().contains(None));
        assert!(!"0.0.0.0/0".parse::<Network>().unwrap().contains(None));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "host"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
