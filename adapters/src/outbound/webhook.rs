//! To whoever subscribed, at an address that they gave themselves: so it is looked at when it is
//! given, and judged again, after its name was looked up, whenever something is sent there.
//!
//! The signature is the caller's; headers are those of Standard Webhooks
//! (<https://www.standardwebhooks.com>). Redirects are not followed: they lead where nobody looked.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::time::timeout;

use super::{
    client::{self, ADDRESS_BYTES_MAX, Bounded, CONNECT_WAIT, Idle, Unfit},
    rest::{lost, reply},
};
use crate::reach::{Network, Unreached, is_public};

/// How long a name may take to be looked up when an address is given.
const LOOK_UP: Duration = Duration::from_secs(5);

/// What is sent: one event, signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`, in seconds since 1970.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// What was answered, where something was.
    pub status: Option<u16>,
    /// What was wrong; nothing where it was taken.
    pub told: Option<String>,
    /// After how long it may be tried again, where that was said.
    pub retry_after: Option<Duration>,
}

impl Ended {
    fn failed(told: impl Into<String>) -> Self {
        Self { told: Some(told.into()), ..Self::default() }
    }
}

/// The way to all who subscribed.
pub struct Webhooks {
    client: Bounded,
    timeout: Duration,
}

impl Webhooks {
    /// Makes ready; connects to nothing. Private networks are reached where they are named, and an
    /// answer may take so long.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub fn new(private: Vec<Network>, timeout: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self { client: Bounded::new(private, CONNECT_WAIT, Idle::Kept)?, timeout })
    }

    /// Looks at an address that somebody gives; gives it as it is written for all.
    ///
    /// # Errors
    /// [`Unfit`], the first reason.
    pub async fn admits(&self, text: &str) -> Result<String, Unfit> {
        let url = client::address(text)?;
        let host = client::host(&url)?;
        if url.fragment().is_some() {
            return Err(Unfit::Fragment);
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let found = timeout(LOOK_UP, self.client.reach().addresses(host, port)).await;
        let found = found.map_err(|_| Unfit::Unknown)?.map_err(|error| match error {
            Unreached::NotAllowed(_) => Unfit::Private,
            Unreached::NoAddress(_) => Unfit::Unknown,
        })?;
        let public = |address: &SocketAddr| is_public(address.ip().to_canonical());
        if url.scheme() == "http" && found.iter().any(public) {
            return Err(Unfit::Clear);
        }
        let whole = url.to_string();
        if whole.len() > ADDRESS_BYTES_MAX { Err(Unfit::TooLong) } else { Ok(whole) }
    }

    /// Sends an event.
    pub async fn send(&self, url: &str, signed: Signed) -> Ended {
        let Ok(url) = url.parse::<Url>() else { return Ended::failed("this is no address") };
        let request = match self.client.request(Method::POST, url) {
            Ok(request) => request,
            Err(refused) => return Ended::failed(refused.to_string()),
        };
        let Ok(signature) = HeaderValue::from_str(&signed.signature) else {
            return Ended::failed("the signature makes no header");
        };
        let request = request
            .timeout(self.timeout)
            .header(CONTENT_TYPE, signed.content_type)
            .header("webhook-id", signed.id)
            .header("webhook-timestamp", signed.timestamp)
            .header("webhook-signature", signature)
            .body(signed.body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ended::failed(lost(&error).told),
        };
        let status = response.status();
        let ended = Ended { status: Some(status.as_u16()), ..Ended::default() };
        if status.is_redirection() {
            let told = Some(format!("HTTP {status}: redirects are not followed"));
            return Ended { told, ..ended };
        }
        match reply(response).await {
            Ok(_) if status.is_success() => ended,
            // What else was said is told nobody: who subscribes chooses the address, and is not to
            // read by it what others have said to the hub.
            Ok(said) => {
                let told = Some(format!("HTTP {status}"));
                Ended { told, retry_after: said.retry_after, ..ended }
            }
            Err(failure) => Ended { told: Some(failure.told), ..ended },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(private: &[&str]) -> Webhooks {
        let private = private.iter().map(|text| text.parse().unwrap()).collect();
        Webhooks::new(private, LOOK_UP).unwrap()
    }

    #[tokio::test]
    async fn an_address_is_refused_for_a_reason_whatever_its_disguise() {
        let way = way(&[]);
        for (url, why) in [
            ("", Unfit::NoAddress),
            ("hooks", Unfit::NoAddress),
            ("file:///etc/passwd", Unfit::Scheme),
            ("gopher://a.example/", Unfit::Scheme),
            ("javascript:alert(1)", Unfit::Scheme),
            ("https://", Unfit::NoAddress),
            ("https://hub@8.8.8.8/", Unfit::Credentials),
            ("https://8.8.8.8:443@127.0.0.1/", Unfit::Credentials),
            ("https://8.8.8.8/#x", Unfit::Fragment),
            ("https://8.8.8.8:22/", Unfit::Port),
            ("https://8.8.8.8:25/", Unfit::Port),
            ("https://127.0.0.1/", Unfit::Private),
            ("https://2130706433/", Unfit::Private),
            ("https://017700000001/", Unfit::Private),
            ("https://0x7f000001/", Unfit::Private),
            ("https://127.1/", Unfit::Private),
            ("https://0/", Unfit::Private),
            ("https://[::1]/", Unfit::Private),
            ("https://[::ffff:127.0.0.1]/", Unfit::Private),
            ("https://[::ffff:7f00:1]/", Unfit::Private),
            ("https://[64:ff9b::7f00:1]/", Unfit::Private),
            ("https://169.254.169.254/latest/meta-data", Unfit::Private),
            ("https://10.0.0.1:8443/", Unfit::Private),
            ("https://localhost/", Unfit::Private),
            ("https://LOCALHOST/", Unfit::Private),
            ("https://127。0。0。1/", Unfit::Private),
            ("http://8.8.8.8/", Unfit::Clear),
        ] {
            assert_eq!(way.admits(url).await, Err(why), "{url}");
        }
        let long = format!("https://8.8.8.8/{}", "a".repeat(ADDRESS_BYTES_MAX));
        assert_eq!(way.admits(&long).await, Err(Unfit::TooLong));
        let taken = way.admits("https://8.8.8.8:8443/a?b=c").await;
        assert_eq!(taken.as_deref(), Ok("https://8.8.8.8:8443/a?b=c"));
    }

    #[tokio::test]
    async fn private_networks_are_taken_where_they_are_named_also_in_clear() {
        let way = way(&["127.0.0.0/8"]);
        let taken = way.admits("http://2130706433:9000/a").await;
        assert_eq!(taken.as_deref(), Ok("http://127.0.0.1:9000/a"));
        assert_eq!(way.admits("http://10.0.0.1:9000/a").await, Err(Unfit::Private));
        // What is not allowed any more is not sent to either.
        let signed = Signed {
            id: "a".to_owned(),
            timestamp: 0,
            signature: "v1,a".to_owned(),
            content_type: "application/json",
            body: Bytes::new(),
        };
        let closed = super::tests::way(&[]);
        for url in ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/"] {
            let ended = closed.send(url, signed.clone()).await;
            assert!(ended.told.unwrap().contains("private networks"), "{url}");
        }
    }
}
