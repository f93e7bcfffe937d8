//! Where nobody may be named: logs, refusals, problems, dead letters, and what commands show of
//! them.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        agency::{Agency, Reply},
        at, office, settled,
    },
    harness::{Folder, Hub, Sender},
    lienthong::{stderr, stdout},
};

on_each_store!(no_log_refusal_problem_or_dead_letter_names_anybody);

const ROUTE: &str = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.nhan\"\npersonal = true\n";

/// Who is sent, in parts: as one name, and as what is left of it where it is cut.
const NAME: &str = "Quách Thị Thùy Dương";
const PERSONAL: [&str; 6] = ["Quách", "QUÁCH", "Thùy", "Dương", "Duong", "270999071"];

fn line(code: &str, status: &str, day: &str) -> String {
    let record = json!({ "ma": code, "phienBan": "1", "ngayNhan": day, "trangThai": status,
                         "nguoiNop": NAME });
    format!("{record}\n")
}

fn names_nobody(place: &str, text: &str) {
    for personal in PERSONAL {
        assert!(!text.contains(personal), "{personal} in {place}: {text}");
    }
}

/// What is refused as a whole, record by record, and as no text at all.
async fn refused(sender: &Sender) {
    let (good, day) = (line("N-1", "MOI", "04/03/2024"), "04/03/2024");
    let long = format!("{{\"ma\": \"N-9\", \"nguoiNop\": \"{}\"}}\n", NAME.repeat(400));
    for (id, bytes) in [
        ("m-status", line("N-2", "LA", day)),
        ("m-day", good + &line("N-3", "MOI", "31/02/2024")),
        ("m-code", line("", "MOI", day)),
        ("m-none", format!("{{\"nguoiNop\": \"{NAME}\"}}\n")),
        ("m-list", format!("{{\"ma\": \"N-4\", \"nguoiNop\": [\"{NAME}\", \"270999071\"]}}\n")),
        ("m-long", long),
        ("m-cut", format!("{{\"ma\": \"N-5\", \"nguoiNop\": \"{NAME}")),
    ] {
        let (status, told) = sender.push("so-gui.ho-so", Some(id), bytes.as_bytes()).await.unwrap();
        assert!([200, 422].contains(&status), "{id}: {told}");
        names_nobody(id, &told.to_string());
        names_nobody(id, &sender.found(&format!("/v1/messages/{id}")).await.to_string());
    }
}

/// What is asked wrongly, by addresses that name somebody.
async fn asked(sender: &Sender) {
    let name = "Qu%C3%A1ch%20Th%E1%BB%8B%20Th%C3%B9y%20D%C6%B0%C6%A1ng";
    for path in [
        format!("/v1/dossiers/{name}"),
        format!("/v1/dossiers/N-1?purpose=handling&source={name}"),
        format!("/v1/messages/{name}"),
        format!("/v1/access-log?dossier={name}"),
    ] {
        let (_, told) = sender.get(&path).await;
        names_nobody(&path, &told.to_string());
    }
    let body = json!({ "code": "N-1", "secret": NAME, "agency": "270999071" }).to_string();
    let request = sender.client.post(format!("{}/v1/lookups", sender.url)).body(body);
    names_nobody("a look-up", &request.send().await.unwrap().text().await.unwrap());
}

/// The letter that was refused, as its operator is shown it.
async fn shown(operator: &Sender, folder: &Folder) -> Value {
    let letter = operator.found("/v1/dead").await["dead"][0].clone();
    let told = letter["told"].as_str().unwrap();
    names_nobody("what was answered", told);
    // What else it says stands as it was said.
    assert!(told.starts_with("HTTP 422") && told.contains("không có trong danh sách"), "{told}");
    assert!(told.contains("Q****") && told.contains("mã lỗi 17"), "{told}");
    let path = format!("/v1/dead/{}", letter["id"].as_str().unwrap());
    let whole = operator.found(&path).await;
    assert_eq!((&whole["personal"], &whole["payload"]), (&json!("unasked"), &Value::Null));
    names_nobody(&path, &whole.to_string());
    let whole = operator.found(&format!("{path}?purpose=correction")).await;
    assert!(whole["payload"].as_str().unwrap().contains(NAME), "{whole}");
    let accesses = operator.found("/v1/access-log?agency=so-gui").await["accesses"].clone();
    assert_eq!(
        (&accesses[0]["call"], &accesses[0]["subject"]),
        (&json!("getDead"), &letter["key"])
    );
    let listed = folder.run(&["dead", "list"]);
    assert!(stdout(&listed).contains("so-nhan.nhan"), "{}", stderr(&listed));
    names_nobody("dead list", &stdout(&listed));
    letter
}

async fn no_log_refusal_problem_or_dead_letter_names_anybody(backend: Backend) {
    let agency = Agency::new(|_, _| {
        Reply::Says(
            422,
            "",
            "Ông/bà QUÁCH THỊ Thùy Dương, CCCD 270999071, không có trong danh sách (mã lỗi 17). \
             Liên hệ: Quá",
        )
    })
    .await;
    let endpoints = [("so-nhan.nhan", &*at(&agency.url))];
    let folder = office(backend, "people-masked", ROUTE, &endpoints);
    let keys = ["agency:so-gui", "operator"].map(|who| folder.key(who));
    // All that any part of it ever says.
    let hub = Hub::start_among(&folder, &[("LIENTHONG_LOG", Path::new("debug"))]).await;
    let [sender, operator] = keys.map(|key| hub.sender(&key));
    refused(&sender).await;
    asked(&sender).await;
    settled(&operator, "so-nhan.nhan").await;
    let letter = shown(&operator, &folder).await;
    for path in [
        "/v1/channels/so-gui.ho-so/refusals",
        "/v1/channels/so-gui.ho-so/conformance",
        "/v1/channels/so-gui.ho-so/drift",
        "/v1/channels",
        "/v1/outbox",
        "/v1/findings",
    ] {
        names_nobody(path, &operator.found(path).await.to_string());
    }
    for path in ["/console", "/console/exchange", "/metrics"] {
        let page = operator.client.get(format!("{}{path}", hub.url)).send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        names_nobody(path, &page.text().await.unwrap());
    }
    let traced = folder.run(&["trace", "m-day"]);
    names_nobody("trace", &format!("{}{}", stdout(&traced), stderr(&traced)));
    hub.stop();
    let log = folder.log();
    assert!(log.contains("/v1/dossiers/{code}") && log.len() > 1_000, "{log}");
    names_nobody("the log", &log);
    assert_eq!(letter["attempts"], 1);
}
