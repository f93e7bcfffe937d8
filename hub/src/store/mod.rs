//! The durable truth behind one trait, one method = one transaction.
//!
//! Every backend passes the same conformance suite. What happens to dossiers and numbers when an
//! observation arrives is not a backend's business: it is [`effect`], pure code over what the
//! backend has read.

pub mod accesses;
pub mod at_rest;
pub mod attachments;
mod audit;
pub mod batch;
pub mod catalogue;
pub mod channels;
pub mod controls;
pub mod decode;
pub mod deliveries;
pub mod effect;
pub mod erasures;
mod error;
pub mod findings;
pub mod freezes;
pub mod holds;
mod keys;
pub mod listing;
mod numbers;
pub mod pollers;
pub mod portable;
pub mod postgres;
pub mod profiles;
pub mod pruning;
pub mod published;
pub mod records;
pub mod refusals;
pub mod replay;
pub mod retranslation;
mod rows;
pub mod rules;
pub mod schema;
pub mod short;
mod slots;
pub mod sqlite;
pub mod strides;
pub mod subscriptions;
#[cfg(test)]
pub(crate) mod suite;
pub mod timeliness;
pub mod visits;
mod walk;
pub mod watches;

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

use adapters::Advance;
use bytes::Bytes;
use contracts::{ContractId, Later, Outcome, Problem, Receipt, Refusal};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    journal::{
        commitment::{Commitment, DedupHash, Salt},
        entry::Mode,
        merkle::Digest,
    },
    registry::{Content, Telling},
};

pub use error::{StoreError, Trouble};
pub use keys::ApiKey;
pub use rows::{
    Basis, CellQuery, CellRow, Cells, DossierRow, EntryRow, Found, Head, MessageRow, Tally, Verdict,
};
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
    /// What it tells of a record that is about no dossier; `None` for all others.
    pub telling: Option<Telling>,
    /// Where it is delivered.
    pub destinations: Vec<deliveries::Destination>,
    /// The position of the entry that it takes the place of.
    pub supersedes: Option<u64>,
}

impl Prepared {
    /// Whether it withdraws what was told before.
    pub fn withdraws(&self) -> bool {
        matches!(self.content, Some(Content::Retraction { .. }))
            || self.telling.as_ref().is_some_and(|telling| telling.withdraws)
    }
}

/// One record of a message, in payload order.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its number in the payload, from 1; `None` for what could not be read on.
    pub record: Option<u32>,
    /// For one that is refused: the key that it bears, where that could be read.
    pub key: Option<String>,
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
    /// Its records; shared, since a chunk may have to be sent again.
    pub items: Arc<Vec<Item>>,
    /// Where reading goes on when the message has its outcome, for channels that are read.
    pub advance: Option<Arc<Advance>>,
    /// Whether it was taken before, and is translated again under a mended mapping.
    pub again: bool,
}

/// What a commit answers to a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The message has its outcome.
    Done(Receipt),
    /// The chunk is durable, or was already; the next one wanted.
    Next(u32),
}

/// The durable truth.
pub trait Store:
    portable::Portable
    + pruning::Pruning
    + accesses::Accesses
    + at_rest::AtRest
    + attachments::Attachments
    + catalogue::Catalogues
    + channels::Channels
    + controls::Controls
    + deliveries::Deliveries
    + erasures::Erasures
    + findings::Findings
    + freezes::Freezes
    + holds::Holds
    + listing::Listing
    + pollers::Pollers
    + profiles::Profiles
    + published::Published
    + records::Records
    + refusals::Refusals
    + retranslation::Retranslation
    + strides::Strides
    + subscriptions::Subscriptions
    + timeliness::Timely
    + visits::Visits
    + watches::Watches
    + 'static
{
    /// Writes a batch of chunks in one transaction, each of which succeeds or fails alone.
    fn commit(
        &self,
        batch: Vec<Submission>,
    ) -> Answer<'_, Result<Vec<Result<Reply, Later>>, Later>>;

    /// How many batches may be under way at once to advantage.
    fn lanes(&self) -> usize;

    /// A secret of this store's log for one use, which a label names: the same for every process.
    fn secret(&self, label: &str) -> [u8; 32];

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

    /// Dossiers that bear a code: national, or a source's own. All that most look-ups need, read
    /// at one moment.
    fn find(&self, code: String, source: Option<String>) -> Answer<'_, Result<Found, StoreError>>;

    /// The journal's size, where nothing was heard since of what an answer rests on; `None` where
    /// it may have been. What another process has written to a file counts from when it is noticed,
    /// a moment later; an answer is true at that size all the same.
    fn holds<'a>(&'a self, basis: &'a Basis) -> Answer<'a, Option<u64>>;

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

    /// Numbers, without zeros, and the position they are true at.
    fn statistics(&self, query: CellQuery) -> Answer<'_, Result<Cells, StoreError>>;

    /// By how much each entry between two positions, the first of them included, changes numbers,
    /// in the order of positions.
    fn deltas(&self, from: u64, to: u64) -> Answer<'_, Result<Vec<batch::Delta>, StoreError>>;

    /// Stores an API key.
    fn add_key(&self, key: ApiKey) -> Answer<'_, Result<(), StoreError>>;

    /// Stores a key that takes the place of another, which ends at `until` at the latest; false,
    /// and nothing is stored, where that other is not there or is revoked.
    fn rotate_key(
        &self,
        old: String,
        key: ApiKey,
        until: Timestamp,
    ) -> Answer<'_, Result<bool, StoreError>>;

    /// Notes when keys were last used: id and time. An earlier time than the one known is not.
    fn note_key_uses(&self, uses: Vec<(String, Timestamp)>) -> Answer<'_, Result<(), StoreError>>;

    /// Marks a key revoked; false where there is none.
    fn revoke_key(&self, id: String, at: Timestamp) -> Answer<'_, Result<bool, StoreError>>;

    /// Every key.
    fn keys(&self) -> Answer<'_, Result<Vec<ApiKey>, StoreError>>;

    /// Reads everything and compares: leaves, commitments, states, numbers.
    fn verify(&self) -> Answer<'_, Result<Verdict, StoreError>>;

    /// Reads the journal alone and compares: leaves, commitments, what entries refer to. No fold.
    fn audit(&self) -> Answer<'_, Result<Verdict, StoreError>>;

    /// Folds dossiers and numbers anew and compares. Entries are taken as they stand: their leaves,
    /// commitments and raw bytes, and the other folds, are left to [`Self::verify`].
    fn recount(&self) -> Answer<'_, Result<Verdict, StoreError>>;

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
