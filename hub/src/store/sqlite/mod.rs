//! The embedded store: one SQLite file, one writer thread, readers beside it.

mod accesses;
mod ahead;
pub(crate) mod alone;
mod at_rest;
mod attachments;
mod barrier;
mod beside;
mod catalogue;
mod checkpoint;
mod crew;
mod deliveries;
mod deltas;
mod erasures;
mod failure;
mod findings;
mod freezes;
mod holds;
mod keys;
mod known;
mod listing;
mod message;
mod names;
mod open;
mod pollers;
mod portable;
mod profiles;
mod pruning;
mod published;
mod read;
mod readers;
mod rebuild;
mod records;
mod resequencer;
mod rolling;
mod scan;
mod schema;
pub(crate) mod seeding;
mod snapshot;
mod statistics;
mod strides;
mod submit;
mod subscriptions;
#[cfg(test)]
mod tests;
mod timeliness;
mod told;
mod touched;
mod turns;
mod verify;
mod visits;
mod watches;
mod write;
mod writer;

use std::{
    future::ready,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use contracts::Later;
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::writer::{Job, Task, Writer};
use super::{
    Answer, ApiKey, Basis, CellQuery, Cells, DossierRow, EntryRow, Found, Head, MessageRow,
    PersonalText, Reply, Rules, Store, StoreError, Submission, Tally, Verdict,
    batch::Delta,
    portable::{Backup, Snapshot},
    schema::{Migration, Outlook},
};
use crate::{
    journal::commitment::{DedupHash, DedupKey, dedup_hash, derived},
    registry::Observation,
};

/// Batches under way at once: the more, the more are written together.
const LANES: usize = 256;
/// The embedded store.
pub struct SqliteStore {
    path: PathBuf,
    key: DedupKey,
    tasks: mpsc::Sender<Task>,
    arrivals: mpsc::Sender<ahead::Arrived>,
    readers: readers::Readers,
    barrier: barrier::Barrier,
    finished: touched::Finished,
    /// The rules that readers have read last.
    rules: Arc<Mutex<known::RulesSeen>>,
}

fn stopped<E>(_: E) -> StoreError {
    StoreError::away("the writer has stopped")
}

impl SqliteStore {
    /// Opens or creates the file and starts the writer.
    ///
    /// # Errors
    /// When the linked SQLite is older than 3.51.3 (its WAL could lose commits), when the file is
    /// of another schema, cannot be opened, takes part in a move, or is a backup.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let opened = open::writer(&path)?;
        portable::open_for_all(&opened.0)?;
        known::tip(&opened.0)?.tell_ahead(jiff::Timestamp::now());
        Self::start(path, opened)
    }

    /// The same for a store that may take part in a move, or is being filled otherwise.
    ///
    /// # Errors
    /// Those of [`Self::open`], but for that.
    pub fn open_to_move(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        Self::start(path.clone(), open::writer(&path)?)
    }

    fn start(
        path: PathBuf,
        (mut connection, key): (Connection, DedupKey),
    ) -> Result<Self, StoreError> {
        let (tasks, queue) = mpsc::channel::<Task>();
        let (rules, numbers, rolling) = Default::default();
        let wal = checkpoint::WalPages::default();
        wal.watch(&path)?;
        let touched = touched::Touched::default();
        let finished = touched.finished().clone();
        let barrier = barrier::Barrier::of(&path, &mut connection)?;
        let arrivals = ahead::start(&path, (&finished, &barrier), &tasks)?;
        let done = barrier.clone();
        let writer = Writer { connection, rules, numbers, rolling, touched, wal, barrier: done };
        thread::Builder::new()
            .name("lienthong-writer".to_owned())
            .spawn(move || writer.work(&queue))
            .map_err(|error| StoreError::away(format!("the writer does not start: {error}")))?;
        let readers = readers::Readers::start(&path)?;
        Ok(Self { path, key, tasks, arrivals, readers, barrier, finished, rules: Arc::default() })
    }

    /// What a backup holds, and what it is of. Nothing is written to it.
    ///
    /// # Errors
    /// When the file is no backup, or one of another schema.
    pub async fn backup(path: &Path) -> Result<(Backup, Box<dyn Snapshot>), StoreError> {
        snapshot::of_backup(path.to_owned()).await
    }

    /// Makes a file that nobody has open any more one that stands alone, without a WAL beside it,
    /// and has the disk take it.
    ///
    /// # Errors
    /// When somebody has it open for longer than a few seconds, or the disk fails.
    pub fn seal(path: &Path) -> Result<(), StoreError> {
        open::seal(path)
    }

    /// How far the schema of a file is.
    ///
    /// # Errors
    /// When it cannot be read, or was made by another program.
    pub fn outlook(path: &Path) -> Result<Outlook, StoreError> {
        schema::outlook(path)
    }

    /// Applies the next migration to a file, if there is one.
    ///
    /// # Errors
    /// Those of [`Self::outlook`]; when the store takes part in a move.
    pub fn migrate_next(path: &Path) -> Result<Option<(usize, &'static Migration)>, StoreError> {
        schema::next(path)
    }

    /// Runs work on the writer thread; a caller that goes away does not stop it.
    fn write<T: Send + 'static>(
        &self,
        of: fn(Job) -> Task,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            let done = work(writer);
            writer.barrier.ended();
            // The caller may be gone; the work is done all the same.
            writer.barrier.then(move |on_disk| drop(reply.send(on_disk.and(done))));
        });
        let sent = self.tasks.send(of(job));
        Box::pin(async move {
            sent.map_err(stopped)?;
            answer.await.map_err(stopped)?
        })
    }

    /// Runs work on a reading connection, off the runtime's threads. It is short; what reads a
    /// whole store has connections of its own.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let (reply, answer) = oneshot::channel();
        let barrier = self.barrier.clone();
        self.readers.ask(Box::new(move |connection| {
            // Who has gone away is not read for.
            if !reply.is_closed() {
                let read = connection.and_then(work);
                barrier.then(move |on_disk| drop(reply.send(on_disk.and(read))));
            }
        }));
        Box::pin(
            async move { answer.await.map_err(|_| StoreError::fault("a reader has stopped"))? },
        )
    }
}

