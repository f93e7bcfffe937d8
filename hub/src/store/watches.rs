//! Watches: who follows which dossier, and what there is to tell of it (decision 54).
//!
//! A watch is one row that names a dossier as one of its sources does. What it is told is read from
//! the dossiers themselves, as they stand: nothing is kept for it, and where its dossier is joined
//! with another the name leads there.

use super::{Answer, DossierRow, StoreError};
use crate::registry::Identity;

/// A watch. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRow {
    /// Its name: 32 hexadecimal digits that nobody guesses.
    pub id: String,
    /// Whose it is: a principal, as text.
    pub owner: String,
    /// A name of the dossier at one of its sources.
    pub of: Identity,
    /// Told is what changes from this position on.
    pub since: u64,
    /// When it was made.
    pub made_at: i64,
    /// When it ends.
    pub ends_at: i64,
}

/// How many watches there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Of one owner.
    pub of_owner: u32,
    /// Of one dossier, by one owner.
    pub of_dossier: u32,
}

/// What came of adding one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Added,
    /// Its owner has as many as there may be.
    OwnerFull,
    /// Its dossier has.
    DossierFull,
}

/// Which watches: all of them in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct WatchQuery {
    /// The one of a name.
    pub id: Option<String>,
    /// Behind this name.
    pub after: String,
}

/// A watch with its dossier as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The watch.
    pub watch: WatchRow,
    /// Its dossier; nothing where it is gone.
    pub dossier: Option<DossierRow>,
}

/// What one watch is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// The watch.
    pub watch: String,
    /// Whose it is.
    pub owner: String,
    /// The dossier that has changed, at the position of its last change.
    pub dossier: DossierRow,
}

/// Watches read at once.
pub const WATCHES_READ: u32 = 500;

/// Watches. One method = one transaction.
pub trait Watches: Send + Sync {
    /// Adds one, where fewer than so many are there that have not ended when it is made.
    fn add_watch(&self, row: WatchRow, most: Most) -> Answer<'_, Result<Added, StoreError>>;

    /// Those that a query finds, [`WATCHES_READ`] of them at most.
    fn watches(&self, query: WatchQuery) -> Answer<'_, Result<Vec<Watched>, StoreError>>;

    /// What watches that have not ended at `now` are to be told of dossiers whose last change lies
    /// behind a place and before the position `to`: in the order of positions, then of watches. A
    /// place is a position and the last watch that was told of it.
    fn notices(
        &self,
        from: (u64, String),
        to: u64,
        now: i64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Noticed>, StoreError>>;

    /// Ends some; gives how many were there.
    fn end_watches(&self, ids: Vec<String>) -> Answer<'_, Result<u64, StoreError>>;
}
