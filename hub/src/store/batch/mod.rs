//! One transaction, decided: from what is stored and what has come to the rows to write. Pure.
//!
//! Every backend does the same four things: it reads what [`wanted`] names, takes the journal's
//! head, calls [`run`], and writes the [`Changes`]. So what a message becomes is decided here
//! alone, whatever keeps it.

pub mod attempt;
pub mod changes;
pub mod days;
pub mod erased;
pub mod lattice;
pub mod marks;
pub mod records;
pub mod refused;
mod refusing;
pub mod rollups;
pub mod slot;
pub mod subjects;
pub mod tip;
pub mod told;
pub mod varint;
pub mod year;

use std::collections::{BTreeMap, BTreeSet};

use contracts::{Later, Refusal};
use jiff::Timestamp;

pub use attempt::{Attempt, Attempts, MessageKey, Written};
pub use changes::{Changes, Delta, Heard, MemberRow, Moved, NewEntry};
pub use erased::{Erased, erasable_codes};
pub use lattice::{Level, RollupKey};
pub use marks::Marks;
pub use records::{Records, Replaced};
pub use refused::{OpenRefusal, Refused};
pub use rollups::{KnownPlace, Rollups};
pub use subjects::{Subjects, code_of, code_of_text};
pub use tip::{Said, Tip};
pub use told::{SentAgain, Told, ToldBefore};
pub use year::YearSums;

use super::{Item, Prepared, Reply, Rules, Submission, deliveries::Outgoing};
use crate::{
    journal::entry::{EntryError, EntryKind, Mode},
    registry::{Identity, Observation, RecordName, RecordRow, exchange::yields_to},
};
use attempt::Decision;
use told::Compared;

/// What a backend has read for a batch.
#[derive(Debug)]
pub struct Known {
    /// The journal's end, with nobody else appending.
    pub tip: Tip,
    /// Attempts under the batch's ids.
    pub attempts: Attempts,
    /// Dossiers that its records may touch.
    pub subjects: Subjects,
    /// Records about no dossier that it may touch.
    pub records: Records,
    /// Of its channels that are read, those whose turn is in force, with its token.
    pub turns: BTreeMap<String, u64>,
    /// Names that its records may bear and whose persons were erased.
    pub erased: Erased,
}

/// What a batch needs of messages, dossiers, other records and erasures.
pub type Needs = (Attempts, Subjects, Records, Erased);

impl Known {
    /// Nothing yet but the journal's end.
    pub fn at(tip: Tip) -> Self {
        let (attempts, subjects, records, turns, erased) = Default::default();
        Self { tip, attempts, subjects, records, turns, erased }
    }

    /// Adds what another batch needs, read at the same state of the store.
    pub fn absorb(&mut self, (attempts, subjects, records, erased): Needs) {
        self.attempts.absorb(attempts);
        self.subjects.absorb(subjects);
        self.records.absorb(records);
        self.erased.absorb(erased);
    }
}

/// What a batch may touch: names and codes of dossiers, and names of other records.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Names.
    pub identities: BTreeSet<Identity>,
    /// National codes in canonical spelling.
    pub codes: BTreeSet<String>,
    /// Records about no dossier.
    pub records: BTreeSet<RecordName>,
    /// Whether all observations are wanted whole: where one takes the place of another, any may
    /// be the latest.
    pub whole: bool,
}

/// Channels and ids of a batch, sorted, each once.
pub fn message_keys(batch: &[Submission]) -> Vec<MessageKey> {
    let keys: BTreeSet<MessageKey> =
        batch.iter().map(|chunk| (chunk.channel.clone(), chunk.id.clone())).collect();
    keys.into_iter().collect()
}

/// Which dossiers and records must be read, the batch's attempts being known.
pub fn wanted(batch: &[Submission], attempts: &Attempts) -> Wanted {
    let mut wanted = Wanted { whole: attempts.have_told(), ..Wanted::default() };
    for chunk in batch.iter().filter(|chunk| attempts.may_store(chunk)) {
        for one in chunk.items.iter().flat_map(|item| item.outcome.iter().flatten()) {
            wanted.whole |= one.supersedes.is_some();
            let named = one.telling.iter().map(|telling| &telling.name);
            wanted.records.extend(named.clone().cloned());
            wanted.records.extend(named.filter_map(yields_to));
            let Some(content) = &one.content else { continue };
            wanted.identities.insert(content.identity());
            wanted.codes.extend(code_of(content));
        }
    }
    wanted
}

