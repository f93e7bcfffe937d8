//! The keys in force, and whose a credential is.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use adapters::rest::client::{CERTIFICATE, Thumbprint};
use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::{
    Attempts, Origin, Principal, Scopes,
    seal::{self, Seal},
};
use crate::{
    journal::merkle::Digest,
    store::{ApiKey, Store, StoreError},
};

/// When a key was last used is noted to this many seconds.
const USED_SECONDS: i64 = 60;

/// Wrong secrets of a key from one address that are judged within [`WRONG_WINDOW`]; then none is,
/// for as long. Secrets are too long to be guessed: this keeps the noise of who tries small.
const WRONG_MAX: u32 = 10;
const WRONG_WINDOW: Duration = Duration::from_secs(60);

/// Letters of a key's public part.
pub(super) const ID_CHARS: usize = 16;

/// A new key: the row to store and the text to show once.
///
/// # Errors
/// When the machine has no randomness.
pub fn new_key(principal: &Principal) -> Result<(ApiKey, String), StoreError> {
    let mut bytes = [0; 40];
    rand::fill(&mut bytes).map_err(|_| StoreError::fault("no randomness".to_owned()))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (id, secret) = bytes.split_at(ID_CHARS / 2);
    let (id, secret) = (hex(id), hex(secret));
    let shown = format!("ltk_{id}_{secret}");
    let hash = Digest::of(secret.as_bytes());
    Ok((ApiKey::new(id, hash, principal.to_string()), shown))
}

/// A new key that is borne by a certificate, given as PEM; nobody has its secret. Which certificate
/// it is, whose it is and by whom it was made is the authority's affair, which the server trusts.
///
/// # Errors
/// When the text holds no certificate, or more than one; no randomness.
pub fn new_key_of_certificate(principal: &Principal, pem: &[u8]) -> Result<ApiKey, StoreError> {
    let read: Result<Vec<CertificateDer<'_>>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let told = |why: &str| StoreError::fault(format!("{why}: write one certificate, as PEM"));
    let [certificate] = &read.map_err(|_| told("this is no PEM"))?[..] else {
        return Err(told("there is not exactly one certificate in it"));
    };
    let (key, _) = new_key(principal)?;
    Ok(ApiKey { certificate: Some(Thumbprint::of(certificate).to_string()), ..key })
}

/// The password by which a key's bearer makes digests: not the key's own secret, of which the store
/// has no more than a hash.
pub fn digest_password(store: &dyn Store, key: &ApiKey) -> String {
    Seal::of(store, key).password()
}

/// A key that is not revoked.
pub(super) struct Known {
    pub(super) hash: Digest,
    pub(super) seal: Seal,
    pub(super) caller: Caller,
    /// Whether a certificate bears it.
    certified: bool,
    expires_at: Option<Timestamp>,
    /// The second it was last used at, in this process or as others noted.
    used: Arc<AtomicI64>,
    /// That second as it is noted in the store.
    noted: i64,
}

/// Who bears a credential, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key's public part.
    pub key: String,
    /// Whose it is.
    pub principal: Principal,
    /// What it is for.
    pub scopes: Scopes,
}

/// What is to be said to a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// None is shown, or none that is known.
    Nobody,
    /// It is in force.
    Caller(Caller),
    /// It was right, and is over.
    Expired,
    /// It is not looked at for so long: the ones before it were wrong.
    Locked(Duration),
}

/// What a credential is, held against the key that it names.
enum Proof {
    /// Right, and for these scopes.
    Right(Scopes),
    /// It was right, and has ended by itself: no guess.
    Ended,
    /// Another's, or nobody's.
    Wrong,
}

/// A credential, taken apart.
enum Shown<'a> {
    /// A key.
    Key { id: &'a str, secret: &'a str },
    /// A token that was had for one.
    Token { id: &'a str, token: &'a str },
    /// The thumbprint of a certificate, as the server tells that its connection has shown it.
    Certificate(&'a str),
}

impl<'a> Shown<'a> {
    fn read(authorization: &'a str) -> Option<Self> {
        if let Some((CERTIFICATE, thumbprint)) = authorization.split_once(' ') {
            return Some(Self::Certificate(thumbprint));
        }
        let shown = authorization.strip_prefix("Bearer ")?.trim();
        if let Some(token) = shown.strip_prefix("ltt_") {
            let (id, token) = token.split_once('_')?;
            return Some(Self::Token { id, token });
        }
        let (id, secret) = shown.strip_prefix("ltk_")?.split_once('_')?;
        Some(Self::Key { id, secret })
    }

