//! Answers given before, kept while they hold.
//!
//! Most look-ups repeat: a portal shows the same dossier to many, and again until it changes. Only
//! what the public members of one dossier say is kept, and the store tells whether nothing was
//! heard of it since: an answer from here is the one that a look-up would give.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

use crate::{auth::Principal, store::Basis};

/// Bytes kept at most, texts and what they rest on.
const BYTES_MAX: u64 = 32 << 20;
/// Bytes of a usual answer: by it the room for names is measured.
const BYTES_USUAL: usize = 2_048;

/// An answer without the position that it is true at.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// The text: see [`super::Dossier`].
    pub(super) text: Bytes,
    /// The log's name.
    pub(super) log_id: Arc<str>,
    /// What it rests on.
    pub(super) basis: Arc<Basis>,
}

#[derive(Clone)]
struct Size;

impl Weighter<String, Given> for Size {
    fn weight(&self, asked: &String, given: &Given) -> u64 {
        (asked.len() + given.text.len() + 8 * given.basis.marks.len() + 256) as u64
    }
}

/// The answers of one process.
#[derive(Clone)]
pub struct Answers(Arc<Cache<String, Given, Size>>);

impl Default for Answers {
    fn default() -> Self {
        let usual = (BYTES_MAX as usize) / BYTES_USUAL;
        Self(Arc::new(Cache::with_weighter(usual, BYTES_MAX, Size)))
    }
}

/// What was asked, and by whom: an agency sees other dossiers under a code than the portal.
pub(super) fn asked(who: &Principal, code: &str, source: Option<&str>) -> String {
    // No code and no name of a source has a NUL in it.
    format!("{who}\0{}\0{code}", source.unwrap_or_default())
}

impl Answers {
    pub(super) fn get(&self, asked: &str) -> Option<Given> {
        self.0.get(asked)
    }

    pub(super) fn keep(&self, asked: String, given: Given) {
        self.0.insert(asked, given);
    }
}
