//! Leases, and processes that stand still in the middle of a transaction.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Database, PostgresStore, connect, suite};
use crate::store::{
    CellQuery, Store,
    postgres::{
        known,
        lease::{LEASE, Lease},
        session,
    },
};

/// A lease that a test can wait for.
const SHORT: Duration = Duration::from_millis(300);
/// What anything may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long nothing may happen for a test to say that it does not.
const WHILE: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn a_lease_has_one_holder_and_each_holder_a_greater_token() {
    let database = Database::new("lease").await;
    let store = database.open().await;
    let one = store.sessions.writer().await.unwrap();
    let other = store.sessions.writer().await.unwrap();
    let first = Lease::take(&one, "work", LEASE).await.unwrap().unwrap();
    assert_eq!(Lease::take(&other, "work", LEASE).await.unwrap(), None);
    assert!(Lease::take(&other, "other-work", LEASE).await.unwrap().is_some());
    assert!(first.renew(&one, LEASE).await.unwrap());
    first.give_up(&one).await.unwrap();
    assert!(!first.renew(&one, LEASE).await.unwrap(), "what was given up is gone");
    let second = Lease::take(&other, "work", LEASE).await.unwrap().unwrap();
    assert!(second.token() > first.token(), "{second:?} after {first:?}");
    first.give_up(&one).await.unwrap();
    assert!(second.renew(&other, LEASE).await.unwrap(), "the old holder has no say in it");
    drop((one, other, store));
    database.drop().await;
}

#[tokio::test]
async fn a_lease_that_has_run_out_carries_no_writing_whoever_has_it_now() {
    let database = Database::new("run_out").await;
    let store = database.open().await;
    let (mut one, other) =
        (store.sessions.writer().await.unwrap(), store.sessions.writer().await.unwrap());
    let old = Lease::take(&one, "work", SHORT).await.unwrap().unwrap();
    tokio::time::sleep(SHORT * 2).await;
    assert!(old.begin(&mut one).await.unwrap().is_none(), "nobody has taken it, and yet");
    let new = Lease::take(&other, "work", LEASE).await.unwrap().unwrap();
    assert!(new.token() > old.token());
    assert!(old.begin(&mut one).await.unwrap().is_none());
    assert!(!old.renew(&one, LEASE).await.unwrap());
    drop((one, other, store));
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_a_lease_over_under_a_transaction_of_its_holder() {
    let database = Database::new("under").await;
    let store = Arc::new(database.open().await);
    let mut one = store.sessions.writer().await.unwrap();
    let lease = Lease::take(&one, "work", SHORT).await.unwrap().unwrap();
    let transaction = one.transaction().await.unwrap();
    assert!(lease.renew(&transaction, SHORT).await.unwrap());
    tokio::time::sleep(SHORT * 2).await;
    let taking = tokio::spawn({
        let store = store.clone();
        async move {
            let other = store.sessions.writer().await.unwrap();
            Lease::take(&other, "work", LEASE).await.unwrap()
        }
    });
    tokio::time::sleep(SHORT * 2).await;
    assert!(!taking.is_finished(), "it ran out, but its holder is still writing");
    transaction.commit().await.unwrap();
    let taken = taking.await.unwrap().unwrap();
    assert!(taken.token() > lease.token());
    drop((one, store));
    database.drop().await;
}

/// A process that stands still: its runtime has one thread, and that thread waits.
struct Frozen {
    thaw: mpsc::Sender<()>,
    ended: thread::JoinHandle<bool>,
}

/// In which state of its transaction a process is stopped.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// It holds the journal's end and has said nothing yet.
    Silent,
    /// It holds the journal's end and does not take what it has asked for.
    NotReading,
    /// It has written rollups under their lease.
    UnderLease,
}

/// More than the buffers of a connection hold, sent when the process stands still.
const MUCH: &str = "SELECT repeat('x', 1000000) FROM pg_sleep(0.4), generate_series(1, 100)";

impl Frozen {
    async fn at(config: tokio_postgres::Config, moment: Moment) -> Self {
        let (thaw, thawed) = mpsc::channel::<()>();
        let (still, standing) = oneshot::channel();
        let run = async move {
            let store = PostgresStore::open(&config).await.unwrap();
            let mut client = store.sessions.writer().await.unwrap();
            let lease = Lease::take(&client, "rollups", LEASE).await.unwrap().unwrap();
            let transaction = match moment {
                Moment::UnderLease => lease.begin(&mut client).await.unwrap().unwrap(),
                _ => client.transaction().await.unwrap(),
            };
            if let Moment::UnderLease = moment {
                let stale = "UPDATE rolled SET position = 1000";
                transaction.batch_execute(stale).await.unwrap();
            } else {
                known::tip_held(&transaction).await.unwrap();
            }
            if let Moment::NotReading = moment {
                let asking = transaction.batch_execute(MUCH);
                let _ = tokio::time::timeout(Duration::from_millis(100), asking).await;
            }
            still.send(()).unwrap();
            thawed.recv().unwrap();
            // Awake again, it goes on as if no time had passed.
            let head = "UPDATE head SET size = 1000";
            let written = transaction.batch_execute(head).await.is_ok();
            let kept = transaction.commit().await.is_ok();
            let mut anew = store.sessions.writer().await.unwrap();
            let under_lease = matches!(moment, Moment::UnderLease)
                && lease.begin(&mut anew).await.unwrap().is_some();
            written || kept || under_lease
        };
        let ended = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(run)
        });
        standing.await.unwrap();
        Self { thaw, ended }
    }

    /// Wakes it; whether anything it wrote then was kept.
    fn wakes_and_writes(self) -> bool {
        self.thaw.send(()).unwrap();
        self.ended.join().unwrap()
    }
}

