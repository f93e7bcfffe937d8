//! Rollups follow the deltas: they are written together for many entries, and readers add what
//! they do not hold yet. Whoever appends is never held by it; one process at a time does it.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::GenericClient;
use tokio::{sync::Notify, time::timeout};
use tokio_postgres::Row;

use super::{
    failure::{self, Failure},
    lease::{Lease, Work},
    names::{NamesSeen, RollupRow},
    open,
    session::{self, Rows, Sessions, signed, unsigned},
};
use crate::{
    registry::{Place, measure::stored_name},
    store::{
        StoreError,
        batch::{Delta, Rollups, YearSums},
    },
};

/// Entries whose deltas the rollups may lack before they are written without waiting for quiet.
const ENTRIES_BEHIND_MAX: u64 = 1_024;

/// Entries rolled up in one transaction.
const ENTRIES_AT_ONCE_MAX: u64 = 8_192;

/// After so long without an entry, the rollups are brought up to the end.
const QUIET: Duration = Duration::from_millis(200);

/// How often the journal's end is looked at for what other processes have appended.
const OTHERS_EVERY: Duration = Duration::from_millis(500);

/// What this process has appended.
#[derive(Default)]
pub(super) struct Appended {
    size: AtomicU64,
    wake: Notify,
}

impl Appended {
    /// Says that the journal has grown.
    pub(super) fn to(&self, size: u64) {
        self.size.fetch_max(size, Ordering::Relaxed);
        self.wake.notify_one();
    }
}

/// Rolling up, where this process has the lease.
pub(super) struct Rolling {
    sessions: Sessions,
    names: NamesSeen,
    appended: Arc<Appended>,
    /// Where the rollups end, as far as this process knows.
    rolled: u64,
    /// Whether more than one transaction may take is waiting.
    more: bool,
    /// The size for which partitions were added last.
    partitioned: u64,
}

impl Rolling {
    pub(super) fn new(sessions: Sessions, names: NamesSeen, appended: Arc<Appended>) -> Self {
        Self { sessions, names, appended, rolled: 0, more: false, partitioned: 0 }
    }
}

impl Work for Rolling {
    const LEASE: &'static str = "rollups";

    async fn due(&self) {
        loop {
            let behind = self.appended.size.load(Ordering::Relaxed).saturating_sub(self.rolled);
            if self.more || behind >= ENTRIES_BEHIND_MAX {
                return;
            }
            let patience = if behind > 0 { QUIET } else { OTHERS_EVERY };
            if timeout(patience, self.appended.wake.notified()).await.is_err() {
                return;
            }
        }
    }

    async fn turn(&mut self, lease: &Lease) -> Result<bool, Failure> {
        let mut client = self.sessions.writer().await?;
        let (rolled, size) = ends(&client, ENDS).await?;
        (self.rolled, self.more) = (rolled, false);
        if rolled < size {
            let Some(transaction) = lease.begin(&mut client).await? else { return Ok(false) };
            // Nobody waits for it, and what has fallen far behind is much at once.
            transaction.batch_execute("SET LOCAL statement_timeout = '30s'").await?;
            let (rolled, size) = ends(&transaction, ENDS_HELD).await?;
            let to = size.min(rolled + ENTRIES_AT_ONCE_MAX);
            let sums = sums(&transaction, rolled, to).await?;
            let rows = self.names.rows(&transaction, &sums).await?;
            write(&transaction, rows, to).await?;
            transaction.commit().await.map_err(failure::of_commit)?;
            (self.rolled, self.more) = (to, to < size);
        }
        if open::wants_partition(size, self.partitioned) {
            let Some(transaction) = lease.begin(&mut client).await? else { return Ok(false) };
            open::partitions(&transaction).await?;
            transaction.commit().await?;
            self.partitioned = size;
        }
        Ok(true)
    }
}

/// Rows of rollups written by one statement.
const ROWS_AT_ONCE: usize = 4_096;

