//! Files: an agency drops each message into a folder.
//!
//! A folder is looked at again and again; what the look finds is the truth, and no notice of the
//! system is waited for, since there is none of what another machine writes over a network. A file
//! that is whole ([`Ready`]) is claimed, read, handed to the inbox, and put away:
//!
//! | Verdict | Where the file goes | What is written beside it |
//! |---|---|---|
//! | stored, or a duplicate of that | `done/` | `NAME.receipt.json`: the receipt |
//! | partial, or a duplicate of one | `done/` | the receipt, and `NAME.refused.json`: the reasons |
//! | conflict, refused, or a duplicate of one | `refused/` | `NAME.refused.json`: the reasons |
//! | no plain file, unreadable, too large | `refused/` | `NAME.refused.json`: the reason |
//! | later | it stays in `claimed/` | – |
//!
//! [`DropFolder::run`] looks, `way` is the way of what a look has found, `take` fetches files and
//! `archive` puts them away, a group at a time, `settle` says which files are whole, `claim` takes
//! them, `write_ahead` keeps what is said of them over a power cut, `place` finds the folder.

pub(crate) mod answer;
pub(crate) mod archive;
mod claim;
pub(crate) mod folder;
pub mod kinds;
mod place;
mod rounds;
pub(crate) mod settle;
mod standing;
mod take;
#[cfg(test)]
mod tests;
mod way;
mod write_ahead;

use std::{ffi::OsStr, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Semaphore, SemaphorePermit, watch};

pub use place::{DropPath, NoDropPath, NotOpened};
pub use settle::{MARKERS, Ready, UNFINISHED};
pub use standing::{Standing, Trouble};

/// Names contents and messages so that nobody without the hub's secret can tell either from the
/// name: a file may hold one person's number, and then a plain hash of it gives the number away.
pub trait Identity: Send + Sync + 'static {
    /// A name of these bytes: equal bytes have equal names. Letters and digits.
    fn content(&self, bytes: &[u8]) -> String;

    /// The id of the message that a file is: of that name, with that content, the message before
    /// it under that name being `previous`, or none. Visible ASCII, at most 255 bytes.
    fn message(&self, name: &OsStr, content: &str, previous: Option<&str>) -> String;
}

/// Limits on files, held before anything is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub payload_bytes_max: usize,
    /// Files of one folder remembered from one look to the next, the oldest.
    pub files_max: usize,
    /// Files of one folder being put away while others are taken already.
    pub putting_away_max: usize,
    /// How often a file may be put off before those behind it go first.
    pub attempts_in_order: u32,
    /// How long a folder waits at most before what was put off is tried again, whatever the hub
    /// asks for.
    pub retry_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes_max: 64 << 20,
            files_max: 2048,
            putting_away_max: 64,
            attempts_in_order: 3,
            retry_max: Duration::from_secs(60),
        }
    }
}

/// Memory for the files that are under way in all folders together; who finds none waits.
#[derive(Debug)]
pub struct Room {
    free: Semaphore,
    units: u32,
}

/// Memory is counted in units of so many bytes.
const UNIT_BYTES: u64 = 1024;

impl Room {
    /// Room for so many bytes; a file that is larger by itself takes all of it.
    pub fn new(bytes: usize) -> Arc<Self> {
        let units = u32::try_from(bytes as u64 / UNIT_BYTES).unwrap_or(u32::MAX).max(1);
        Arc::new(Self { free: Semaphore::new(units as usize), units })
    }

    /// Waits for memory; nobody closes it, so there is a share some time.
    pub(crate) async fn share(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        self.free.acquire_many(self.units_of(bytes)).await.ok()
    }

    /// Memory, where there is enough just now.
    pub(crate) fn free_share(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        self.free.try_acquire_many(self.units_of(bytes)).ok()
    }

    fn units_of(&self, bytes: u64) -> u32 {
        let wanted = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        wanted.clamp(1, self.units)
    }
}

/// One drop folder, and how its files are taken.
pub struct DropFolder {
    /// The channel that its files belong to.
    pub channel: String,
    /// The root of all drop folders.
    pub root: PathBuf,
    /// Where it lies below the root.
    pub path: DropPath,
    /// How a sender shows that a file is whole.
    pub ready: Ready,
    /// How often it is looked at, and for how long a file must have been unchanged.
    pub look_every: Duration,
    /// Files handed to the inbox at the same time; with one, strictly from the oldest on.
    pub at_once: usize,
    /// Limits on its files.
    pub limits: Limits,
    /// Names its contents and messages.
    pub identity: Arc<dyn Identity>,
    /// Memory that it shares with others.
    pub room: Arc<Room>,
    /// How it stands.
    pub standing: watch::Sender<Standing>,
}

impl DropFolder {
    /// Opens the folder once, and makes what is missing of it.
    ///
    /// # Errors
    /// [`NotOpened::Link`] where it would lie behind a link: that is a fault of whoever configured
    /// or prepared it. What else may be wrong may be right at the next look.
    pub fn prepare(&self) -> Result<(), NotOpened> {
        folder::Folder::open(&self.root, &self.path).map(drop)
    }
}
