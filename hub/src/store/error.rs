//! Why a store cannot answer.

use std::fmt;

use contracts::Later;

/// What kind of trouble: it decides whether the neighbours of what failed may still succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room: nothing can be written until there is.
    Full,
    /// Others hold what is needed.
    Busy,
    /// The store itself cannot be reached, read or written.
    Away,
    /// Something is not as it should be: this very work fails, other work may not.
    Fault,
}

/// Why the store cannot answer: for the operator's log, without data of agencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The kind.
    pub trouble: Trouble,
    /// One sentence.
    pub reason: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the store cannot answer: {}", self.reason)
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// Something is not as it should be.
    pub fn fault(reason: impl Into<String>) -> Self {
        Self { trouble: Trouble::Fault, reason: reason.into() }
    }

    /// Others hold what is needed.
    pub fn busy(reason: impl Into<String>) -> Self {
        Self { trouble: Trouble::Busy, reason: reason.into() }
    }

    /// The store cannot be reached, read or written.
    pub fn away(reason: impl Into<String>) -> Self {
        Self { trouble: Trouble::Away, reason: reason.into() }
    }

    /// Whether all work fails and not only this one.
    pub fn is_of_the_store(&self) -> bool {
        self.trouble != Trouble::Fault
    }

    /// What a sender is told: nothing was kept, trying again may help.
    pub fn later(&self) -> Later {
        let (reason, retry_after_seconds) = match self.trouble {
            Trouble::Full => ("the disk is full", 30),
            Trouble::Busy => ("the store is busy", 5),
            Trouble::Away => ("the store cannot be reached", 5),
            Trouble::Fault => ("the store cannot take this message", 30),
        };
        Later { reason: reason.to_owned(), retry_after_seconds }
    }
}
