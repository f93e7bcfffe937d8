//! Who asks: API keys, stored hashed and compared in constant time; and what is had for a key,
//! tokens that end by themselves and passwords for digests (`seal.rs`).

mod seal;

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, RwLock},
};

use adapters::{
    rest::{
        push::{Denied, Door},
        token::{Issued, Tokens},
    },
    soap::{Proof, UserToken},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use jiff::Timestamp;

use crate::{
    catalog::{ANSWERS, APPLICATIONS, FEEDBACK},
    journal::merkle::Digest,
    store::{ApiKey, Store, StoreError},
};

use seal::Seal;

/// Seconds that a token lasts.
const TOKEN_SECONDS: u32 = 3_600;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A system of one agency: writes and reads its own.
    Agency(String),
    /// The provincial portal: reads the public part of everything.
    Portal,
    /// The person who runs the hub: on its own machine, or with a key.
    Operator,
}

/// The text names no principal that a key can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no principal: write agency:<id>, portal or operator")]
pub struct NotAPrincipal(String);

impl fmt::Display for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agency(id) => write!(out, "agency:{id}"),
            Self::Portal => out.write_str("portal"),
            Self::Operator => out.write_str("operator"),
        }
    }
}

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, NotAPrincipal> {
        match text.split_once(':') {
            Some(("agency", id)) if !id.is_empty() => Ok(Self::Agency(id.to_owned())),
            None if text == "portal" => Ok(Self::Portal),
            None if text == "operator" => Ok(Self::Operator),
            _ => Err(NotAPrincipal(text.to_owned())),
        }
    }
}

impl Principal {
    /// Whether it may see and send what belongs to an agency.
    pub fn owns(&self, agency: &str) -> bool {
        match self {
            Self::Agency(id) => id == agency,
            Self::Portal => false,
            Self::Operator => true,
        }
    }
}

/// A new key: the row to store and the text to show once.
///
/// # Errors
/// When the machine has no randomness.
pub fn new_key(principal: &Principal) -> Result<(ApiKey, String), StoreError> {
    let mut bytes = [0; 40];
    rand::fill(&mut bytes).map_err(|_| StoreError::fault("no randomness".to_owned()))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (id, secret) = bytes.split_at(8);
    let (id, secret) = (hex(id), hex(secret));
    let shown = format!("ltk_{id}_{secret}");
    let hash = Digest::of(secret.as_bytes());
    Ok((ApiKey { id, hash, principal: principal.to_string(), revoked_at: None }, shown))
}

/// The password by which a key's bearer makes digests: not the key's own secret, of which the store
/// has no more than a hash.
pub fn digest_password(store: &dyn Store, key: &ApiKey) -> String {
    Seal::of(store, key).password()
}

/// A key in force.
struct Known {
    hash: Digest,
    principal: Principal,
    seal: Seal,
}

/// The keys in force, read anew every few seconds.
#[derive(Clone, Default)]
pub struct Keys {
    known: Arc<RwLock<HashMap<String, Known>>>,
}

impl Keys {
    /// Takes over the keys of the store; a key revoked elsewhere ends with the next call.
    ///
    /// # Errors
    /// When the store cannot answer: the keys known before stay in force.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let keys = store.keys().await?;
        let live = keys.into_iter().filter(|key| key.revoked_at.is_none());
        let known = live
            .filter_map(|key| {
                let (principal, seal) = (key.principal.parse().ok()?, Seal::of(store, &key));
                Some((key.id, Known { hash: key.hash, principal, seal }))
            })
            .collect();
        if let Ok(mut current) = self.known.write() {
            *current = known;
        }
        Ok(())
    }

    /// Who bears this `Authorization` header: a key, or a token that was had for one.
    pub fn principal(&self, authorization: Option<&str>) -> Option<Principal> {
        let shown = authorization?.strip_prefix("Bearer ")?.trim();
        if let Some(token) = shown.strip_prefix("ltt_") {
            let (id, token) = token.split_once('_')?;
            let known = self.known.read().ok()?;
            let found = known.get(id)?;
            return found.seal.opens(id, token, Timestamp::now()).then(|| found.principal.clone());
        }
        let (id, secret) = shown.strip_prefix("ltk_")?.split_once('_')?;
        self.knows(id, secret)
    }

    /// Who knows the secret of a key; it may be told as the whole key.
    fn knows(&self, id: &str, secret: &str) -> Option<Principal> {
        let whole = secret.strip_prefix("ltk_").and_then(|rest| rest.strip_prefix(id));
        let secret = whole.and_then(|rest| rest.strip_prefix('_')).unwrap_or(secret);
        let known = self.known.read().ok()?;
        let found = known.get(id);
        // An unknown id takes the same path, against a hash that no secret has.
        let hash = found.map_or_else(|| Digest::from_bytes([0; 32]), |found| found.hash);
        let given = Digest::of(secret.as_bytes());
        verify_slices_are_equal(given.as_bytes(), hash.as_bytes()).ok()?;
        found.map(|found| found.principal.clone())
    }

    /// Lets the bearer of a user token send to a channel, or not.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_user(&self, channel: &str, token: &UserToken) -> Result<(), Denied> {
        let principal = match &token.proof {
            Proof::Text(secret) => self.knows(&token.username, secret),
            Proof::Digest { digest, nonce, created } => {
                let known = self.known.read().map_err(|_| Denied::Unauthenticated)?;
                let found = known.get(&token.username);
                let made = found.filter(|found| found.seal.made(digest, nonce, created));
                made.map(|found| found.principal.clone())
            }
        };
        may_send(&principal.ok_or(Denied::Unauthenticated)?, channel)
    }

    /// The agency whose system bears this `Authorization` header.
    ///
    /// # Errors
    /// Why there is none.
    pub fn agency(&self, authorization: Option<&str>) -> Result<String, Denied> {
        match self.principal(authorization).ok_or(Denied::Unauthenticated)? {
            Principal::Agency(agency) => Ok(agency),
            Principal::Portal | Principal::Operator => Err(Denied::Forbidden),
        }
    }
}

