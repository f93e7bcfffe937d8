//! One entry, read alone: whether it is what it says, and what it names.

use std::collections::BTreeSet;

use crate::{
    journal::{
        commitment::{Commitment, Salt, commit},
        entry::{Entry, EntryKind},
        exact::Exact,
        log::{Decision, Log},
        merkle::{Digest, leaf_hash},
    },
    registry::{ErasureText, report::FreezeText},
    store::{
        StoreError,
        attachments::named_in,
        decode::Stored,
        replay::{self, About},
        rules::{ReferenceName, ReferenceText},
    },
};

/// What a commitment commits to, with its salt.
pub(in crate::store) type Salted = Option<([u8; 32], Vec<u8>)>;

/// What is there, but sealed by a key that is not here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Unread {
    pub(in crate::store) personal: bool,
    pub(in crate::store) raw: bool,
}

/// One entry as a row shows it.
#[derive(Clone, Copy)]
pub(in crate::store) struct EntryRow<'a> {
    pub(in crate::store) position: u64,
    pub(in crate::store) kind: &'a str,
    pub(in crate::store) text: &'a [u8],
    pub(in crate::store) public: &'a [u8],
    pub(in crate::store) personal: SaltedRow<'a>,
    /// What the raw bytes of its message come to, at the message's first entry.
    pub(in crate::store) raw: Option<Commitment>,
    /// What of both is there, but sealed by a key that is not here.
    pub(in crate::store) unread: Unread,
}

/// What a commitment commits to, with its salt, as a row shows it.
pub(in crate::store) type SaltedRow<'a> = Option<([u8; 32], &'a [u8])>;

/// One entry, owned: other threads work at it.
pub(in crate::store) struct EntryCopy {
    pub(in crate::store) position: u64,
    pub(in crate::store) kind: String,
    pub(in crate::store) text: Vec<u8>,
    pub(in crate::store) public: Vec<u8>,
    pub(in crate::store) personal: Salted,
    /// The raw bytes of its message, at the message's first entry.
    pub(in crate::store) raw: Salted,
    pub(in crate::store) unread: Unread,
}

impl EntryCopy {
    /// What folds read of it.
    pub(in crate::store) fn stored(&self) -> Stored<'_> {
        Stored { position: self.position, kind: &self.kind, text: &self.text, public: &self.public }
    }

    /// The same as a row.
    pub(in crate::store) fn row(&self) -> EntryRow<'_> {
        fn salted(part: &Salted) -> SaltedRow<'_> {
            part.as_ref().map(|(salt, bytes)| (*salt, bytes.as_slice()))
        }
        EntryRow {
            position: self.position,
            kind: &self.kind,
            text: &self.text,
            public: &self.public,
            personal: salted(&self.personal),
            raw: salted(&self.raw).map(commitment),
            unread: self.unread,
        }
    }

    /// The hash of the rules that it puts in force, where it does.
    pub(in crate::store) fn rules(&self) -> Result<Option<Digest>, StoreError> {
        rules(&self.stored())
    }
}

/// The hash of the rules that an entry puts in force, where it does.
pub(in crate::store) fn rules(entry: &Stored<'_>) -> Result<Option<Digest>, StoreError> {
    let rules = reference(entry)?.filter(|text| text.name == ReferenceName::Rules);
    Ok(rules.map(|text| text.content))
}

/// What an entry is a version of and the hash of that, where it is a reference.
fn reference(entry: &Stored<'_>) -> Result<Option<ReferenceText>, StoreError> {
    let refers = entry.kind == EntryKind::Reference.as_str();
    refers.then(|| ReferenceText::read(entry.public)).transpose()
}

impl<'a> EntryRow<'a> {
    /// What folds read of it.
    fn stored(&self) -> Stored<'a> {
        Stored { position: self.position, kind: self.kind, text: self.text, public: self.public }
    }

    /// Whether no personal text is there.
    fn lacks_persons(&self) -> bool {
        self.personal.is_none() && !self.unread.personal
    }

    /// What it names by its hash, where it does.
    fn refers(&self) -> Result<Option<Refers>, StoreError> {
        if self.kind == EntryKind::Freeze.as_str() {
            let text = FreezeText::read(self.public);
            let text = text.map_err(|error| StoreError::fault(format!("a freeze: {error}")))?;
            if text.as_of > self.position {
                return Err(StoreError::fault("a freeze rests on entries behind it"));
            }
            return Ok(Some(Refers::Report(text.figures)));
        }
        Ok(reference(&self.stored())?.map(|text| match text.name {
            ReferenceName::Rules => Refers::Rules(text.content),
            ReferenceName::Catalogue => Refers::Catalogue(text.content),
        }))
    }
}

/// What an entry names by its hash.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum Refers {
    /// Rules that folds depend on.
    Rules(Digest),
    /// A catalogue.
    Catalogue(Digest),
    /// A frozen report.
    Report(Digest),
}

