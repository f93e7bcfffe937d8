//! The durable truth behind one trait, one method = one transaction.
//!
//! Every backend passes the same conformance suite. What happens to dossiers and numbers when an
//! observation arrives is not a backend's business: it is [`effect`], pure code over what the
//! backend has read.

mod audit;
pub mod batch;
pub mod decode;
pub mod effect;
mod error;
mod numbers;
pub mod postgres;
pub mod replay;
pub mod rules;
pub mod short;
pub mod sqlite;
#[cfg(test)]
mod suite;

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use contracts::{ContractId, Later, Outcome, Problem, Receipt, Refusal};
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    journal::{
        commitment::{Commitment, DedupHash, Salt},
        entry::Mode,
        merkle::{Digest, TreeHead},
    },
    registry::Content,
};

pub use error::{StoreError, Trouble};
pub use rules::Rules;

/// What a store's method gives, some time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A personal text with the salt of its commitment.
#[derive(Debug, Clone)]
pub struct Personal {
    /// The salt, stored beside the text and gone with it.
    pub salt: Salt,
    /// What the entry carries.
    pub commitment: Commitment,
    /// The JSON text.
    pub text: String,
}

/// A sealed record or a retraction, ready to be written: all hashing is done.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its contract.
    pub contract: ContractId,
    /// Its key within its source.
    pub key: String,
    /// The public text.
    pub public: String,
    /// The hash of the public text.
    pub public_hash: Digest,
    /// The personal text, where there is one.
    pub personal: Option<Personal>,
    /// What the dossier fold takes from its public text; `None` for records that are not about
    /// dossiers.
    pub content: Option<Content>,
}

/// One record of a message, in payload order.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number in the payload, from 1; `None` for what could not be read on.
    pub record: Option<u32>,
    /// What the mapping and the contract made of it: one record may feed several contracts.
    pub outcome: Result<Vec<Prepared>, Vec<Problem>>,
}

/// The raw bytes of a message.
#[derive(Debug, Clone)]
pub struct Payload {
    /// The salt of their commitment.
    pub salt: Salt,
    /// The bytes.
    pub bytes: Bytes,
    /// Their media type, as sent.
    pub content_type: Option<String>,
}

/// A position and the personal text of the entry there.
pub type PersonalText = (u64, Vec<u8>);

/// The hash of each contract's schema text.
pub type ContractHashes = BTreeMap<ContractId, Digest>;

/// One chunk of one message: what one commit takes from it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The channel, as `agency.channel`.
    pub channel: String,
    /// The message's id within the channel.
    pub id: String,
    /// Whether the agency gave the id; one derived from the bytes is in no entry.
    pub id_given: bool,
    /// The channel's mode.
    pub mode: Mode,
    /// Keyed hash of the raw bytes.
    pub dedup: DedupHash,
    /// Commitment of the raw bytes.
    pub raw: Commitment,
    /// Hash of the mapping that made the items.
    pub mapping: Digest,
    /// Hashes of the contracts' schemas.
    pub contracts: Arc<ContractHashes>,
    /// The bytes.
    pub payload: Arc<Payload>,
    /// Number of this chunk, from 0.
    pub chunk: u32,
    /// Whether it is the last.
    pub last: bool,
    /// Its records.
    pub items: Vec<Item>,
}

/// What a commit answers to a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The message has its outcome.
    Done(Receipt),
    /// The chunk is durable, or was already; the next one wanted.
    Next(u32),
}

/// The journal's end, and when it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The log's name.
    pub log_id: String,
    /// Its size and root.
    pub tree: TreeHead,
    /// When its last entry was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// One entry as feeds give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its position.
    pub position: u64,
    /// The channel it came by, for what came by one.
    pub channel: Option<String>,
    /// The message's id.
    pub message: Option<String>,
    /// The entry's text: what the leaf hashes.
    pub text: Vec<u8>,
    /// The public text.
    pub public: Vec<u8>,
}

/// One dossier as feeds and look-ups give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DossierRow {
    /// Its key.
    pub key: String,
    /// The position that last changed it.
    pub position: u64,
    /// The public text of its state; `None` for a key that a merge retired.
    pub public: Option<Vec<u8>>,
}

/// One message as `trace` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageRow {
    /// The hub's number of the attempt.
    pub message: u64,
    /// The channel.
    pub channel: String,
    /// The id.
    pub id: String,
    /// `live`, `trial` or `backfill`.
    pub mode: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// The outcome; absent while it is being received.
    pub outcome: Option<String>,
    /// The attempt before it under the same id.
    pub previous: Option<u64>,
    /// Media type, as sent.
    pub content_type: Option<String>,
    /// Records stored.
    pub records: u64,
    /// Records refused.
    pub refused: u64,
    /// Its first entry.
    pub first_position: Option<u64>,
    /// Its last entry.
    pub last_position: Option<u64>,
}

/// Messages of one channel with one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The channel.
    pub channel: String,
    /// The outcome; absent for those being received.
    pub outcome: Option<String>,
    /// How many.
    pub messages: u64,
    /// When the last of them was recorded.
    pub last_at: String,
}

/// Which numbers a statistic asks for. Days are counted from 1970-01-01.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellQuery {
    /// One agency; all where absent.
    pub agency: Option<String>,
    /// One procedure; all where absent.
    pub procedure: Option<String>,
    /// A row per agency.
    pub by_agency: bool,
    /// A row per procedure.
    pub by_procedure: bool,
    /// A row per day; else one over all of them, shown under the last.
    pub by_day: bool,
    /// First day.
    pub from: i32,
    /// Last day.
    pub to: i32,
    /// Only what was known at this position: entries before it.
    pub as_of: Option<u64>,
}

