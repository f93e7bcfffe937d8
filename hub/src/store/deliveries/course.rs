//! What has become of one delivery, for who asks.

use super::DeadId;

/// What has become of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Course {
    /// There is none: whom it is for is sent nothing.
    None,
    /// It waits.
    Waiting {
        /// Attempts that were begun, for the first of its line.
        attempts: u32,
        /// What was said of the last attempt that failed.
        told: Option<String>,
    },
    /// It was given up.
    Buried {
        /// The dead letter.
        id: DeadId,
        /// The kind of cause, one word.
        cause: String,
        /// `waiting` or `discarded`.
        state: String,
    },
    /// It is there.
    Settled {
        /// Since when, in milliseconds since 1970.
        at: u64,
    },
}
