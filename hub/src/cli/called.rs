//! An agency that calls the hub by name, for commands that play one: over SOAP, or in a dialect.

use std::time::{Duration, Instant};

use quick_xml::escape::escape;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::door::{ASK_EVERY, Answer, DoorError, PATIENCE};
use crate::catalog;

/// A token is had anew this long after it was given.
const TOKEN_FOR: Duration = Duration::from_secs(1_800);

/// The namespaces of an envelope and of what says who sends.
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";

/// One channel, called as its agency does.
pub(super) struct Called {
    client: Client,
    channel: String,
    url: String,
    key: String,
    called: catalog::Called,
    token: Option<(Instant, String)>,
}

impl Called {
    pub(super) fn new(
        client: Client,
        (channel, called): (&str, &catalog::Called),
        url: &str,
        key: &str,
    ) -> Self {
        let [channel, url, key] = [channel, url, key].map(ToOwned::to_owned);
        Self { client, channel, url, key, called: called.clone(), token: None }
    }

    /// Sends a message; what a channel's fixtures hold is what the hub keeps of it, so the rest is
    /// put around it.
    pub(super) async fn send(&mut self, id: &str, payload: &[u8]) -> Result<Answer, DoorError> {
        let began = Instant::now();
        loop {
            let request = match self.called.transport {
                "soap" => self.envelope(payload),
                "lgsp" => self.document(payload).await?,
                _ => self.service(payload).await?,
            };
            let response = request.header("Idempotency-Key", id).send().await?;
            let later = response.headers().contains_key("retry-after");
            match told(id, &response) {
                Some(answer) => return Ok(answer),
                None if later && began.elapsed() < PATIENCE => sleep(ASK_EVERY).await,
                None => {
                    let (status, text) = (response.status().as_u16(), response.text().await?);
                    return Err(match later {
                        true => DoorError::Later(text),
                        false => DoorError::TurnedAway { status, text },
                    });
                }
            }
        }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// Id and secret of the key.
    fn credentials(&self) -> (&str, &str) {
        self.key.trim_start_matches("ltk_").split_once('_').unwrap_or((&self.key, ""))
    }

    fn envelope(&self, payload: &[u8]) -> RequestBuilder {
        let (id, secret) = self.credentials();
        let (id, secret) = (escape(id), escape(secret));
        let head = format!(
            "<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Header><wsse:Security \
             xmlns:wsse=\"{WSSE}\" soap:mustUnderstand=\"1\"><wsse:UsernameToken>\
             <wsse:Username>{id}</wsse:Username><wsse:Password>{secret}</wsse:Password>\
             </wsse:UsernameToken></wsse:Security></soap:Header><soap:Body>"
        );
        let parts =
            [head.as_bytes(), without_declaration(payload), b"</soap:Body></soap:Envelope>"];
        let request = self.post(&format!("/soap/{}", self.channel));
        request.header("Content-Type", "text/xml; charset=utf-8").body(parts.concat())
    }

    async fn document(&mut self, payload: &[u8]) -> Result<RequestBuilder, DoorError> {
        let token = self.token().await?;
        let path = match self.called.operation.as_str() {
            "UpdateStatistic" => "/lgsp/Statistic/UpdateStatistic".to_owned(),
            "UpdateVote" => "/lgsp/Vote/UpdateVote".to_owned(),
            operation => format!("/lgsp/Document/{operation}"),
        };
        let request = self.post(&path).bearer_auth(token);
        Ok(request.header("Content-Type", "application/json").body(payload.to_owned()))
    }

    async fn service(&mut self, payload: &[u8]) -> Result<RequestBuilder, DoorError> {
        let session = json!(self.token().await?);
        let rest = payload.trim_ascii_start().strip_prefix(b"{").unwrap_or(payload);
        let head = format!("{{\"session\":{session},");
        let request = self.post("/dvcqg/service").header("Content-Type", "application/json");
        Ok(request.body([head.as_bytes(), rest].concat()))
    }

    /// A token, or a session, which is the same here.
    async fn token(&mut self) -> Result<String, DoorError> {
        if let Some((since, token)) = &self.token
            && since.elapsed() < TOKEN_FOR
        {
            return Ok(token.clone());
        }
        let (id, secret) = self.credentials();
        let (path, member, asked) = match self.called.transport {
            "lgsp" => (
                "/lgsp/token",
                "access_token",
                json!({
                    "grant_type": "client_credentials", "client_id": id, "client_secret": secret,
                }),
            ),
            _ => ("/dvcqg/login", "session", json!({ "username": id, "password": secret })),
        };
        let response = self.post(path).json(&asked).send().await?;
        let (status, text) = (response.status().as_u16(), response.text().await?);
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        let token = told[member].as_str().filter(|token| !token.is_empty());
        let Some(token) = token.map(ToOwned::to_owned) else {
            return Err(DoorError::TurnedAway { status, text });
        };
        self.token = Some((Instant::now(), token.clone()));
        Ok(token)
    }
}

/// What an answer says of the message in its headers, whatever the form of its body.
fn told(id: &str, response: &Response) -> Option<Answer> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let number = |name: &str| header(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    Some(Answer {
        id: id.to_owned(),
        outcome: header("lienthong-outcome")?.to_owned(),
        records: number("lienthong-records"),
        refused: number("lienthong-refused"),
    })
}

/// A document as it may stand inside another.
fn without_declaration(payload: &[u8]) -> &[u8] {
    let payload = payload.strip_prefix("\u{feff}".as_bytes()).unwrap_or(payload);
    match payload.starts_with(b"<?xml") {
        false => payload,
        true => {
            let end = payload.windows(2).position(|pair| pair == b"?>").map_or(0, |at| at + 2);
            payload.get(end..).unwrap_or_default()
        }
    }
}
