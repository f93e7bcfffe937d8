//! The way to an agency's SSH server: connected to at what was judged, known by its key, and told
//! who the hub is.

use std::{
    borrow::Cow,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use russh::{
    ChannelStream, Disconnect, Preferred,
    client::{self, Config, Handle, Msg},
    keys::{
        HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
        decode_secret_key,
    },
};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    reach::{Reach, Unreached},
    reading::{Pace, Trouble},
};

/// How often a server that says nothing is asked whether it is there: a line that is kept and has
/// died is known soon.
const ALIVE_EVERY: Duration = Duration::from_secs(20);

/// How long leaving may take.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// The key by which a server is known: a line as `ssh-keyscan` prints it behind the host's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey(PublicKey);

/// Why a text is no key of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHostKey {
    /// It is no key at all.
    #[error("it is no line such as `ssh-ed25519 AAAA…`")]
    Unreadable,
    /// It is of a kind that is not used.
    #[error("keys of the kind {0} are not used: take the server's ed25519 or ecdsa key")]
    Kind(String),
}

impl FromStr for HostKey {
    type Err = NoHostKey;

    fn from_str(text: &str) -> Result<Self, NoHostKey> {
        let key = PublicKey::from_openssh(text.trim()).map_err(|_| NoHostKey::Unreadable)?;
        match Preferred::DEFAULT.key.contains(&key.algorithm()) && !key.algorithm().is_rsa() {
            true => Ok(Self(key)),
            false => Err(NoHostKey::Kind(key.algorithm().to_string())),
        }
    }
}

/// Where a server is, and by what it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account.
    pub user: String,
    /// Keys by which it is known: one of them it must show.
    pub host_keys: Vec<HostKey>,
    /// How long connecting and each answer may take: a line that is dead is known by it.
    pub answer_max: Duration,
}

/// By what the hub shows who it is. It is never shown.
#[derive(Clone)]
pub enum Credential {
    /// A password.
    Password(String),
    /// A private key.
    Key(Arc<PrivateKey>),
}

/// Why a text is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it begins like a private key and is none that can be used: ed25519 or ecdsa, no passphrase"
)]
pub struct NoCredential;

impl FromStr for Credential {
    type Err = NoCredential;

    /// A text that begins as private keys do is one; any other is a password.
    fn from_str(text: &str) -> Result<Self, NoCredential> {
        if !text.trim_start().starts_with("-----BEGIN") {
            return Ok(Self::Password(text.to_owned()));
        }
        let key = decode_secret_key(text.trim(), None).map_err(|_| NoCredential)?;
        match key.is_encrypted() || key.algorithm().is_rsa() {
            true => Err(NoCredential),
            false => Ok(Self::Key(Arc::new(key))),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Credential")
    }
}

/// Whom the server must be; and, where it is not, the key that it showed.
struct Known {
    keys: Vec<HostKey>,
    stranger: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Known {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let known = self.keys.iter().any(|known| known.0.key_data() == key.key_data());
        if !known && let Ok(mut stranger) = self.stranger.lock() {
            let fingerprint = key.fingerprint(HashAlg::Sha256);
            *stranger = Some(format!("{} {fingerprint}", key.algorithm()));
        }
        Ok(known)
    }
}

/// A server that was reached, and lets the hub at its files.
pub(super) struct Session {
    handle: Handle<Known>,
    answer_max: Duration,
    /// The server, for people.
    pub(super) host: String,
}

/// A step that may fail, or never end.
async fn soon<T>(
    (host, answer_max): (&str, Duration),
    step: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, Trouble> {
    match timeout(answer_max, step).await {
        Ok(done) => done.map_err(|error| Trouble::broke_off(host, &error.to_string())),
        Err(_) => Err(Trouble::broke_off(host, "timeout")),
    }
}

impl Session {
    /// Connects, makes sure who the server is, and says who the hub is.
    pub(super) async fn open(
        server: &Server,
        credential: &Credential,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let host = format!("{}:{}", server.host, server.port);
        let answer_max = server.answer_max;
        let by = (host.as_str(), answer_max);
        let stream = connected(server, &host, reach).await?;
        let stranger = Arc::default();
        let known = Known { keys: server.host_keys.clone(), stranger: Arc::clone(&stranger) };
        let kinds = server.host_keys.iter().map(|known| known.0.algorithm()).collect();
        let preferred = Preferred { key: Cow::Owned(kinds), ..Preferred::DEFAULT };
        let config = Config {
            preferred,
            nodelay: true,
            keepalive_interval: Some(ALIVE_EVERY),
            ..Config::default()
        };
        let config = Arc::new(config);
        let greeted = soon(by, client::connect_stream(config, stream, known)).await;
        let mut handle = greeted.map_err(|trouble| {
            let stranger = stranger.lock().ok().and_then(|shown| shown.clone());
            stranger.map_or(trouble, |shown| a_stranger(&host, &shown))
        })?;
        let user = server.user.as_str();
        let told = match credential {
            Credential::Password(password) => {
                soon(by, handle.authenticate_password(user, password)).await
            }
            Credential::Key(key) => {
                let key = PrivateKeyWithHashAlg::new(key.clone(), None);
                soon(by, handle.authenticate_publickey(user, key)).await
            }
        };
        match told?.success() {
            true => Ok(Self { handle, answer_max, host }),
            false => Err(Trouble::credentials(&host)),
        }
    }

    /// The line to the server's files.
    pub(super) async fn files(&self) -> Result<ChannelStream<Msg>, Trouble> {
        let by = (self.host.as_str(), self.answer_max);
        let channel = soon(by, self.handle.channel_open_session()).await?;
        soon(by, channel.request_subsystem(true, "sftp")).await?;
        Ok(channel.into_stream())
    }

    /// Leaves; a connection that is broken is left all the same.
    pub(super) async fn close(self) {
        let leaving = self.handle.disconnect(Disconnect::ByApplication, "", "");
        drop(timeout(CLOSE_MAX, leaving).await);
    }
}

/// Connects to the first of the server's addresses that may be connected to and answers.
async fn connected(server: &Server, host: &str, reach: &Reach) -> Result<TcpStream, Trouble> {
    let found = reach.addresses(&server.host, server.port).await.map_err(|why| match why {
        Unreached::NotAllowed(_) => Trouble::not_allowed(host),
        Unreached::NoAddress(why) => Trouble::unreachable(host, &why),
    })?;
    let mut why = "timeout".to_owned();
    for address in found {
        match timeout(server.answer_max, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Only answers come sooner by it.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => {}
        }
    }
    Err(Trouble::unreachable(host, &why))
}

/// The server is not the one whose key the channel names.
fn a_stranger(host: &str, shown: &str) -> Trouble {
    Trouble::new(
        "host-key-differs",
        Pace::Mended,
        format!(
            "{host} đưa ra khóa máy chủ khác với khóa đã khai báo ({shown}); hệ thống không kết \
             nối. Hỏi cơ quan quản lý máy chủ: nếu khóa đã được thay, sửa host_keys của kênh."
        ),
        format!(
            "{host} shows another key than the one declared ({shown}); the hub does not connect. \
             Ask whoever runs the server: if its key was replaced, mend host_keys of the channel."
        ),
    )
}
