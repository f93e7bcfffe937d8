//! Who was given personal data, and what for: written before it is given, read by the agency whose
//! it is. No fold has a part in it.

use jiff::Timestamp;

use super::{Answer, StoreError};

/// One subject of one agency, as it was given to one asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// What tells it apart from others of that millisecond: 16 hexadecimal digits.
    pub id: String,
    /// Who asked: a principal.
    pub principal: String,
    /// The public part of the key.
    pub key: String,
    /// What for: one of [`crate::auth::Purpose::NAMES`].
    pub purpose: String,
    /// The same in words.
    pub reason: Option<String>,
    /// The call, as the interface's document names it.
    pub call: String,
    /// The agency whose data it is.
    pub agency: String,
    /// A dossier by its key, another record by contract and key, a file by its digest.
    pub subject: String,
    /// The latest entry that was given of it; none of a file.
    pub position: Option<u64>,
}

/// An access as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessFound {
    /// The access.
    pub access: Access,
    /// What the bearer of the key calls it.
    pub key_name: Option<String>,
}

/// A place in the list: milliseconds since 1970, and what tells apart what has the same.
pub type AccessPlace = (u64, String);

/// Which accesses are asked for, the latest first.
#[derive(Debug, Clone, Default)]
pub struct AccessQuery {
    /// Only to the data of this agency.
    pub agency: Option<String>,
    /// Only to one of these subjects.
    pub subjects: Option<Vec<String>>,
    /// Behind this place.
    pub after: Option<AccessPlace>,
    /// Rows, at most.
    pub limit: u32,
}

/// The log of accesses. One method = one transaction.
pub trait Accesses: Send + Sync {
    /// Writes accesses, all or none; durable when it returns. None where the store takes part in a
    /// move: then nothing is to be given.
    fn note_accesses(&self, all: Vec<Access>) -> Answer<'_, Result<(), StoreError>>;

    /// Accesses, the latest first.
    fn accesses(&self, query: AccessQuery) -> Answer<'_, Result<Vec<AccessFound>, StoreError>>;

    /// Drops accesses from before a time; gives how many.
    fn drop_accesses(&self, before: Timestamp) -> Answer<'_, Result<u64, StoreError>>;
}

/// A time as it is stored.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// Milliseconds since 1970 as a time.
pub(super) fn time(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis)
        .map_err(|error| StoreError::fault(format!("the time of an access: {error}")))
}

impl AccessFound {
    /// Its place in the list.
    pub fn place(&self) -> AccessPlace {
        (u64::try_from(millis(self.access.at)).unwrap_or_default(), self.access.id.clone())
    }
}

/// The same place as a store compares it; before the first one where there is none.
pub(super) fn before(place: Option<AccessPlace>) -> (i64, String) {
    let (at, id) = place.unwrap_or((u64::MAX, String::new()));
    (i64::try_from(at).unwrap_or(i64::MAX), id)
}
