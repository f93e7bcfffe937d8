//! Rollups follow the deltas in a task of their own: they are written together for many entries,
//! and readers add what they do not hold yet. Whoever appends is never held by it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::GenericClient;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_postgres::Row;

use super::{
    failure::Failure,
    open,
    session::{self, Sessions, signed, unsigned},
    write,
};
use crate::{
    registry::{Place, measure::stored_name},
    store::{
        StoreError,
        batch::{Delta, Rollups},
    },
};

/// Entries whose deltas the rollups may lack before they are written without waiting for quiet.
const ENTRIES_BEHIND_MAX: u64 = 256;

/// Entries rolled up in one transaction.
const ENTRIES_AT_ONCE_MAX: u64 = 8_192;

/// After so long without an entry, the rollups are brought up to the end.
const QUIET: Duration = Duration::from_millis(200);

/// How long the task rests after it could not write.
const REST: Duration = Duration::from_secs(2);

/// What the task is told; it ends with the store.
pub(super) struct Rolling {
    told: Arc<Told>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Told {
    size: AtomicU64,
    wake: Notify,
}

impl Drop for Rolling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Rolling {
    pub(super) fn start(sessions: Sessions) -> Self {
        let told = Arc::new(Told::default());
        let task = tokio::spawn(follow(sessions, told.clone()));
        Self { told, task }
    }

    /// Says that the journal has grown.
    pub(super) fn appended(&self, size: u64) {
        self.told.size.fetch_max(size, Ordering::Relaxed);
        self.told.wake.notify_one();
    }
}

async fn follow(sessions: Sessions, told: Arc<Told>) {
    // A journal may stand behind its rollups when the store is opened: look once at first.
    let (mut rolled, mut partitioned) = (0, 0);
    let mut pending = true;
    loop {
        let behind = told.size.load(Ordering::Relaxed).saturating_sub(rolled);
        if !pending && behind == 0 {
            told.wake.notified().await;
            continue;
        }
        if behind < ENTRIES_BEHIND_MAX
            && tokio::time::timeout(QUIET, told.wake.notified()).await.is_ok()
        {
            continue;
        }
        match roll(&sessions).await {
            Ok((now, size)) => {
                (rolled, pending) = (now, now < size);
                if open::wants_partition(size, partitioned) && partitions(&sessions).await.is_ok() {
                    partitioned = size;
                }
            }
            Err(failure) => {
                let error = failure.error;
                tracing::warn!(%error, "the rollups stay behind; readers add what they lack");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn partitions(sessions: &Sessions) -> Result<(), Failure> {
    let mut client = sessions.writer().await?;
    let transaction = client.transaction().await?;
    open::partitions(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Rolls up what there is, or some of it; gives where the rollups and the journal end.
async fn roll(sessions: &Sessions) -> Result<(u64, u64), Failure> {
    let mut client = sessions.writer().await?;
    let transaction = client.transaction().await?;
    // Held until the end: another process that rolls up waits, and then finds it done.
    let sql = "SELECT r.position, h.size FROM rolled r, head h FOR UPDATE OF r";
    let row = session::row(&transaction, sql, &[]).await?;
    let row = row.ok_or_else(|| StoreError::fault("the rollups' position is lost"))?;
    let (rolled, size) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
    let to = size.min(rolled + ENTRIES_AT_ONCE_MAX);
    if to > rolled {
        let sums = sums(&transaction, rolled, to).await?;
        session::write(&transaction, write::rollups(&sums, to).into()).await?;
        transaction.commit().await?;
    }
    Ok((to.max(rolled), size))
}

/// Deltas of some positions, added up: day, measure, number and the place.
pub(super) const DELTAS: &str = "
    SELECT d.day, d.measure, d.n, p.agency, p.procedure, p.field, p.channel, p.commune
    FROM (SELECT place, measure, day, sum(n)::bigint AS n FROM deltas
          WHERE position >= $1 AND position < $2
          GROUP BY place, measure, day HAVING sum(n) <> 0) d
    JOIN places p ON p.place = d.place";

pub(super) fn delta(row: &Row) -> Result<Delta, Failure> {
    let place = Place {
        agency: row.try_get(3)?,
        procedure: row.try_get(4)?,
        field: row.try_get(5)?,
        channel: row.try_get(6)?,
        commune: row.try_get(7)?,
    };
    let name: &str = row.try_get(1)?;
    let measure =
        stored_name(name).ok_or_else(|| StoreError::fault(format!("`{name}` is no measure")))?;
    let (day, n) = (row.try_get(0)?, row.try_get(2)?);
    Ok(Delta { position: 0, day, place: Arc::new(place), measure, n })
}

/// The sums of the deltas of some positions.
pub(super) async fn sums(
    client: &impl GenericClient,
    from: u64,
    to: u64,
) -> Result<Rollups, Failure> {
    let mut sums = Rollups::default();
    for row in session::rows(client, DELTAS, &[&signed(from), &signed(to)]).await? {
        sums.add(&delta(&row)?);
    }
    Ok(sums)
}
