//! `[channels.NAME.sftp]`: files in a folder on an agency's SSH server.

use std::time::Duration;

use adapters::{
    file::Limits,
    sftp::{HostKey, Server, Settings},
};
use serde::Deserialize;
use toml::Spanned;

use super::{Fault, How, Read, every, needed, number};
use crate::catalog::dropped::{self, Source};

/// The port of SSH.
const PORT: u64 = 22;

/// Seconds that an answer may take, unless told; and at most.
const ANSWER_SECONDS: u64 = 30;
const ANSWER_SECONDS_MAX: u64 = 600;

/// The table as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SftpTold {
    /// The server.
    pub host: Spanned<String>,
    /// Its port.
    pub port: Option<Spanned<u64>>,
    /// The account.
    pub user: String,
    /// The secret that holds its password or private key.
    pub secret: Spanned<String>,
    /// Keys by which the server is known, as `ssh-keyscan` prints them.
    pub host_keys: Spanned<Vec<Spanned<String>>>,
    /// The folder, from the account's own or from the server's root.
    pub folder: Spanned<String>,
    /// How a sender shows that a file is whole.
    pub ready: Option<Spanned<String>>,
    /// Seconds between two looks.
    pub every_seconds: Option<Spanned<u64>>,
    /// Seconds that an answer of the server may take.
    pub answer_seconds: Option<Spanned<u64>>,
}

pub(super) fn read(source: &Source<'_>, told: &SftpTold) -> Result<Read, Fault> {
    let host = told.host.get_ref();
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        let message = format!("`{host}` is no name of a server");
        return Err(source.fault(&told.host.span(), message, "write its name or address alone"));
    }
    let folder = told.folder.get_ref().trim_end_matches('/');
    if folder.is_empty() || folder.contains('\0') {
        let message = "this is no folder that can be given to the hub alone".to_owned();
        let advice = "write folder = \"ho-so\", from the account's own folder, or /srv/ho-so";
        return Err(source.fault(&told.folder.span(), message, advice));
    }
    let mut host_keys = Vec::new();
    for line in told.host_keys.get_ref() {
        let key: HostKey = super::parsed(source, line, ADVICE)?;
        host_keys.push(key);
    }
    if host_keys.is_empty() {
        let message = "a server without a key could be anybody".to_owned();
        return Err(source.fault(&told.host_keys.span(), message, ADVICE));
    }
    let port = number(source, told.port.as_ref(), (PORT, u16::MAX.into()))?;
    let every = every(source, told.every_seconds.as_ref())?;
    let answer =
        number(source, told.answer_seconds.as_ref(), (ANSWER_SECONDS, ANSWER_SECONDS_MAX))?;
    let server = Server {
        host: host.clone(),
        port: u16::try_from(port).unwrap_or(u16::MAX),
        user: told.user.clone(),
        host_keys,
        answer_max: Duration::from_secs(answer),
    };
    let settings = Settings {
        server,
        folder: folder.to_owned(),
        ready: dropped::ready(source, told.ready.as_ref())?,
        // Turns begin a little more than that apart.
        unchanged_for: every.min(UNCHANGED_MAX),
        limits: Limits::default(),
    };
    let secrets = vec![needed(source, &told.secret)];
    Ok(Read { every, how: How::Sftp(Box::new(settings)), secrets })
}

/// How to come by a key.
const ADVICE: &str = "write the key that `ssh-keyscan -t ed25519 HOST` prints behind the name, \
                      once its agency has said that it is theirs";

/// For longer no file has to be unchanged, however rarely it is looked at.
const UNCHANGED_MAX: Duration = Duration::from_secs(600);
