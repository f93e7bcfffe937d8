//! Several readers that see the store as it stands at one moment, and share work.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rayon::prelude::*;
use rusqlite::{Connection, TransactionBehavior};

use super::open;
use crate::store::StoreError;

/// Readers at most; more would wait for the disk together.
const READERS_MAX: usize = 8;

/// Readers, one for each core.
pub(super) struct Crew(Vec<Connection>);

impl Crew {
    /// Opens the readers while nobody may write: so they all see the same.
    pub(super) fn at_one_moment(path: &Path) -> Result<Self, StoreError> {
        let mut gate = Connection::open(path)?;
        gate.busy_timeout(open::BUSY_TIMEOUT)?;
        let shut = gate.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let count = thread::available_parallelism().map_or(1, Into::into).min(READERS_MAX);
        let reader = |_| {
            let reader = open::reader(path)?;
            reader.execute_batch("BEGIN")?;
            // What a transaction sees is settled when it first reads.
            reader.query_row("SELECT size FROM head", [], |_| Ok(()))?;
            Ok(reader)
        };
        let crew = (0..count).map(reader).collect::<Result<_, StoreError>>()?;
        shut.rollback()?;
        Ok(Self(crew))
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
}
