//! A second secret of each key, which nobody is told: it makes and proves tokens, and gives the
//! password for digests.
//!
//! It comes of the key's stored hash and the store's own secret, so that every process of a store
//! has the same, nothing more is stored, and it is gone with the key.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest as hashes, hmac};
use jiff::Timestamp;

use crate::{
    journal::merkle::Digest,
    store::{ApiKey, Store},
};

const SEAL_LABEL: &str = "lienthong/key-seal/v1";
const TOKEN_LABEL: &str = "lienthong/token/v2";
const PASSWORD_LABEL: &str = "lienthong/digest-password/v1";

/// Letters of a password for digests: 160 bits.
const PASSWORD_LETTERS: usize = 40;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// One of the key, for these scopes.
    For(u16),
    /// It was one of the key, and has ended.
    Ended,
    /// None of the key.
    Not,
}

/// The second secret of a key.
pub(super) struct Seal([u8; 32]);

impl Seal {
    /// The seal of a key in its store. Neither a sender who learns keyed hashes of what it sends
    /// nor a reader of the keys' rows has what it takes.
    pub(super) fn of(store: &dyn Store, key: &ApiKey) -> Self {
        let keyed = store.dedup(format!("{SEAL_LABEL} {}", key.id).as_bytes());
        let parts = [SEAL_LABEL.as_bytes(), keyed.as_bytes(), key.hash.as_bytes()];
        Self(*Digest::of(&parts.concat()).as_bytes())
    }

    /// The seal of no key.
    pub(super) fn of_nobody() -> Self {
        Self([0; 32])
    }

    #[cfg(test)]
    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn sign(&self, text: &str) -> String {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), text.as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A token of the key that lasts until a second since 1970, for some of what the key is for.
    pub(super) fn token(&self, id: &str, until: i64, scopes: u16) -> String {
        let signed = self.sign(&format!("{TOKEN_LABEL} {id} {until} {scopes}"));
        format!("{until:x}.{scopes:x}_{signed}")
    }

    /// Whether a text is a token of the key, and what for.
    pub(super) fn opens(&self, id: &str, token: &str, now: Timestamp) -> Opened {
        let told = token.split_once('_').and_then(|(told, _)| told.split_once('.'));
        let read = told.and_then(|(until, scopes)| {
            let until = i64::from_str_radix(until, 16).ok()?;
            Some((until, u16::from_str_radix(scopes, 16).ok()?))
        });
        let (until, scopes) = read.unwrap_or_default();
        let whole = self.token(id, until, scopes);
        match verify_slices_are_equal(whole.as_bytes(), token.as_bytes()) {
            Ok(()) if until > now.as_second() => Opened::For(scopes),
            Ok(()) => Opened::Ended,
            Err(_) => Opened::Not,
        }
    }

    /// The password by which the key's bearer makes digests.
    pub(super) fn password(&self) -> String {
        self.sign(PASSWORD_LABEL).chars().take(PASSWORD_LETTERS).collect()
    }

    /// Whether a digest was made with that password.
    pub(super) fn made(&self, told: &[u8], nonce: &[u8], created: &str) -> bool {
        let right = digest(nonce, created, &self.password());
        verify_slices_are_equal(&right, told).is_ok()
    }
}

/// The digest of the UsernameToken profile: SHA-1, as its senders know no other. A nonce of its own
/// and a long password make it no weaker here than HMAC would be.
pub(super) fn digest(nonce: &[u8], created: &str, password: &str) -> Vec<u8> {
    let parts = [nonce, created.as_bytes(), password.as_bytes()].concat();
    hashes::digest(&hashes::SHA1_FOR_LEGACY_USE_ONLY, &parts).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_its_second_and_opens_for_its_key_and_scopes_alone() {
        let seal = Seal::from_bytes([1; 32]);
        let token = seal.token("a", 100, 5);
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        assert_eq!(seal.opens("a", &token, at(99)), Opened::For(5));
        assert_eq!(seal.opens("a", &token, at(100)), Opened::Ended);
        assert_eq!(seal.opens("b", &token, at(99)), Opened::Not);
        assert_eq!(Seal::from_bytes([2; 32]).opens("a", &token, at(99)), Opened::Not);
        // Neither its end nor what it is for can be changed.
        for other in [token.replacen("64.5", "ffff.5", 1), token.replacen("64.5", "64.7", 1)] {
            assert_ne!(other, token);
            assert_eq!(seal.opens("a", &other, at(99)), Opened::Not, "{other}");
        }
        for broken in ["", "_", "64", "64_", "64._", ".5_", "-1.5_", "zz.zz_zz", "64.fffff_"] {
            assert_eq!(seal.opens("a", broken, at(0)), Opened::Not, "{broken}");
        }
    }

    #[test]
    fn a_digest_is_what_the_profile_says() {
        // Python: hashlib.sha1(b"nonce" + b"2026-01-01T00:00:00Z" + b"secret").hexdigest()
        let told = digest(b"nonce", "2026-01-01T00:00:00Z", "secret");
        let hex: String = told.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "a678e3f58cadcd998f0a298593a483e7d892fd0e");
    }
}