/// Runs a batch, chunk by chunk in order. A chunk that cannot be written is answered `Later` and
/// leaves nothing behind.
pub fn run(
    known: Known,
    batch: &[Submission],
    rules: &Rules,
    clock: Timestamp,
) -> (Changes, Vec<Result<Reply, Later>>) {
    let Known { tip, attempts, subjects, records, turns, erased } = known;
    let changes = Changes::new(tip);
    let mut work = Work { changes, attempts, subjects, records, erased, rules, clock };
    let replies = batch.iter().map(|chunk| work.read_or_sent(chunk, &turns)).collect();
    let Work { mut changes, attempts, subjects, records, .. } = work;
    changes.collect(attempts.changed(), subjects, records);
    (changes, replies)
}

struct Work<'a> {
    changes: Changes,
    attempts: Attempts,
    subjects: Subjects,
    records: Records,
    erased: Erased,
    rules: &'a Rules,
    clock: Timestamp,
}

/// Longest id and key that surely fit an entry's text, however they are escaped.
const NAME_BYTES_MAX: usize = 1_024;

fn fits(chunk: &Submission) -> bool {
    let keys = chunk.items.iter().flat_map(|item| item.outcome.iter().flatten());
    chunk.id.len() <= NAME_BYTES_MAX
        && chunk.channel.len() <= NAME_BYTES_MAX
        && keys.into_iter().all(|one| one.key.len() <= NAME_BYTES_MAX)
}

fn unfit(error: &EntryError) -> Later {
    tracing::error!(error = %error, "a chunk makes no entry");
    Later { reason: "the store cannot take this message".to_owned(), retry_after_seconds: 30 }
}

/// The turn of reading has passed to another, or has run out.
fn not_in_force() -> Later {
    Later { reason: "another process reads this channel".to_owned(), retry_after_seconds: 5 }
}

