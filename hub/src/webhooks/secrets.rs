//! By what events are signed: made here, shown once, and stored sealed.
//!
//! A secret is 32 bytes: of HMAC-SHA-256 (`v1`) the key, of Ed25519 (`v1a`) the seed of the pair.
//! It is sealed by a key that comes of the store's own secret and the subscription's name, so that
//! its row is of no use elsewhere, nor in another row.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};
use standardwebhooks::Webhook;

use crate::{
    journal::{base64, merkle::Digest},
    store::{Store, StoreError},
};

const SEAL_LABEL: &str = "lienthong/webhook-secret/v1";

/// Secrets in force at once, at most: the newest, and those before it that still sign.
pub const SECRETS_MAX: usize = 5;

/// How events are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// By a secret that both sides have: HMAC-SHA-256.
    V1,
    /// By a pair of which the receiver has the public key: Ed25519.
    V1a,
}

impl Scheme {
    /// Its name in Standard Webhooks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// The scheme of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V1, Self::V1a].into_iter().find(|one| one.name() == name)
    }

    /// What a receiver is given of a secret.
    fn shown(self, secret: &Secret) -> Result<String, StoreError> {
        Ok(match self {
            Self::V1 => format!("whsec_{}", base64::encode(&secret.0)),
            Self::V1a => {
                let pair = secret.pair()?;
                format!("whpk_{}", base64::encode(pair.public_key().as_ref()))
            }
        })
    }
}

/// One secret.
struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

impl Secret {
    fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| StoreError::fault("no randomness"))?;
        Ok(Self(bytes))
    }

    fn pair(&self) -> Result<Ed25519KeyPair, StoreError> {
        Ed25519KeyPair::from_seed_unchecked(&self.0).map_err(|_| damaged())
    }
}

/// A secret as it is stored.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Nonce and sealed bytes.
    sealed: String,
    /// Until when it signs, in milliseconds since 1970; nothing of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

/// New secrets: as they are stored, and what its receiver is shown once.
pub(crate) struct Made {
    pub(crate) stored: String,
    pub(crate) shown: String,
}

/// There are as many secrets in force as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

fn damaged() -> StoreError {
    StoreError::fault("the secrets of a subscription are damaged")
}

fn sealing(store: &dyn Store, id: &str) -> Result<RandomizedNonceKey, StoreError> {
    let keyed = store.dedup(format!("{SEAL_LABEL} {id}").as_bytes());
    let key = Digest::of(&[SEAL_LABEL.as_bytes(), keyed.as_bytes()].concat());
    RandomizedNonceKey::new(&AES_256_GCM, key.as_bytes()).map_err(|_| damaged())
}

fn seal(store: &dyn Store, id: &str, secret: &Secret) -> Result<String, StoreError> {
    let mut bytes = secret.0.to_vec();
    let sealing = sealing(store, id)?;
    let nonce = sealing.seal_in_place_append_tag(Aad::from(id.as_bytes()), &mut bytes);
    let nonce = nonce.map_err(|_| damaged())?;
    Ok(base64::encode(&[nonce.as_ref().as_slice(), &bytes].concat()))
}

fn open(store: &dyn Store, id: &str, sealed: &str) -> Result<Secret, StoreError> {
    let bytes = base64::decode(sealed).ok_or_else(damaged)?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
    let mut bytes = sealed.to_vec();
    let opened = sealing(store, id)?.open_in_place(nonce, Aad::from(id.as_bytes()), &mut bytes);
    let opened = opened.map_err(|_| damaged())?;
    <[u8; 32]>::try_from(&*opened).map(Secret).map_err(|_| damaged())
}

fn stored(text: &str) -> Result<Vec<Sealed>, StoreError> {
    serde_json::from_str(text).map_err(|_| damaged())
}

fn text(all: &[Sealed]) -> Result<String, StoreError> {
    serde_json::to_string(all).map_err(|_| damaged())
}

/// The first secret of a subscription.
///
/// # Errors
/// When the machine has no randomness.
pub(crate) fn first(store: &dyn Store, id: &str, scheme: Scheme) -> Result<Made, StoreError> {
    let secret = Secret::random()?;
    let sealed = Sealed { sealed: seal(store, id, &secret)?, until: None };
    Ok(Made { stored: text(&[sealed])?, shown: scheme.shown(&secret)? })
}

/// Another secret, and the ones before it until they end: the newest of them in `overlap`
/// milliseconds from `now`.
///
/// # Errors
/// When they are damaged, or the machine has no randomness.
pub(crate) fn rotated(
    (store, id, scheme): (&dyn Store, &str, Scheme),
    known: &str,
    (now, overlap): (i64, i64),
) -> Result<Result<Made, TooMany>, StoreError> {
    let mut all = stored(known)?;
    for one in &mut all {
        one.until.get_or_insert(now.saturating_add(overlap));
    }
    all.retain(|one| one.until.is_some_and(|until| until > now));
    if all.len() >= SECRETS_MAX {
        return Ok(Err(TooMany));
    }
    let secret = Secret::random()?;
    all.insert(0, Sealed { sealed: seal(store, id, &secret)?, until: None });
    Ok(Ok(Made { stored: text(&all)?, shown: scheme.shown(&secret)? }))
}

/// When the secrets end that sign beside the newest.
pub(crate) fn ends(known: &str, now: i64) -> Vec<i64> {
    let all = stored(known).unwrap_or_default();
    all.iter().filter_map(|one| one.until).filter(|until| *until > now).collect()
}

/// What signs now.
pub(crate) struct Signing {
    scheme: Scheme,
    secrets: Vec<(Secret, Option<i64>)>,
}

impl Signing {
    /// The secrets of a subscription.
    ///
    /// # Errors
    /// When they are damaged.
    pub(crate) fn of(
        store: &dyn Store,
        (id, scheme): (&str, Scheme),
        known: &str,
    ) -> Result<Self, StoreError> {
        let each = |one: Sealed| Ok((open(store, id, &one.sealed)?, one.until));
        let secrets = stored(known)?.into_iter().map(each).collect::<Result<_, StoreError>>()?;
        Ok(Self { scheme, secrets })
    }

    /// The header `webhook-signature`: by each secret in force, the newest first.
    ///
    /// # Errors
    /// When the body is no text.
    pub(crate) fn header(&self, id: &str, now: i64, body: &[u8]) -> Result<String, StoreError> {
        let timestamp = now.div_euclid(1_000);
        let in_force = self.secrets.iter().filter(|(_, until)| until.is_none_or(|end| end > now));
        let each = in_force.map(|(secret, _)| match self.scheme {
            Scheme::V1 => Webhook::from_bytes(secret.0.to_vec())
                .and_then(|key| key.sign(id, timestamp, body))
                .map_err(|_| StoreError::fault("an event is no text")),
            Scheme::V1a => {
                let whole = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
                let signature = secret.pair()?.sign(&whole);
                Ok(format!("v1a,{}", base64::encode(signature.as_ref())))
            }
        });
        Ok(each.collect::<Result<Vec<String>, StoreError>>()?.join(" "))
    }
}