impl Store for SqliteStore {
    fn commit(
        &self,
        batch: Vec<Submission>,
    ) -> Answer<'_, Result<Vec<Result<Reply, Later>>, Later>> {
        let (asker, answer) = oneshot::channel();
        let sent = self.arrivals.send((batch, asker));
        Box::pin(async move {
            let done = async {
                sent.map_err(stopped)?;
                answer.await.map_err(stopped)?
            };
            done.await.map_err(|error: StoreError| {
                tracing::error!(error = %error, "a batch could not be written");
                error.later()
            })
        })
    }

    fn lanes(&self) -> usize {
        LANES
    }

    fn secret(&self, label: &str) -> [u8; 32] {
        derived(&self.key, label)
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

    fn find(&self, code: String, source: Option<String>) -> Answer<'_, Result<Found, StoreError>> {
        let (rules, finished) = (self.rules.clone(), self.finished.clone());
        self.read(move |connection| {
            // The number comes first: the moment that begins later sees at least so much.
            let moment = Some(finished.number());
            let found = read::found(connection, &rules, &code, source.as_deref())?;
            Ok(Found { moment, ..found })
        })
    }

    fn holds<'a>(&'a self, basis: &'a Basis) -> Answer<'a, Option<u64>> {
        Box::pin(ready(self.finished.holds(basis)))
    }

    fn observations(
        &self,
        key: String,
        before: Option<u64>,
    ) -> Answer<'_, Result<Vec<Observation>, StoreError>> {
        self.read(move |connection| read::observations(connection, &key, before))
    }

    fn personal(&self, positions: Vec<u64>) -> Answer<'_, Result<Vec<PersonalText>, StoreError>> {
        self.read(move |connection| read::personal(connection, &positions))
    }

    fn rules(&self, before: Option<u64>) -> Answer<'_, Result<Rules, StoreError>> {
        self.read(move |connection| read::rules(connection, before))
    }

    fn adopt(&self, rules: Rules) -> Answer<'_, Result<bool, StoreError>> {
        self.write(Task::Job, move |writer| rebuild::adopt(writer, &rules))
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
        self.read(move |connection| message::refusals(connection, message, limit as usize))
    }

    fn outcomes(&self) -> Answer<'_, Result<Vec<Tally>, StoreError>> {
        self.read(message::channels::tallies)
    }

    fn statistics(&self, query: CellQuery) -> Answer<'_, Result<Cells, StoreError>> {
        self.read(move |connection| statistics::cells(connection, &query))
    }

    fn deltas(&self, from: u64, to: u64) -> Answer<'_, Result<Vec<Delta>, StoreError>> {
        self.read(move |connection| {
            let mut all = Vec::new();
            deltas::read(connection, (from, to), &mut |delta| all.push(delta.clone()))?;
            Ok(all)
        })
    }

    fn add_key(&self, key: ApiKey) -> Answer<'_, Result<(), StoreError>> {
        self.write(Task::Aside, move |writer| keys::add(&mut writer.connection, &key))
    }

    fn rotate_key(
        &self,
        old: String,
        key: ApiKey,
        until: jiff::Timestamp,
    ) -> Answer<'_, Result<bool, StoreError>> {
        self.write(Task::Aside, move |writer| {
            keys::rotate(&mut writer.connection, &old, &key, until)
        })
    }

    fn note_key_uses(
        &self,
        uses: Vec<(String, jiff::Timestamp)>,
    ) -> Answer<'_, Result<(), StoreError>> {
        self.write(Task::Aside, move |writer| keys::note_uses(&mut writer.connection, &uses))
    }

    fn revoke_key(&self, id: String, at: jiff::Timestamp) -> Answer<'_, Result<bool, StoreError>> {
        self.write(Task::Aside, move |writer| keys::revoke(&mut writer.connection, &id, at))
    }

    fn keys(&self) -> Answer<'_, Result<Vec<ApiKey>, StoreError>> {
        self.read(keys::all)
    }

    fn verify(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        self.compared(verify::verify)
    }

    fn audit(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        self.compared(verify::audit)
    }

    fn recount(&self) -> Answer<'_, Result<Verdict, StoreError>> {
        self.compared(verify::recount)
    }

    fn rebuild(&self) -> Answer<'_, Result<u64, StoreError>> {
        self.write(Task::Job, rebuild::rebuild)
    }

    fn tend(&self, _: CancellationToken) -> Answer<'static, ()> {
        Box::pin(async {}) // The writer's thread does all of it, between two jobs.
    }
}