/// A number: of a day, or of all days asked for; a gauge's includes all days before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellRow {
    /// Measure.
    pub measure: String,
    /// Agency; empty where summed over.
    pub agency: String,
    /// Procedure; empty where summed over, or where dossiers have none.
    pub procedure: String,
    /// Day; days before the first one asked for are summed under the day before it.
    pub day: i32,
    /// How many.
    pub n: i64,
}

/// An API key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part, by which it is looked up.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: Digest,
    /// Whose it is: `agency:<id>` or `portal`.
    pub principal: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// What `verify` found wrong; empty when all holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Entries read.
    pub entries: u64,
    /// Dossiers folded.
    pub dossiers: u64,
    /// Root over states and numbers, receipt-derived members left out.
    pub fold_root: String,
    /// Faults, each a sentence that names its place.
    pub faults: Vec<String>,
}

/// The durable truth.
pub trait Store: Send + Sync + 'static {
    /// Writes a batch of chunks in one transaction, each of which succeeds or fails alone.
    fn commit(
        &self,
        batch: Vec<Submission>,
    ) -> Answer<'_, Result<Vec<Result<Reply, Later>>, Later>>;

    /// How many batches may be under way at once to advantage.
    fn lanes(&self) -> usize;

    /// Keyed hash of raw bytes, by which content is known again; in no leaf.
    fn dedup(&self, bytes: &[u8]) -> DedupHash;

    /// The journal's end.
    fn head(&self) -> Answer<'_, Result<Head, StoreError>>;

    /// Entries after a position, in order; `channel_of` keeps one agency's.
    fn entries(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<EntryRow>, StoreError>>;

    /// Dossiers changed at or after a position, in the order of their last change.
    fn dossiers(
        &self,
        from: u64,
        after_key: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<DossierRow>, StoreError>>;

    /// Dossiers that bear a code: national, or a source's own.
    fn find(
        &self,
        code: String,
        source: Option<String>,
    ) -> Answer<'_, Result<Vec<DossierRow>, StoreError>>;

    /// The observations of a dossier before a position, in journal order, from public texts.
    fn observations(
        &self,
        key: String,
        before: Option<u64>,
    ) -> Answer<'_, Result<Vec<crate::registry::Observation>, StoreError>>;

    /// The personal texts of entries, as far as they are still there.
    fn personal(&self, positions: Vec<u64>) -> Answer<'_, Result<Vec<PersonalText>, StoreError>>;

    /// The rules in force at a position, or now.
    fn rules(&self, before: Option<u64>) -> Answer<'_, Result<Rules, StoreError>>;

    /// Puts rules in force: where they differ from those that are, a reference entry tells so and
    /// every fold is made anew from that position on. Gives whether they differed.
    fn adopt(&self, rules: Rules) -> Answer<'_, Result<bool, StoreError>>;

    /// Attempts under a message id, newest first.
    fn messages(
        &self,
        channel: Option<String>,
        id: String,
    ) -> Answer<'_, Result<Vec<MessageRow>, StoreError>>;

    /// The latest messages of a channel or of all, newest first.
    fn latest(
        &self,
        channel: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<MessageRow>, StoreError>>;

    /// The refusals of one attempt, in payload order.
    fn refusals(&self, message: u64) -> Answer<'_, Result<Vec<Refusal>, StoreError>>;

    /// The first of them, at most `limit`.
    fn first_refusals(
        &self,
        message: u64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Refusal>, StoreError>>;

    /// Messages by channel and outcome.
    fn outcomes(&self) -> Answer<'_, Result<Vec<Tally>, StoreError>>;

    /// Numbers by day, without zeros, and the position they are true at.
    fn statistics(&self, query: CellQuery) -> Answer<'_, Result<(u64, Vec<CellRow>), StoreError>>;

    /// Stores an API key.
    fn add_key(&self, key: ApiKey) -> Answer<'_, Result<(), StoreError>>;

    /// Marks a key revoked; false where there is none.
    fn revoke_key(&self, id: String, at: Timestamp) -> Answer<'_, Result<bool, StoreError>>;

    /// Every key.
    fn keys(&self) -> Answer<'_, Result<Vec<ApiKey>, StoreError>>;

    /// Reads everything and compares: leaves, commitments, states, numbers.
    fn verify(&self) -> Answer<'_, Result<Verdict, StoreError>>;

    /// Makes every fold anew from the journal; gives the number of entries read.
    fn rebuild(&self) -> Answer<'_, Result<u64, StoreError>>;

    /// What one process at a time does beside answering, such as rolling up behind. Ends when told
    /// to stop, and leaves it to others at once.
    fn tend(&self, stop: CancellationToken) -> Answer<'static, ()>;
}

impl fmt::Debug for dyn Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Store")
    }
}

/// The source of a channel, as CloudEvents want it.
pub fn source_of(channel: &str) -> String {
    match channel.split_once('.') {
        Some((agency, name)) => format!("/agencies/{agency}/channels/{name}"),
        None => format!("/agencies/{channel}"),
    }
}

/// The outcome of a whole message from its counts.
pub(crate) fn outcome_of(records: u64, refused: u64) -> Outcome {
    match (records, refused) {
        (_, 0) => Outcome::Stored,
        (0, _) => Outcome::Refused,
        _ => Outcome::Partial,
    }
}
