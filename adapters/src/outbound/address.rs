//! Which addresses the hub connects to: those of the public network, and of the private ones only
//! those that its configuration names. They are checked after names were looked up, and connected
//! to as they were checked.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

/// A range of addresses, as in `10.0.0.0/8` or `fd00::/8`; one address without a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// The text names no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no range of addresses")]
pub struct NoNetwork(String);

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let fault = || NoNetwork(text.to_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => longest,
            Some(text) => {
                text.parse().ok().filter(|length| *length <= longest).ok_or_else(fault)?
            }
        };
        Ok(Self { address, length })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.length)
    }
}

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
            IpAddr::V6(address) => (address.to_bits(), false),
        };
        let ((own, four), (other, other_four)) = (bits(self.address), bits(address));
        let differ = own ^ other;
        four == other_four && differ.leading_zeros() >= u32::from(self.length)
    }
}

/// The IPv4 address that an IPv6 address stands for, where it does: mapped, translated (NAT64),
/// tunnelled (6to4, Teredo), or written in the old compatible way.
fn within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b) {
        (0, 0) if [c, d, e] == [0; 3] && (f == 0 || f == 0xFFFF) => Some(four(g, h)),
        (0, 0) if [c, d, e, f] == [0, 0, 0xFFFF, 0] => Some(four(g, h)),
        (0x64, 0xFF9B) => Some(four(g, h)),
        (0x2002, _) => Some(four(b, c)),
        (0x2001, 0) => Some(four(!g, !h)),
        _ => None,
    }
}

/// Whether an address is of the public network.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0);
            let tests = a == 198 && (b == 18 || b == 19);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_documentation()
                || shared
                || special
                || tests)
        }
        IpAddr::V6(address) => match within(address) {
            Some(inner) => !address.is_unspecified() && is_public(inner.into()),
            // What is given out to the public lies here, but for what is for documents.
            None => {
                let [a, b, ..] = address.segments();
                (0x2000..0x4000).contains(&a) && (a, b) != (0x2001, 0xDB8)
            }
        },
    }
}

/// Whether the hub may connect to an address, of the private ones to `private` alone.
pub fn is_allowed(address: IpAddr, private: &[Network]) -> bool {
    let address = address.to_canonical();
    is_public(address) || private.iter().any(|network| network.contains(address))
}

/// No address of a name is one that the hub may connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is at addresses of private networks that the configuration does not name")]
pub struct NotAllowed(pub String);

/// Looks names up, and gives only addresses that the hub may connect to.
pub(super) struct Guard(pub(super) Arc<[Network]>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.0.clone();
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|found| is_allowed(found.ip(), &private)).collect();
            if allowed.is_empty() {
                return Err(NotAllowed(name.as_str().to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_known_in_every_spelling() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001:0:1:2:3:4:80ff:fffe",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_allowed(text.parse().unwrap(), &[]), "{text}");
        }
        for text in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2002:808:808::"] {
            assert!(is_allowed(text.parse().unwrap(), &[]), "{text}");
        }
    }

    #[test]
    fn a_private_range_is_reached_where_it_is_named() {
        let private: Vec<Network> =
            ["10.20.0.0/16", "::1"].iter().map(|text| text.parse().unwrap()).collect();
        for (text, allowed) in [
            ("10.20.255.1", true),
            ("::ffff:10.20.0.1", true),
            ("10.21.0.1", false),
            ("::1", true),
            ("::2", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(is_allowed(text.parse().unwrap(), &private), allowed, "{text}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("1.2.3.4".parse().unwrap()));
    }
}
