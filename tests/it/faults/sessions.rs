//! The server lives, and does not give the hub what it needs: its sessions, a place, a lock, time.

use std::time::Duration;

use super::{BACK_MAX, Bed};
use crate::cluster::Session;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_that_an_operator_ends_are_begun_anew() {
    let Some(bed) = Bed::new("terminated", &[]).await else { return };
    let load = bed.load();
    let mut ended = 0;
    for _ in 0..20 {
        load.goes_on(10, BACK_MAX).await;
        ended += bed.terminate();
    }
    assert!(ended >= 20, "only {ended} sessions were ended");
    bed.ends(load, &["terminating connection due to administrator command"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_without_a_free_place_is_waited_for() {
    // Twelve places for all, and eight for those who look after the server.
    let options = ["max_connections=20", "superuser_reserved_connections=8"];
    let Some(bed) = Bed::new("crowded", &options).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    // Others come, a few at a time, until none of the hub's sessions has a place any more.
    let mut others: Vec<Session> = Vec::new();
    for _ in 0..200 {
        others.retain_mut(|one| !one.is_over());
        others.extend((others.len()..12).take(3).map(|_| bed.server.bystander()));
        if bed.terminate() == 0 && load.turned_away() > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    load.is_turned_away(BACK_MAX).await;
    let before = load.acknowledged();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(load.acknowledged(), before, "without a connection nothing can be acknowledged");
    drop(others);
    bed.ends(load, &["PostgreSQL 53300", "connection slots"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_that_another_holds_stops_writing_and_nothing_else() {
    let Some(bed) = Bed::new("locked", &[]).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    let sql = "BEGIN; SELECT FROM lienthong.head FOR UPDATE;";
    let other = bed.server.occupy(&bed.database, sql);
    load.is_turned_away(BACK_MAX).await;
    let before = load.acknowledged();
    let reader = bed.hub.sender(&bed.key);
    for _ in 0..10 {
        reader.found("/v1/statistics?from=2024-01-01&by=agency").await;
        reader.found("/healthz").await;
    }
    load.is_turned_away(BACK_MAX).await;
    assert_eq!(load.acknowledged(), before);
    drop(other);
    bed.ends(load, &["PostgreSQL 55P03", "canceling statement due to lock timeout"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_statement_that_takes_too_long_is_given_up() {
    let Some(bed) = Bed::new("slow", &[]).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    bed.order(
        "CREATE FUNCTION lienthong.slow() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON lienthong.messages
         FOR EACH ROW EXECUTE FUNCTION lienthong.slow()",
    );
    load.is_turned_away(BACK_MAX).await;
    bed.order("SET lock_timeout = '60s'; DROP TRIGGER slow ON lienthong.messages");
    bed.ends(load, &["PostgreSQL 57014", "canceling statement due to statement timeout"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_lets_nobody_in_or_nothing_be_written_is_waited_for() {
    let Some(bed) = Bed::new("shut", &[]).await else { return };
    let load = bed.load();
    // Said from another database, in which everything may still be written.
    let (server, name) = bed.database.rsplit_once('/').unwrap();
    let order = |sql: &str| bed.server.order(&format!("{server}/postgres"), sql);
    for (shut, open) in [
        // What a standby does, and a database that somebody saves before it is moved.
        (
            format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
            format!("ALTER DATABASE {name} RESET default_transaction_read_only"),
        ),
        ("ALTER ROLE lienthong NOLOGIN".to_owned(), "ALTER ROLE lienthong LOGIN".to_owned()),
    ] {
        load.goes_on(20, BACK_MAX).await;
        order(&shut);
        bed.terminate();
        load.is_turned_away(BACK_MAX).await;
        let before = load.acknowledged();
        load.is_turned_away(BACK_MAX).await;
        assert_eq!(load.acknowledged(), before, "{shut}");
        order(&open);
        // Who was let in to read alone stays so until he comes anew.
        bed.terminate();
    }
    bed.ends(load, &["PostgreSQL 25006", "PostgreSQL 28000", "is not permitted to log in"]).await;
}
