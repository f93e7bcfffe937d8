//! WS-Security UsernameToken: who sends, as the envelope says it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::block::{Block, Unread};
use super::kinds::{TOKEN_FORM, TOKEN_STALE};

/// The namespace of security headers.
pub(crate) const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// The namespace of times in them.
pub(super) const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
/// What the profile of user names calls its kinds of password.
const PROFILE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";

/// How far a sender's clock may be from the hub's.
const FRESH_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Longest nonce.
const NONCE_BYTES_MAX: usize = 256;
/// Nonces remembered at one time; each is a request of the last minutes that was let in.
const NONCES_MAX: usize = 200_000;

/// A name, and the proof that its bearer knows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct UserToken {
    /// The name.
    pub username: String,
    /// The proof.
    pub proof: Proof,
}

/// A proof that somebody knows a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// The password itself.
    Text(String),
    /// SHA-1 over nonce, time and password.
    Digest {
        /// The digest as sent.
        digest: Vec<u8>,
        /// What makes it differ from every other.
        nonce: Vec<u8>,
        /// When it was made, as sent: it is in the digest letter by letter.
        created: String,
    },
}

/// Shown without what it proves by.
impl std::fmt::Debug for UserToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UserToken").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The token in a Security header, if it has one, and that its times are fresh.
pub(super) fn token(security: &Block, now: Timestamp) -> Result<Option<UserToken>, Unread> {
    let mut token = None;
    for child in &security.children {
        if child.name.is(WSSE, "UsernameToken") && token.is_none() {
            token = Some(username(child, now)?);
        } else if child.name.is(WSU, "Timestamp") {
            not_expired(child, now)?;
        } else {
            let local = &child.name.local;
            let (vi, en) = (format!("Không hỗ trợ {local}."), format!("{local} is not supported."));
            return Err(Unread::told(&TOKEN_FORM, vi, en));
        }
    }
    Ok(token)
}

fn username(block: &Block, now: Timestamp) -> Result<UserToken, Unread> {
    let bad = || Unread::plain(&TOKEN_FORM);
    let only = |namespace: &str, name: &str| block.only(namespace, name).map_err(|()| bad());
    let name = only(WSSE, "Username")?.map(|name| name.text.trim()).filter(|name| !name.is_empty());
    let password = only(WSSE, "Password")?.ok_or_else(bad)?;
    let created = only(WSU, "Created")?.map(|created| created.text.trim());
    if let Some(created) = created {
        fresh(created, now)?;
    }
    let kind = password.attribute("", "Type").unwrap_or_default();
    let proof = match kind.strip_prefix(PROFILE).unwrap_or(kind) {
        "" | "#PasswordText" => Proof::Text(password.text.clone()),
        "#PasswordDigest" => {
            let nonce = only(WSSE, "Nonce")?.ok_or_else(bad)?;
            let decoded = |text: &str| STANDARD.decode(text.trim()).map_err(|_| bad());
            let nonce = decoded(&nonce.text)?;
            if nonce.is_empty() || nonce.len() > NONCE_BYTES_MAX {
                return Err(bad());
            }
            let created = created.ok_or_else(bad)?.to_owned();
            Proof::Digest { digest: decoded(&password.text)?, nonce, created }
        }
        _ => return Err(bad()),
    };
    Ok(UserToken { username: name.ok_or_else(bad)?.to_owned(), proof })
}

fn moment(text: &str) -> Result<Timestamp, Unread> {
    text.parse().map_err(|_| Unread::plain(&TOKEN_FORM))
}

fn fresh(created: &str, now: Timestamp) -> Result<(), Unread> {
    let apart = moment(created)?.duration_since(now).abs();
    if apart <= FRESH_MAX { Ok(()) } else { Err(stale(now)) }
}

fn not_expired(timestamp: &Block, now: Timestamp) -> Result<(), Unread> {
    let expires = timestamp.only(WSU, "Expires").map_err(|()| Unread::plain(&TOKEN_FORM))?;
    let Some(expires) = expires else { return Ok(()) };
    let late = now.duration_since(moment(expires.text.trim())?);
    if late <= FRESH_MAX { Ok(()) } else { Err(stale(now)) }
}

fn stale(now: Timestamp) -> Unread {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    let minutes = FRESH_MAX.as_mins();
    let vi = format!("Bây giờ là {now}; chấp nhận lệch tối đa {minutes} phút.");
    Unread::told(&TOKEN_STALE, vi, format!("It is {now} now; at most {minutes} minutes apart."))
}

/// What became of a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is new, and remembered from now on.
    New,
    /// It was used before.
    Replayed,
    /// No more can be remembered for now.
    Full,
}

/// The nonces of the last minutes, so that a token opens the door once. A token older than they
/// are kept is stale.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    seen: Mutex<HashMap<(String, Vec<u8>), Timestamp>>,
}

impl Nonces {
    /// Remembers the nonce of a token that was let in.
    pub(super) fn note(&self, username: &str, nonce: &[u8], now: Timestamp) -> Noted {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = |at: &Timestamp| now.duration_since(*at) <= FRESH_MAX * 2;
        if seen.len() >= NONCES_MAX {
            seen.retain(|_, at| kept(at));
        }
        let room = seen.len() < NONCES_MAX;
        let key = (username.to_owned(), nonce.to_owned());
        match seen.get(&key) {
            Some(at) if kept(at) => Noted::Replayed,
            _ if !room => Noted::Full,
            _ => {
                seen.insert(key, now);
                Noted::New
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_new_once_within_its_time() {
        let (nonces, now) = (Nonces::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(nonces.note("a", b"1", now), Noted::New);
        assert_eq!(nonces.note("a", b"1", now + FRESH_MAX), Noted::Replayed);
        assert_eq!(nonces.note("b", b"1", now), Noted::New);
        let later = now + FRESH_MAX * 2 + SignedDuration::from_secs(1);
        assert_eq!(nonces.note("a", b"1", later), Noted::New);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_makes_room_again() {
        let (nonces, now) = (Nonces::default(), Timestamp::UNIX_EPOCH);
        for number in 0..NONCES_MAX {
            assert_eq!(nonces.note("a", &number.to_be_bytes(), now), Noted::New);
        }
        assert_eq!(nonces.note("a", b"one more", now), Noted::Full);
        assert_eq!(nonces.note("a", &7_usize.to_be_bytes(), now), Noted::Replayed);
        let later = now + FRESH_MAX * 3;
        assert_eq!(nonces.note("a", b"one more", later), Noted::New);
    }
}
