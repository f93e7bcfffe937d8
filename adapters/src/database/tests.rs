//! Reading a SQLite file that somebody else writes; PostgreSQL and MariaDB are read in `tests/it`.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use rusqlite::Connection;
use serde_json::json;
use tokio::{net::TcpListener, time::timeout};

use super::{DatabasePoll, Settings};
use crate::{
    database::insert::{DatabaseInsert, InsertSettings},
    outbound::{Class, Message, Outbound as _, Secret},
    reach::Reach,
    reading::{Pace, fixture::Desk},
    suite::{Scripted, Sender, Told, conforms},
};

/// A file of somebody else's.
struct Foreign {
    path: PathBuf,
    writer: std::sync::Mutex<Connection>,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Foreign {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("foreign-{}-{number}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("CREATE TABLE ho_so (id INTEGER, ten, sua TEXT, PRIMARY KEY (id))")
            .unwrap();
        Self { path, writer: writer.into() }
    }

    fn run(&self, sql: &str) {
        self.writer.lock().unwrap().execute_batch(sql).unwrap();
    }

    fn put(&self, id: u32, name: &str, changed: &str) {
        self.run(&format!("REPLACE INTO ho_so VALUES ({id}, {name}, '{changed}')"));
    }

    fn reader(&self, settings: Settings) -> Arc<DatabasePoll> {
        let address = format!("sqlite:{}", self.path.display()).parse().unwrap();
        DatabasePoll::new(settings, address, Arc::new(Reach::default()))
    }

    fn desk(&self, settings: Settings) -> Desk {
        Desk::new(self.reader(settings), Scripted::new([]))
    }
}

fn settings() -> Settings {
    Settings {
        query: "SELECT * FROM ho_so".to_owned(),
        key: vec!["id".to_owned()],
        watermark: Some("sua".to_owned()),
        overlap: 60,
        batch_rows: 100,
        statement_max: Duration::from_secs(5),
    }
}

#[tokio::test]
async fn what_is_committed_late_is_read_and_what_is_read_again_taken_once() {
    let foreign = Foreign::new();
    foreign.put(1, "'a'", "2024-03-04 08:00:00");
    foreign.put(2, "'b'", "2024-03-04 08:02:00");
    let desk = foreign.desk(settings());
    assert_eq!(desk.turn().await.unwrap().taken, 2);
    assert_eq!(desk.turn().await.unwrap().taken, 0);
    // Committed behind the watermark, within the overlap.
    foreign.put(3, "'c'", "2024-03-04 08:01:10");
    foreign.put(2, "'b2'", "2024-03-04 08:03:00");
    assert_eq!(desk.turn().await.unwrap().taken, 2);
    foreign.put(2, "'b'", "2024-03-04 08:03:00");
    assert_eq!(desk.turn().await.unwrap().taken, 1, "a row that changes back is new");
    let rows = desk.rows();
    assert_eq!(rows[2], json!({ "id": 3, "ten": "c", "sua": "2024-03-04 08:01:10" }));
    // A date far ahead is read, and hides nothing.
    foreign.put(9, "'z'", "2999-01-01 00:00:00");
    foreign.put(4, "'d'", "2024-03-04 08:04:00");
    assert_eq!(desk.turn().await.unwrap().taken, 2);
    foreign.put(5, "'e'", "2026-01-01 00:00:00");
    let ahead = desk.turn().await.unwrap().taken;
    let cursor = desk.cursor().unwrap();
    assert!(!cursor.contains("2999"), "{cursor} {ahead}");
}

#[tokio::test]
async fn batches_are_messages_that_follow_one_another() {
    let foreign = Foreign::new();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
                INSERT INTO ho_so SELECT i, 'x', '2024-03-04 08:00:00' FROM n";
    foreign.run(rows);
    let desk = foreign.desk(settings());
    assert_eq!(desk.turn().await.unwrap().taken, 250);
    assert_eq!(desk.inbox.arrivals().len(), 3);
    let ids: Vec<u64> = desk.rows().iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=250).collect::<Vec<u64>>());
    assert_eq!(desk.turn().await.unwrap().taken, 0);
}

#[tokio::test]
async fn without_a_watermark_every_turn_reads_all_and_takes_what_is_new() {
    let foreign = Foreign::new();
    for id in 1..=5 {
        foreign.put(id, "'a'", "-");
    }
    let desk = foreign.desk(Settings { watermark: None, batch_rows: 2, ..settings() });
    assert_eq!(desk.turn().await.unwrap().taken, 5);
    foreign.put(2, "'b'", "-");
    assert_eq!(desk.turn().await.unwrap().taken, 1);
    assert_eq!(desk.rows()[5]["ten"], "b");
}

#[tokio::test]
async fn numbers_may_be_the_watermark() {
    let foreign = Foreign::new();
    for id in 1..=5 {
        foreign.put(id, "'a'", "-");
    }
    let watermark = Some("id".to_owned());
    let desk = foreign.desk(Settings { watermark, overlap: 2, ..settings() });
    assert_eq!(desk.turn().await.unwrap().taken, 5);
    foreign.put(6, "'a'", "-");
    foreign.put(4, "'late'", "-");
    assert_eq!(desk.turn().await.unwrap().taken, 2);
}

