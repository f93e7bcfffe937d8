//! What the province decides about numbers: `[counting]`, and what is left out of public ones.

use serde::Deserialize;

use crate::operations::FEW;

/// `[counting]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    #[serde(default)]
    stopped: Stopped,
}

/// What status 8 (dừng xử lý) means: systems differ.
#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stopped {
    /// Finished, refused.
    #[default]
    Finished,
    /// The clock stands still.
    Paused,
}

impl Declared {
    /// Whether the clock of what is stopped stands still.
    pub(super) fn stopped_is_paused(&self) -> bool {
        self.stopped == Stopped::Paused
    }
}

/// `hide_of_fewer_than` where it is not told.
pub(super) const fn few() -> u32 {
    FEW
}
