//! Several readers that see the store as it stands at one moment, and share work.

use std::{
    mem,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rayon::prelude::*;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::open;
use crate::store::StoreError;

/// Readers at most; more would wait for the disk together.
const READERS_MAX: usize = 8;

/// Each page is read once, so a cache larger than a core's own only puts memory between them.
const SETTINGS: &str = "PRAGMA cache_size = -512; BEGIN";

/// Positions that one reader takes at a time.
pub(super) const POSITIONS: usize = 1_024;
/// Such stretches between two looks at what they gave: bounds what is held at once.
const STRETCHES: usize = 16;

/// Readers, one for each core.
pub(super) struct Crew(Vec<Connection>);

/// Positions `.0..`.1`.
pub(super) type Stretch = (u64, u64);

/// Reads a stretch; gives what each position gave.
type Read<'a, T> =
    dyn Fn(&Connection, Stretch, &mut Vec<(u64, T)>) -> Result<(), StoreError> + Sync + 'a;

impl Crew {
    /// Opens the readers while nobody may write: so they all see the same.
    pub(super) fn at_one_moment(path: &Path) -> Result<Self, StoreError> {
        let mut gate = Connection::open(path)?;
        gate.busy_timeout(open::BUSY_TIMEOUT)?;
        let shut = gate.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let crew = Self::open(path)?;
        shut.rollback()?;
        Ok(crew)
    }

    /// Opens the readers beside a transaction that holds the lock of writers: they see what was
    /// there when it began, whatever it writes.
    pub(super) fn before(transaction: &Transaction<'_>) -> Result<Self, StoreError> {
        let path = transaction.path().ok_or_else(|| StoreError::fault("the store has no file"))?;
        Self::open(Path::new(path))
    }

    fn open(path: &Path) -> Result<Self, StoreError> {
        let count = thread::available_parallelism().map_or(1, Into::into).min(READERS_MAX);
        let reader = |_| {
            let reader = open::reader(path)?;
            reader.execute_batch(SETTINGS)?;
            // What a transaction sees is settled when it first reads.
            reader.query_row("SELECT size FROM head", [], |_| Ok(()))?;
            Ok(reader)
        };
        (0..count).map(reader).collect::<Result<_, StoreError>>().map(Self)
    }

    /// One of the readers.
    pub(super) fn first(&mut self) -> Result<&mut Connection, StoreError> {
        self.0.first_mut().ok_or_else(|| StoreError::fault("there is no reader"))
    }

    /// Does jobs `0..jobs`, each by whichever reader is free; gives what each reader gathered.
    pub(super) fn share<T: Default + Send>(
        &mut self,
        jobs: usize,
        work: &(dyn Fn(&Connection, usize, &mut T) -> Result<(), StoreError> + Sync),
    ) -> Result<Vec<T>, StoreError> {
        let next = &AtomicUsize::new(0);
        let one = |reader: &mut Connection| -> Result<T, StoreError> {
            let mut gathered = T::default();
            loop {
                let job = next.fetch_add(1, Ordering::Relaxed);
                if job >= jobs {
                    return Ok(gathered);
                }
                work(reader, job, &mut gathered)?;
            }
        };
        // Threads that live on: new ones would begin with memory that nobody has used.
        self.0.par_iter_mut().with_max_len(1).map(one).collect()
    }

    /// Reads the positions before `end` stretch by stretch; while some are read, what those before
    /// them gave is taken, in order, until `take` wants no more.
    pub(super) fn in_order<T: Send>(
        &mut self,
        end: u64,
        read: &Read<'_, T>,
        take: &mut (dyn FnMut(Vec<(u64, T)>) -> bool + Send),
    ) -> Result<(), StoreError> {
        let end = usize::try_from(end).unwrap_or(usize::MAX);
        let mut waiting: Vec<(u64, T)> = Vec::new();
        for first in (0..end).step_by(POSITIONS * STRETCHES).chain([end]) {
            let left = (end - first).div_ceil(POSITIONS).min(STRETCHES);
            let mut before = mem::take(&mut waiting);
            let (gathered, more) = rayon::join(
                || {
                    self.share(left, &|reader, stretch, gathered| {
                        let from = (first + stretch * POSITIONS) as u64;
                        read(reader, (from, from + POSITIONS as u64), gathered)
                    })
                },
                || {
                    before.sort_unstable_by_key(|(position, _)| *position);
                    take(before)
                },
            );
            if !more {
                return Ok(());
            }
            waiting = gathered?.into_iter().flatten().collect();
        }
        Ok(())
    }
}
