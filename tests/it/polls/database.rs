//! Databases of agencies, with transactions that commit around the moment of reading.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    AGENCY, READ_MAX,
    book::{Kept, STATUSES, agree},
    foreign::{mariadb, mysql},
    reading_of, stands,
};
use crate::{
    backend::Backend,
    cluster::{self, psql},
    harness::{Hub, Random, seed},
};

/// Dossiers of the agency, and sessions that change them.
const DOSSIERS: u64 = 120;
const SESSIONS: u64 = 3;

/// A database of an agency.
#[derive(Clone)]
struct Foreign {
    address: String,
    table: String,
}

impl Foreign {
    fn new(address: String, table: &str) -> Self {
        let foreign = Self { address, table: table.to_owned() };
        let changed = if foreign.is_postgres() { "timestamp(3)" } else { "datetime(3)" };
        foreign.run(&format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, ten varchar(99), phien_ban int,
                 trang_thai varchar(20), ngay_nhan date, cap_nhat {changed})"
        ));
        foreign.run(&format!("CREATE INDEX {table}_moc ON {table} (cap_nhat, id)"));
        foreign
    }

    fn is_postgres(&self) -> bool {
        self.address.starts_with("postgres")
    }

    #[track_caller]
    fn run(&self, sql: &str) -> String {
        match self.is_postgres() {
            true => psql(&self.address, sql),
            false => mysql(&self.address, sql),
        }
    }

    /// Changes a dossier in a transaction that commits some time after it has told the time.
    fn change(&self, id: u64, milliseconds: u64) {
        let seconds = milliseconds as f64 / 1_000.0;
        let (now, nap) = match self.is_postgres() {
            true => ("localtimestamp(3)", format!("SELECT pg_sleep({seconds})")),
            false => ("now(3)", format!("DO sleep({seconds})")),
        };
        let table = &self.table;
        let upsert = match self.is_postgres() {
            true => {
                "ON CONFLICT (id) DO UPDATE SET phien_ban = b.phien_ban + 1,
                     cap_nhat = excluded.cap_nhat"
            }
            false => {
                "ON DUPLICATE KEY UPDATE phien_ban = phien_ban + 1,
                      cap_nhat = VALUES(cap_nhat)"
            }
        };
        let alias = if self.is_postgres() { " AS b" } else { "" };
        let statuses: Vec<String> = STATUSES.iter().map(|(word, _)| format!("'{word}'")).collect();
        let status = (1..).zip(&statuses).map(|(at, word)| {
            format!("WHEN (phien_ban - 1) % {} = {} THEN {word}", STATUSES.len(), at - 1)
        });
        let status = status.collect::<Vec<_>>().join(" ");
        self.run(&format!(
            "BEGIN;
             INSERT INTO {table}{alias} (id, ten, phien_ban, ngay_nhan, cap_nhat)
                 VALUES ({id}, 'Công ty \"Ánh\"', 1, '2024-03-04', {now}) {upsert};
             UPDATE {table} SET trang_thai = CASE {status} END WHERE id = {id};
             {nap};
             COMMIT"
        ));
    }

    fn kept(&self) -> BTreeMap<String, Kept> {
        let told = self.run(&format!("SELECT id, phien_ban FROM {}", self.table));
        let row = |line: &str| {
            let (id, version) = line.split_once(['|', '\t']).unwrap();
            let kept = Kept { version: version.parse().unwrap(), ..Kept::default() };
            (id.to_owned(), kept)
        };
        told.lines().map(row).collect()
    }

    /// The address as the hub is told it.
    fn told(&self) -> String {
        match self.is_postgres() {
            // These servers have no certificate.
            true => format!("{}?sslmode=disable", self.address),
            // The account that may only read.
            false => self.address.replacen("lienthong:", "hub:", 1),
        }
    }
}

/// Changes dossiers of its own for some rounds.
fn works(foreign: Foreign, session: u64, rounds: u64) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut random = Random::new(seed(20_261_127) + session);
        for _ in 0..rounds {
            let id = random.between(0, DOSSIERS / SESSIONS) * SESSIONS + session;
            foreign.change(id, random.between(0, 300));
        }
    })
}

