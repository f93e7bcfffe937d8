//! Whether addresses of the web answer, as somebody who follows a link would find: `HEAD`, and
//! where that tells nothing good `GET`, whose body is not read; redirects are followed, each looked
//! at as the first address was.
//!
//! That a page says in words that there is nothing, with a status that says all is well, is not
//! seen.

use std::time::Duration;

use reqwest::{Method, Response, Url, header::LOCATION};

use super::client::{
    self, ADDRESS_BYTES_MAX, Bounded, CONNECT_WAIT, Idle, Unfit, not_allowed, number,
};
use crate::reach::{Network, is_public};

/// Redirects that are followed.
pub const REDIRECTS_MAX: usize = 5;

/// An address that people may be led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As it is written for all.
    pub url: String,
    /// Its host, with the port where that is none of the scheme's own.
    pub host: String,
}

impl Address {
    /// Looks at the text of an address, and asks nobody: `https`, with a name that has a dot; in
    /// clear only a private address in numbers, which no citizen reaches.
    ///
    /// # Errors
    /// [`Unfit`], the first reason.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let url = client::address(text)?;
        fit(&url)?;
        let host = url.host_str().unwrap_or_default();
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self { url: url.into(), host })
    }
}

fn fit(url: &Url) -> Result<(), Unfit> {
    let host = client::host(url)?;
    match number(host) {
        Some(address) if !is_public(address.to_canonical()) => Ok(()),
        _ if url.scheme() == "http" => Err(Unfit::Clear),
        None if !host.trim_end_matches('.').contains('.') => Err(Unfit::Private),
        _ => Ok(()),
    }
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nowhere {
    /// Nothing listens there, or its name is not known.
    Unreachable,
    /// Nothing was answered in time, or no HTTP.
    NoAnswer,
    /// It lies in a private network that the configuration does not name.
    NotAllowed,
    /// It leads on to what is no address to lead people to.
    BadRedirect,
    /// It leads on more often than [`REDIRECTS_MAX`] times.
    Redirects,
    /// It answers that there is nothing, or that it is broken.
    Status,
}

impl Nowhere {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unreachable,
        Self::NoAnswer,
        Self::NotAllowed,
        Self::BadRedirect,
        Self::Redirects,
        Self::Status,
    ];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NoAnswer => "no-answer",
            Self::NotAllowed => "not-allowed",
            Self::BadRedirect => "bad-redirect",
            Self::Redirects => "redirects",
            Self::Status => "status",
        }
    }
}

/// What a visit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visited {
    /// The last status that was answered.
    pub status: Option<u16>,
    /// Where redirects have led, where there were any.
    pub leads_to: Option<String>,
    /// Why it leads nowhere; nothing where it leads somewhere.
    pub nowhere: Option<Nowhere>,
}

/// Whether a status says that there is something: also to those who are let in, or come less often.
fn is_there(status: u16) -> bool {
    matches!(status, 200..=299 | 401 | 403 | 429)
}

/// Who visits.
pub struct Visitor {
    client: Bounded,
    timeout: Duration,
}

impl Visitor {
    /// Makes ready; connects to nothing. Private networks are reached where they are named, and
    /// each answer may take so long.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub fn new(private: Vec<Network>, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = Bounded::new(private, CONNECT_WAIT.min(timeout), Idle::Closed)?;
        Ok(Self { client, timeout })
    }

    /// Visits an address.
    pub async fn visit(&self, url: &str) -> Visited {
        let first = self.walk(Method::HEAD, url).await;
        match first.nowhere {
            // Servers answer HEAD as they like: only what people send counts against them.
            Some(Nowhere::Status | Nowhere::NoAnswer) => self.walk(Method::GET, url).await,
            _ => first,
        }
    }

    async fn walk(&self, method: Method, url: &str) -> Visited {
        let mut visited = Visited::default();
        let nowhere = |why, visited| Visited { nowhere: Some(why), ..visited };
        let Ok(mut url) = url.parse::<Url>() else {
            return nowhere(Nowhere::BadRedirect, visited);
        };
        for _ in 0..=REDIRECTS_MAX {
            let response = match self.ask(method.clone(), &url).await {
                Ok(response) => response,
                Err(why) => return nowhere(why, visited),
            };
            let status = response.status();
            visited.status = Some(status.as_u16());
            let Some(next) = response.headers().get(LOCATION).filter(|_| status.is_redirection())
            else {
                let there = is_there(status.as_u16());
                visited.nowhere = (!there).then_some(Nowhere::Status);
                return visited;
            };
            let next = next.to_str().ok().and_then(|next| url.join(next).ok());
            let Some(next) = next.filter(|next| fit(next).is_ok()) else {
                return nowhere(Nowhere::BadRedirect, visited);
            };
            let told = next.as_str();
            if told.len() > ADDRESS_BYTES_MAX {
                return nowhere(Nowhere::BadRedirect, visited);
            }
            visited.leads_to = Some(told.to_owned());
            url = next;
        }
        nowhere(Nowhere::Redirects, visited)
    }

    async fn ask(&self, method: Method, url: &Url) -> Result<Response, Nowhere> {
        let request = self.client.request(method, url.clone());
        let request = request.map_err(|_| Nowhere::NotAllowed)?.timeout(self.timeout);
        request.send().await.map_err(|error| match not_allowed(&error) {
            Some(_) => Nowhere::NotAllowed,
            None if error.is_connect() => Nowhere::Unreachable,
            None => Nowhere::NoAnswer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_led_to_https_and_in_clear_to_numbers_of_private_networks_alone() {
        for (text, why) in [
            ("dichvucong.dongnai.gov.vn", Unfit::NoAddress),
            ("javascript:alert(1)", Unfit::Scheme),
            ("ftp://dichvucong.dongnai.gov.vn/", Unfit::Scheme),
            ("https://", Unfit::NoAddress),
            ("https://a@dichvucong.dongnai.gov.vn/", Unfit::Credentials),
            ("https://dichvucong.dongnai.gov.vn:22/", Unfit::Port),
            ("http://dichvucong.dongnai.gov.vn/", Unfit::Clear),
            ("http://8.8.8.8/", Unfit::Clear),
            ("http://localhost:8080/", Unfit::Clear),
            ("https://localhost/", Unfit::Private),
            ("https://dichvucong/", Unfit::Private),
        ] {
            assert_eq!(Address::parse(text), Err(why), "{text}");
        }
        let long = format!("https://a.vn/{}", "a".repeat(ADDRESS_BYTES_MAX));
        assert_eq!(Address::parse(&long), Err(Unfit::TooLong));
        for (text, host) in [
            ("https://dichvucong.dongnai.gov.vn/?ma=1#/a", "dichvucong.dongnai.gov.vn"),
            ("https://dvc.dongnai.gov.vn:8443/", "dvc.dongnai.gov.vn:8443"),
            ("http://127.0.0.1:9000/a", "127.0.0.1:9000"),
            ("http://10.1.2.3/", "10.1.2.3"),
        ] {
            assert_eq!(Address::parse(text).map(|one| one.host).as_deref(), Ok(host), "{text}");
        }
    }
}
