//! Attempts at messages: what is known under an id, and what a sender is told.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use contracts::{Outcome, Receipt, Refusal};
use foldhash::fast::RandomState;
use jiff::Timestamp;

use super::told::{Compared, SentAgain, ToldBefore};
use crate::{
    journal::{commitment::DedupHash, entry::Mode, merkle::Digest},
    store::{Payload, Prepared, Submission, outcome_of, source_of},
};

/// Channel and id of a message.
pub type MessageKey = (String, String);

/// One attempt, as stored or as a batch is making it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The hub's number of it.
    pub message: u64,
    /// The channel.
    pub channel: String,
    /// The id.
    pub id: String,
    /// The attempt before it under the same id.
    pub previous: Option<u64>,
    /// Keyed hash of the raw bytes.
    pub dedup: DedupHash,
    /// The channel's mode.
    pub mode: Mode,
    /// Hash of the mapping.
    pub mapping: Digest,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The chunk wanted next.
    pub next_chunk: u32,
    /// The outcome; `None` while it is being received.
    pub outcome: Option<Outcome>,
    /// Records stored.
    pub records: u64,
    /// Records refused.
    pub refused: u64,
    /// The erasure by which its raw bytes went, or for which they are not kept.
    pub erased: Option<u64>,
    /// Records of which personal members were dropped, since they were erased before.
    pub dropped: u64,
    /// Its first and last entry.
    pub positions: Option<(u64, u64)>,
    /// Its first refusals, as many as a receipt carries.
    pub refusals: Vec<Refusal>,
}

/// How a batch leaves an attempt.
#[derive(Debug, Clone)]
pub struct Written {
    /// The attempt.
    pub attempt: Attempt,
    /// Its raw bytes, for one that is new.
    pub payload: Option<Arc<Payload>>,
    /// Whether the batch changed or made it.
    pub changed: bool,
}

/// What a chunk means to a message.
pub(super) enum Decision {
    /// A new attempt; the one before it under this id, if any.
    Fresh { previous: Option<usize> },
    /// The next chunk of a message being received.
    Continue(usize),
    /// A chunk that is durable already; the one wanted.
    Skip { next: u32 },
    /// The message is known: repeat its outcome.
    Known(usize),
    /// Other content under an id that has stored something.
    Conflict { known: usize },
}

/// The attempts that a batch may meet.
#[derive(Debug, Default)]
pub struct Attempts {
    all: Vec<Written>,
    by_key: HashMap<MessageKey, usize, RandomState>,
    conflicts: HashMap<(MessageKey, DedupHash), usize, RandomState>,
    told: ToldBefore,
}

impl Attempts {
    /// The attempt that decides for its id.
    pub fn deciding(&mut self, attempt: Attempt) {
        let key = (attempt.channel.clone(), attempt.id.clone());
        let at = self.push(attempt, None);
        self.by_key.insert(key, at);
    }

    /// An attempt that was kept as a conflict.
    pub fn conflicting(&mut self, attempt: Attempt) {
        let key = (attempt.channel.clone(), attempt.id.clone());
        let dedup = attempt.dedup;
        let at = self.push(attempt, None);
        self.conflicts.insert((key, dedup), at);
    }

