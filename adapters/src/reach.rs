//! Where the hub may connect to: public addresses, and private ones that the configuration names.
//! What an address is, is judged after names were resolved, and it is what was judged that is
//! connected to.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use tokio::net::lookup_host;

/// A network, as `10.20.0.0/16` or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no network such as 10.20.0.0/16")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (base, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let base: IpAddr = base.parse().map_err(|_| NoNetwork)?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| NoNetwork)?;
        if bits > most { Err(NoNetwork) } else { Ok(Self { base, bits }) }
    }
}

impl Network {
    /// Whether an address is of it.
    pub fn holds(&self, address: IpAddr) -> bool {
        let bits = u32::from(self.bits);
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                (u32::from(base) ^ u32::from(address)) & mask == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                (u128::from(base) ^ u128::from(address)) & mask == 0
            }
            _ => false,
        }
    }
}

/// Where the hub may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Private networks that are allowed.
    pub private: Vec<Network>,
}

/// Why nothing was connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreached {
    /// All its addresses are private, and not allowed.
    #[error("{0} is at addresses of private networks that the configuration does not name")]
    NotAllowed(String),
    /// The name has no address.
    #[error("{0}")]
    NoAddress(String),
}

impl Reach {
    /// Whether an address may be connected to.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.private.iter().any(|network| network.holds(address))
    }

    /// The addresses of a host that may be connected to.
    ///
    /// # Errors
    /// [`Unreached`], where there is none.
    pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreached> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = lookup_host((host, port)).await;
        let found = found.map_err(|error| Unreached::NoAddress(error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(Unreached::NoAddress("the name has no address".to_owned()));
        }
        let allowed: Vec<_> =
            found.into_iter().filter(|address| self.allows(address.ip())).collect();
        if allowed.is_empty() { Err(Unreached::NotAllowed(host.to_owned())) } else { Ok(allowed) }
    }
}

/// Whether an address, in its canonical form, is one of the public networks.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 240.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special && !address.is_multicast()
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only 2000::/3 is given out; 6to4, Teredo and documentation lie in it, and lead elsewhere.
    let [first, second, ..] = address.segments();
    let special = matches!((first, second), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _));
    first & 0xe000 == 0x2000 && !special
}

/// The resolver of HTTP clients: it gives only what may be connected to.
pub(crate) struct Resolver(pub(crate) Arc<Reach>);

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = reach.addresses(name.as_str(), 0).await?;
            let found: reqwest::dns::Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_disguise_are_refused_unless_named() {
        let open = Reach::default();
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "2001:0:1:2:3:4:80ff:fffe",
            "2001:db8::1",
            "fec0::1",
            "ff02::1",
            "::127.0.0.1",
            "::ffff:0:10.0.0.1",
            "192.0.2.1",
            "203.0.113.7",
        ] {
            assert!(!open.allows(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "203.113.131.1", "172.32.0.1", "2405:4800::1", "::ffff:8.8.8.8"]
        {
            assert!(open.allows(address.parse().unwrap()), "{address}");
        }
        let private = ["10.20.0.0/16", "127.0.0.1", "fd00::/8"].map(|text| text.parse().unwrap());
        let named = Reach { private: private.to_vec() };
        for (address, allowed) in [
            ("10.20.3.4", true),
            ("10.21.0.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::ffff:127.0.0.1", true),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(named.allows(address.parse().unwrap()), allowed, "{address}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "host", "::/129", "10.0.0.0/8/8"] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().holds([1, 2, 3, 4].into()));
    }

    #[tokio::test]
    async fn a_name_of_loopback_is_judged_by_its_address() {
        let open = Reach::default();
        for host in ["localhost", "2130706433"] {
            let refused = Unreached::NotAllowed(host.to_owned());
            assert_eq!(open.addresses(host, 80).await, Err(refused));
        }
    }
}
