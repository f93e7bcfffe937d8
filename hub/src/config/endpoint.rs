//! `[endpoints."AGENCY.CHANNEL"]`: where an outbound channel leads, and how the hub is known there.
//! Secrets lie in the file that `secrets` names; nothing here holds one.

mod server;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use adapters::{
    outbound::{Secret, auth::Auth},
    reach::Network,
    sftp::Server,
};
use mappings::Diagnostic;
use reqwest::Url;
use serde::Deserialize;
use toml::Spanned;

use crate::secrets::Secrets;

/// Where an outbound channel leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An address, how the hub shows there who it is, and in which private networks it may lie.
    Url {
        /// The address.
        url: Url,
        /// How the hub shows who it is.
        auth: Box<Auth>,
        /// Private networks in which it may lie.
        private: Vec<Network>,
    },
    /// An address that is a secret whole, and in which private networks it may lie.
    Secret {
        /// The address.
        address: Secret,
        /// Private networks in which it may lie.
        private: Vec<Network>,
    },
    /// A folder.
    Folder(PathBuf),
    /// A folder on an SSH server, and in which private networks that may lie.
    Server {
        /// The server.
        server: Server,
        /// The folder, from the account's own or from the server's root.
        folder: String,
        /// The account's password, or its private key.
        secret: Secret,
        /// Private networks in which it may lie.
        private: Vec<Network>,
    },
}

impl Endpoint {
    /// The secret that it names, if any.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Url { auth, .. } => auth.secret(),
            Self::Secret { address, .. } => Some(address),
            Self::Server { secret, .. } => Some(secret),
            Self::Folder(_) => None,
        }
    }
}

/// Where each outbound channel leads.
pub type Endpoints = BTreeMap<String, Endpoint>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    url: Option<Spanned<String>>,
    folder: Option<Spanned<PathBuf>>,
    host: Option<Spanned<String>>,
    port: Option<Spanned<u16>>,
    host_keys: Option<Spanned<Vec<Spanned<String>>>>,
    auth: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    secret: Option<Spanned<String>>,
    token_url: Option<Spanned<String>>,
    login_url: Option<Spanned<String>>,
    scope: Option<Spanned<String>>,
    #[serde(default)]
    private: Vec<Spanned<String>>,
}

/// What is wrong, where, and how to mend it.
type Fault = (Range<usize>, String, &'static str);

/// The configuration's file, for faults in it.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) folder: &'a Path,
    /// File of the secrets.
    pub(super) secrets: Option<&'a Path>,
}

