//! Applicants who were recognised before, and what they were told, kept while it holds.
//!
//! Kept is what the public is told, and of what shows its applicant only commitments under a salt
//! of its own, in this process's memory: neither a number nor its end stands in it (decision 64).
//! The store tells whether anything was heard of the dossier since, an erasure
//! included: an answer from here is the one that a look-up would give.

use std::sync::Arc;

use jiff::civil::Date;
use quick_cache::{Weighter, sync::Cache};

use super::PublicView;
use crate::{
    journal::commitment::{Commitment, NoRandomness, Salt, commit, verify},
    store::Basis,
};

/// Bytes kept at most, views and what they rest on.
const BYTES_MAX: u64 = 16 << 20;
/// Bytes of a usual one: by it the room for names is measured.
const BYTES_USUAL: usize = 1_536;

/// What shows that who asks is a dossier's applicant, without telling it.
#[derive(Debug)]
pub(super) struct Proof {
    salt: Salt,
    secrets: Vec<Commitment>,
}

impl Proof {
    /// Of these secrets, as they are compared.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn of(secrets: &[String]) -> Result<Self, NoRandomness> {
        let salt = Salt::random()?;
        let secrets = secrets.iter().map(|one| commit(&salt, one.as_bytes())).collect();
        Ok(Self { salt, secrets })
    }

    /// Whether a secret is one of them. All of them are looked at, whichever it is.
    pub(super) fn is_of(&self, secret: &str) -> bool {
        let is = |one: &Commitment| verify(&self.salt, secret.as_bytes(), one);
        self.secrets.iter().fold(false, |known, one| known | is(one))
    }
}

/// The only dossier of a code, as it was told on a day.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its key.
    pub(super) key: String,
    /// What the public is told, but for the position that it is true at.
    pub(super) view: PublicView,
    /// The day it was told on: the hub's due date may be another on the next.
    pub(super) day: Date,
    /// What shows its applicant.
    pub(super) proof: Proof,
    /// What it rests on.
    pub(super) basis: Basis,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Arc<Shown>> for Size {
    fn weight(&self, code: &String, shown: &Arc<Shown>) -> u64 {
        let of_basis = 8 * shown.basis.marks.len();
        let of_proof = 32 * (1 + shown.proof.secrets.len());
        (code.len() + shown.key.len() + shown.view.bytes() + of_basis + of_proof + 512) as u64
    }
}

/// Those whom one process has recognised, by the code that they asked for.
#[derive(Clone)]
pub struct Recognised(Arc<Cache<String, Arc<Shown>, Size>>);

impl Default for Recognised {
    fn default() -> Self {
        let usual = (BYTES_MAX as usize) / BYTES_USUAL;
        Self(Arc::new(Cache::with_weighter(usual, BYTES_MAX, Size)))
    }
}

impl Recognised {
    pub(super) fn get(&self, code: &str) -> Option<Arc<Shown>> {
        self.0.get(code)
    }

    pub(super) fn keep(&self, code: String, shown: Shown) {
        self.0.insert(code, Arc::new(shown));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_knows_its_secrets_and_no_other_and_tells_none() {
        let secrets = ["1234".to_owned(), "567A".to_owned()];
        let proof = Proof::of(&secrets).unwrap();
        assert!(secrets.iter().all(|one| proof.is_of(one)));
        assert!(["", "123", "1235", "12345", "567a"].iter().all(|one| !proof.is_of(one)));
        let again = Proof::of(&secrets).unwrap();
        assert_ne!(proof.secrets, again.secrets, "one salt each");
        assert!(!Proof::of(&[]).unwrap().is_of(""));
    }
}
