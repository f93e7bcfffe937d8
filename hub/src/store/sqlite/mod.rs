//! The embedded store: one SQLite file, one writer thread, readers beside it.

mod component;
mod entry;
mod message;
mod open;
mod read;
mod rollup;
mod statistics;
mod submit;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use contracts::Later;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    Answer, ApiKey, CellQuery, CellRow, DossierRow, EntryRow, Head, MessageRow, Reply, Rules,
    Store, StoreError, Submission, Tally, Verdict,
};
use crate::{
    journal::commitment::{DedupHash, DedupKey, dedup_hash},
    registry::Observation,
};

/// Readers kept open between calls.
const IDLE_READERS_MAX: usize = 8;

/// Work for the writer thread: it owns the only connection that writes.
type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The embedded store.
pub struct SqliteStore {
    path: PathBuf,
    rules: Rules,
    key: DedupKey,
    jobs: mpsc::Sender<Job>,
    readers: Arc<Mutex<Vec<Connection>>>,
    /// Its end stops the checkpoint thread.
    _alive: Arc<()>,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// A failure of the whole transaction: nothing was kept, and the sender may try again.
fn later(error: &rusqlite::Error) -> Later {
    tracing::error!(error = %error, "the store cannot commit");
    let reason = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => "the disk is full",
        Some(rusqlite::ErrorCode::DatabaseBusy) => "the store is busy",
        _ => "the store cannot commit",
    };
    Later { reason: reason.to_owned(), retry_after_seconds: 5 }
}

impl SqliteStore {
    /// Opens or creates the file, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// When the linked SQLite is older than 3.51.3 (its WAL could lose commits), when the file is
    /// of a newer schema, or cannot be opened.
    pub fn open(path: impl Into<PathBuf>, rules: Rules) -> Result<Self, StoreError> {
        let path = path.into();
        let (mut connection, key) = open::writer(&path)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || {
            while let Ok(job) = queue.recv() {
                job(&mut connection);
            }
        };
        let name = "lienthong-writer".to_owned();
        thread::Builder::new()
            .name(name)
            .spawn(work)
            .map_err(|error| StoreError(format!("the writer thread does not start: {error}")))?;
        let alive = Arc::new(());
        open::checkpoints(&path, Arc::downgrade(&alive))?;
        Ok(Self { path, rules, key, jobs, readers: Arc::default(), _alive: alive })
    }

    /// Runs work on the writer thread; a caller that goes away does not stop it.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // The caller may be gone; the work is done all the same.
            let _ = reply.send(work(connection));
        });
        let sent = self.jobs.send(job);
        Box::pin(async move {
            sent.map_err(|_| StoreError("the writer has stopped".to_owned()))?;
            answer.await.map_err(|_| StoreError("the writer has stopped".to_owned()))
        })
    }

    /// Runs work on a reading connection, off the runtime's threads.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let readers = self.readers.clone();
        let path = self.path.clone();
        Box::pin(async move {
            let read = move || {
                let idle = readers.lock().ok().and_then(|mut idle| idle.pop());
                let connection = match idle {
                    Some(connection) => connection,
                    None => open::reader(&path)?,
                };
                let answer = work(&connection);
                if let Ok(mut idle) = readers.lock()
                    && idle.len() < IDLE_READERS_MAX
                {
                    idle.push(connection);
                }
                answer
            };
            let done = tokio::task::spawn_blocking(read).await;
            done.map_err(|error| StoreError(error.to_string()))?
        })
    }
}

impl Store for SqliteStore {
    fn commit(
        &self,
        batch: Vec<Submission>,
    ) -> Answer<'_, Result<Vec<Result<Reply, Later>>, Later>> {
        let rules = self.rules.clone();
        let done = self.write(move |connection| submit::batch(connection, &batch, &rules));
        Box::pin(async move {
            match done.await {
                Ok(Ok(replies)) => Ok(replies),
                Ok(Err(error)) => Err(later(&error)),
                Err(error) => Err(Later { reason: error.0, retry_after_seconds: 5 }),
            }
        })
    }

    fn dedup(&self, bytes: &[u8]) -> DedupHash {
        dedup_hash(&self.key, bytes)
    }

    fn head(&self) -> Answer<'_, Result<Head, StoreError>> {
        self.read(read::head)
    }

    fn entries(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<EntryRow>, StoreError>> {
        self.read(move |connection| read::entries(connection, from, limit))
    }

    fn dossiers(
        &self,
        from: u64,
        after_key: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<DossierRow>, StoreError>> {
        self.read(move |connection| read::dossiers(connection, from, &after_key, limit))
    }

    fn find(
        &self,
        code: String,
        source: Option<String>,
    ) -> Answer<'_, Result<Vec<DossierRow>, StoreError>> {
        self.read(move |connection| read::find(connection, &code, source.as_deref()))
    }

    fn observations(
        &self,
        key: String,
        before: Option<u64>,
    ) -> Answer<'_, Result<Vec<Observation>, StoreError>> {
        self.read(move |connection| read::observations(connection, &key, before))
    }

    fn messages(
        &self,
        channel: Option<String>,
        id: String,
    ) -> Answer<'_, Result<Vec<MessageRow>, StoreError>> {
        self.read(move |connection| message::by_id(connection, channel.as_deref(), &id))
    }

    fn latest(
        &self,
        channel: Option<String>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<MessageRow>, StoreError>> {
        self.read(move |connection| message::latest(connection, channel.as_deref(), limit))
    }

    fn refusals(&self, message: u64) -> Answer<'_, Result<Vec<contracts::Refusal>, StoreError>> {
        self.read(move |connection| message::refusals(connection, message, usize::MAX))
    }

    fn first_refusals(
        &self,
        message: u64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<contracts::Refusal>, StoreError>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read(move |connection| message::refusals(connection, message, limit))
    }

    fn outcomes(&self) -> Answer<'_, Result<Vec<Tally>, StoreError>> {
        self.read(message::outcomes)
    }

    fn statistics(&self, query: CellQuery) -> Answer<'_, Result<(u64, Vec<CellRow>), StoreError>> {
        self.read(move |connection| statistics::rows(connection, &query))
    }

    fn add_key(&self, key: ApiKey) -> Answer<'_, Result<(), StoreError>> {
        let done = self.write(move |connection| read::add_key(connection, &key));
        Box::pin(async move { done.await? })
    }

    fn revoke_key(&self, id: String, at: jiff::Timestamp) -> Answer<'_, Result<bool, StoreError>> {
        let done = self.write(move |connection| read::revoke_key(connection, &id, at));
        Box::pin(async move { done.await? })
    }

    fn keys(&self) -> Answer<'_, Result<Vec<ApiKey>, StoreError>> {
        self.read(read::keys)
    }

    fn verify(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        let rules = self.rules.clone();
        self.read(move |connection| verify::verify(connection, &rules))
    }

    fn rebuild(&self) -> Answer<'_, Result<u64, StoreError>> {
        let rules = self.rules.clone();
        let done = self.write(move |connection| verify::rebuild(connection, &rules));
        Box::pin(async move { done.await? })
    }
}