/// Rows that are committed around the moment of reading, read by hubs that are killed.
async fn is_read_once(foreign: Foreign, name: &str, (rounds, kills): (u64, u64)) {
    let query = ("BANG", foreign.table.clone());
    let secret = ("so-doc-csdl", foreign.told());
    let folder = reading_of(Backend::Sqlite, name, "csdl", &[query], &[secret]);
    let key = folder.key(AGENCY);
    let working: Vec<_> =
        (0..SESSIONS).map(|session| works(foreign.clone(), session, rounds)).collect();
    let mut random = Random::new(seed(20_261_128));
    let mut hub = Hub::start(&folder).await;
    for _ in 0..kills {
        sleep(Duration::from_millis(random.between(30, 500))).await;
        hub.kill9();
        hub = Hub::start(&folder).await;
    }
    for one in working {
        tokio::task::spawn_blocking(move || one.join().unwrap()).await.unwrap();
    }
    let sender = hub.sender(&key);
    agree(&sender, &foreign.kept()).await;
    let entries = sender.feed("records", 1_000).await.len();
    let before = super::standing(&sender).await["succeeded_at"].clone();
    stands(&sender, |one| one["succeeded_at"] != before).await;
    assert_eq!(sender.feed("records", 1_000).await.len(), entries, "nothing is new any more");
    let dossier = sender.found("/v1/dossiers/3?purpose=handling").await;
    assert_eq!(dossier["dossier"]["applicant"]["name"], "Công ty \"Ánh\"", "{dossier}");
    hub.stop();
    folder.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_of_postgresql_are_read_once_whenever_they_are_committed() {
    let foreign = Foreign::new(cluster::database("foreign"), "ho_so_a");
    is_read_once(foreign, "polls-postgresql", (60, 40)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_of_mariadb_are_read_once_whenever_they_are_committed() {
    let foreign = Foreign::new(mariadb().to_owned(), "ho_so_b");
    is_read_once(foreign, "polls-mariadb", (60, 10)).await;
}

/// A wrong password, a table that is locked, one that is gone: each is told, and ends when it is
/// mended; the password is nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_wrong_with_a_database_is_told_and_ends_when_it_is_mended() {
    let foreign = Foreign::new(mariadb().to_owned(), "ho_so_c");
    foreign.change(1, 0);
    let right = foreign.told();
    let (user, rest) = right.split_once("hub:").unwrap();
    let (password, host) = rest.split_once('@').unwrap();
    let wrong = format!("{user}hub:sai-{password}@{host}");
    let query = ("BANG", foreign.table.clone());
    let secret = ("so-doc-csdl", wrong);
    let folder = reading_of(Backend::Sqlite, "polls-faults", "csdl", &[query], &[secret]);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let told = stands(&hub.sender(&key), |one| !one["trouble"].is_null()).await;
    assert_eq!(told["trouble"]["code"], "credentials-refused", "{told}");
    hub.stop();
    let secrets = folder.path().join("secrets.toml");
    std::fs::write(&secrets, format!("so-doc-csdl = \"{right}\"\n")).unwrap();
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    stands(&sender, |one| one["failures"] == 0 && one["succeeded_at"].is_string()).await;
    agree(&sender, &foreign.kept()).await;
    foreign.run("ALTER TABLE ho_so_c RENAME COLUMN cap_nhat TO doi_ten");
    let told = stands(&sender, |one| !one["trouble"].is_null()).await;
    assert_eq!(told["trouble"]["code"], "query-refused", "{told}");
    assert!(told["trouble"]["told"]["vi"].as_str().unwrap().contains("cap_nhat"), "{told}");
    let failures = told["failures"].as_u64().unwrap();
    let began = Instant::now();
    foreign.run("ALTER TABLE ho_so_c RENAME COLUMN doi_ten TO cap_nhat");
    foreign.change(1, 0);
    stands(&sender, |one| one["failures"] == 0).await;
    assert!(failures < 5 && began.elapsed() < READ_MAX, "no hot loop: {failures}");
    agree(&sender, &foreign.kept()).await;
    assert!(!folder.log().contains(password), "a password is in the log");
    hub.stop();
}

/// A PostgreSQL where the address says SQL Server: told in words, its password nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_server_than_the_address_says_is_told() {
    let other = cluster::database("no_sql_server");
    let (_, host) = other.rsplit_once('@').unwrap();
    let secret = ("so-doc-csdl", format!("mssql://hub:m4t-khau@{host}"));
    let query = ("BANG", "ho_so".to_owned());
    let folder = reading_of(Backend::Sqlite, "polls-other", "csdl", &[query], &[secret]);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let told = stands(&hub.sender(&key), |one| !one["trouble"].is_null()).await;
    assert_eq!(told["trouble"]["code"], "cannot-connect", "{told}");
    let words = told["trouble"]["told"]["vi"].as_str().unwrap();
    assert!(words.contains(host.split_once('/').unwrap().0), "{told}");
    hub.stop();
    assert!(!folder.log().contains("m4t-khau"), "a password is in the log");
}
