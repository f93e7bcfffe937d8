//! Frozen reports, as a store keeps them: a freeze entry in the journal, and the report's text
//! under the hash that the entry names. No fold has a part in it: what was frozen stands for ever.

use jiff::Timestamp;

use super::{Answer, StoreError};
use crate::{
    journal::{entry::Entry, merkle::Digest},
    registry::report::{FreezeText, Frozen},
};

/// What is to be frozen.
#[derive(Debug, Clone)]
pub struct Freezing {
    /// What it is of.
    pub of: Frozen,
    /// First day.
    pub from: jiff::civil::Date,
    /// Last day.
    pub to: jiff::civil::Date,
    /// The position that the figures are true at.
    pub as_of: u64,
    /// The report's text.
    pub report: Vec<u8>,
}

/// A freeze that stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub text: FreezeText,
}

/// A freeze, and the text of the report that it freezes.
pub type FrozenReport = (Freeze, Vec<u8>);

/// Freezes. One method = one transaction.
pub trait Freezes: Send + Sync {
    /// Freezes a report, unless it was frozen before: then that freeze stands, and nothing is
    /// written. Gives the one that stands, and whether it is new.
    fn freeze(&self, freezing: Freezing) -> Answer<'_, Result<(Freeze, bool), StoreError>>;

    /// The freeze of a report and the report's text, where it was frozen.
    fn frozen(&self, of: Frozen) -> Answer<'_, Result<Option<FrozenReport>, StoreError>>;

    /// Freezes after a position, in journal order.
    fn freezes(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Freeze>, StoreError>>;
}

impl Freezing {
    /// What the entry says.
    pub(super) fn text(&self) -> FreezeText {
        FreezeText {
            of: self.of.clone(),
            from: self.from,
            to: self.to,
            as_of: self.as_of,
            figures: Digest::of(&self.report),
        }
    }
}

impl Freeze {
    /// Out of the row of its entry: position, text, public text.
    pub(super) fn read(position: u64, text: &[u8], public: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| {
            StoreError::fault(format!("the freeze at position {position} is damaged: {error}"))
        };
        let told = str::from_utf8(text).map_err(|error| damaged(&error))?;
        let entry = Entry::parse(told).map_err(|error| damaged(&error))?;
        let text = FreezeText::read(public).map_err(|error| damaged(&error))?;
        Ok(Self { position, recorded_at: entry.recorded_at, text })
    }

    /// Its report's text is not in the store.
    pub(super) fn lost(&self) -> StoreError {
        let position = self.position;
        StoreError::fault(format!("the report frozen at position {position} is lost"))
    }
}