#[tokio::test]
async fn values_of_every_type_become_json() {
    let foreign = Foreign::new();
    foreign.put(1, "NULL", "2024-03-04");
    foreign.put(2, "1.25", "2024-03-04");
    foreign.put(3, "x'00ff'", "2024-03-04");
    foreign.put(4, "CAST(x'43F46E67' AS TEXT)", "2024-03-04");
    foreign.put(5, "'Công \"ty\"'", "2024-03-04");
    foreign.put(6, "9007199254740993", "2024-03-04");
    let desk = foreign.desk(settings());
    desk.turn().await.unwrap();
    let names: Vec<_> = desk.rows().iter().map(|row| row["ten"].clone()).collect();
    let expected = [
        json!(null),
        json!(1.25),
        json!("\\x00ff"),
        json!("Công"),
        json!("Công \"ty\""),
        json!(9_007_199_254_740_993_u64),
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn every_failure_has_its_name_and_nothing_is_written() {
    let foreign = Foreign::new();
    foreign.put(1, "'bí mật'", "2024-03-04");
    for (changed, code, pace) in [
        (
            Settings { query: "SELECT khong FROM ho_so".into(), ..settings() },
            "query-refused",
            Pace::Mended,
        ),
        (Settings { key: vec!["ma".into()], ..settings() }, "answer-not-understood", Pace::Mended),
        (Settings { query: "SELEC".into(), ..settings() }, "query-refused", Pace::Mended),
        (
            Settings { query: "DELETE FROM ho_so".into(), ..settings() },
            "query-refused",
            Pace::Mended,
        ),
        (
            Settings { watermark: Some("ten".into()), ..settings() },
            "answer-not-understood",
            Pace::Mended,
        ),
        (
            Settings { query: "SELECT NULL id, sua FROM ho_so".into(), ..settings() },
            "answer-not-understood",
            Pace::Mended,
        ),
    ] {
        let query = changed.query.clone();
        let trouble = foreign.desk(changed).turn().await.unwrap_err();
        assert_eq!((trouble.code, trouble.pace), (code, pace), "{query}: {trouble:?}");
        assert!(!trouble.told.en.contains("bí mật"), "{trouble:?}");
    }
    assert_eq!(foreign.desk(settings()).turn().await.unwrap().taken, 1, "it is still there");
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                   SELECT max(i) id, '2024-03-04' sua FROM n";
    let statement_max = Duration::from_millis(300);
    let slow = Settings { query: endless.into(), statement_max, ..settings() };
    assert_eq!(foreign.desk(slow).turn().await.unwrap_err().code, "query-too-long");
    let gone = Foreign {
        path: "/nowhere/x.db".into(),
        writer: Connection::open_in_memory().unwrap().into(),
    };
    assert_eq!(gone.desk(settings()).turn().await.unwrap_err().code, "cannot-connect");
}

#[tokio::test]
async fn an_address_is_none_of_another_kind_and_is_never_shown() {
    for text in ["", "hub.db", "oracle://a:b@c/d", "http://x"] {
        assert!(text.parse::<super::Address>().is_err(), "{text}");
    }
    let address: super::Address = "mysql://hub:s3cret@db/x".parse().unwrap();
    assert_eq!(format!("{address:?}"), "Address(Mysql)");
}

/// What an address is, is judged, for reading and for writing; nothing is said there.
#[tokio::test]
async fn servers_in_private_networks_are_connected_to_only_where_they_are_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost", "2130706433"] {
        for kind in ["postgres", "mysql"] {
            let text = format!("{kind}://hub:s3cret@{host}:{port}/x");
            let address = text.parse().unwrap();
            let reader = DatabasePoll::new(settings(), address, Arc::new(Reach::default()));
            let trouble = Desk::new(reader, Scripted::new([])).turn().await.unwrap_err();
            assert_eq!(trouble.code, "address-not-allowed", "{text}");
            let settings = InsertSettings {
                table: "den".to_owned(),
                message: "ma".to_owned(),
                timeout: Duration::from_secs(5),
            };
            let secret = Secret::new("den", move || Ok(text.clone()));
            let way = Arc::new(DatabaseInsert::new(settings, secret, Reach::default()));
            let message = Message { payload: Bytes::from("{\"so\":1}"), ..Message::default() };
            let failure = way.send(message).await.unwrap_err();
            assert_eq!(failure.class, Class::Denied, "{}", failure.told);
            assert!(!failure.told.contains("s3cret"), "{}", failure.told);
        }
    }
    let nobody = timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
    // Where it is named it is connected to, and what is wrong there is told as such.
    drop(listener);
    let named = Arc::new(Reach { private: vec!["127.0.0.1".parse().unwrap()] });
    let address = format!("postgres://hub:s3cret@127.0.0.1:{port}/x").parse().unwrap();
    let reader = DatabasePoll::new(settings(), address, named);
    let trouble = Desk::new(reader, Scripted::new([])).turn().await.unwrap_err();
    assert_eq!(trouble.code, "cannot-connect");
}

/// The hub reads a row for each message that is sent.
struct Agency {
    desk: Desk,
    foreign: Foreign,
}

impl Sender for Agency {
    async fn start(inbox: Arc<Scripted>) -> Self {
        let foreign = Foreign::new();
        let reader = foreign.reader(settings());
        Self { desk: Desk::new(reader, inbox), foreign }
    }

    async fn send(&self, key: &str, payload: &[u8]) -> Told {
        let text = String::from_utf8(payload.to_vec()).unwrap();
        self.foreign.put(1, &format!("'{text}'"), "2024-03-04 08:00:00");
        self.desk.told(key).await
    }

    async fn stop(&self) {
        self.desk.stopped().await;
    }
}

conforms! { Agency:
    stored_is_told
    partial_is_told_with_its_refusals
    refused_is_told_with_its_reasons
    conflict_is_told
    a_duplicate_is_told_what_the_first_was
    after_later_the_same_is_sent_again
    stopping_finishes_what_is_under_way
}
