//! Systems that talk to a hub: agencies that send, and those that read.

use std::sync::LazyLock;

use reqwest::Client;
use serde_json::Value;

/// One system that talks to a hub with its key.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) client: Client,
}

/// A status and a body; an error where no answer came.
pub(crate) type Answer = Result<(u16, Value), reqwest::Error>;

impl Sender {
    /// The same system, at another hub.
    pub(crate) fn at(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// Its key, for requests that no client library would send.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Sends one message; the receipt, also where a problem carries it.
    pub(crate) async fn push(&self, channel: &str, id: Option<&str>, bytes: &[u8]) -> Answer {
        let answer = self.post(channel, id, bytes).await?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await?;
        Ok((status, body.get("receipt").cloned().unwrap_or(body)))
    }

    /// Sends one message; the answer as it came.
    pub(crate) async fn post(
        &self,
        channel: &str,
        id: Option<&str>,
        bytes: &[u8],
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}/v1/channels/{channel}/messages", self.url);
        let mut request = self.client.post(url).bearer_auth(&self.key).body(bytes.to_owned());
        if let Some(id) = id {
            request = request.header("Idempotency-Key", id);
        }
        let answer = request.send().await?;
        says_when_to_return(&answer);
        Ok(answer)
    }

    /// Opens a stream; it lasts as long as both sides want.
    pub(crate) async fn stream(&self, path: &str, last: Option<&str>) -> reqwest::Response {
        static CLIENT: LazyLock<Client> =
            LazyLock::new(|| Client::builder().no_proxy().build().unwrap());
        let mut request = CLIENT.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        request.send().await.unwrap()
    }

    /// Reads an address.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body, _) = self.page(path).await;
        (status, body)
    }

    /// What an address is answered with, be it a page or numbers.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let answer = request.send().await.unwrap();
        says_when_to_return(&answer);
        answer.status().as_u16()
    }

    /// Reads an address that must be there.
    pub(crate) async fn found(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Reads an address, and where its `Link` leads.
    pub(crate) async fn page(&self, path: &str) -> (u16, Value, Option<String>) {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        says_when_to_return(&answer);
        let link = answer.headers().get("link").and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| link.strip_prefix('<')?.split_once('>'));
        let next = next.map(|(address, _)| address.to_owned());
        (status, answer.json().await.unwrap(), next)
    }

    /// Reads a feed from its beginning to its end, as a consumer would.
    pub(crate) async fn feed(&self, name: &str, limit: u32) -> Vec<Value> {
        let mut events = Vec::new();
        let mut path = format!("/v1/feeds/{name}?limit={limit}");
        loop {
            let (status, body, next) = self.page(&path).await;
            assert_eq!(status, 200, "{path}: {body}");
            events.extend(body.as_array().unwrap().iter().cloned());
            let next = next.unwrap();
            if next == path {
                return events;
            }
            path = next;
        }
    }
}

/// Whoever is turned away for now is told when to come again, in the one form of all problems.
fn says_when_to_return(answer: &reqwest::Response) {
    if answer.status().as_u16() == 503 {
        let header = |name: &str| answer.headers().get(name).and_then(|one| one.to_str().ok());
        let seconds: u32 = header("retry-after").and_then(|text| text.parse().ok()).unwrap_or(0);
        assert!((1..=60).contains(&seconds), "{answer:?}");
        assert_eq!(header("content-type"), Some("application/problem+json"), "{answer:?}");
    }
}
