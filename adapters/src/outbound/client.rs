//! The HTTP client of what leaves for addresses of others: what an address must be, what it may
//! lead to, and that it is that which is connected to.

use std::{error::Error, net::IpAddr, sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Url, redirect::Policy};

use crate::{
    reach::{Network, Reach, Resolver, Unreached},
    trust,
};

/// Bytes of an address, at most.
pub const ADDRESS_BYTES_MAX: usize = 2_000;

/// How long a connection may take.
pub(super) const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// How long connections that lie idle are kept: shorter than most servers keep them.
const IDLE: Duration = Duration::from_secs(15);

/// The ports below 1024 that are taken: those of HTTP. What listens at the others speaks otherwise.
const PORTS: [u16; 2] = [80, 443];

/// The first port that anybody may listen at.
const PORT_FREE: u16 = 1_024;

/// Why an address is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is none.
    NoAddress,
    /// It is longer than [`ADDRESS_BYTES_MAX`].
    TooLong,
    /// It is neither `https` nor `http`.
    Scheme,
    /// Somebody's name or password stands in it.
    Credentials,
    /// It has a fragment, which no server is told.
    Fragment,
    /// What listens at its port speaks no HTTP.
    Port,
    /// It lies in a private network that the configuration does not name.
    Private,
    /// Its name is not known now.
    Unknown,
    /// It is in clear, and not within a private network.
    Clear,
}

/// The text of an address, read. Nobody is asked.
///
/// # Errors
/// [`Unfit`], the first reason.
pub(super) fn address(text: &str) -> Result<Url, Unfit> {
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(Unfit::TooLong);
    }
    text.parse().map_err(|_| Unfit::NoAddress)
}

/// The host of an address that is one of the web: HTTP, at a port of it, and nobody's name in it.
///
/// # Errors
/// [`Unfit`], the first reason.
pub(super) fn host(url: &Url) -> Result<&str, Unfit> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Unfit::Scheme);
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Unfit::NoAddress)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit::Credentials);
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if port < PORT_FREE && !PORTS.contains(&port) {
        return Err(Unfit::Port);
    }
    Ok(host)
}

/// A host that is written as a number.
pub(super) fn number(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// What a connection broke at: that the address is not one to connect to.
pub(super) fn not_allowed(error: &reqwest::Error) -> Option<&Unreached> {
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(one) = source {
        if let Some(refused @ Unreached::NotAllowed(_)) = one.downcast_ref() {
            return Some(refused);
        }
        source = one.source();
    }
    None
}

/// Whether connections that lie idle are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    /// For a while: more is sent there soon.
    Kept,
    /// No: a host is asked now and then.
    Closed,
}

/// A client that connects only to where it may, and follows nothing by itself.
#[derive(Clone)]
pub(super) struct Bounded {
    pub(super) client: Client,
    reach: Arc<Reach>,
}

impl Bounded {
    /// Makes ready; connects to nothing. Private networks are reached where they are named.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub(super) fn new(
        private: Vec<Network>,
        connect: Duration,
        idle: Idle,
    ) -> Result<Self, reqwest::Error> {
        let reach = Arc::new(Reach { private });
        let client = trust::sharing(Client::builder())
            .dns_resolver(Arc::new(Resolver(reach.clone())))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(connect)
            .user_agent("lienthong");
        let client = match idle {
            Idle::Kept => client.pool_idle_timeout(IDLE),
            Idle::Closed => client.pool_max_idle_per_host(0),
        };
        Ok(Self { client: client.build()?, reach })
    }

    /// Where it may connect to.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Refuses an address that is written as numbers: nobody looks that up.
    ///
    /// # Errors
    /// [`Unreached::NotAllowed`].
    pub(super) fn allows(&self, url: &Url) -> Result<(), Unreached> {
        let host = url.host_str().unwrap_or_default();
        match number(host) {
            Some(address) if !self.reach.allows(address) => {
                Err(Unreached::NotAllowed(host.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// A request to an address.
    ///
    /// # Errors
    /// [`Unreached::NotAllowed`].
    pub(super) fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Unreached> {
        self.allows(&url)?;
        Ok(self.client.request(method, url))
    }
}
