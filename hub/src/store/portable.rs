//! What is asked of stores whose rows are taken elsewhere: by a move, a backup, a restoration.
//!
//! Only what is no fold is carried, as rows in the order of their keys; the folds are made anew at
//! the other end. A backend gives rows and takes rows, and knows nothing of the other backend.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod parts;

pub use self::parts::{Kind, PARTS, Part};
use super::{Answer, StoreError};

/// Folds whose rows are counted beside what is carried: made anew from equal journals they are as
/// many. Numbers are laid out otherwise on either store, and compared one by one by `verify`.
pub const FOLDS: [&str; 5] = ["members", "observations", "dossiers", "changes", "records"];

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

/// Which command fills a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilledBy {
    /// `move`.
    #[default]
    Move,
    /// `backup`.
    Backup,
    /// `restore`.
    Restore,
}

impl FilledBy {
    // How serde asks.
    #[expect(clippy::trivially_copy_pass_by_ref)]
    fn is_move(&self) -> bool {
        matches!(self, Self::Move)
    }
}

/// What a store that is filled knows of where its rows come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arriving {
    /// Names the move, or the backup.
    pub id: String,
    /// Which command fills it.
    #[serde(default, skip_serializing_if = "FilledBy::is_move")]
    pub by: FilledBy,
    /// Where from, without a password.
    pub from: String,
    /// The part under way; `None` once all parts are there and the head is set.
    pub part: Option<String>,
    /// The key of the last row of that part that is there.
    pub after: Option<Vec<Value>>,
    /// Rows of that part that are there.
    pub rows: u64,
}

/// What a backup is of: a store in a file, without its folds, that is no hub's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Names it.
    pub id: String,
    /// The store, without a password.
    pub from: String,
    /// When: what it holds is what was there then.
    pub taken_at: Timestamp,
}

/// What a store is once it is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filled {
    /// A hub's, with the log of the store that was left.
    Moved,
    /// A backup.
    Backup(Backup),
    /// A hub's, with a new log of this name that goes on from the backup's.
    Restored {
        /// The name of the new log.
        log_id: String,
        /// When the backup was made.
        taken_at: Timestamp,
    },
}

/// How a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Being left, or left.
    pub leaving: Option<Leaving>,
    /// Being filled.
    pub arriving: Option<Arriving>,
    /// A backup.
    pub backup: Option<Backup>,
    /// Whether there is nothing in it.
    pub is_empty: bool,
}

/// The log's identity and its end, as the row `head` holds them. Not shown: it holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The log's name.
    pub log_id: String,
    /// The logs before it, in their stored form.
    pub ended_logs: Option<String>,
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

/// A store's rows as of one moment, whatever is written meanwhile. It is held no longer than it is
/// needed: as long, a store keeps what it would let go.
pub trait Snapshot: Send + Sync {
    /// The log's identity and end.
    fn origin(&self) -> Answer<'_, Result<Origin, StoreError>>;

    /// The rows of a part after a key: as many as a batch may hold; none at the end.
    fn export(
        &self,
        part: &'static Part,
        after: Option<Vec<Value>>,
    ) -> Answer<'_, Result<Vec<Row>, StoreError>>;

    /// The rows of every part, and of the folds.
    fn counters(&self) -> Answer<'_, Result<Vec<Counter>, StoreError>>;
}

/// A store that rows are taken from, or that is filled with them. One method = one transaction.
pub trait Portable: Send + Sync {
    /// How this store stands.
    fn standing(&self) -> Answer<'_, Result<Standing, StoreError>>;

    /// Shuts the journal: from the moment this is durable nothing is added, by whatever process.
    /// With `None` it is open again.
    fn leave(&self, mark: Option<Leaving>) -> Answer<'_, Result<(), StoreError>>;

    /// Its rows as they are now.
    fn snapshot(&self) -> Answer<'_, Result<Box<dyn Snapshot>, StoreError>>;

    /// Makes an empty store the beginning of another's log.
    fn welcome(&self, origin: Origin, mark: Arriving) -> Answer<'_, Result<(), StoreError>>;

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

    /// Ends the filling: from here on the store is what it was filled for.
    fn complete(&self, mark: Arriving, filled: Filled) -> Answer<'_, Result<(), StoreError>>;
}

/// A mark as it is stored.
pub(super) fn text(mark: &impl Serialize) -> String {
    // Texts, numbers and lists of them: nothing can fail.
    serde_json::to_string(mark).unwrap_or_default()
}

/// A mark that was stored.
fn mark<T: for<'a> Deserialize<'a>>(stored: Option<&str>) -> Result<Option<T>, StoreError> {
    let damaged = |error| StoreError::fault(format!("what is known of a move is damaged: {error}"));
    stored.map(serde_json::from_str).transpose().map_err(damaged)
}

/// Marks in their stored form: being left, being filled, a backup.
pub(super) type Marks<T> = [Option<T>; 3];

/// How a store stands by its marks.
///
/// # Errors
/// When one is damaged.
pub(super) fn standing(marks: &Marks<String>, is_empty: bool) -> Result<Standing, StoreError> {
    let [leaving, arriving, backup] = marks.each_ref().map(Option::as_deref);
    let (leaving, arriving, backup) = (mark(leaving)?, mark(arriving)?, mark(backup)?);
    Ok(Standing { leaving, arriving, backup, is_empty })
}

/// Refuses to open a store that is left, filled or a backup, and says what to do.
///
/// # Errors
/// Where it is.
pub(super) fn open_for_all(marks: &Marks<String>) -> Result<(), StoreError> {
    let Standing { leaving, arriving, backup, .. } = standing(marks, false)?;
    if let Some(Arriving { from, by, .. }) = arriving {
        return Err(StoreError::fault(match by {
            FilledBy::Move => format!(
                "a move into this store is not finished: run `lienthong move` again, --from \
                 {from} --to this store"
            ),
            FilledBy::Restore => {
                format!("this store is not wholly restored: run `lienthong restore {from}` again")
            }
            FilledBy::Backup => format!(
                "this is a backup of {from} that was not finished: remove it, and make another"
            ),
        }));
    }
    if let Some(Backup { from, taken_at, .. }) = backup {
        return Err(StoreError::fault(format!(
            "this is a backup of {from}, made at {taken_at}, and no hub's store: `lienthong \
             restore` makes a store of it"
        )));
    }
    match leaving {
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
    StoreError::fault("the target is not as this command left it: does it run twice?")
}

/// A store that holds something takes no other's log.
pub(super) fn not_empty() -> StoreError {
    StoreError::fault("the target holds something else: name an empty database or a new file")
}
