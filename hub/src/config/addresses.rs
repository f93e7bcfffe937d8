//! Addresses and networks, as they are written.

use std::net::SocketAddr;

use adapters::reach::Network;
use mappings::Diagnostic;

/// An address to listen on.
pub(super) fn address(
    told: &toml::Spanned<String>,
    (name, text): (&str, &str),
    found: &mut Vec<Diagnostic>,
) -> Option<SocketAddr> {
    let parsed = told.get_ref().parse().ok();
    if parsed.is_none() {
        let message = format!("`{}` is no address", told.get_ref());
        let advice = "write address:port, such as 127.0.0.1:8080";
        found.push(Diagnostic::at(name, text, &told.span(), message, advice));
    }
    parsed
}

/// Networks by their addresses.
pub(super) fn networks(
    all: &[toml::Spanned<String>],
    (name, text): (&str, &str),
    found: &mut Vec<Diagnostic>,
) -> Vec<Network> {
    let mut networks = Vec::new();
    for told in all {
        if let Ok(network) = told.get_ref().parse() {
            networks.push(network);
            continue;
        }
        let message = format!("`{}` is no network", told.get_ref());
        let advice = "write ADDRESS or ADDRESS/BITS, such as 10.20.0.0/16";
        found.push(Diagnostic::at(name, text, &told.span(), message, advice));
    }
    networks
}