impl Work<'_> {
    /// A chunk; one that was read is taken only while its turn is in force, and moves the cursor
    /// when its message has an outcome, whichever that is.
    fn read_or_sent(
        &mut self,
        chunk: &Submission,
        turns: &BTreeMap<String, u64>,
    ) -> Result<Reply, Later> {
        let Some(advance) = &chunk.advance else { return self.chunk(chunk) };
        if turns.get(&chunk.channel) != Some(&advance.token) {
            return Err(not_in_force());
        }
        let reply = self.chunk(chunk)?;
        if matches!(reply, Reply::Done(_)) {
            let (channel, advance) = (chunk.channel.clone(), advance.clone());
            self.changes.moved.push(Moved { channel, advance });
        }
        Ok(reply)
    }

    fn chunk(&mut self, chunk: &Submission) -> Result<Reply, Later> {
        if !fits(chunk) {
            return Err(unfit(&EntryError::TooLong(NAME_BYTES_MAX)));
        }
        match self.attempts.decide(chunk) {
            Decision::Known(at) => Ok(Reply::Done(self.attempts.receipt(at, true))),
            Decision::Skip { next } => Ok(Reply::Next(next)),
            Decision::Conflict { known } => self.keep_conflict(chunk, known),
            // A later chunk of an attempt that is not there: begin with the first.
            Decision::Fresh { .. } if chunk.chunk > 0 => Ok(Reply::Next(0)),
            Decision::Fresh { previous } => {
                let at = self.begin(chunk, previous, false);
                self.items(chunk, at)
            }
            Decision::Continue(at) => self.items(chunk, at),
        }
    }

    fn begin(&mut self, chunk: &Submission, previous: Option<usize>, conflict: bool) -> usize {
        if let Some(previous) = previous.filter(|_| !conflict) {
            // Whatever becomes of it, this attempt decides for the id from here on.
            self.changes.refused.in_place_of(self.attempts.at(previous).message);
        }
        let tip = &mut self.changes.tip;
        tip.messages += 1;
        let numbered = (tip.messages, tip.now(self.clock));
        self.attempts.begin(chunk, numbered, previous, conflict)
    }

    /// Writes the records of a chunk, each an entry and its effect; refusals share one entry.
    fn items(&mut self, chunk: &Submission, at: usize) -> Result<Reply, Later> {
        let first = self.changes.tip.next();
        let (mut refusals, mut keys) = (Vec::new(), Vec::new());
        let mut records = 0;
        for Item { record, key, outcome } in chunk.items.iter() {
            match outcome {
                Ok(prepared) => {
                    let spared = self.spared(at, prepared);
                    let prepared = &*spared;
                    let compared = self.attempts.compare(at, *record, prepared);
                    for (one, compared) in prepared.iter().zip(compared) {
                        if self.is_moot(one) {
                            continue;
                        }
                        records += 1;
                        let supersedes = match compared {
                            // It was told, and delivered, when it was first sent.
                            Compared::Same => continue,
                            Compared::Differs(_) if self.is_overtaken(at, first, one) => continue,
                            // What is about no dossier is replaced by a later version alone.
                            Compared::Differs(position) if one.content.is_some() => Some(position),
                            Compared::Differs(_) | Compared::New => one.supersedes,
                        };
                        self.observe(chunk, at, *record, (one, supersedes))?;
                    }
                }
                Err(problems) => {
                    self.refused_of((at, &chunk.channel), key.as_deref());
                    refusals.push(Refusal { record: *record, problems: problems.clone() });
                    keys.push(key.as_deref());
                }
            }
        }
        if !refusals.is_empty() {
            self.refuse(chunk, at, &refusals, &keys)?;
        }
        let next = self.changes.tip.next();
        let positions = (next > first).then(|| (first, next - 1));
        self.attempts.advance(at, chunk.chunk + 1, (records, &refusals), positions);
        if !chunk.last {
            return Ok(Reply::Next(chunk.chunk + 1));
        }
        self.attempts.settle(at, None);
        Ok(Reply::Done(self.attempts.receipt(at, false)))
    }

    /// Whether a record may be told no more, since that has come to which it yields.
    fn is_moot(&self, one: &Prepared) -> bool {
        let named = one.telling.as_ref().and_then(|telling| yields_to(&telling.name));
        named.is_some_and(|name| self.records.has(&name))
    }

    /// Whether a record that comes out otherwise would be put above what its source has said since
    /// it was told, because it declares no version.
    fn is_overtaken(&self, at: usize, first: u64, one: &Prepared) -> bool {
        let snapshot = one
            .content
            .as_ref()
            .filter(|content| content.snapshot().is_some_and(|body| body.source_version.is_none()));
        let meanwhile = self.attempts.meanwhile(at, first);
        snapshot.zip(meanwhile).is_some_and(|(content, meanwhile)| {
            self.subjects.has_spoken(&content.identity(), meanwhile)
        })
    }

    fn observe(
        &mut self,
        chunk: &Submission,
        at: usize,
        record: Option<u32>,
        (one, supersedes): (&Prepared, Option<u64>),
    ) -> Result<(), Later> {
        let kind = match one.withdraws() {
            true => EntryKind::Retraction,
            false => EntryKind::Observation,
        };
        let said = Said {
            kind,
            mode: chunk.mode,
            message: Some(self.attempts.at(at).message),
            message_id: chunk.id_given.then_some(chunk.id.as_str()),
            record,
            named: Some((one.contract.to_string(), one.key.clone())),
            raw: Some(chunk.raw),
            public: (&one.public, one.public_hash),
            personal: one.personal.as_ref(),
            mapping: Some(chunk.mapping),
            contract_hash: chunk.contracts.get(&one.contract).copied(),
            supersedes,
        };
        let entry = self.changes.tip.append(self.clock, &said).map_err(|error| unfit(&error))?;
        self.changes.refused.told(&chunk.channel, &one.key, entry.position);
        if chunk.mode == Mode::Live && !one.destinations.is_empty() {
            let again = self.attempts.at(at).previous.is_some();
            self.deliver(one, entry.position, again);
        }
        if let Some(content) = &one.content {
            let seen = Observation {
                position: entry.position,
                recorded_at: entry.recorded_at,
                counted: chunk.mode != Mode::Trial,
                content: content.clone(),
                supersedes: supersedes
                    .and_then(|position| self.subjects.id_at(&content.identity(), position)),
                content_hash: *one.public_hash.as_bytes(),
            };
            self.subjects.apply(seen, self.rules, &mut self.changes);
        }
        // What channels in trial tell is seen by their agencies alone.
        if let Some(telling) = one.telling.clone().filter(|_| chunk.mode != Mode::Trial) {
            self.records.apply(RecordRow {
                position: entry.position,
                until: None,
                telling,
                recorded_at: entry.recorded_at,
                content_hash: *one.public_hash.as_bytes(),
            });
        }
        self.changes.entries.push(entry);
        Ok(())
    }

    /// Makes the deliveries of a record, unless it says what was said before: that was delivered
    /// then. `again`: its message was sent before under the same id.
    fn deliver(&mut self, one: &Prepared, position: u64, again: bool) {
        let hash = one.public_hash.as_bytes();
        let (key, told) = match (&one.content, &one.telling) {
            (Some(content), _) => {
                let identity = content.identity();
                (identity.key(), self.subjects.has_told(&identity, hash, again))
            }
            (None, Some(telling)) => {
                // What yields to another goes before it, in the same line.
                let line = yields_to(&telling.name).unwrap_or_else(|| telling.name.clone());
                let RecordName { contract, agency, key } = line;
                (format!("{contract}/{agency}/{key}"), self.records.has_told(&telling.name, hash))
            }
            (None, None) => (format!("{}/{}", one.contract, one.key), false),
        };
        if told {
            return;
        }
        let outgoing = one.destinations.iter().map(|to| Outgoing {
            channel: to.channel.clone(),
            key: key.clone(),
            position,
            personal: to.personal,
        });
        self.changes.outgoing.extend(outgoing);
    }
}
