//! To agencies' own systems: web services, brokers, databases.

use std::{collections::BTreeSet, process::Command};

use serde_json::{Value, json};

use super::{WITHIN, kept, line, office, posted, send, stands, started};
use crate::{
    backend::{Backend, on_each_store},
    cluster::{self, psql},
    harness::Hub,
    lienthong::{root, stderr, stdout},
    polls::foreign::{Broker, mariadb, mysql},
};

on_each_store!(a_web_service_takes_refuses_and_denies, a_broker_keeps_what_it_has_confirmed);

/// Every dossier to one channel, with its personal members.
fn route(channel: &str) -> String {
    format!("[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.{channel}\"\npersonal = true\n")
}

/// The web service is the SOAP door of another hub.
async fn a_web_service_takes_refuses_and_denies(backend: Backend) {
    let other = office(
        Backend::Sqlite,
        match backend {
            Backend::Sqlite => "soap-door-one",
            Backend::Postgres => "soap-door-other",
        },
        "",
        &[],
    );
    let (key, whole) = (other.key("agency:so-gui"), other.key("operator"));
    let door = Hub::start(&other).await;
    let (id, secret) = key.trim_start_matches("ltk_").split_once('_').unwrap();
    let settings = format!(
        "url = \"{}/soap/so-gui.dich-vu\"\nauth = \"wsse\"\nuser = \"{id}\"\n\
         secret = \"so-nhan\"\nprivate = [\"127.0.0.1\"]",
        door.url
    );
    let endpoints = [("so-nhan.dich-vu", &*settings)];
    let folder = office(backend, "delivery-soap", &route("dich-vu"), &endpoints);
    kept(&folder, "so-nhan = \"sai\"\n");
    let (hub, sender, operator) = started(&folder).await;
    send(&sender, "m-1", &line("A-1", 1, "XONG")).await;
    // A wrong password: nothing is lost, and it is told once.
    let one = stands(&operator, "so-nhan.dich-vu", |one| one["decided"]["state"] == "paused").await;
    assert!(one["decided"]["reason"].as_str().unwrap().contains("Fault"), "{one}");
    assert_eq!((&one["waiting"], &one["dead"]), (&json!(1), &json!(0)));
    kept(&folder, &format!("so-nhan = \"{secret}\"\n"));
    let (status, _) = posted(&operator, "/v1/outbox/so-nhan.dich-vu/resume", "{}").await;
    assert_eq!(status, 200);
    stands(&operator, "so-nhan.dich-vu", |one| one["waiting"] == 0).await;
    // One that the service refuses is buried, and holds up no other.
    let lines = [line("A-2", 1, "DANG_XU_LY"), line("A-3", 1, "DA_TRA")].concat();
    send(&sender, "m-2", &lines).await;
    let one = stands(&operator, "so-nhan.dich-vu", |one| one["waiting"] == 0).await;
    assert_eq!(one["dead"], 1, "{one}");
    let dead = operator.found("/v1/dead").await;
    let letter = &dead["dead"][0];
    assert_eq!(
        (&letter["key"], &letter["cause"]),
        (&json!("so-gui/A-2"), &json!("refused")),
        "{dead}"
    );
    assert!(letter["told"].as_str().unwrap().starts_with("Fault Client"), "{letter}");
    let there = door.sender(&whole);
    let codes: BTreeSet<String> = there
        .feed("records", 100)
        .await
        .iter()
        .map(|event| event["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, BTreeSet::from(["A-1", "A-3"].map(ToOwned::to_owned)));
    let log = folder.log();
    assert!(!log.contains(secret) && !log.contains("Lâm"), "{log}");
    hub.stop();
    door.stop();
}

fn queue(what: &str, broker: &Broker) -> String {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/it/delivery/systems.py"));
    let output = command.args([what, &broker.address, "so-nhan.den"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

async fn a_broker_keeps_what_it_has_confirmed(backend: Backend) {
    const FIRST: u32 = 40;
    let broker = Broker::start();
    let settings = "secret = \"so-nhan\"\nprivate = [\"127.0.0.1\"]";
    let endpoints = [("so-nhan.hang-doi", settings)];
    let folder = office(backend, "delivery-amqp", &route("hang-doi"), &endpoints);
    kept(&folder, &format!("so-nhan = \"{}\"\n", broker.address));
    let (hub, sender, operator) = started(&folder).await;
    let lines: String = (0..FIRST).map(|n| line(&format!("A-{n}"), 1, "XONG")).collect();
    send(&sender, "m-1", &lines).await;
    // The queue is not there: what no queue takes is not delivered.
    let one = stands(&operator, "so-nhan.hang-doi", |one| one["failing"] != 0).await;
    assert!(one["told"].as_str().unwrap().contains("no queue"), "{one}");
    queue("make", &broker);
    stands(&operator, "so-nhan.hang-doi", |one| one["waiting"] == 0).await;
    // A broker that dies with all it has not written down, and comes back.
    broker.kill();
    let lines: String = (FIRST..2 * FIRST).map(|n| line(&format!("A-{n}"), 1, "XONG")).collect();
    send(&sender, "m-2", &lines).await;
    stands(&operator, "so-nhan.hang-doi", |one| one["failing"] != 0).await;
    broker.resume();
    stands(&operator, "so-nhan.hang-doi", |one| one["waiting"] == 0).await;
    let told = queue("take", &broker);
    let messages: Vec<Value> = told.lines().map(|one| serde_json::from_str(one).unwrap()).collect();
    let ids: BTreeSet<&str> = messages.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2 * FIRST as usize, "{} messages", messages.len());
    for one in &messages {
        assert_eq!(
            (&one["mode"], &one["kind"]),
            (&json!(2), &json!("application/xml; charset=utf-8"))
        );
        let headers = &one["headers"];
        assert_eq!(headers["cloudEvents:id"], one["id"], "{headers}");
        let subject = headers["cloudEvents:subject"].as_str().unwrap();
        assert!(one["body"].as_str().unwrap().contains(&format!("<MaHoSo>{subject}</MaHoSo>")));
    }
    hub.stop();
    assert!(!folder.log().contains("Lâm"));
}

/// What a database answers to a statement.
fn asked(address: &str, sql: &str) -> String {
    match address.starts_with("postgres") {
        true => psql(address, sql),
        false => mysql(address, sql),
    }
}

/// A table is filled by hubs that are killed; a row that it refuses is buried.
async fn a_table_has_each_message_once(address: &str, name: &str) {
    asked(address, "DROP TABLE IF EXISTS den");
    asked(
        address,
        "CREATE TABLE den (ma varchar(50) NOT NULL, nguoi_nop varchar(20), trang_thai int, \
         ngay_nhan date, ma_thong_diep varchar(100) PRIMARY KEY)",
    );
    let settings = "secret = \"so-nhan\"\nprivate = [\"127.0.0.1\"]";
    let endpoints = [("so-nhan.csdl", settings)];
    let folder = office(Backend::Sqlite, name, &route("csdl"), &endpoints);
    kept(&folder, &format!("so-nhan = \"{address}\"\n"));
    let (mut hub, sender, _) = started(&folder).await;
    let operator = folder.key("operator");
    const ROWS: u32 = 300;
    let mut lines: String = (0..ROWS).map(|n| line(&format!("A-{n}"), 1, "XONG")).collect();
    lines.push_str(&line("A-dài", 1, "XONG").replace("Lâm Thị Mẫu", "Lâm Thị Tên Dài Quá Cột"));
    send(&sender, "m-1", &lines).await;
    for _ in 0..4 {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        hub.kill9();
        hub = Hub::start(&folder).await;
    }
    let operator = hub.sender(&operator);
    let began = std::time::Instant::now();
    stands(&operator, "so-nhan.csdl", |one| one["waiting"] == 0).await;
    assert!(began.elapsed() < WITHIN);
    let counts = "SELECT count(*), count(DISTINCT ma), min(trang_thai), min(ngay_nhan) FROM den";
    let told = asked(address, counts);
    let told: Vec<&str> = told.split(['|', '\t']).map(str::trim).collect();
    assert_eq!(told, ["300", "300", "9", "2024-03-04"]);
    let dead = operator.found("/v1/dead").await;
    let letters = dead["dead"].as_array().unwrap();
    assert_eq!((letters.len(), &letters[0]["key"]), (1, &json!("so-gui/A-dài")), "{dead}");
    assert!(!dead.to_string().contains("Quá"), "nothing of what was sent is told: {dead}");
    // A column that is gone is nobody's record's fault: the channel is paused.
    asked(address, "ALTER TABLE den DROP COLUMN nguoi_nop");
    let sender = hub.sender(&sender.key);
    send(&sender, "m-2", &line("A-sau", 1, "XONG")).await;
    let one = stands(&operator, "so-nhan.csdl", |one| one["decided"]["state"] == "paused").await;
    assert_eq!((&one["waiting"], &one["dead"]), (&json!(1), &json!(1)), "{one}");
    hub.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_of_postgresql_has_each_message_once() {
    a_table_has_each_message_once(&cluster::database("delivery_table"), "delivery-postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_of_mariadb_has_each_message_once() {
    a_table_has_each_message_once(mariadb(), "delivery-mariadb").await;
}
