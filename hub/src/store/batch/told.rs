//! What earlier attempts have told of a message that is sent again under a mended mapping.
//!
//! A message of which a part was refused, or that was broken off, is taken anew when its mapping
//! was mended. What comes out as it did before adds nothing; what comes out otherwise takes the
//! place of what was told of the same record, so that the dossiers are what the mended mapping
//! alone would have made of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::RangeInclusive,
};

use foldhash::fast::RandomState;
use serde::Deserialize;

use super::attempt::MessageKey;
use crate::{
    journal::{commitment::DedupHash, entry::Mode, merkle::Digest},
    store::{Prepared, StoreError, Submission},
};

/// What is to be read of the attempts before: those of one message with the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentAgain {
    /// The message.
    pub key: MessageKey,
    /// The last of those attempts; each names the one before it.
    pub last: u64,
    /// The content, as keyed hash: an attempt with another has told something else.
    pub dedup: DedupHash,
    /// The mode: what was told in another counts otherwise.
    pub mode: Mode,
    /// The records that the chunk is of.
    pub records: RangeInclusive<u32>,
}

impl SentAgain {
    /// What is to be read for a chunk, the attempt before it being known.
    pub(super) fn of(chunk: &Submission, last: u64) -> Option<Self> {
        let records = || chunk.items.iter().filter_map(|item| item.record);
        let records = records().min()?..=records().max()?;
        let key = (chunk.channel.clone(), chunk.id.clone());
        Some(Self { key, last, dedup: chunk.dedup, mode: chunk.mode, records })
    }
}

/// One telling of an earlier attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    position: u64,
    record: u32,
    contract: String,
    key: String,
    withdraws: bool,
    public: Digest,
    personal: Option<Vec<u8>>,
    supersedes: Option<u64>,
}

/// The members of an entry's text that are compared.
#[derive(Deserialize)]
struct Named {
    contract: Option<String>,
    key: Option<String>,
    public: Digest,
    supersedes: Option<u64>,
}

impl Told {
    /// Reads a telling from its entry: kind, text, and the personal text that goes with it.
    ///
    /// # Errors
    /// When the text is not what the hub writes: names the position.
    pub fn read(
        (position, record): (u64, u32),
        (kind, text): (&str, &[u8]),
        personal: Option<Vec<u8>>,
    ) -> Result<Option<Self>, StoreError> {
        let named: Named = serde_json::from_slice(text).map_err(|error| {
            StoreError::fault(format!("the entry at position {position} is damaged: {error}"))
        })?;
        let Named { contract: Some(contract), key: Some(key), public, supersedes } = named else {
            return Ok(None);
        };
        let withdraws = kind == "retraction";
        Ok(Some(Self { position, record, contract, key, withdraws, public, personal, supersedes }))
    }

    fn is_of(&self, record: Option<u32>, one: &Prepared) -> bool {
        Some(self.record) == record
            && self.key == one.key
            && self.withdraws == one.withdraws()
            && self.contract == one.contract.to_string()
    }

    fn says(&self, one: &Prepared) -> bool {
        let personal = one.personal.as_ref().map(|personal| personal.text.as_bytes());
        self.public == one.public_hash && self.personal.as_deref() == personal
    }
}

/// How a record compares with what was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// Nothing was told of it.
    New,
    /// It says the same.
    Same,
    /// It says something else than the telling at this position.
    Differs(u64),
}

/// What was told before of a message: by position, as far as it was read, and the last position of
/// all of it.
#[derive(Debug, Default)]
struct Before {
    told: BTreeMap<u64, Told>,
    last: u64,
}

/// All that was told before of the messages of a batch.
#[derive(Debug, Default)]
pub struct ToldBefore(HashMap<MessageKey, Before, RandomState>);

impl ToldBefore {
    fn of(&mut self, key: &MessageKey) -> &mut Before {
        self.0.entry(key.clone()).or_default()
    }

    /// Adds a telling of a message.
    pub fn add(&mut self, key: &MessageKey, told: Told) {
        self.of(key).told.insert(told.position, told);
    }

    /// Adds where an attempt at a message has ended.
    pub fn ended(&mut self, key: &MessageKey, last: u64) {
        let before = self.of(key);
        before.last = before.last.max(last);
    }

    /// Adds what was read elsewhere.
    pub(super) fn absorb(&mut self, other: Self) {
        for (key, Before { told, last }) in other.0 {
            self.ended(&key, last);
            self.of(&key).told.extend(told);
        }
    }

    /// The last position of all that was told before of a message.
    pub(super) fn last(&self, key: &MessageKey) -> Option<u64> {
        self.0.get(key).map(|before| before.last)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares what comes of a record with what was told of it and stands: first what says the
    /// same, then each with the latest that is left.
    pub(super) fn compare(
        &mut self,
        key: &MessageKey,
        record: Option<u32>,
        made: &[Prepared],
    ) -> Vec<Compared> {
        let mut compared = vec![Compared::New; made.len()];
        let Some(Before { told: all, .. }) = self.0.get_mut(key) else { return compared };
        let replaced: BTreeSet<u64> = all.values().filter_map(|told| told.supersedes).collect();
        let mut take = |one: &Prepared, equal: bool| {
            let fits = |told: &&Told| {
                told.is_of(record, one)
                    && !replaced.contains(&told.position)
                    && (!equal || told.says(one))
            };
            let position = all.values().rev().find(fits)?.position;
            all.remove(&position);
            Some(position)
        };
        for (one, compared) in made.iter().zip(&mut compared) {
            if take(one, true).is_some() {
                *compared = Compared::Same;
            }
        }
        for (one, compared) in made.iter().zip(&mut compared) {
            if *compared == Compared::New
                && let Some(position) = take(one, false)
            {
                *compared = Compared::Differs(position);
            }
        }
        compared
    }
}
