//! Commitments to bytes that may have to go, and the keyed hash for deduplication.
//!
//! A commitment stands in an entry for good; its salt lies beside the bytes and is deleted with
//! them, and then the commitment tells nothing, not even to one who guesses the bytes.

use std::{cell::RefCell, fmt};

use aws_lc_rs::{hmac, rand};
use serde::{Deserialize, Serialize};

use super::merkle::Digest;

/// Keeps the keyed hash for deduplication apart from every other use of HMAC.
const DEDUP_LABEL: &[u8] = b"lienthong/dedup/v1\0";

/// Keeps secrets that come of the store's apart from keyed hashes, some of which senders are told.
const DERIVED_LABEL: &[u8] = b"lienthong/derived/v1\0";

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomness;

/// The secret of one commitment: new for each, stored beside the bytes, deleted with them.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

/// The hub's secret for deduplication, and what other secrets of the store come of.
#[derive(Clone, PartialEq, Eq)]
pub struct DedupKey([u8; 32]);

impl Salt {
    /// A new salt. Each thread draws some at once, which costs hardly more than one, and gives
    /// each away once.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        DRAWN.with_borrow_mut(|drawn| {
            if drawn.is_empty() {
                drawn.extend(random::<DRAWN_AT_ONCE>()?.as_chunks().0);
            }
            let salt = drawn.last_mut().map(std::mem::take).ok_or(NoRandomness)?;
            drawn.pop();
            Ok(Self(salt))
        })
    }

    /// A salt that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to store them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl DedupKey {
    /// A new key.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        random().map(Self)
    }

    /// A key that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to store them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl fmt::Debug for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DedupKey(..)")
    }
}

/// `HMAC-SHA256(salt, bytes)`: all that an entry says about raw bytes or a personal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(Digest);

impl Commitment {
    /// Its value.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl From<Digest> for Commitment {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Keyed hash that finds equal bytes again. It is in no leaf, so it cannot be put in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupHash([u8; 32]);

impl DedupHash {
    /// A hash that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to store and look up.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Commits to `bytes` under `salt`.
pub fn commit(salt: &Salt, bytes: &[u8]) -> Commitment {
    Commitment(Digest::from_bytes(hmac_sha256(&salt.0, &[bytes])))
}

/// A commitment to bytes that come in pieces.
pub struct Committing(hmac::Context);

impl Committing {
    /// To nothing yet, under `salt`.
    pub fn new(salt: &Salt) -> Self {
        Self(hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &salt.0)))
    }

    /// To these bytes too, behind those before.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The commitment to all of them.
    pub fn close(self) -> Commitment {
        Commitment(Digest::from_bytes(signed(self.0)))
    }
}

/// Whether `commitment` is the one to `bytes` under `salt`, in constant time.
pub fn verify(salt: &Salt, bytes: &[u8], commitment: &Commitment) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salt.0);
    hmac::verify(&key, bytes, commitment.0.as_bytes()).is_ok()
}

/// Keyed hash of `bytes` for deduplication.
pub fn dedup_hash(key: &DedupKey, bytes: &[u8]) -> DedupHash {
    DedupHash(hmac_sha256(&key.0, &[DEDUP_LABEL, bytes]))
}

/// A secret of the store's own for one use, named by a label. It is no keyed hash of anything that
/// somebody could send.
pub fn derived(key: &DedupKey, label: &str) -> [u8; 32] {
    hmac_sha256(&key.0, &[DERIVED_LABEL, label.as_bytes()])
}

fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    signed(context)
}

fn signed(context: hmac::Context) -> [u8; 32] {
    let mut tag = [0; 32];
    tag.copy_from_slice(context.sign().as_ref());
    tag
}

/// Bytes that are drawn at once for salts.
const DRAWN_AT_ONCE: usize = 32 * 16;

thread_local! {
    /// Salts that this thread has drawn and not given away.
    static DRAWN: RefCell<Vec<[u8; 32]>> = const { RefCell::new(Vec::new()) };
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], NoRandomness> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn known_value() {
        // Python: hmac.new(bytes(32), b"abc", "sha256").hexdigest()
        let commitment = commit(&Salt::from_bytes([0; 32]), b"abc");
        let expected = "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351";
        assert_eq!(commitment.to_string(), expected);
    }

    #[test]
    fn pieces_are_committed_to_as_one() {
        let salt = Salt::from_bytes([3; 32]);
        let mut whole = Committing::new(&salt);
        ["hồ ", "", "sơ"].iter().for_each(|piece| whole.add(piece.as_bytes()));
        assert_eq!(whole.close(), commit(&salt, "hồ sơ".as_bytes()));
        assert_ne!(Committing::new(&salt).close(), commit(&salt, b"x"));
    }

    #[test]
    fn only_the_same_salt_and_bytes_verify() {
        let (salt, other) = (Salt::random().unwrap(), Salt::random().unwrap());
        assert_ne!(salt, other);
        let commitment = commit(&salt, b"079085001234");
        assert!(verify(&salt, b"079085001234", &commitment));
        assert!(!verify(&salt, b"079085001235", &commitment));
        assert!(!verify(&other, b"079085001234", &commitment));
    }

    #[test]
    fn deduplication_is_a_domain_of_its_own() {
        let key = DedupKey::from_bytes([7; 32]);
        let hash = dedup_hash(&key, b"abc");
        assert_eq!(hash, dedup_hash(&key, b"abc"));
        assert_ne!(hash, dedup_hash(&key, b"abd"));
        assert_ne!(hash, dedup_hash(&DedupKey::from_bytes([8; 32]), b"abc"));
        let same = commit(&Salt::from_bytes([7; 32]), b"abc");
        assert_ne!(hash.as_bytes(), same.digest().as_bytes());
    }

    #[test]
    fn no_salt_is_given_twice() {
        let salts = || (0..50).map(|_| *Salt::random().unwrap().as_bytes()).collect::<Vec<_>>();
        let other = std::thread::spawn(salts).join().unwrap();
        let all: std::collections::BTreeSet<_> = salts().into_iter().chain(other).collect();
        assert_eq!(all.len(), 100);
        assert!(!all.contains(&[0; 32]));
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", Salt::from_bytes([1; 32])), "Salt(..)");
        assert_eq!(format!("{:?}", DedupKey::from_bytes([1; 32])), "DedupKey(..)");
    }
}