/// Adds rows, in the order of their keys, to the rollups, which then hold the deltas before a
/// position. The rollups are held: what is read here stays as it is.
pub(super) async fn write(
    client: &impl GenericClient,
    mut rows: Vec<RollupRow>,
    rolled: u64,
) -> Result<(), Failure> {
    for rows in rows.chunks_mut(ROWS_AT_ONCE) {
        add_held(client, rows).await?;
        let sql = "INSERT INTO rollups (slot, inside, n, days, counts)
                   SELECT slot, inside, n, days::integer[], counts::bigint[]
                   FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
                       w (slot, inside, n, days, counts)
                   ON CONFLICT (slot, inside) DO UPDATE
                   SET n = excluded.n, days = excluded.days, counts = excluded.counts";
        let written = Rows::new(sql, rows.len())
            .with(rows.iter().map(|(slot, ..)| *slot).collect())
            .with(rows.iter().map(|(_, inside, _)| *inside).collect())
            .with(rows.iter().map(|(.., sums)| sums.total()).collect())
            .with(rows.iter().map(|(.., sums)| array(sums, |(day, _)| *day)).collect())
            .with(rows.iter().map(|(.., sums)| array(sums, |(_, n)| *n)).collect());
        session::write(client, vec![written]).await?;
    }
    let sql = "UPDATE rolled SET position = w.position FROM unnest($1::bigint[]) w (position)
               WHERE one = 1";
    session::write(client, vec![Rows::new(sql, 1).with(vec![signed(rolled)])]).await
}

/// Adds what the rollups hold of some rows already to them.
async fn add_held(client: &impl GenericClient, rows: &mut [RollupRow]) -> Result<(), Failure> {
    let sql = "SELECT w.at, r.days, r.counts
               FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY w (slot, inside, at)
               JOIN rollups r ON r.slot = w.slot AND r.inside = w.inside";
    let (slots, insides): (Vec<i64>, Vec<i64>) =
        rows.iter().map(|(slot, inside, _)| (*slot, *inside)).unzip();
    for held in session::rows(client, sql, &[&slots, &insides]).await? {
        let at = usize::try_from(held.try_get::<_, i64>(0)? - 1).ok();
        let (days, counts): (Vec<i32>, Vec<i64>) = (held.try_get(1)?, held.try_get(2)?);
        if let Some((.., sums)) = at.and_then(|at| rows.get_mut(at)) {
            sums.add(&YearSums::new(days.into_iter().zip(counts).collect()));
        }
    }
    Ok(())
}

/// One member of each day, as the text of an array: rows of arrays of different lengths cannot be
/// sent as arrays.
fn array<T: Display>(sums: &YearSums, member: impl Fn(&(i32, i64)) -> T) -> String {
    let members: Vec<String> = sums.days().iter().map(|day| member(day).to_string()).collect();
    format!("{{{}}}", members.join(","))
}

const ENDS: &str = "SELECT r.position, h.size FROM rolled r, head h";
/// Held until the transaction ends: making the folds anew writes rollups as well, lease or not.
const ENDS_HELD: &str = "SELECT r.position, h.size FROM rolled r, head h FOR UPDATE OF r";

/// Where the rollups and the journal end.
async fn ends(client: &impl GenericClient, sql: &str) -> Result<(u64, u64), Failure> {
    let row = session::row(client, sql, &[]).await?;
    let row = row.ok_or_else(|| StoreError::fault("the rollups' position is lost"))?;
    Ok((unsigned(row.try_get(0)?), unsigned(row.try_get(1)?)))
}

/// Deltas of some positions, added up: day, measure, number and the place.
pub(super) const DELTAS: &str = "
    SELECT d.day, d.measure, d.n, p.agency, p.procedure, p.field, p.channel, p.commune,
        p.finishing_agency
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
        finishing_agency: row.try_get(8)?,
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

/// The deltas of some positions, each with its own, in their order.
pub(super) async fn each(
    client: &impl GenericClient,
    from: u64,
    to: u64,
) -> Result<Vec<Delta>, Failure> {
    let sql = "SELECT d.day, d.measure, d.n, p.agency, p.procedure, p.field, p.channel, p.commune,
            p.finishing_agency, d.position
        FROM deltas d JOIN places p ON p.place = d.place
        WHERE d.position >= $1 AND d.position < $2 ORDER BY d.position";
    let rows = session::rows(client, sql, &[&signed(from), &signed(to)]).await?;
    let one = |row: &Row| Ok(Delta { position: unsigned(row.try_get(9)?), ..delta(row)? });
    rows.iter().map(one).collect()
}