impl Refers {
    /// The hash.
    pub(in crate::store) fn content(self) -> Digest {
        match self {
            Self::Rules(hash) | Self::Catalogue(hash) | Self::Report(hash) => hash,
        }
    }
}

/// What one entry shows, read alone.
pub(in crate::store) struct Checked {
    pub(in crate::store) position: u64,
    pub(in crate::store) leaf: Digest,
    pub(in crate::store) told: About,
    pub(in crate::store) refers: Option<Refers>,
    /// What was decided, where it tells that.
    pub(in crate::store) decided: Option<Decision>,
    /// What was erased, where it tells that.
    pub(in crate::store) erases: Option<ErasureText>,
    /// Whether it commits to a personal text that is not there.
    pub(in crate::store) lacks_persons: bool,
    /// Digests of the files that it names.
    pub(in crate::store) files: BTreeSet<String>,
    /// How much of it was not compared, since it is sealed by a key that is not here.
    pub(in crate::store) unread: u64,
    pub(in crate::store) faults: Vec<String>,
}

/// Checks one entry: its text, its log, its texts' hashes, its leaf.
pub(in crate::store) fn check(row: EntryRow<'_>, log: &Log) -> Checked {
    let mut checked = Checked {
        position: row.position,
        leaf: leaf_hash(row.text),
        told: About::Nothing,
        refers: None,
        decided: None,
        erases: None,
        lacks_persons: false,
        files: row.personal.map(|(_, text)| named_in(text)).unwrap_or_default(),
        unread: u64::from(row.unread.personal) + u64::from(row.unread.raw),
        faults: Vec::new(),
    };
    let position = row.position;
    let told = match agrees(row, log) {
        Ok(agreed) => {
            (checked.refers, checked.decided) = (agreed.refers, agreed.decided);
            (checked.erases, checked.lacks_persons) = (agreed.erases, agreed.lacks_persons);
            agreed.told
        }
        Err(fault) => {
            checked.faults.push(format!("position {position}: {fault}"));
            checked.lacks_persons = row.lacks_persons();
            replay::told(&row.stored())
        }
    };
    match told {
        Ok(told) => checked.told = told,
        Err(error) => checked.faults.push(error.reason),
    }
    checked
}

/// What an entry tells of, what it refers to, decides and erases, where it does.
struct Agreed {
    told: Result<About, StoreError>,
    refers: Option<Refers>,
    decided: Option<Decision>,
    erases: Option<ErasureText>,
    lacks_persons: bool,
}

/// Whether an entry's text is one of its log, and everything it names is what it names.
fn agrees(row: EntryRow<'_>, log: &Log) -> Result<Agreed, String> {
    let text = simdutf8::basic::from_utf8(row.text);
    let text = text.map_err(|_| "the entry's text is not UTF-8".to_owned())?;
    let owned;
    let entry = match Exact::read(text) {
        Some(exact) => exact,
        None => {
            owned = Entry::parse(text).map_err(|error| error.to_string())?;
            Exact::from(&owned)
        }
    };
    if entry.position != row.position {
        return Err(format!("the entry's text says position {}", entry.position));
    }
    if entry.log_id != log.of(row.position) {
        return Err(format!("the entry's text says it is of the log {}", entry.log_id));
    }
    if entry.kind.as_str() != row.kind {
        return Err(format!("the entry's text says {}", entry.kind.as_str()));
    }
    if entry.public != Digest::of(row.public) {
        return Err("the public text is not the one the entry names".to_owned());
    }
    if !holds(entry.personal, row.personal.map(commitment)) {
        return Err("the personal text is not the one the entry commits to".to_owned());
    }
    if !holds(entry.raw, row.raw) {
        return Err("the raw bytes are not those the entry commits to".to_owned());
    }
    let refers = row.refers().map_err(|error| error.reason)?;
    let decides = entry.kind == EntryKind::Decision;
    let decided = decides.then(|| Decision::read(row.public)).transpose();
    let decided = decided.map_err(|error| format!("a decision: {error}"))?;
    let erases = entry.kind == EntryKind::Erasure;
    let erases = erases.then(|| ErasureText::read(row.public)).transpose();
    let erases = erases.map_err(|error| format!("an erasure: {error}"))?;
    let lacks_persons = entry.personal.is_some() && row.lacks_persons();
    let told = replay::told_under(entry.contract, &row.stored());
    Ok(Agreed { told, refers, decided, erases, lacks_persons })
}

/// What was erased or pruned leaves its commitment behind.
fn holds(said: Option<Commitment>, found: Option<Commitment>) -> bool {
    found.is_none_or(|found| said == Some(found))
}

fn commitment((salt, bytes): ([u8; 32], &[u8])) -> Commitment {
    commit(&Salt::from_bytes(salt), bytes)
}
