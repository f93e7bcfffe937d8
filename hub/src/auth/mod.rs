//! Who asks: API keys, stored hashed and compared in constant time.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, RwLock},
};

use adapters::rest::push::{Denied, Door};
use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};

use crate::{
    catalog::{ANSWERS, FEEDBACK},
    journal::merkle::Digest,
    store::{ApiKey, Store, StoreError},
};

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

/// The keys in force, read anew every few seconds.
#[derive(Clone, Default)]
pub struct Keys {
    known: Arc<RwLock<HashMap<String, (Digest, Principal)>>>,
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
            .filter_map(|key| Some((key.id, (key.hash, key.principal.parse().ok()?))))
            .collect();
        if let Ok(mut current) = self.known.write() {
            *current = known;
        }
        Ok(())
    }

    /// Who bears this `Authorization` header.
    pub fn principal(&self, authorization: Option<&str>) -> Option<Principal> {
        let token = authorization?.strip_prefix("Bearer ")?.trim();
        let (id, secret) = token.strip_prefix("ltk_")?.split_once('_')?;
        let known = self.known.read().ok()?;
        let found = known.get(id);
        // An unknown id takes the same path, against a hash that no secret has.
        let hash = found.map_or_else(|| Digest::from_bytes([0; 32]), |(hash, _)| *hash);
        let given = Digest::of(secret.as_bytes());
        verify_slices_are_equal(given.as_bytes(), hash.as_bytes()).ok()?;
        found.map(|(_, principal)| principal.clone())
    }
}

impl Door for Keys {
    fn admit(&self, channel: &str, authorization: Option<&str>) -> Result<(), Denied> {
        let principal = self.principal(authorization).ok_or(Denied::Unauthenticated)?;
        let agency = channel.split_once('.').map_or(channel, |(agency, _)| agency);
        let own = principal.owns(agency) || principal == Principal::Portal && channel == FEEDBACK;
        if own { Ok(()) } else { Err(Denied::Forbidden) }
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
        let known = of.iter().map(|(key, who)| (key.id.clone(), (key.hash, who.clone()))).collect();
        Keys { known: Arc::new(RwLock::new(known)) }
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
}
