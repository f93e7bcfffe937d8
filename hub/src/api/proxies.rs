//! Whom a request comes from that came through a proxy.

use std::{net::IpAddr, sync::Arc};

use adapters::reach::Network;
use axum::http::{HeaderMap, HeaderName};

/// Where a proxy writes whom it speaks for, the last behind those before it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies of the hub's own operator: they are believed when they say whom they speak for.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<[Network]>);

impl From<&[Network]> for Proxies {
    fn from(networks: &[Network]) -> Self {
        Self(networks.into())
    }
}

impl Proxies {
    fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }

    /// Who asks: the peer, and where that is one of these proxies, the last of those it names that
    /// is none. What stands before that may be anybody's invention.
    pub(super) fn client(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let mut client = peer?;
        if !self.has(client) {
            return Some(client);
        }
        let told = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let told: Vec<&str> = told.flat_map(|value| value.split(',')).map(str::trim).collect();
        for address in told.iter().rev() {
            // Some write the port too, or brackets.
            let bare = address.trim_start_matches('[');
            let bare = bare.split_once(']').map_or(bare, |(bare, _)| bare);
            let without_port = bare.rsplit_once(':').map_or(bare, |(address, _)| address);
            let parsed = bare.parse::<IpAddr>().or_else(|_| without_port.parse());
            let Ok(address) = parsed else { return Some(client) };
            client = address.to_canonical();
            if !self.has(client) {
                return Some(client);
            }
        }
        Some(client)
    }
}

/// The last address that is named in `X-Forwarded-For`, for whom it is asked.
pub(super) fn last_forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next().unwrap_or(last).trim();
    last.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_and_nobody_else() {
        let networks = ["10.1.0.0/16", "::1"].map(|one| one.parse::<Network>().unwrap());
        let proxies = Proxies::from(&networks[..]);
        let client = |peer: &str, told: &[&str]| {
            let mut headers = HeaderMap::new();
            for told in told {
                headers.append(FORWARDED_FOR, told.parse().unwrap());
            }
            proxies.client(&headers, Some(peer.parse().unwrap())).unwrap().to_string()
        };
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "no proxy of ours");
        assert_eq!(client("10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.1.2.3", &["9.9.9.9, 198.51.100.1, 10.1.9.9"]), "198.51.100.1");
        assert_eq!(client("10.1.2.3", &["9.9.9.9", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(client("::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(client("10.1.2.3", &["198.51.100.1, unknown"]), "10.1.2.3");
        assert_eq!(client("10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(proxies.client(&HeaderMap::new(), None), None);
    }
}
