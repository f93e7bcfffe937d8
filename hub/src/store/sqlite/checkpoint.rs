//! Copying the WAL back: off the writer's path, and never without end.
//!
//! A thread of its own copies what it finds, and has the disk take it: SQLite does so only where
//! nothing is left to copy, which under load is when the writer begins the WAL anew, and all would
//! wait for hundreds of megabytes at once. While the writer goes on there is always more, and the
//! WAL would grow for ever; so where it is long, the writer copies the little that is left itself,
//! between two batches, and begins the WAL anew.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;

use super::open::BUSY_TIMEOUT;
use crate::store::StoreError;

/// How often the thread looks.
const EVERY: Duration = Duration::from_millis(200);

/// Pages of the WAL beyond which the writer begins it anew: 64 MiB. A file that does not grow any
/// more is synced with less.
const PAGES_MAX: i64 = 16_384;

/// How long the WAL was when it was last looked at, in pages. Its end stops the thread.
#[derive(Debug, Clone, Default)]
pub(super) struct WalPages(Arc<AtomicI64>);

/// Copies what there is back; gives the length of the WAL and how much of it is copied, in pages.
fn copy(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let pages = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], pages)
}

/// Copies what there is back. Where the WAL is long, again and again: each round leaves only what
/// came during the one before, so that the writer is left with little to copy itself.
fn shorten(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    const ROUNDS: u32 = 4;
    let mut copied = copy(connection)?;
    for _ in 1..ROUNDS {
        if copied.0 < PAGES_MAX {
            break;
        }
        copied = copy(connection)?;
    }
    Ok(copied)
}

impl WalPages {
    /// Starts the thread that copies the WAL back.
    pub(super) fn watch(&self, path: &Path) -> Result<(), StoreError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let unclosed = File::open(path)
            .map_err(|error| StoreError::away(format!("the store cannot be opened: {error}")))?;
        // Never closed: closing any handle of a file gives up the locks that the process has on it,
        // SQLite's among them.
        let file: &'static File = Box::leak(Box::new(unclosed));
        let pages: Weak<AtomicI64> = Arc::downgrade(&self.0);
        let work = move || {
            let mut last = None;
            loop {
                thread::sleep(EVERY);
                let copied = shorten(&connection);
                if copied.as_ref().ok() != last.as_ref()
                    && let Err(error) = file.sync_data()
                {
                    // SQLite hears of it too, when it syncs before it gives the WAL up.
                    tracing::warn!(error = %error, "the disk did not take what was copied");
                }
                last = copied.as_ref().ok().copied();
                let Some(pages) = pages.upgrade() else { return };
                match copied {
                    Ok((length, _)) => pages.store(length, Ordering::Relaxed),
                    Err(error) => {
                        tracing::warn!(error = %error, "the checkpoint did not finish");
                    }
                }
            }
        };
        thread::Builder::new()
            .name("lienthong-checkpoint".to_owned())
            .spawn(work)
            .map(|_| ())
            .map_err(|error| StoreError::away(format!("the checkpoint does not start: {error}")))
    }

    /// Where the WAL is long: copies the rest, so that the next batch begins it anew. Called by
    /// the writer between batches, when nothing can be added meanwhile.
    pub(super) fn relieve(&self, writer: &Connection) {
        if self.0.load(Ordering::Relaxed) < PAGES_MAX {
            return;
        }
        match copy(writer) {
            // A reader still holds an old page: another time.
            Ok((length, copied)) if copied < length => {}
            Ok(_) => self.0.store(0, Ordering::Relaxed),
            Err(error) => tracing::warn!(error = %error, "the WAL could not be begun anew"),
        }
    }
}
