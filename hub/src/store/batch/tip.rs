//! The journal's end while a batch appends to it.

use jiff::{SignedDuration, Timestamp};

use super::changes::NewEntry;
use crate::{
    journal::{
        entry::{Algorithm, Entry, EntryError, EntryKind, Mode, recorded_at},
        log::{Decision, EndedLog, Log},
        merkle::{BadFrontier, Digest, Frontier, leaf_hash},
    },
    registry::{ErasureText, report::FreezeText},
    store::{
        Personal, Rules, StoreError,
        rules::{ReferenceName, ReferenceText},
    },
};

/// How far a clock may be behind the journal's last time without a word: no two are quite alike.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Bytes of one peak as stored.
const PEAK_BYTES: usize = 32;

/// The journal's end: what the row `head` holds. It is read when nobody else may append any more.
#[derive(Debug, Clone)]
pub struct Tip {
    /// The log.
    pub log: Log,
    /// The tree over all entries.
    pub frontier: Frontier,
    /// When the last entry was recorded.
    pub recorded_at: Option<Timestamp>,
    /// Attempts numbered so far: the next message takes the number after it.
    pub messages: u64,
    /// Hash of the rules in force; `None` in a log that has been told none yet.
    pub rules: Option<Digest>,
    /// The position of the last erasure, where there was one.
    pub erased: Option<u64>,
}

/// What an entry says, beside what the journal itself gives it.
#[derive(Debug)]
pub struct Said<'a> {
    /// Kind.
    pub kind: EntryKind,
    /// Mode of the channel.
    pub mode: Mode,
    /// The attempt it came by.
    pub message: Option<u64>,
    /// The id the agency gave the message.
    pub message_id: Option<&'a str>,
    /// Number of the record in the payload.
    pub record: Option<u32>,
    /// Contract and key of the record.
    pub named: Option<(String, String)>,
    /// Commitment of the raw bytes.
    pub raw: Option<crate::journal::commitment::Commitment>,
    /// The public text and its hash.
    pub public: (&'a str, Digest),
    /// The personal text.
    pub personal: Option<&'a Personal>,
    /// Hash of the mapping.
    pub mapping: Option<Digest>,
    /// Hash of the contract.
    pub contract_hash: Option<Digest>,
    /// Position of what it replaces.
    pub supersedes: Option<u64>,
}

/// Peaks out of their stored form.
///
/// # Errors
/// When they do not belong to a tree of that size.
pub fn frontier(size: u64, peaks: &[u8]) -> Result<Frontier, BadFrontier> {
    let digests = peaks.chunks(PEAK_BYTES).filter_map(|chunk| chunk.try_into().ok());
    Frontier::from_parts(size, digests.map(Digest::from_bytes).collect())
}

impl Tip {
    /// The end of a log that has no entry yet.
    pub fn empty(log_id: String) -> Self {
        let log = Log::new(log_id);
        Self {
            log,
            frontier: Frontier::new(),
            recorded_at: None,
            messages: 0,
            rules: None,
            erased: None,
        }
    }

    /// Peaks in their stored form: 32 bytes each.
    pub fn peaks(&self) -> Vec<u8> {
        self.frontier.peaks().iter().flat_map(|peak| *peak.as_bytes()).collect()
    }

    /// The time of the next entry: never before the last one's.
    pub fn now(&self, clock: Timestamp) -> Timestamp {
        recorded_at(self.recorded_at, clock)
    }

    /// Tells the operator of a journal whose last entry was recorded by a clock that was ahead of
    /// this one: until then, all that is recorded bears that time.
    pub fn tell_ahead(&self, clock: Timestamp) {
        if let Some(last) = self.recorded_at.filter(|last| *last > clock + AHEAD_MAX) {
            tracing::error!(
                recorded_at = %last,
                "the journal's last entry is ahead of this machine's clock: until it has come, \
                 all that is recorded bears that time; see whether the clock is right"
            );
        }
    }

    /// The position of the next entry.
    pub fn next(&self) -> u64 {
        self.frontier.size()
    }

