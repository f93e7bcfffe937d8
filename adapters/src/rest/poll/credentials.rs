//! Who the hub is to an agency's API.

use std::{fmt, time::Duration};

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::request::{Client, failed, read};
use crate::reading::Trouble;

/// A token is renewed so long before its end.
const RENEWED_BEFORE: Duration = Duration::from_secs(30);
/// How long a token holds that says nothing of it, and at most.
const TOKEN_HOLDS: Duration = Duration::from_secs(300);
const TOKEN_HOLDS_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of an answer with a token.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// OAuth 2 client credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Where tokens are given.
    pub token_url: String,
    /// The client.
    pub client: String,
    /// Its secret.
    pub secret: String,
    /// What is asked for, where that is told.
    pub scope: Option<String>,
}

/// Who the hub is to an API.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// Nobody.
    #[default]
    None,
    /// A name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        secret: String,
    },
    /// A header, such as `X-Api-Key`.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        secret: String,
    },
    /// A token, given for a client's secret.
    OAuth(OAuth),
}

impl fmt::Debug for Credentials {
    /// The kind alone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Header { .. } => "Header",
            Self::OAuth(_) => "OAuth",
        })
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OAuth")
    }
}

/// The token in force.
#[derive(Default)]
pub(super) struct Token(Mutex<Option<(String, Instant)>>);

impl Token {
    /// Forgets it: the server refused it before its time.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }

    async fn get(&self, client: &Client, oauth: &OAuth) -> Result<String, Trouble> {
        let mut held = self.0.lock().await;
        if let Some((token, until)) = &*held
            && *until > Instant::now()
        {
            return Ok(token.clone());
        }
        let (token, holds) = asked(client, oauth).await?;
        let holds = holds.min(TOKEN_HOLDS_MAX).saturating_sub(RENEWED_BEFORE);
        *held = Some((token.clone(), Instant::now() + holds));
        Ok(token)
    }
}

async fn asked(client: &Client, oauth: &OAuth) -> Result<(String, Duration), Trouble> {
    let url = oauth.token_url.parse().map_err(|_| Trouble::credentials(&oauth.token_url))?;
    client.judged(&url)?;
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(oauth.scope.as_deref().map(|scope| ("scope", scope)));
    let body = form
        .iter()
        .map(|(name, value)| format!("{name}={}", super::place::encoded(value)))
        .collect::<Vec<_>>()
        .join("&");
    let request = client
        .http
        .post(url.clone())
        .basic_auth(&oauth.client, Some(&oauth.secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(body);
    let host = url.host_str().unwrap_or_default().to_owned();
    let answer = request.send().await.map_err(|error| failed(&host, &error))?;
    match answer.status() {
        status if status.is_success() => {}
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(Trouble::credentials(&host));
        }
        _ => return Err(super::request::refused(&host, &answer)),
    }
    let body = read(&host, answer, TOKEN_BYTES_MAX).await?;
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let token = told.get("access_token").and_then(Value::as_str);
    // Some write the number as a text.
    let holds = told.get("expires_in");
    let holds = holds.and_then(|at| at.as_u64().or_else(|| at.as_str()?.parse().ok()));
    let holds = holds.map_or(TOKEN_HOLDS, Duration::from_secs);
    token.map(|token| (token.to_owned(), holds)).ok_or_else(|| {
        Trouble::not_understood(
            format!("{host} không trả về access_token."),
            format!("{host} gives no access_token."),
        )
    })
}

/// A request that says who asks.
pub(super) async fn signed(
    client: &Client,
    request: RequestBuilder,
) -> Result<RequestBuilder, Trouble> {
    Ok(match &client.credentials {
        Credentials::None => request,
        Credentials::Basic { user, secret } => request.basic_auth(user, Some(secret)),
        Credentials::Header { name, secret } => request.header(name, secret),
        Credentials::OAuth(oauth) => request.bearer_auth(client.token.get(client, oauth).await?),
    })
}