    fn id(&self) -> &'a str {
        match self {
            Self::Key { id, .. } | Self::Token { id, .. } | Self::Certificate(id) => id,
        }
    }
}

/// The keys in force, read anew every few seconds.
#[derive(Clone)]
pub struct Keys {
    /// By their public part; those that a certificate bears, by its thumbprint.
    pub(super) known: Arc<RwLock<HashMap<String, Known>>>,
    /// Wrong secrets, by the address that shows them and the key that they are told to be of.
    wrong: Arc<Attempts<(Origin, String)>>,
    /// Stands for keys that there are not: what names one takes as long as what names a key.
    none: Arc<Known>,
}

impl Default for Keys {
    fn default() -> Self {
        let wrong = Attempts::new(WRONG_MAX, WRONG_WINDOW);
        let nobody = Known {
            // A hash that no secret has.
            hash: Digest::from_bytes([0; 32]),
            seal: Seal::of_nobody(),
            caller: Caller {
                key: String::new(),
                principal: Principal::Portal,
                scopes: Scopes::NONE,
            },
            certified: false,
            expires_at: None,
            used: Arc::default(),
            noted: 0,
        };
        Self { known: Arc::default(), wrong: Arc::new(wrong), none: Arc::new(nobody) }
    }
}

impl Known {
    /// A key of the store; nothing where it names nobody, or what it is for is not known here.
    fn read(store: &dyn Store, key: ApiKey) -> Option<(String, Self)> {
        let seal = Seal::of(store, &key);
        let principal: Principal = key.principal.parse().ok()?;
        let most = Scopes::of_principal(&principal);
        let scopes = match &key.scopes {
            None => most,
            Some(told) => told.parse::<Scopes>().ok()?.and(most),
        };
        let noted = key.used_at.map_or(i64::MIN, Timestamp::as_second);
        let known = Self {
            hash: key.hash,
            seal,
            caller: Caller { key: key.id.clone(), principal, scopes },
            certified: key.certificate.is_some(),
            expires_at: key.expires_at,
            used: Arc::new(AtomicI64::new(noted)),
            noted,
        };
        Some((key.certificate.unwrap_or(key.id), known))
    }

    /// A token of the key.
    fn opens(&self, id: &str, token: &str) -> Proof {
        match self.seal.opens(id, token, Timestamp::now()) {
            seal::Opened::For(scopes) => Proof::Right(Scopes::from_bits(scopes)),
            seal::Opened::Ended => Proof::Ended,
            seal::Opened::Not => Proof::Wrong,
        }
    }

    /// The key's secret; it may be told as the whole key.
    fn knows(&self, id: &str, secret: &str) -> Proof {
        let whole = secret.strip_prefix("ltk_").and_then(|rest| rest.strip_prefix(id));
        let secret = whole.and_then(|rest| rest.strip_prefix('_')).unwrap_or(secret);
        let given = Digest::of(secret.as_bytes());
        match verify_slices_are_equal(given.as_bytes(), self.hash.as_bytes()) {
            Ok(()) => Proof::Right(self.caller.scopes),
            Err(_) => Proof::Wrong,
        }
    }

    /// Who bears it, for some of its scopes, if it is not over.
    pub(super) fn now(&self, scopes: Scopes) -> Judged {
        let now = Timestamp::now();
        if self.expires_at.is_some_and(|end| end <= now) {
            return Judged::Expired;
        }
        let second = now.as_second();
        if self.used.load(Ordering::Relaxed) < second {
            self.used.fetch_max(second, Ordering::Relaxed);
        }
        let scopes = scopes.and(self.caller.scopes);
        Judged::Caller(Caller { scopes, ..self.caller.clone() })
    }
}