    /// Adds what was read of other ids; what was read of the same ones is the same. Of what was
    /// brought up since, the latest decides.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { all, by_key, conflicts, told } = other;
        self.told.absorb(told);
        let kept: HashSet<usize> = conflicts.into_values().collect();
        for (at, Written { attempt, .. }) in all.into_iter().enumerate() {
            let key = (attempt.channel.clone(), attempt.id.clone());
            if !kept.contains(&at) {
                if by_key.get(&key) == Some(&at) && !self.by_key.contains_key(&key) {
                    self.deciding(attempt);
                }
            } else if !self.conflicts.contains_key(&(key, attempt.dedup)) {
                self.conflicting(attempt);
            }
        }
    }

    fn push(&mut self, attempt: Attempt, payload: Option<Arc<Payload>>) -> usize {
        let changed = payload.is_some();
        self.all.push(Written { attempt, payload, changed });
        self.all.len() - 1
    }

    /// Decides what a chunk means, by semantics §1.
    pub(super) fn decide(&self, chunk: &Submission) -> Decision {
        let key = (chunk.channel.clone(), chunk.id.clone());
        let Some(at) = self.by_key.get(&key).copied() else {
            return Decision::Fresh { previous: None };
        };
        let known = &self.all[at].attempt;
        let same = known.dedup == chunk.dedup;
        let same_mapping = known.mapping == chunk.mapping;
        // What a channel told in trial counted nowhere, and its ids were for trying: once it is
        // promoted, they begin anew.
        if known.mode == Mode::Trial && chunk.mode != Mode::Trial && !chunk.again {
            return Decision::Fresh { previous: Some(at) };
        }
        match known.outcome {
            // Translated again: what has another content by now, or this mapping, stays.
            Some(_) if chunk.again && same && !same_mapping => {
                Decision::Fresh { previous: Some(at) }
            }
            Some(_) if chunk.again => Decision::Known(at),
            None if same && same_mapping => match chunk.chunk.cmp(&known.next_chunk) {
                Ordering::Equal => Decision::Continue(at),
                _ => Decision::Skip { next: known.next_chunk },
            },
            // The mapping was mended while the message was being received: begin again.
            None if same => Decision::Fresh { previous: Some(at) },
            Some(Outcome::Refused) if !same || !same_mapping => {
                Decision::Fresh { previous: Some(at) }
            }
            Some(Outcome::Partial) if same && !same_mapping => {
                Decision::Fresh { previous: Some(at) }
            }
            // An empty list stored nothing that other content could contradict.
            Some(Outcome::Stored) if !same && known.records == 0 => {
                Decision::Fresh { previous: Some(at) }
            }
            Some(_) if same => Decision::Known(at),
            _ => match self.conflicts.get(&(key, chunk.dedup)) {
                Some(kept) => Decision::Known(*kept),
                None => Decision::Conflict { known: at },
            },
        }
    }

    /// Whether a chunk may write records, as far as is known before the batch runs: the chunks
    /// before it may be on their way still.
    pub fn may_store(&self, chunk: &Submission) -> bool {
        match self.decide(chunk) {
            Decision::Fresh { .. } | Decision::Continue(_) => true,
            Decision::Skip { next } => chunk.chunk > next,
            Decision::Known(_) | Decision::Conflict { .. } => false,
        }
    }

    /// Which of what was told before must be read for some chunks: of messages that are taken anew
    /// under a mended mapping.
    pub fn sent_again(&self, chunks: &[Submission]) -> Vec<SentAgain> {
        let last = |chunk: &Submission| match self.decide(chunk) {
            _ if chunk.again => None,
            Decision::Fresh { previous: Some(at) } => Some(self.all[at].attempt.message),
            Decision::Continue(at) => self.all[at].attempt.previous,
            Decision::Skip { next } if chunk.chunk > next => {
                let key = (chunk.channel.clone(), chunk.id.clone());
                self.by_key.get(&key).and_then(|at| self.all[*at].attempt.previous)
            }
            _ => None,
        };
        chunks.iter().filter_map(|chunk| SentAgain::of(chunk, last(chunk)?)).collect()
    }

    /// Adds what was told before.
    pub fn told_before(&mut self, told: ToldBefore) {
        self.told.absorb(told);
    }

    /// Whether anything was told before of the messages of a batch.
    pub(super) fn have_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// Compares what comes of a record of an attempt with what earlier ones have told of it.
    pub(super) fn compare(
        &mut self,
        at: usize,
        record: Option<u32>,
        made: &[Prepared],
    ) -> Vec<Compared> {
        if self.told.is_empty() {
            return vec![Compared::New; made.len()];
        }
        let attempt = &self.all[at].attempt;
        let key = (attempt.channel.clone(), attempt.id.clone());
        self.told.compare(&key, record, made)
    }

    /// The positions between what was told before of an attempt's message and what the attempt
    /// tells, of which the first of this chunk is given.
    pub(super) fn meanwhile(&self, at: usize, first: u64) -> Option<Range<u64>> {
        let attempt = &self.all[at].attempt;
        let key = (attempt.channel.clone(), attempt.id.clone());
        Some(self.told.last(&key)? + 1..attempt.positions.map_or(first, |(first, _)| first))
    }

    /// Begins an attempt: one that decides for its id, or a conflict with another.
    pub(super) fn begin(
        &mut self,
        chunk: &Submission,
        (message, at): (u64, Timestamp),
        previous: Option<usize>,
        conflict: bool,
    ) -> usize {
        let attempt = Attempt {
            message,
            channel: chunk.channel.clone(),
            id: chunk.id.clone(),
            previous: previous.map(|at| self.all[at].attempt.message),
            dedup: chunk.dedup,
            mode: chunk.mode,
            mapping: chunk.mapping,
            recorded_at: at,
            next_chunk: 0,
            outcome: None,
            records: 0,
            refused: 0,
            erased: None,
            dropped: 0,
            positions: None,
            refusals: Vec::new(),
        };
        let key = (chunk.channel.clone(), chunk.id.clone());
        let at = self.push(attempt, Some(chunk.payload.clone()));
        if conflict {
            self.conflicts.insert((key, chunk.dedup), at);
        } else {
            self.by_key.insert(key, at);
        }
        at
    }

    /// Adds a chunk's records, refusals and positions.
    pub(super) fn advance(
        &mut self,
        at: usize,
        next_chunk: u32,
        (records, refusals): (u64, &[Refusal]),
        positions: Option<(u64, u64)>,
    ) {
        let written = &mut self.all[at];
        written.changed = true;
        let attempt = &mut written.attempt;
        attempt.next_chunk = next_chunk;
        attempt.records += records;
        attempt.refused += refusals.len() as u64;
        let room = Receipt::REFUSALS_MAX.saturating_sub(attempt.refusals.len());
        attempt.refusals.extend(refusals.iter().take(room).cloned());
        if let Some((first, last)) = positions {
            let first = attempt.positions.map_or(first, |(known, _)| known);
            attempt.positions = Some((first, last));
        }
    }

    /// Keeps no raw bytes of an attempt, for the sake of an erasure, and counts records of which
    /// persons were dropped.
    pub(super) fn withhold(&mut self, at: usize, erasure: u64, dropped: u64) {
        let attempt = &mut self.all[at].attempt;
        attempt.erased.get_or_insert(erasure);
        attempt.dropped += dropped;
    }

    /// Gives an attempt its outcome: the one told, or the one that its counts make.
    pub(super) fn settle(&mut self, at: usize, outcome: Option<Outcome>) {
        let written = &mut self.all[at];
        written.changed = true;
        let counts = outcome_of(written.attempt.records, written.attempt.refused);
        written.attempt.outcome = Some(outcome.unwrap_or(counts));
    }

    /// An attempt by its place.
    pub(super) fn at(&self, at: usize) -> &Attempt {
        &self.all[at].attempt
    }

    /// The receipt of an attempt that has its outcome; `again`: it was sent once more.
    pub(super) fn receipt(&self, at: usize, again: bool) -> Receipt {
        let attempt = &self.all[at].attempt;
        // Only attempts with an outcome are asked for their receipt.
        let first = attempt.outcome.unwrap_or(Outcome::Refused);
        Receipt {
            source: source_of(&attempt.channel),
            id: attempt.id.clone(),
            outcome: if again { Outcome::Duplicate } else { first },
            first: again.then_some(first),
            recorded_at: attempt.recorded_at,
            records: attempt.records,
            refused: attempt.refused,
            refusals: attempt.refusals.clone(),
            erased: contracts::Erased::of(attempt.dropped),
        }
    }

    /// What a batch made or changed, in the order of its numbers.
    pub(super) fn changed(self) -> Vec<Written> {
        self.all.into_iter().filter(|written| written.changed).collect()
    }
}
