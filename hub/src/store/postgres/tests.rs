//! The suite on PostgreSQL, and what is PostgreSQL's own.

mod damage;
mod followers;
mod lease;
mod looks;
mod moments;

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio_postgres::{Client, Config, NoTls};
use tokio_util::sync::CancellationToken;

use super::PostgresStore;
use crate::{
    config,
    registry::Settings,
    store::{Rules, Store, suite},
};

/// The server of these tests: the one that is there, or one of their own that ends with them.
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        config::test_postgres().unwrap_or_else(|| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cluster");
            let id = std::process::id().to_string();
            let started = Command::new(script).args(["start", &id]).output().unwrap();
            assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
            String::from_utf8(started.stdout).unwrap().trim().to_owned()
        })
    })
}

/// A database of its own, gone at the end: its name and its address.
struct Database {
    name: String,
    config: Config,
}

impl Database {
    async fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hub_{}_{count}_{name}", std::process::id());
        let mut config: Config = server().parse().unwrap();
        config.dbname("postgres");
        execute(&config, &format!("CREATE DATABASE {name}")).await;
        config.dbname(&name);
        Self { name, config }
    }

    async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.config).await.unwrap()
    }

    /// Whoever may do everything.
    fn superuser(&self) -> Config {
        let mut config = self.config.clone();
        config.user("postgres");
        config
    }

    async fn drop(self) {
        let mut config = self.superuser();
        config.dbname("postgres");
        execute(&config, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn execute(config: &Config, sql: &str) {
    connect(config).await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn records() {
    let (database, other) = (Database::new("records").await, Database::new("pages").await);
    suite::records::current(&database.open().await).await;
    suite::records::pages(&other.open().await).await;
    database.drop().await;
    other.drop().await;
}

#[tokio::test]
async fn deliveries() {
    let names = ["made", "order", "given_up", "paused", "courses"];
    let mut databases = Vec::new();
    for name in names {
        databases.push(Database::new(name).await);
    }
    suite::deliveries::made_once(&databases[0].open().await).await;
    suite::deliveries::in_order(&databases[1].open().await).await;
    suite::deliveries::given_up(&databases[2].open().await).await;
    suite::deliveries::paused(&databases[3].open().await).await;
    suite::deliveries::courses(&databases[4].open().await).await;
    for database in databases {
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_that_yield() {
    let database = Database::new("yielding").await;
    let (one, other) = (database.open().await, database.open().await);
    suite::records::yielding([Arc::new(one), Arc::new(other)]).await;
    database.drop().await;
}

#[tokio::test]
async fn attachments() {
    let database = Database::new("attachments").await;
    suite::attachments::held(&database.open().await).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deliverers_beside_senders() {
    let database = Database::new("deliverers").await;
    let (one, other) = (database.open().await, database.open().await);
    suite::deliveries::deliverers_beside_senders([Arc::new(one), Arc::new(other)]).await;
    database.drop().await;
}

#[tokio::test]
async fn outcomes() {
    let database = Database::new("outcomes").await;
    suite::outcomes(&database.open().await).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn loads() {
    let database = Database::new("loads").await;
    suite::loads(Arc::new(database.open().await)).await;
    database.drop().await;
}

#[tokio::test]
async fn chunks() {
    let database = Database::new("chunks").await;
    suite::chunks(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn numbers() {
    let database = Database::new("numbers").await;
    suite::numbers(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn groupings() {
    let database = Database::new("groupings").await;
    suite::groupings(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn rules() {
    let database = Database::new("rules").await;
    suite::rules(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn pollers() {
    let database = Database::new("pollers").await;
    suite::pollers::pollers(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn profiles() {
    let database = Database::new("profiles").await;
    suite::profiles(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn days_of_an_agency_are_looked_at_when_they_are_over() {
    let database = Database::new("days").await;
    let clock = async |at: jiff::Timestamp| {
        execute(&database.config, &format!("UPDATE head SET recorded_at = '{at}'")).await;
    };
    suite::days_that_pass(Arc::new(database.open().await), clock).await;
    database.drop().await;
}

#[tokio::test]
async fn channels_stand_as_their_days_and_alerts_say() {
    let database = Database::new("channels").await;
    suite::channels(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn what_is_sent_again_takes_the_place_of_what_was_told() {
    let database = Database::new("sent_again").await;
    suite::sent_again(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn refusals_are_open_until_they_are_mended() {
    let database = Database::new("refusals").await;
    suite::refusals(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn findings_are_judged_once_in_order_and_a_recount_agrees() {
    let database = Database::new("findings").await;
    suite::findings(Arc::new(database.open().await)).await;
    database.drop().await;
}

#[tokio::test]
async fn trial() {
    let database = Database::new("trial").await;
    suite::trial(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn catalogues() {
    let database = Database::new("catalogues").await;
    suite::catalogues(&database.open().await).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn freezes() {
    let database = Database::new("freezes").await;
    suite::freezes(&database.open().await).await;
    database.drop().await;
    let database = Database::new("freezers").await;
    let stores: [Arc<dyn Store>; 2] =
        [Arc::new(database.open().await), Arc::new(database.open().await)];
    suite::freezers(stores).await;
    database.drop().await;
}

#[tokio::test]
async fn keys() {
    let database = Database::new("keys").await;
    suite::keys::kept(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn history_cannot_be_altered_and_a_forced_edit_is_found_at_its_entry() {
    let database = Database::new("edit").await;
    let store = database.open().await;
    for number in 0..5 {
        let record = suite::snapshot(&format!("E-{number}"), 1, 4);
        let id = format!("e-{number}");
        let message = suite::message(&store, &id, &id, vec![Ok(vec![record])]);
        store.commit(vec![message]).await.unwrap();
    }
    let edit = "UPDATE lienthong.entries SET public = convert_to(
                    replace(convert_from(public, 'UTF8'), 'E-3', 'E-4'), 'UTF8')
                WHERE position = 3";
    let hub = connect(&database.config).await;
    let told = hub.batch_execute(edit).await.unwrap_err();
    assert!(told.as_db_error().unwrap().message().contains("permission denied"), "{told:?}");
    let superuser = connect(&database.superuser()).await;
    for history in [edit, "DELETE FROM lienthong.entries", "TRUNCATE lienthong.entries_00000"] {
        let told = superuser.batch_execute(history).await.unwrap_err();
        assert!(told.as_db_error().unwrap().message().contains("never altered"), "{told:?}");
    }
    let forced = format!("SET session_replication_role = replica; {edit}");
    superuser.batch_execute(&forced).await.unwrap();
    let verdict = store.verify().await.unwrap();
    assert!(verdict.faults[0].starts_with("position 3: the public text"), "{:?}", verdict.faults);
    drop(store);
    let error = PostgresStore::open(&database.config).await.err().unwrap();
    assert!(error.reason.contains("position 3 of the journal was altered"), "{error}");
    database.drop().await;
}

#[tokio::test]
async fn a_changed_number_is_found_by_the_recount() {
    let database = Database::new("number").await;
    let store = database.open().await;
    let record = suite::snapshot("R-1", 1, 4);
    let message = suite::message(&store, "r", "r", vec![Ok(vec![record])]);
    store.commit(vec![message]).await.unwrap();
    let stop = CancellationToken::new();
    let tending = tokio::spawn(store.tend(stop.clone()));
    let outside = connect(&database.config).await;
    let behind = "SELECT r.position = h.size FROM lienthong.rolled r, lienthong.head h";
    for _ in 0..200 {
        if outside.query_one(behind, &[]).await.unwrap().get(0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stop.cancel();
    tending.await.unwrap();
    let more = "UPDATE lienthong.rollups r SET n = n + 1 FROM lienthong.measures m
                WHERE m.measure = (r.slot >> 45 & 255) AND m.text = 'open'";
    outside.batch_execute(more).await.unwrap();
    let verdict = store.verify().await.unwrap();
    assert!(verdict.faults.iter().any(|fault| fault.contains("the rollups say 2")));
    assert_eq!(store.recount().await.unwrap().faults, verdict.faults);
    store.rebuild().await.unwrap();
    assert!(store.verify().await.unwrap().faults.is_empty());
    database.drop().await;
}

#[tokio::test]
async fn a_server_that_could_lose_what_it_confirms_and_a_newer_schema_are_refused_by_name() {
    let database = Database::new("refused").await;
    drop(database.open().await);
    let name = &database.name;
    for (setting, told) in [
        ("synchronous_commit = off", "synchronous_commit = off"),
        ("synchronous_commit = local", ""),
    ] {
        execute(&database.superuser(), &format!("ALTER DATABASE {name} SET {setting}")).await;
        let opened = PostgresStore::open(&database.config).await;
        match opened.err() {
            Some(error) => assert!(!told.is_empty() && error.reason.contains(told), "{error}"),
            None => assert!(told.is_empty(), "{setting} is not refused"),
        }
    }
    execute(&database.config, "UPDATE lienthong.schema SET version = 99").await;
    let error = PostgresStore::open(&database.config).await.err().unwrap();
    assert!(error.reason.contains("schema 99"), "{error}");
    execute(
        &database.config,
        "UPDATE lienthong.schema SET version = (SELECT max(number) FROM lienthong.migrations)",
    )
    .await;
    let ahead = "UPDATE lienthong.head SET recorded_at = '2100-01-01T00:00:00Z'";
    execute(&database.config, ahead).await;
    let error = PostgresStore::open(&database.config).await.err().unwrap();
    assert!(error.reason.contains("clock"), "{error}");
    let mut elsewhere = database.config.clone();
    elsewhere.password("wrong-secret");
    let error = PostgresStore::open(&elsewhere).await.err().unwrap();
    assert!(error.is_of_the_store() && !error.reason.contains("secret"), "{error}");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_at_one_dossier_lose_nothing_and_leave_no_gap() {
    let database = Database::new("workers").await;
    let stores: [Arc<dyn Store>; 2] =
        [Arc::new(database.open().await), Arc::new(database.open().await)];
    suite::workers_at_one_dossier(stores).await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_join_names_agree_with_the_recount() {
    let database = Database::new("joined").await;
    let stores: [Arc<dyn Store>; 2] =
        [Arc::new(database.open().await), Arc::new(database.open().await)];
    suite::workers_that_join_names(stores).await;
    database.drop().await;
}

#[tokio::test]
async fn rules_adopted_by_one_process_hold_in_the_other() {
    let database = Database::new("adopted").await;
    let (one, other) = (database.open().await, database.open().await);
    let paused = Settings { stopped_is_paused: true, ..Settings::default() };
    let record = |version| suite::snapshot("S-1", version, 8);
    let message = suite::message(&one, "s-1", "1", vec![Ok(vec![record(1)])]);
    one.commit(vec![message]).await.unwrap().remove(0).unwrap();
    let rules = Rules { settings: paused, ..Rules::default() };
    assert!(one.adopt(rules.clone()).await.unwrap());
    assert!(!other.adopt(rules).await.unwrap(), "they are in force already");
    let message = suite::message(&other, "s-2", "2", vec![Ok(vec![record(2)])]);
    other.commit(vec![message]).await.unwrap().remove(0).unwrap();
    assert_eq!(other.verify().await.unwrap().faults, Vec::<String>::new());
    drop((one, other));
    database.drop().await;
}