impl Keys {
    /// Takes over the keys of the store, and notes there when they were used; a key revoked
    /// elsewhere ends with the next call.
    ///
    /// # Errors
    /// When the store cannot answer: the keys known before stay in force.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        self.note_uses(store).await?;
        let keys = store.keys().await?;
        let mut live: Vec<_> = keys.into_iter().filter(|key| key.revoked_at.is_none()).collect();
        // A certificate that bore a key before bears the one that is in force.
        let now = Timestamp::now();
        live.sort_by_key(|key| key.in_force(now));
        let read = live.into_iter().filter_map(|key| Known::read(store, key));
        let mut known: HashMap<_, _> = read.collect();
        if let Ok(mut current) = self.known.write() {
            for (id, one) in &mut known {
                let same = |before: &&Known| before.caller.key == one.caller.key;
                if let Some(before) = current.get(id).filter(same) {
                    one.used = before.used.clone();
                    one.used.fetch_max(one.noted, Ordering::Relaxed);
                }
            }
            *current = known;
        }
        Ok(())
    }

    async fn note_uses(&self, store: &dyn Store) -> Result<(), StoreError> {
        let used: Vec<(String, Timestamp)> = {
            let Ok(known) = self.known.read() else { return Ok(()) };
            let used = known.values().filter_map(|one| {
                let used = one.used.load(Ordering::Relaxed);
                let new = used.saturating_sub(one.noted) >= USED_SECONDS;
                new.then(|| Timestamp::from_second(used).ok())
                    .flatten()
                    .map(|at| (one.caller.key.clone(), at))
            });
            used.collect()
        };
        if used.is_empty() { Ok(()) } else { store.note_key_uses(used).await }
    }

    /// What is to be said to the `Authorization` header of who asks from an address: a key, or a
    /// token that was had for one.
    pub fn judge(&self, authorization: Option<&str>, peer: Option<IpAddr>) -> Judged {
        let Some(shown) = authorization.and_then(Shown::read) else { return Judged::Nobody };
        self.unless_locked(shown.id(), peer, |known| match shown {
            Shown::Key { id, secret } => known.knows(id, secret),
            Shown::Token { id, token } => known.opens(id, token),
            Shown::Certificate(_) if known.certified => Proof::Right(known.caller.scopes),
            Shown::Certificate(_) => Proof::Wrong,
        })
    }

    /// What is to be said to who knows the secret of a key, or not, and asks from an address.
    pub(super) fn judge_secret(&self, id: &str, secret: &str, peer: Option<IpAddr>) -> Judged {
        self.unless_locked(id, peer, |known| known.knows(id, secret))
    }

    /// Judges what names a key, unless too much that was wrong came before from there.
    fn unless_locked(
        &self,
        id: &str,
        peer: Option<IpAddr>,
        judge: impl FnOnce(&Known) -> Proof,
    ) -> Judged {
        let locked = peer.map(|peer| ((peer.into(), id.to_owned()), Instant::now()));
        if let Some((who, now)) = &locked
            && let Some(left) = self.wrong.left(who, *now)
        {
            return Judged::Locked(left);
        }
        let Ok(known) = self.known.read() else { return Judged::Nobody };
        // What names no key is no attempt at one: a new key may be shown before it is known here.
        let Some(found) = known.get(id) else {
            let _ = judge(&self.none);
            return Judged::Nobody;
        };
        match (judge(found), locked) {
            (Proof::Right(scopes), locked) => {
                if let Some((who, _)) = locked {
                    self.wrong.forget(&who);
                }
                found.now(scopes)
            }
            (Proof::Wrong, Some((who, now))) => {
                self.wrong.count(who, now).map_or(Judged::Nobody, Judged::Locked)
            }
            (Proof::Wrong | Proof::Ended, _) => Judged::Nobody,
        }
    }

    /// Who bears this `Authorization` header.
    pub fn caller(&self, authorization: Option<&str>) -> Option<Caller> {
        match self.judge(authorization, None) {
            Judged::Caller(caller) => Some(caller),
            _ => None,
        }
    }

    /// Whose it is, whatever for.
    pub fn principal(&self, authorization: Option<&str>) -> Option<Principal> {
        self.caller(authorization).map(|caller| caller.principal)
    }

    #[cfg(test)]
    pub(super) fn knowing(all: &[(&ApiKey, Principal)]) -> Self {
        let known = all.iter().map(|(key, who)| {
            let scopes = Scopes::of_principal(who);
            let scopes = key.scopes.as_ref().map_or(scopes, |told| told.parse().unwrap());
            let known = Known {
                hash: key.hash,
                seal: Seal::from_bytes([7; 32]),
                caller: Caller { key: key.id.clone(), principal: who.clone(), scopes },
                certified: key.certificate.is_some(),
                expires_at: key.expires_at,
                used: Arc::default(),
                noted: 0,
            };
            (key.certificate.clone().unwrap_or_else(|| key.id.clone()), known)
        });
        Self { known: Arc::new(RwLock::new(known.collect())), ..Self::default() }
    }
}
