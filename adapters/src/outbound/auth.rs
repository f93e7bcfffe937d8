//! How the hub shows at an agency's address who it is. Secrets are read anew when what they gave
//! was denied: one that was changed is used without a restart.

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Class, Failure, Secret, rest::lost};

/// How the hub shows who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Auth {
    /// It does not.
    #[default]
    None,
    /// By a name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        secret: Secret,
    },
    /// By a token that does not change.
    Bearer {
        /// The token.
        secret: Secret,
    },
    /// By a token that is asked for: OAuth 2, client credentials.
    OAuth2 {
        /// Where tokens are given.
        token_url: Url,
        /// The client's id.
        client: String,
        /// The client's secret.
        secret: Secret,
        /// What the token is to be good for, where that is to be said.
        scope: Option<String>,
    },
    /// By a name and a password in the envelope: WS-Security.
    UserToken {
        /// The name.
        user: String,
        /// The password.
        secret: Secret,
    },
    /// By a session that is asked for, as the national portal gives it.
    Session {
        /// Where sessions are given.
        login_url: Url,
        /// The name.
        user: String,
        /// The password.
        secret: Secret,
    },
}

impl Auth {
    /// Whether it is shown with every request, whatever the request holds.
    pub fn is_http(&self) -> bool {
        !matches!(self, Self::UserToken { .. } | Self::Session { .. })
    }

    /// The secret that it needs, if any.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::None => None,
            Self::Basic { secret, .. }
            | Self::Bearer { secret }
            | Self::OAuth2 { secret, .. }
            | Self::UserToken { secret, .. }
            | Self::Session { secret, .. } => Some(secret),
        }
    }
}

/// A token is not used any more so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);

/// How long a token is used whose end is not told, and at most.
const TOKEN_SECONDS: u64 = 300;
const TOKEN_SECONDS_MAX: u64 = 24 * 3_600;

/// Bytes of an answer that gives a token.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// What is shown, as long as it holds.
struct Shown {
    text: String,
    until: Option<Instant>,
}

/// A way to show who the hub is, and what it gave last.
pub(super) struct Badge {
    auth: Auth,
    shown: Mutex<Option<Shown>>,
}

impl Badge {
    pub(super) fn new(auth: Auth) -> Self {
        Self { auth, shown: Mutex::default() }
    }

    /// Whether another is to be had where one was denied.
    pub(super) fn is_renewed(&self) -> bool {
        matches!(self.auth, Auth::OAuth2 { .. })
    }

    /// Forgets what was denied.
    pub(super) async fn denied(&self) {
        *self.shown.lock().await = None;
    }

    /// Shows it with a request. One asks for a token, the others wait for it.
    pub(super) async fn show(
        &self,
        request: RequestBuilder,
        (client, timeout): (&Client, Duration),
    ) -> Result<RequestBuilder, Failure> {
        if self.auth == Auth::None || !self.auth.is_http() {
            return Ok(request);
        }
        let mut shown = self.shown.lock().await;
        let now = Instant::now();
        let held = shown.as_ref().filter(|held| held.until.is_none_or(|until| now < until));
        let text = match held {
            Some(held) => held.text.clone(),
            None => {
                let fresh = self.fresh((client, timeout)).await?;
                shown.insert(fresh).text.clone()
            }
        };
        drop(shown);
        Ok(match &self.auth {
            Auth::Basic { user, .. } => request.basic_auth(user, Some(text)),
            _ => request.bearer_auth(text),
        })
    }

    async fn fresh(&self, (client, timeout): (&Client, Duration)) -> Result<Shown, Failure> {
        match &self.auth {
            // These are not shown by the request: their transports put them into what is sent.
            Auth::None | Auth::UserToken { .. } | Auth::Session { .. } => {
                Ok(Shown { text: String::new(), until: None })
            }
            Auth::Basic { secret, .. } | Auth::Bearer { secret } => {
                Ok(Shown { text: secret.read()?, until: None })
            }
            Auth::OAuth2 { token_url, client: id, secret, scope } => {
                let mut form = vec![("grant_type", "client_credentials")];
                form.extend(scope.as_deref().map(|scope| ("scope", scope)));
                let form: Vec<String> =
                    form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
                let request = client
                    .post(token_url.clone())
                    .timeout(timeout)
                    .basic_auth(id, Some(secret.read()?))
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.join("&"));
                token(request).await
            }
        }
    }
}

async fn token(request: RequestBuilder) -> Result<Shown, Failure> {
    let mut response = request.send().await.map_err(|error| {
        // Nothing was delivered yet, whatever became of this.
        let failure = lost(&error);
        let class = if failure.class == Class::Denied { Class::Denied } else { Class::Unavailable };
        Failure { class, told: format!("no token: {}", failure.told), ..failure }
    })?;
    let status = response.status();
    if !status.is_success() {
        let ours = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
        let class = if ours { Class::Denied } else { Class::Unavailable };
        return Err(Failure::new(class, format!("no token: HTTP {status}")));
    }
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > TOKEN_BYTES_MAX {
            break;
        }
    }
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = answer.get("access_token").and_then(Value::as_str).filter(|text| !text.is_empty());
    let Some(text) = text else {
        return Err(Failure::new(Class::Unavailable, "no token: the answer holds none"));
    };
    // Some write the number as a text.
    let told = answer.get("expires_in");
    let told = told.and_then(|told| told.as_u64().or_else(|| told.as_str()?.parse().ok()));
    let seconds = told.unwrap_or(TOKEN_SECONDS).min(TOKEN_SECONDS_MAX);
    let length = Duration::from_secs(seconds);
    let good = length.saturating_sub(TOKEN_MARGIN.min(length / 2));
    Ok(Shown { text: text.to_owned(), until: Some(Instant::now() + good) })
}

/// A value as it stands in a form.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(one).collect()
}
