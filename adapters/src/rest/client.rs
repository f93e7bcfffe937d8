//! Where a request came from: from which address, and by which certificate.

use std::{fmt, net::IpAddr};

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{
    Extensions, HeaderMap, HeaderValue,
    header::{AUTHORIZATION, Entry},
};

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

/// The scheme by which the server says in `Authorization` which certificate a connection has shown.
/// Nobody else says that: what comes with it is taken away.
pub const CERTIFICATE: &str = "Certificate";

/// A certificate by its thumbprint, the SHA-256 of its DER (RFC 8705, `x5t#S256`): 64 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The thumbprint of a certificate, which is given as DER.
    pub fn of(certificate: &[u8]) -> Self {
        let mut print = [0; 32];
        print.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(print)
    }

    /// What `Authorization` says of it.
    pub(super) fn credential(self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{CERTIFICATE} {self}")).ok()
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// Whether it is the server that says so, of the connection's certificate.
pub(crate) fn is_certificate(authorization: &str) -> bool {
    authorization.split(' ').next() == Some(CERTIFICATE)
}

/// Lets a request speak for the certificate of its connection, unless it names a credential of its
/// own; and for no other.
pub(super) fn credit(headers: &mut HeaderMap, shown: Option<&HeaderValue>) {
    let feigned = |value: &HeaderValue| {
        let scheme = value.as_bytes().trim_ascii().split(|byte| *byte == b' ').next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(CERTIFICATE.as_bytes()))
    };
    if headers.get_all(AUTHORIZATION).iter().any(feigned) {
        headers.remove(AUTHORIZATION);
    }
    if let (Some(shown), Entry::Vacant(place)) = (shown, headers.entry(AUTHORIZATION)) {
        place.insert(shown.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_speaks_for_its_connections_certificate_and_for_no_other() {
        let shown = Thumbprint::of(b"certificate").credential().unwrap();
        let other = Thumbprint::of(b"other").credential().unwrap();
        let told = |sent: &[&str], shown: Option<&HeaderValue>| {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            credit(&mut headers, shown);
            let all = headers.get_all(AUTHORIZATION).iter();
            all.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        assert_eq!(told(&[], Some(&shown)), [text(&shown)]);
        assert_eq!(told(&["Bearer a"], Some(&shown)), ["Bearer a"]);
        assert_eq!(told(&["Bearer a"], None), ["Bearer a"]);
        let lower = text(&other).to_lowercase();
        for feigned in [text(&other), lower, format!("CERTIFICATE  {}", "0".repeat(64))] {
            assert_eq!(told(&[&feigned], None), [] as [&str; 0], "{feigned}");
            assert_eq!(told(&["Bearer a", &feigned], None), [] as [&str; 0], "{feigned}");
            assert_eq!(told(&[&feigned], Some(&shown)), [text(&shown)], "{feigned}");
        }
        // As `openssl dgst -sha256` has it.
        let known = "03d66dd08835c1ca3f128cceacd1f31ac94163096b20f445ae84285bc0832d72";
        assert_eq!(Thumbprint::of(b"certificate").to_string(), known);
    }
}
