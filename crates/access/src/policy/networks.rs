//! Networks, and the addresses in them.

use std::net::IpAddr;
use std::str::FromStr;

/// A network as CIDR writes it (RFC 4632, RFC 4291): an address and how many of its bits count. Without a length it is that
/// one address. What of IPv4 is written in IPv6 (`::ffff:10.0.0.1`) is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    /// The bits that count.
    mask: u128,
    is_v4: bool,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no network in CIDR form, such as 10.1.0.0/16 or 2001:db8::/32")]
pub struct NoNetwork;

impl Network {
    /// Says whether `address` lies in it.
    pub fn holds(self, address: IpAddr) -> bool {
        let (address, is_v4) = bits(address);
        is_v4 == self.is_v4 && (address ^ self.address) & self.mask == 0
    }
}

/// The bits of an address at the upper end, and whether it is IPv4.
fn bits(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}

impl FromStr for Network {
    type Err = NoNetwork;
    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let written: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let (address, is_v4) = bits(written);
        let length_max = if is_v4 { 32 } else { 128 };
        // Of ::ffff:10.0.0.0/104 the first 96 bits are those that say it is IPv4.
        let offset = if is_v4 && written.is_ipv6() { 96 } else { 0 };
        let length = match length {
            None => length_max,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let length: u32 = digits.parse().map_err(|_| NoNetwork)?;
                length.checked_sub(offset).filter(|length| *length <= length_max).ok_or(NoNetwork)?
            }
            Some(_) => return Err(NoNetwork),
        };
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        Ok(Network { address, mask, is_v4 })
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
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.3/24", "10.1.2.4", true),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let holds = network.parse::<Network>().unwrap().holds(address.parse().unwrap());
            assert_eq!(holds, wanted, "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.0/", "10.0.0.0/+8", "::ffff:10.0.0.0/8", "a/8"] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }
}