impl Tokens for Keys {
    fn issue(&self, id: &str, secret: &str) -> Option<Issued> {
        self.knows(id, secret)?;
        let known = self.known.read().ok()?;
        let until = Timestamp::now().as_second().checked_add(i64::from(TOKEN_SECONDS))?;
        let token = known.get(id)?.seal.token(id, until);
        Some(Issued { token: format!("ltt_{id}_{token}"), expires_in: TOKEN_SECONDS })
    }
}

fn may_send(principal: &Principal, channel: &str) -> Result<(), Denied> {
    let agency = channel.split_once('.').map_or(channel, |(agency, _)| agency);
    let own = principal.owns(agency)
        || *principal == Principal::Portal && [FEEDBACK, APPLICATIONS].contains(&channel);
    if own { Ok(()) } else { Err(Denied::Forbidden) }
}

impl Door for Keys {
    fn admit(&self, channel: &str, authorization: Option<&str>) -> Result<(), Denied> {
        may_send(&self.principal(authorization).ok_or(Denied::Unauthenticated)?, channel)
    }

    fn own(&self, name: &str, authorization: Option<&str>) -> Result<String, Denied> {
        match (self.principal(authorization).ok_or(Denied::Unauthenticated)?, name) {
            (Principal::Portal, "feedback") => Ok(FEEDBACK.to_owned()),
            (Principal::Agency(agency), ANSWERS) => Ok(format!("{agency}.{ANSWERS}")),
            _ => Err(Denied::Forbidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(of: &[(&ApiKey, Principal)]) -> Keys {
        let known = of.iter().map(|(key, who)| {
            let seal = Seal::from_bytes([7; 32]);
            (key.id.clone(), Known { hash: key.hash, principal: who.clone(), seal })
        });
        Keys { known: Arc::new(RwLock::new(known.collect())) }
    }

    #[test]
    fn a_key_opens_its_own_agency_alone() {
        let who = Principal::Agency("so-y-te".to_owned());
        let (key, shown) = new_key(&who).unwrap();
        let keys = keys(&[(&key, who)]);
        let bearer = format!("Bearer {shown}");
        assert_eq!(keys.admit("so-y-te.ho-so", Some(&bearer)), Ok(()));
        assert_eq!(keys.admit("so-xay-dung.ho-so", Some(&bearer)), Err(Denied::Forbidden));
        assert_eq!(keys.admit("so-y-te.ho-so", None), Err(Denied::Unauthenticated));
        let mut wrong = bearer.clone();
        wrong.pop();
        assert_eq!(keys.admit("so-y-te.ho-so", Some(&wrong)), Err(Denied::Unauthenticated));
        assert!(!shown.contains(&key.hash.to_string()));
    }
    #[test]
    fn a_token_is_had_for_a_key_ends_with_it_and_is_no_other_keys() {
        let who = Principal::Agency("so-y-te".to_owned());
        let (key, shown) = new_key(&who).unwrap();
        let (other, _) = new_key(&who).unwrap();
        let keys = keys(&[(&key, who.clone()), (&other, Principal::Operator)]);
        let (_, secret) = shown.rsplit_once('_').unwrap();
        assert!(keys.issue(&key.id, "wrong").is_none());
        assert!(keys.issue("0000000000000000", secret).is_none());
        for secret in [secret, shown.as_str()] {
            let token = keys.issue(&key.id, secret).unwrap().token;
            assert_eq!(keys.principal(Some(&format!("Bearer {token}"))), Some(who.clone()));
            let stolen = token.replace(&key.id, &other.id);
            assert_eq!(keys.principal(Some(&format!("Bearer {stolen}"))), None);
        }
        let token = keys.issue(&key.id, secret).unwrap().token;
        keys.known.write().unwrap().remove(&key.id);
        assert_eq!(keys.principal(Some(&format!("Bearer {token}"))), None);
    }

    #[test]
    fn a_user_token_opens_by_the_secret_or_by_a_digest_of_its_password() {
        let who = Principal::Agency("so-y-te".to_owned());
        let (key, shown) = new_key(&who).unwrap();
        let keys = keys(&[(&key, who)]);
        let token = |proof: Proof| UserToken { username: key.id.clone(), proof };
        let digest = |password: &str, nonce: &[u8]| {
            let digest = seal::digest(b"nonce", "2026-01-01T00:00:00Z", password);
            let (nonce, created) = (nonce.to_vec(), "2026-01-01T00:00:00Z".to_owned());
            token(Proof::Digest { digest, nonce, created })
        };
        let password = Seal::from_bytes([7; 32]).password();
        let channel = "so-y-te.ho-so";
        assert_eq!(keys.admit_user(channel, &token(Proof::Text(shown.clone()))), Ok(()));
        assert_eq!(keys.admit_user(channel, &digest(&password, b"nonce")), Ok(()));
        let forbidden = keys.admit_user("so-xay-dung.ho-so", &digest(&password, b"nonce"));
        assert_eq!(forbidden, Err(Denied::Forbidden));
        for wrong in [
            token(Proof::Text(password.clone())),
            digest(&shown, b"nonce"),
            digest(&password, b"other"),
            UserToken { username: "x".to_owned(), ..digest(&password, b"nonce") },
        ] {
            assert_eq!(keys.admit_user(channel, &wrong), Err(Denied::Unauthenticated));
        }
    }
}
