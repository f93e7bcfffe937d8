//! Personal data: who is given some says what for, and whose it is can read who was.

mod masked;

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    cluster,
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
};

on_each_store!(
    what_is_personal_is_given_to_who_says_what_for_and_is_written_down,
    what_cannot_be_written_down_is_not_given,
    accesses_go_with_their_store_and_are_dropped_for_their_age,
);

const AGENCY: &str = "ubnd-bien-hoa";
const OTHER: &str = "so-tai-nguyen-moi-truong";

/// As it stands in the first sample.
const CODE: &str = "BH.HKD.13.002201";
const PERSONAL: [&str; 4] = ["Quách", "270999071", "0900000171", "Phan Đình Phùng"];

fn key(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(&[&["key", "new"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output).trim().to_owned()
}

fn id_of(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

/// A hub that has taken the first samples of an agency, and who asks it.
struct Office {
    hub: Hub,
    folder: Folder,
    own: Sender,
    other: Sender,
    portal: Sender,
    operator: Sender,
    /// A key of the agency for dossiers, without what is personal.
    narrow: Sender,
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        let folder = backend.folder(name);
        let whose = format!("agency:{AGENCY}");
        let keys = [
            key(&folder, &[&whose, "--name", "một cửa"]),
            folder.key(&format!("agency:{OTHER}")),
            folder.key("portal"),
            folder.key("operator"),
            key(&folder, &[&whose, "--scope", "dossiers:read"]),
        ];
        let hub = Hub::start(&folder).await;
        let [own, other, portal, operator, narrow] = keys.map(|key| hub.sender(&key));
        for number in 1..=3 {
            let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-000{number}.in.json");
            let bytes = std::fs::read(root().join(path)).unwrap();
            let channel = format!("{AGENCY}.ho-so");
            let (status, told) = own.push(&channel, None, &bytes).await.unwrap();
            assert_eq!(status, 200, "{told}");
        }
        Self { hub, folder, own, other, portal, operator, narrow }
    }
}

/// The log as somebody reads it, page by page.
async fn log(who: &Sender, more: &str) -> Vec<Value> {
    let mut path = format!("/v1/access-log?limit=2{more}");
    let mut all = Vec::new();
    for _ in 0..100 {
        let (status, page, next) = who.page(&path).await;
        assert_eq!(status, 200, "{page}");
        all.extend(page["accesses"].as_array().unwrap().iter().cloned());
        let Some(next) = next else { return all };
        path = next;
    }
    panic!("the log does not end");
}

fn names_nobody(told: &Value) {
    for personal in PERSONAL {
        assert!(!told.to_string().contains(personal), "{personal}: {told}");
    }
}

/// What is asked without a purpose, or with one that there is not.
async fn who_says_nothing_is_given_nothing(office: &Office) {
    let path = format!("/v1/dossiers/{CODE}");
    let told = office.own.found(&path).await;
    assert_eq!(told["personal"], "unasked", "{told}");
    names_nobody(&told);
    let told = office.portal.found(&format!("{path}?purpose=handling")).await;
    assert_eq!(told["personal"], "withheld", "{told}");
    names_nobody(&told);
    let long = "x".repeat(256);
    for (query, parameter) in [
        ("purpose=curiosity", "purpose"),
        ("purpose=other", "purpose"),
        ("purpose=other&reason=%20", "purpose"),
        ("reason=vì", "reason"),
        ("purpose=handling&reason=a%0Ab", "reason"),
        (&format!("purpose=handling&reason={long}"), "reason"),
    ] {
        let (status, told) = office.own.get(&format!("{path}?{query}")).await;
        assert_eq!((status, &told["parameter"]), (400, &json!(parameter)), "{query}: {told}");
        assert!(told["advice"].is_string() && told["advice_en"].is_string(), "{told}");
        names_nobody(&told);
    }
    // A key that is not for it: the public part is, the rest is refused by name.
    assert_eq!(office.narrow.found(&path).await["personal"], "unasked");
    let (status, told) = office.narrow.get(&format!("{path}?purpose=handling")).await;
    assert_eq!((status, &told["scope"]), (403, &json!("personal:read")), "{told}");
    // Of a file there is nothing else to give.
    let file = format!("/v1/attachments/sha256:{}", "0".repeat(64));
    let (status, told) = office.own.get(&file).await;
    assert_eq!((status, &told["code"]), (403, &json!("purpose-missing")), "{told}");
    assert!(told["known"].to_string().contains("handling"), "{told}");
    let (status, told) = office.own.get(&format!("{file}?purpose=handling")).await;
    assert!([404, 501].contains(&status), "with one there is no such file, or none at all: {told}");
    assert_eq!(log(&office.operator, "").await, Vec::<Value>::new(), "nothing was given");
}

async fn what_is_personal_is_given_to_who_says_what_for_and_is_written_down(backend: Backend) {
    let office = Office::new(backend, "people-read").await;
    who_says_nothing_is_given_nothing(&office).await;
    let path = format!("/v1/dossiers/{CODE}");
    let stated = format!("{path}?purpose=other&reason=h%E1%BB%97%20tr%E1%BB%A3");
    let told = office.own.found(&stated).await;
    assert_eq!(told["personal"], "included", "{told}");
    assert_eq!(told["dossier"]["applicant"]["name"], "Quách Thị Thùy Dương");
    let dossier = told["dossier"]["key"].clone();
    // Another who may see it, and one record of it.
    let told = office.operator.found(&format!("{path}?purpose=inspection")).await;
    assert_eq!(told["personal"], "included", "{told}");
    let events = office.own.feed("records", 10).await;
    let event = events.iter().find(|one| one["subject"] == CODE).unwrap();
    let record = format!("{}?purpose=synchronising", event["dataref"].as_str().unwrap());
    assert_eq!(office.own.found(&record).await["personal"], "included");
    // Who may not see it is given nothing, and nothing is written.
    assert_eq!(office.other.get(&format!("{path}?purpose=handling")).await.0, 404);

    let all = log(&office.own, "").await;
    let brief: Vec<_> = all
        .iter()
        .map(|one| (one["principal"].as_str().unwrap(), one["purpose"].as_str().unwrap()))
        .collect();
    let whose = format!("agency:{AGENCY}");
    assert_eq!(
        brief,
        [(&*whose, "synchronising"), ("operator", "inspection"), (&*whose, "other")],
        "the latest first: {all:?}"
    );
    let first = &all[2];
    assert_eq!((&first["reason"], &first["key_name"]), (&json!("hỗ trợ"), &json!("một cửa")));
    assert_eq!(first["key"], id_of(office.own.key()));
    assert_eq!((&first["call"], &first["agency"]), (&json!("getDossier"), &json!(AGENCY)));
    assert_eq!(first["subject"], dossier);
    assert!(first["at"].as_str().unwrap().ends_with('Z') && first["position"].is_u64(), "{first}");
    assert_eq!(all[0]["call"], "getRecord");
    names_nobody(&json!(all));

    // All of one dossier by what it is called; what is another's is not shown.
    for name in [CODE, dossier.as_str().unwrap()] {
        assert_eq!(log(&office.own, &format!("&dossier={name}")).await.len(), 3, "{name}");
    }
    assert_eq!(log(&office.own, "&dossier=KHONG.CO").await, Vec::<Value>::new());
    assert_eq!(log(&office.operator, "").await, all);
    assert_eq!(log(&office.other, "").await, Vec::<Value>::new());
    let (status, told) = office.other.get(&format!("/v1/access-log?agency={AGENCY}")).await;
    assert_eq!((status, &told["code"]), (403, &json!("not-yours")));
    assert_eq!(office.portal.get("/v1/access-log").await.0, 403);
    office.hub.stop();
    office.folder.verify();
}

/// Runs statements on a store past the hub.
pub(crate) fn altered(backend: Backend, folder: &Folder, sql: &str) {
    let address = folder.store_address();
    match backend {
        Backend::Postgres => drop(cluster::psql(&address, sql)),
        Backend::Sqlite => {
            let file = address.strip_prefix("sqlite:").unwrap();
            let program = "import sqlite3, sys\nstore = sqlite3.connect(sys.argv[1], timeout=20)\n\
                           store.executescript(sys.argv[2])\nstore.commit()";
            let done = Command::new("python3").args(["-c", program, file, sql]).output().unwrap();
            assert!(done.status.success(), "{}", stderr(&done));
        }
    }
}

async fn what_cannot_be_written_down_is_not_given(backend: Backend) {
    let office = Office::new(backend, "people-closed").await;
    let lienthong = if backend == Backend::Postgres { "lienthong." } else { "" };
    let renamed = |from: &str, to: &str| {
        altered(backend, &office.folder, &format!("ALTER TABLE {lienthong}{from} RENAME TO {to}"));
    };
    renamed("accesses", "away");
    let path = format!("/v1/dossiers/{CODE}");
    let (status, told) = office.own.get(&format!("{path}?purpose=handling")).await;
    assert_eq!(status, 503, "{told}");
    names_nobody(&told);
    assert_eq!(office.own.found(&path).await["personal"], "unasked", "what is public is told");
    renamed("away", "accesses");
    let told = office.own.found(&format!("{path}?purpose=handling")).await;
    assert_eq!(told["personal"], "included");
    assert_eq!(log(&office.own, "").await.len(), 1);
    office.hub.stop();
}

async fn accesses_go_with_their_store_and_are_dropped_for_their_age(backend: Backend) {
    let office = Office::new(backend, "people-kept").await;
    let stated = format!("/v1/dossiers/{CODE}?purpose=handling");
    office.own.found(&stated).await;
    let before = log(&office.operator, "").await;
    office.hub.stop();
    let drop = |days: &str| {
        let output = office.folder.run(&["prune", "--accesses-older-than", days]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(drop("1d"), "dropped: 0 accesses\n");
    let hub = Hub::start(&office.folder).await;
    let operator = office.operator.clone().at(&hub.url);
    assert_eq!(log(&operator, "").await, before);
    hub.stop();
    // The oldest there can be is older than nothing.
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(drop("0d"), "dropped: 1 accesses\n");
    office.folder.verify();
}
