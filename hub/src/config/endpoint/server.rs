//! A folder on an SSH server as an endpoint.

use std::{ops::Range, time::Duration};

use adapters::sftp::{HostKey, Server};
use toml::Spanned;

use super::{Declared, Endpoint, Fault, Source, network};

/// The port of SSH.
const PORT: u16 = 22;

/// How long the server may take for an answer, at most: less where a message may take less.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// How to come by a key.
const KEY_ADVICE: &str = "write the key that `ssh-keyscan -t ed25519 HOST` prints behind the name, \
                          once its agency has said that it is theirs";

/// Reads it.
///
/// # Errors
/// What is wrong or missing, or is said of other endpoints.
pub(super) fn read(
    source: &Source<'_>,
    declared: Declared,
    span: &Range<usize>,
) -> Result<Endpoint, Fault> {
    let Declared { url, folder, host, port, host_keys, auth, user, secret, .. } = declared;
    let others = [url, auth, declared.token_url, declared.login_url, declared.scope];
    if let Some(other) = others.into_iter().flatten().next() {
        let message = "this is said of urls alone".to_owned();
        return Err((other.span(), message, "leave it out beside host"));
    }
    let missing = |what: &str, advice: &'static str| {
        (span.clone(), format!("a server wants `{what}`"), advice)
    };
    let host = host.ok_or_else(|| missing("host", "write its name or address"))?;
    if host.get_ref().is_empty() || host.get_ref().contains(['/', '@', ' ']) {
        let message = format!("`{}` is no name of a server", host.get_ref());
        return Err((host.span(), message, "write its name or address alone"));
    }
    let user =
        user.ok_or_else(|| missing("user", "write user = \"…\": the hub's account there"))?;
    let advice = "write secret = \"NAME\": its password or private key in the file of `secrets`";
    let secret = secret.ok_or_else(|| missing("secret", advice))?;
    let advice = "write folder = \"den\", from the account's own folder, or /srv/den";
    let told = folder.ok_or_else(|| missing("folder", advice))?;
    let folder = told.get_ref().to_str().map(|folder| folder.trim_end_matches('/'));
    let Some(folder) = folder.filter(|folder| !folder.is_empty() && !folder.contains('\0')) else {
        return Err((told.span(), "this is no folder for the hub alone".to_owned(), advice));
    };
    let keys = host_keys.ok_or_else(|| missing("host_keys", KEY_ADVICE))?;
    let read = |line: &Spanned<String>| {
        let key = line.get_ref().parse::<HostKey>();
        key.map_err(|why| (line.span(), why.to_string(), KEY_ADVICE))
    };
    let host_keys = keys.get_ref().iter().map(read).collect::<Result<Vec<_>, Fault>>()?;
    if host_keys.is_empty() {
        let message = "a server without a key could be anybody".to_owned();
        return Err((keys.span(), message, KEY_ADVICE));
    }
    let private = declared.private.iter().map(network).collect::<Result<_, _>>()?;
    Ok(Endpoint::Server {
        server: Server {
            host: host.into_inner(),
            port: port.map_or(PORT, Spanned::into_inner),
            user: user.into_inner(),
            host_keys,
            answer_max: ANSWER_MAX,
        },
        folder: folder.to_owned(),
        secret: source.secret(&secret),
        private,
    })
}