    /// Appends the reference entry that puts rules in force. The entry itself is still written
    /// under the rules before it.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub fn adopt(&mut self, clock: Timestamp, rules: &Rules) -> Result<NewEntry, StoreError> {
        let hash = rules.hash();
        let entry = self.refer(clock, ReferenceName::Rules, hash)?;
        self.rules = Some(hash);
        Ok(entry)
    }

    /// Appends the reference entry that tells of a version.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub fn refer(
        &mut self,
        clock: Timestamp,
        name: ReferenceName,
        content: Digest,
    ) -> Result<NewEntry, StoreError> {
        self.tell(clock, EntryKind::Reference, &ReferenceText::of(name, content))
    }

    /// Appends the entry that freezes a report.
    ///
    /// # Errors
    /// Those of [`Self::append`]; when the figures rest on entries that are not there.
    pub fn freeze(&mut self, clock: Timestamp, text: &FreezeText) -> Result<NewEntry, StoreError> {
        if text.as_of > self.next() {
            return Err(StoreError::fault("a freeze rests on entries that are not there"));
        }
        self.tell(clock, EntryKind::Freeze, &text.text())
    }

    /// Appends the entry that tells of an erasure.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub fn erase(&mut self, clock: Timestamp, text: &ErasureText) -> Result<NewEntry, StoreError> {
        let entry = self.tell(clock, EntryKind::Erasure, &text.text())?;
        self.erased = Some(entry.position);
        Ok(entry)
    }

    /// Goes on as a new log of this name: its first entry names the old one, its size and root.
    ///
    /// # Errors
    /// Those of [`Self::append`].
    pub fn restore(
        &mut self,
        clock: Timestamp,
        log_id: String,
        taken_at: Timestamp,
    ) -> Result<NewEntry, StoreError> {
        let (size, root) = (self.next(), self.frontier.root());
        let old = std::mem::replace(&mut self.log.id, log_id);
        self.log.ended.push(EndedLog { log_id: old.clone(), size, root });
        let told = Decision::Restoration { log_id: old, size, root, taken_at };
        self.tell(clock, EntryKind::Decision, &told.text())
    }

    /// Appends what the hub itself says.
    fn tell(
        &mut self,
        clock: Timestamp,
        kind: EntryKind,
        public: &str,
    ) -> Result<NewEntry, StoreError> {
        let said = Said {
            kind,
            mode: Mode::Live,
            message: None,
            message_id: None,
            record: None,
            named: None,
            raw: None,
            public: (public, Digest::of(public.as_bytes())),
            personal: None,
            mapping: None,
            contract_hash: None,
            supersedes: None,
        };
        self.append(clock, &said).map_err(|error| StoreError::fault(error.to_string()))
    }

    /// Appends one entry and gives the row that holds it.
    ///
    /// # Errors
    /// When its text is longer than an entry may be.
    pub fn append(&mut self, clock: Timestamp, said: &Said<'_>) -> Result<NewEntry, EntryError> {
        let (position, at) = (self.next(), self.now(clock));
        let (contract, key) = said.named.clone().unzip();
        let entry = Entry {
            log_id: self.log.id.clone(),
            position,
            recorded_at: at,
            kind: said.kind,
            hash: Algorithm::Sha256,
            message_id: said.message_id.map(ToOwned::to_owned),
            mode: said.mode,
            contract,
            key,
            raw: said.raw,
            public: said.public.1,
            personal: said.personal.map(|personal| personal.commitment),
            mapping_hash: said.mapping,
            contract_hash: said.contract_hash,
            configuration_hash: self.rules,
            supersedes: said.supersedes,
        };
        let text = entry.text()?;
        self.frontier.append(leaf_hash(text.as_bytes()));
        self.recorded_at = Some(at);
        Ok(NewEntry {
            position,
            recorded_at: at,
            message: said.message,
            record: said.record,
            kind: said.kind,
            mode: said.mode,
            text,
            public: said.public.0.to_owned(),
            personal: said.personal.cloned(),
        })
    }
}
