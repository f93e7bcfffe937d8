//! Erasing a person (semantics §4): an entry of the journal tells it, and from then on the personal
//! texts, their salts and the raw bytes that brought them are gone. What entries commit to, what
//! folds, numbers and proofs rest on stays as it was.
//!
//! The subject is a dossier, under all the names that it has then. Names are kept: what is told
//! under one of them later loses its personal members on acceptance ([`super::batch::Erased`]).

pub(crate) mod related;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, StoreError, Verdict, attachments::NamedFiles};
use crate::{
    journal::{entry::Entry, merkle::Digest},
    registry::{AskedBy, ErasureText, Identity},
};

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasing {
    /// The dossier, by one of its names: `source/source_code`.
    pub key: String,
    /// Who asked.
    pub asked_by: AskedBy,
    /// Why, in words.
    pub reason: String,
}

/// An erasure that stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub text: ErasureText,
}

/// What one channel has brought of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ErasureShare)]
pub struct Share {
    /// Personal texts.
    pub texts: u64,
    /// Messages whose raw bytes are there.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records in these messages that are of others: they stay, but cannot be translated again.
    pub others: u64,
}

/// What there is to erase of a dossier, and what was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasable {
    /// The names of the dossier, none where there is no such dossier; then those of what is related
    /// to it: feedback, applications, requests, and what was answered.
    pub names: Vec<String>,
    /// Names among them that were erased before, each with the position of its erasure.
    pub before: BTreeMap<String, u64>,
    /// Positions of all that was said under these names.
    pub said: Vec<u64>,
    /// Positions whose personal texts are there.
    pub texts: BTreeSet<u64>,
    /// Messages that brought them, those of the agency of which something was refused and whose
    /// bytes hold the code, and all other attempts at these; not those that are marked erased and
    /// have no raw bytes any more.
    pub messages: BTreeSet<u64>,
    /// What each channel has brought.
    pub shares: BTreeMap<String, Share>,
    /// Texts that an operator has written in place of records of it, and what receivers told.
    pub letters: u64,
    /// Files that these texts name.
    pub files: NamedFiles,
}

/// What came of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erased {
    /// There is no such dossier.
    Unknown,
    /// Nothing of the person was there, and the names were erased before: nothing was written.
    Before(Erasable),
    /// It was, by this entry.
    Now(Erasable, Erasure),
}

/// When persons were erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ErasedSince {
    /// The position of the erasure's entry.
    pub position: u64,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Erasures. One method = one transaction, but for the last.
pub trait Erasures: Send + Sync {
    /// What there is to erase of a dossier, by one of its names.
    fn erasable(&self, key: String) -> Answer<'_, Result<Erasable, StoreError>>;

    /// Erases it.
    fn erase(&self, erasing: Erasing) -> Answer<'_, Result<Erased, StoreError>>;

    /// Erasures after a position, in journal order.
    fn erasures(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Erasure>, StoreError>>;

    /// The first erasure of any of some names.
    fn erased(&self, names: Vec<String>) -> Answer<'_, Result<Option<ErasedSince>, StoreError>>;

    /// Has the disk forget what was erased, as far as a store can: what it has beside its file is
    /// emptied.
    fn forget(&self) -> Answer<'_, Result<(), StoreError>>;
}

/// What is told of a delivery that was given up, in place of what its receiver said.
pub(super) const TOLD: &str = "đã xóa dữ liệu cá nhân theo yêu cầu; erased on request";

impl Erasable {
    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.names.iter().all(|name| self.before.contains_key(name))
            && self.texts.is_empty()
            && self.messages.is_empty()
            && self.letters == 0
            && self.files.going.is_empty()
    }

    /// What the entry says.
    pub(super) fn text(&self, erasing: &Erasing) -> ErasureText {
        ErasureText {
            names: self.names.clone(),
            asked_by: erasing.asked_by,
            reason: erasing.reason.clone(),
            texts: self.texts.iter().copied().collect(),
            messages: self.messages.iter().copied().collect(),
            files: self.files.going.len() as u64,
        }
    }
}

impl Erasure {
    /// Out of the row of its entry: position, text, public text.
    pub(super) fn read(position: u64, text: &[u8], public: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| {
            StoreError::fault(format!("the erasure at position {position} is damaged: {error}"))
        };
        let told = str::from_utf8(text).map_err(|error| damaged(&error))?;
        let entry = Entry::parse(told).map_err(|error| damaged(&error))?;
        if entry.public != Digest::of(public) {
            return Err(damaged(&"its text is another"));
        }
        let text = ErasureText::read(public).map_err(|error| damaged(&error))?;
        Ok(Self { position, recorded_at: entry.recorded_at, text })
    }
}

/// A time as a store has it.
pub(super) fn time(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::fault("the time of an erasure is damaged"))
}

/// How the channels of a name's agency begin, and the first text behind all that begin so.
pub(super) fn channels_of(name: &Identity) -> (String, String) {
    let agency = name.agency();
    // What follows a point in the order of bytes.
    (format!("{agency}."), format!("{agency}/"))
}

/// Whether raw bytes hold a code as a word of its own, and not as a part of a longer one.
pub(super) fn holds_code(bytes: &[u8], code: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    memchr::memmem::find_iter(bytes, code.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !is_part(before) && !is_part(bytes.get(at + code.len()))
    })
}

/// What the journal tells of erasures, while it is read in order.
#[derive(Debug, Default)]
pub struct Told {
    /// Positions that commit to a personal text which is not there.
    gone: BTreeSet<u64>,
    /// Names, each with the position of its first erasure.
    names: BTreeMap<String, u64>,
}

impl Told {
    /// Notes that an entry commits to a personal text which is not there.
    pub(super) fn gone(&mut self, position: u64) {
        self.gone.insert(position);
    }

    /// Takes an erasure.
    pub(super) fn take(&mut self, position: u64, text: ErasureText, verdict: &mut Verdict) {
        for text in text.texts {
            if !self.gone.remove(&text) {
                let fault = "was erased, but it is there";
                verdict.add(format!("the personal text of position {text} {fault}"));
            }
        }
        for name in text.names {
            self.names.entry(name).or_insert(position);
        }
    }

    /// Compares with the names that are stored as erased, and with the messages that are marked so:
    /// those whose erasure is none, and those whose raw bytes are there.
    pub(super) fn close(
        &self,
        stored: &BTreeMap<String, u64>,
        messages: (&[u64], &[u64]),
        verdict: &mut Verdict,
    ) {
        for position in &self.gone {
            let fault = "is gone, and was not erased";
            verdict.add(format!("the personal text of position {position} {fault}"));
        }
        let names: BTreeSet<&String> = self.names.keys().chain(stored.keys()).collect();
        for name in names {
            match (self.names.get(name), stored.get(name)) {
                (told, found) if told == found => {}
                (Some(_), None) => verdict.add(format!("that `{name}` was erased is not stored")),
                _ => verdict.add(format!("`{name}` is stored as erased otherwise than is told")),
            }
        }
        let (unfounded, kept) = messages;
        for message in unfounded {
            verdict.add(format!("message {message} is marked erased by what is no erasure"));
        }
        for message in kept {
            verdict.add(format!("the raw bytes of message {message} were erased, but are there"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_held_as_a_word() {
        for (bytes, holds) in [
            ("{\"ma\": \"X-1\"}", true),
            ("X-1", true),
            ("X-10;Y;X-1;Z", true),
            ("X-10", false),
            ("AX-1", false),
            ("", false),
        ] {
            assert_eq!(holds_code(bytes.as_bytes(), "X-1"), holds, "{bytes}");
        }
    }
}
