//! Where a request came from.

use std::net::IpAddr;

use axum::http::Extensions;

/// The address that a request came from, among its extensions: the server puts the connection's
/// peer there. Who knows that this is a proxy puts there whom that speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl Client {
    /// The address, where the server told it. An IPv4 address is one however it was written.
    pub fn of(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get::<Self>().map(|Self(address)| address.to_canonical())
    }
}