/// Sends one message until it is acknowledged.
async fn insist(store: &PostgresStore, id: &str) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let message = suite::message(store, id, id, vec![Ok(vec![suite::snapshot(id, 1, 4)])]);
        let told = store.commit(vec![message]).await.map(|mut told| told.remove(0));
        if let Ok(Ok(_)) = told {
            return;
        }
    }
    panic!("{id} is not taken within {PATIENCE:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stopped_with_the_journals_end_in_hand_does_not_hold_up_the_others() {
    for moment in [Moment::Silent, Moment::NotReading] {
        let database = Database::new("stopped").await;
        let store = database.open().await;
        insist(&store, "before").await;
        let frozen = Frozen::at(database.config.clone(), moment).await;
        insist(&store, "meanwhile").await;
        assert!(!frozen.wakes_and_writes(), "{moment:?}");
        insist(&store, "after").await;
        let verdict = store.verify().await.unwrap();
        assert_eq!((verdict.entries, verdict.faults), (3, Vec::new()), "{moment:?}");
        drop(store);
        database.drop().await;
    }
}

async fn number(database: &Database, sql: &str) -> i64 {
    let row = connect(&database.config).await.query_one(sql, &[]).await.unwrap();
    row.get(0)
}

/// Waits until a statement gives a number.
async fn comes_to(database: &Database, sql: &str, wanted: i64) {
    let began = Instant::now();
    let mut found = None;
    while began.elapsed() < PATIENCE {
        found = Some(number(database, sql).await);
        if found == Some(wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{sql}: {found:?}, not {wanted}");
}

const BEHIND: &str = "SELECT h.size - r.position FROM lienthong.head h, lienthong.rolled r";
const TOKEN: &str = "SELECT coalesce(max(token), 0) FROM lienthong.leases WHERE name = 'rollups'";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_stopped_beyond_its_lease_is_followed_and_cannot_write_under_it() {
    let database = Database::new("beyond").await;
    let store = database.open().await;
    let frozen = Frozen::at(database.config.clone(), Moment::UnderLease).await;
    let stop = CancellationToken::new();
    let tending = tokio::spawn(store.tend(stop.clone()));
    insist(&store, "meanwhile").await;
    comes_to(&database, BEHIND, 0).await;
    assert_eq!(number(&database, TOKEN).await, 2);
    assert!(!frozen.wakes_and_writes());
    assert_eq!(number(&database, BEHIND).await, 0);
    stop.cancel();
    tending.await.unwrap();
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
    drop(store);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rolling_up_is_one_processs_and_the_next_ones_when_that_ends_in_order() {
    let database = Database::new("tended").await;
    let stores = [database.open().await, database.open().await];
    let (stop, stop_second) = (CancellationToken::new(), CancellationToken::new());
    let first = tokio::spawn(stores[0].tend(stop.clone()));
    comes_to(&database, TOKEN, 1).await;
    let second = tokio::spawn(stores[1].tend(stop_second.clone()));
    insist(&stores[0], "own").await;
    insist(&stores[1], "of-the-other").await;
    comes_to(&database, BEHIND, 0).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(number(&database, TOKEN).await, 1, "a lease in use changes hands");
    stop.cancel();
    first.await.unwrap();
    let left = "SELECT count(*) FROM lienthong.leases WHERE ends_at > clock_timestamp()
                AND name = 'rollups' AND token = 1";
    assert_eq!(number(&database, left).await, 0, "the lease is not given up");
    insist(&stores[0], "last").await;
    comes_to(&database, BEHIND, 0).await;
    assert_eq!(number(&database, TOKEN).await, 2);
    stop_second.cancel();
    second.await.unwrap();
    // With nobody left to roll up, whoever is asked adds what is missing.
    insist(&stores[0], "unattended").await;
    assert_eq!(number(&database, BEHIND).await, 1);
    let everything = || CellQuery { from: 0, to: 100_000, ..CellQuery::default() };
    let told = stores[1].statistics(everything()).await.unwrap();
    stores[0].rebuild().await.unwrap();
    assert_eq!(number(&database, BEHIND).await, 0);
    assert_eq!(told, stores[0].statistics(everything()).await.unwrap());
    assert!(told.rows.iter().any(|row| row.n == 4), "{told:?}");
    drop(stores);
    database.drop().await;
}

#[tokio::test]
async fn a_session_is_told_how_long_it_may_hold_others_up() {
    let database = Database::new("told").await;
    let store = database.open().await;
    let client = store.sessions.writer().await.unwrap();
    let sql = "SELECT current_setting('idle_in_transaction_session_timeout')::interval
                      < make_interval(secs => $1)
                  AND current_setting('lock_timeout')::interval < make_interval(secs => $1)";
    let row = session::row(&client, sql, &[&LEASE.as_secs_f64()]).await.unwrap().unwrap();
    assert!(row.get::<_, bool>(0), "a lease must outlast an idle transaction of its holder");
    drop((client, store));
    database.drop().await;
}

#[tokio::test]
async fn no_turn_waits_for_a_time_that_never_was() {
    let database = Database::new("clocks").await;
    let store = database.open().await;
    let other = connect(&database.superuser()).await;
    other.batch_execute("SET search_path = lienthong").await.unwrap();
    crate::store::suite::clocks::turns(&store, async |sql| other.batch_execute(sql).await.unwrap())
        .await;
    drop((store, other));
    database.drop().await;
}