impl Source<'_> {
    /// Reads all endpoints.
    pub(super) fn endpoints(
        &self,
        declared: BTreeMap<String, Spanned<Declared>>,
        found: &mut Vec<Diagnostic>,
    ) -> Endpoints {
        let mut all = Endpoints::new();
        for (channel, declared) in declared {
            let span = declared.span();
            match self.endpoint(declared.into_inner(), &span) {
                Ok(endpoint) => {
                    all.insert(channel, endpoint);
                }
                Err((span, message, advice)) => {
                    found.push(Diagnostic::at(self.name, self.text, &span, message, advice));
                }
            }
        }
        all
    }

    fn endpoint(&self, declared: Declared, span: &Range<usize>) -> Result<Endpoint, Fault> {
        let Declared { url, folder, secret, auth, .. } = &declared;
        if declared.host.is_some() {
            return server::read(self, declared, span);
        }
        let of_servers = [
            declared.port.as_ref().map(Spanned::span),
            declared.host_keys.as_ref().map(Spanned::span),
        ];
        if let Some(span) = of_servers.into_iter().flatten().next() {
            let message = "this is said of a server with a folder alone".to_owned();
            return Err((span, message, "write host = \"…\" too, or leave it out"));
        }
        match (url, folder) {
            (None, None) if secret.is_some() && auth.is_none() => self.addressed(declared),
            (Some(told), None) => {
                let url = address(told)?;
                let private = declared.private.iter().map(network).collect::<Result<_, _>>()?;
                let auth = Box::new(self.auth(declared, span)?);
                Ok(Endpoint::Url { url, auth, private })
            }
            (None, Some(folder)) => {
                let path = self.folder.join(folder.get_ref());
                let Declared { auth, user, secret, token_url, login_url, scope, private, .. } =
                    declared;
                let spans = [auth, user, token_url, login_url, scope]
                    .map(|told| told.map(|told| told.span()));
                let spans = spans.into_iter().flatten().chain(secret.map(|told| told.span()));
                match spans.chain(private.first().map(Spanned::span)).next() {
                    None => Ok(Endpoint::Folder(path)),
                    Some(span) => {
                        Err((span, "this is said of addresses alone".into(), "leave it out"))
                    }
                }
            }
            _ => {
                let message = "an endpoint is one address, or one folder".to_owned();
                let advice = "write url = \"https://…\", folder = \"…\" (on a server with host), \
                              or secret = \"NAME\"";
                Err((span.clone(), message, advice))
            }
        }
    }

    /// An address that is a secret whole.
    fn addressed(&self, declared: Declared) -> Result<Endpoint, Fault> {
        let private = declared.private.iter().map(network).collect::<Result<_, _>>()?;
        let Declared { secret, user, token_url, login_url, scope, .. } = declared;
        let beside = [user, token_url, login_url, scope].into_iter().flatten().next();
        match (secret, beside) {
            (Some(secret), None) => Ok(Endpoint::Secret { address: self.secret(&secret), private }),
            (_, beside) => {
                let span = beside.map_or(0..0, |told| told.span());
                Err((span, "this is said of urls alone".into(), "leave it out"))
            }
        }
    }

    fn secret(&self, told: &Spanned<String>) -> Secret {
        Secrets::named(self.secrets.map(Path::to_owned), told.get_ref())
    }

    fn auth(&self, declared: Declared, span: &Range<usize>) -> Result<Auth, Fault> {
        let Declared { auth, user, secret, token_url, login_url, scope, .. } = declared;
        let named = auth.as_ref().map_or("none", |told| told.get_ref().as_str());
        let place = auth.as_ref().map_or_else(|| span.clone(), Spanned::span);
        let missing = |what: &str, advice: &'static str| {
            (place.clone(), format!("auth = \"{named}\" wants `{what}`"), advice)
        };
        let kept = |told: Option<Spanned<String>>| {
            let advice = "write secret = \"NAME\": a name in the file of `secrets`";
            let told = told.ok_or_else(|| missing("secret", advice))?;
            Ok::<_, Fault>(self.secret(&told))
        };
        let name = |told: Option<Spanned<String>>| {
            let advice = "write user = \"…\": by what name the hub is known there";
            Ok::<_, Fault>(told.ok_or_else(|| missing("user", advice))?.into_inner())
        };
        match named {
            "none" => match (user, secret) {
                (None, None) => Ok(Auth::None),
                _ => {
                    let message = "a secret is named, and how it is shown is not".to_owned();
                    Err((span.clone(), message, "write auth = \"basic\", \"bearer\" or \"oauth2\""))
                }
            },
            "basic" => Ok(Auth::Basic { user: name(user)?, secret: kept(secret)? }),
            "bearer" => Ok(Auth::Bearer { secret: kept(secret)? }),
            "oauth2" => {
                let advice = "write token_url = \"https://…\": where tokens are given";
                let token_url =
                    address(token_url.as_ref().ok_or_else(|| missing("token_url", advice))?)?;
                let scope = scope.map(Spanned::into_inner);
                Ok(Auth::OAuth2 { token_url, client: name(user)?, secret: kept(secret)?, scope })
            }
            "wsse" => Ok(Auth::UserToken { user: name(user)?, secret: kept(secret)? }),
            "session" => {
                let advice = "write login_url = \"https://…\": where sessions are given";
                let login_url =
                    address(login_url.as_ref().ok_or_else(|| missing("login_url", advice))?)?;
                Ok(Auth::Session { login_url, user: name(user)?, secret: kept(secret)? })
            }
            other => {
                let message = format!("there is no auth `{other}`");
                Err((place, message, "write none, basic, bearer, oauth2, wsse or session"))
            }
        }
    }
}

/// An address that may be shown: a secret has a file of its own.
fn address(told: &Spanned<String>) -> Result<Url, Fault> {
    let url = told.get_ref().parse::<Url>().ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    match url {
        Some(url) if url.username().is_empty() && url.password().is_none() => Ok(url),
        Some(_) => {
            let message = "an address holds no name and no password".to_owned();
            Err((told.span(), message, "write auth = \"basic\", user and secret"))
        }
        None => {
            let message = "this is no address of http or https".to_owned();
            Err((told.span(), message, "write https://HOST/PATH"))
        }
    }
}

fn network(told: &Spanned<String>) -> Result<Network, Fault> {
    told.get_ref()
        .parse()
        .map_err(|error| (told.span(), format!("{error}"), "such as 10.20.0.0/16"))
}
