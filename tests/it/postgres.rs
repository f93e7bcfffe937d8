//! Databases for hubs on PostgreSQL, and what must be the same on both stores.

use std::{
    env,
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    harness::{Folder, Hub, Random, Sender, seed},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, CHANNEL, Message, disturbed, dossier, send_all},
};

/// Dossiers in each hub.
const DOSSIERS: u64 = 150;
/// The year in which most of them lie.
const YEAR: &str = "from=2024-01-01&to=2024-12-31";

/// The server of these tests: the one that `tests/run` has started, or one of their own that
/// ends with them.
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        let own = || cluster(&["start", &std::process::id().to_string()]);
        env::var("LIENTHONG_TEST_POSTGRES").unwrap_or_else(|_| own())
    })
}

/// Runs `tests/cluster`; what it prints.
fn cluster(arguments: &[&str]) -> String {
    let output = Command::new(root().join("tests/cluster")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).trim().to_owned()
}

/// What a server answers to one statement.
pub(crate) fn psql(address: &str, sql: &str) -> String {
    let output = Command::new("psql").args(["-qAt", "-d", address, "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).trim().to_owned()
}

/// The address of a new database; it goes with its server.
pub(crate) fn database(name: &str) -> String {
    database_on(server(), name)
}

fn database_on(server: &str, name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("it_{}_{count}_{name}", std::process::id());
    psql(&format!("{server}/postgres"), &format!("CREATE DATABASE {name}"));
    format!("{server}/{name}")
}

/// Sends one message until it is acknowledged; gives how often it was told to wait.
async fn insist(sender: &Sender, message: &Message) -> u32 {
    for waited in 0..1_000 {
        match sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap() {
            (200, receipt) => {
                assert!(matches!(receipt["outcome"].as_str(), Some("stored" | "duplicate")));
                return waited;
            }
            (status, problem) => {
                assert_eq!((status, &problem["code"]), (503, &"later".into()), "{problem}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    panic!("{} is never acknowledged", message.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_outlives_its_server_and_goes_on_when_it_is_back() {
    const KILLS: u64 = 3;
    let seed = seed(20_240_704);
    let own = cluster(&["start", &std::process::id().to_string()]);
    let superuser = own.replacen("//lienthong:", "//postgres:", 1);
    let data = psql(&format!("{superuser}/postgres"), "SHOW data_directory");
    let place = data.strip_suffix("/data").unwrap();
    let mut random = Random::new(seed);
    let folder = Folder::new("outlives").with_store(database_on(&own, "outlives"));
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let messages: Vec<Message> = (0..400).flat_map(|number| dossier(seed, number)).collect();
    let count = messages.len() as u64;
    let over = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn({
        let over = over.clone();
        async move {
            let mut waited = 0;
            for (at, message) in messages.iter().enumerate() {
                waited += insist(&sender, message).await;
                // The last ones come when the server has been killed for the last time.
                while at + 50 == messages.len() && !over.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            waited
        }
    });
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.between(200, 900))).await;
        cluster(&["kill", place]);
        cluster(&["resume", place]);
    }
    over.store(true, Ordering::Relaxed);
    let waited = sending.await.unwrap();
    assert!(waited > 0, "no kill hit a message: the test tells nothing");
    hub.stop();
    // The first entry of the journal tells the rules.
    assert_eq!(folder.verify().entries, 1 + count);
    cluster(&["stop", place]);
}

/// What a hub answers to those who count, after it was sent the messages; and its fold root.
async fn answers(folder: Folder, messages: Vec<Message>, senders: usize) -> (Vec<String>, String) {
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    send_all(&sender, messages, senders).await;
    let mut told = Vec::new();
    for by in ["agency", "procedure", "status", "day"] {
        let mut body = sender.found(&format!("/v1/statistics?{YEAR}&by={by}")).await;
        // Where the journal ends hangs on how often a message came.
        body.as_object_mut().unwrap().remove("as_of").expect("statistics say as of when they are");
        told.push(body.to_string());
    }
    for code in ["BH.HT.24.000000", "BH.HT.24.000077"] {
        let mut body = sender.found(&format!("/v1/dossiers/{code}")).await;
        // Neither does the state hang on when and how often it was told.
        let state = body["dossier"].take();
        assert!(state.is_object(), "{code}: {state}");
        told.push(state.to_string());
    }
    hub.stop();
    let verified = folder.verify();
    assert_eq!(verified.dossiers, DOSSIERS);
    (told, verified.fold_root)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_answer_the_same_whatever_the_order() {
    let seed = seed(20_240_703);
    let messages: Vec<Message> = (0..DOSSIERS).flat_map(|one| dossier(seed, one)).collect();
    let mut random = Random::new(seed);
    let embedded = answers(Folder::new("embedded"), messages.clone(), 1).await;
    let other = [disturbed(&mut random, &messages), disturbed(&mut random, &messages)];
    for ((messages, senders), name) in
        other.into_iter().chain([messages]).zip([1, 16, 4]).zip(["alone", "many", "ordered"])
    {
        let server = answers(Folder::on_postgres(name), messages, senders).await;
        assert_eq!(server, embedded, "{name}");
    }
}

/// Questions that no store may stumble over.
const QUESTIONS: &[&str] = &[
    "/v1/dossiers/%00",
    "/v1/dossiers/BH.HT.24.000000?source=%00",
    "/v1/dossiers/BH.HT.24.000000?as_of=9223372036854775808",
    "/v1/dossiers/BH.HT.24.000000?as_of=18446744073709551615",
    "/v1/messages/%00",
    "/v1/messages/m-0-0?channel=%00",
    "/v1/statistics?agency=%00",
    "/v1/statistics?procedure=%00",
    "/v1/statistics?as_of=18446744073709551615",
    "/v1/feeds/records?from=18446744073709551615",
    "/v1/feeds/records?cursor=%00",
    "/v1/feeds/records?after=%00",
    "/v1/feeds/dossiers?cursor=%00",
    "/v1/feeds/dossiers?after=0.%00",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_question_makes_a_store_stumble() {
    let mut told = Vec::new();
    for folder in [Folder::new("questions"), Folder::on_postgres("questions_postgres")] {
        let keys = ["portal", AGENCY].map(|principal| folder.key(principal));
        let hub = Hub::start(&folder).await;
        send_all(&hub.sender(&keys[1]), dossier(7, 0), 1).await;
        let mut answers = Vec::new();
        for key in &keys {
            for question in QUESTIONS {
                let (status, body) = hub.sender(key).get(question).await;
                answers.push((*question, status, body["code"].clone()));
            }
        }
        hub.stop();
        told.push(answers);
    }
    let stumbled: Vec<_> = told.iter().flatten().filter(|(_, status, _)| *status >= 500).collect();
    assert!(stumbled.is_empty(), "{stumbled:#?}");
    assert_eq!(told[0], told[1]);
}
