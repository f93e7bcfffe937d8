//! What a move from one store to another asks of both ends.
//!
//! Only what is no fold is carried, as rows in the order of their keys; the folds are made anew at
//! the other end. A backend gives rows and takes rows, and knows nothing of the other backend.

use serde::{Deserialize, Serialize};

mod parts;

pub use self::parts::{FOLDS, Kind, PARTS, Part};
use super::{Answer, StoreError};

/// Rows of one batch, at most.
pub const BATCH_ROWS_MAX: usize = 2_048;
/// Bytes of one batch; the rows that pass it are its last.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// Bytes that it takes, roughly.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A row: its values in the order of its part's columns.
pub type Row = Vec<Value>;

/// What a store that is left knows of the move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Names the move: both ends must say the same.
    pub id: String,
    /// Where to, without a password.
    pub to: String,
    /// Whether all is there.
    pub finished: bool,
}

/// What a store that is filled knows of the move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arriving {
    /// Names the move.
    pub id: String,
    /// Where from, without a password.
    pub from: String,
    /// The part under way; `None` once all parts are there and the head is set.
    pub part: Option<String>,
    /// The key of the last row of that part that is there.
    pub after: Option<Vec<Value>>,
    /// Rows of that part that are there.
    pub rows: u64,
}

/// How a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Being left, or left.
    pub leaving: Option<Leaving>,
    /// Being filled.
    pub arriving: Option<Arriving>,
    /// Whether there is nothing in it.
    pub is_empty: bool,
}

/// The log's identity and its end, as the row `head` holds them. Not shown: it holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The log's name.
    pub log_id: String,
    /// The secret of content hashes.
    pub dedup_key: Vec<u8>,
    /// Entries.
    pub size: u64,
    /// When the last one was recorded.
    pub recorded_at: Option<String>,
    /// The tree over them.
    pub peaks: Vec<u8>,
    /// Attempts numbered so far.
    pub messages: u64,
    /// Hash of the rules in force.
    pub rules: Option<Vec<u8>>,
    /// The first message whose raw bytes were not dropped for their age.
    pub pruned: u64,
}

/// How many rows a table has.
pub type Counter = (&'static str, u64);

/// One end of a move. One method = one transaction.
pub trait Portable: Send + Sync {
    /// How this store stands.
    fn standing(&self) -> Answer<'_, Result<Standing, StoreError>>;

    /// Shuts the journal: from the moment this is durable nothing is added, by whatever process.
    /// With `None` it is open again.
    fn leave(&self, mark: Option<Leaving>) -> Answer<'_, Result<(), StoreError>>;

    /// The log's identity and end.
    fn origin(&self) -> Answer<'_, Result<Origin, StoreError>>;

    /// Makes an empty store the beginning of another's log.
    fn welcome(&self, origin: Origin, mark: Arriving) -> Answer<'_, Result<(), StoreError>>;

    /// The rows of a part after a key: as many as a batch may hold; none at the end.
    fn export(
        &self,
        part: &'static Part,
        after: Option<Vec<Value>>,
    ) -> Answer<'_, Result<Vec<Row>, StoreError>>;

    /// Takes rows, and the mark after them in place of the one before them.
    fn import(
        &self,
        part: &'static Part,
        rows: Vec<Row>,
        marks: (Arriving, Arriving),
    ) -> Answer<'_, Result<(), StoreError>>;

    /// Sets the journal's end, once all rows are there.
    fn settle(
        &self,
        origin: Origin,
        marks: (Arriving, Arriving),
    ) -> Answer<'_, Result<(), StoreError>>;

    /// Ends the move: from here on the store is a hub's.
    fn complete(&self, mark: Arriving) -> Answer<'_, Result<(), StoreError>>;

    /// The rows of every part, and of the folds.
    fn counters(&self) -> Answer<'_, Result<Vec<Counter>, StoreError>>;
}

/// A mark as it is stored.
pub(super) fn text(mark: &impl Serialize) -> String {
    // Texts, numbers and lists of them: nothing can fail.
    serde_json::to_string(mark).unwrap_or_default()
}

/// A mark that was stored.
pub(super) fn mark<T: for<'a> Deserialize<'a>>(
    stored: Option<&str>,
) -> Result<Option<T>, StoreError> {
    let damaged = |error| StoreError::fault(format!("what is known of a move is damaged: {error}"));
    stored.map(serde_json::from_str).transpose().map_err(damaged)
}

/// Refuses to open a store that takes part in a move, and says what to do.
///
/// # Errors
/// Where it does.
pub(super) fn open_for_all(
    leaving: Option<&str>,
    arriving: Option<&str>,
) -> Result<(), StoreError> {
    if let Some(Arriving { from, .. }) = mark(arriving)? {
        return Err(StoreError::fault(format!(
            "a move into this store is not finished: run `lienthong move` again, --from {from} \
             --to this store"
        )));
    }
    match mark(leaving)? {
        None => Ok(()),
        Some(Leaving { to, finished: true, .. }) => Err(StoreError::fault(format!(
            "this store was moved to {to}, where its journal goes on: set `store` to that address"
        ))),
        Some(Leaving { to, .. }) => Err(StoreError::fault(format!(
            "this store is being moved to {to}: run `lienthong move` again to finish, or once \
             with --abandon to stay here"
        ))),
    }
}

/// Another process went on with the move meanwhile, or the target is not what it was.
pub(super) fn not_as_left() -> StoreError {
    StoreError::fault("the target is not as this move left it: does another `move` run?")
}

/// A store that holds something takes no other's log.
pub(super) fn not_empty() -> StoreError {
    StoreError::fault(
        "the target holds something that is not of this move: name an empty database or a new \
         file",
    )
}
