use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, net::IpAddr, str::FromStr};

/// An address, or a network as CIDR writes it (RFC 4632, RFC 4291): an address and how many of its bits count. What of IPv4 is
/// written in IPv6 (`::ffff:10.0.0.1`) is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address or network, such as 10.1.2.3, 10.0.0.0/8 or fd00::/8")]
pub struct NetworkError {
    text: String,
}

impl Network {
    /// Says whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// The network that is taken for one place where addresses are not told apart: the 24 bits of an IPv4 address, the 64 of an IPv6
    /// address, below which it is one link's (RFC 4291, section 2.5.4).
    pub fn around(address: IpAddr) -> Network {
        let address = address.to_canonical();
        let length = if address.is_ipv4() { 24 } else { 64 };
        // Neither length is too great for its kind of address.
        Network(IpNet::new(address, length).map_or_else(|_| IpNet::from(address), |network| network.trunc()))
    }

    /// The first address of it.
    pub fn first(&self) -> IpAddr {
        self.0.network()
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        read(text).map(Network).ok_or_else(|| NetworkError { text: text.into() })
    }
}

fn read(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let written: IpAddr = address.parse().ok()?;
    let address = written.to_canonical();
    let Some(digits) = length else { return Some(IpNet::from(address)) };
    let length: u8 = if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok()? } else { return None };
    // Of ::ffff:10.0.0.0/104 the first 96 bits are those that say it is IPv4.
    let offset = if address.is_ipv4() && written.is_ipv6() { 96 } else { 0 };
    IpNet::new(address, length.checked_sub(offset)?).ok()
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
    fn an_address_lies_in_a_network_if_the_bits_that_count_agree() {
        for (network, address, wanted) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.3/24", "10.1.2.4", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("fd00::/8", "fd12::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let network: Network = network.parse().unwrap();

            assert_eq!(network.contains(address.parse().unwrap()), wanted, "{address} in {network}");
        }
    }

    #[test]
    fn a_network_is_read_as_it_is_printed() {
        for (text, printed) in
            [("10.1.2.3", "10.1.2.3/32"), ("10.1.2.3/24", "10.1.2.3/24"), ("::ffff:10.0.0.0/104", "10.0.0.0/8")]
        {
            let network: Network = text.parse().unwrap();

            assert_eq!(network.to_string(), printed);
            assert_eq!(printed.parse(), Ok(network));
        }
    }

    #[test]
    fn addresses_that_are_near_each_other_are_of_one_network() {
        for (address, network) in [
            ("10.1.2.3", "10.1.2.0/24"),
            ("::ffff:10.1.2.3", "10.1.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            let around = Network::around(address.parse().unwrap());

            assert_eq!((around.to_string().as_str(), Network::around(around.first())), (network, around));
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "a/8",
            "10",
            "host",
            "localhost",
            "10.0.0",
            "10.0.0/8",
            "010.0.0.1",
            "010.0.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "::1/129",
            "::ffff:10.0.0.0/8",
            "10.0.0.0/999",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError { text: text.into() }), "{text}");
        }
    }
}
