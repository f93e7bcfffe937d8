//! A hub is killed in the midst of an export with persons: whoever's name was given stands in the
//! log of accesses, and the export is made anew.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fetched;
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
};

on_each_store!(whoever_was_given_before_a_hub_was_killed_is_in_the_log);

/// More than lines hold that nobody reads.
const MESSAGES: u32 = 4;
const RECORDS: u32 = 900;
/// How much is read before the hub is killed.
const READ_BYTES: usize = 200_000;
const REASON: &str = "bị ngắt giữa chừng";

fn path() -> String {
    format!("/v1/exports/records.ndjson?purpose=inspection&reason={}", REASON.replace(' ', "%20"))
}

/// One message of dossiers with applicants of long names.
fn message(number: u32) -> String {
    let name = format!("Lâm Thị {}", "Nguyễn ".repeat(25).trim_end());
    let line = |record: u32| {
        let record = json!({ "ma": format!("K-{}", number * RECORDS + record), "phienBan": "1",
                             "ngayNhan": "04/03/2024", "trangThai": "MOI", "nguoiNop": name });
        format!("{record}\n")
    };
    (0..RECORDS).map(line).collect()
}

/// The dossiers whose names stand in some lines, of which the last may be cut.
fn given(text: &str) -> BTreeSet<String> {
    let (whole, cut) = text.rsplit_once('\n').unwrap_or(("", text));
    let mut all: BTreeSet<String> = BTreeSet::new();
    for line in whole.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["personal"], "included", "{event}");
        assert!(event["data"]["applicant"]["name"].as_str().unwrap().starts_with("Lâm Thị"));
        all.insert(format!("so-gui/{}", event["data"]["source_code"].as_str().unwrap()));
    }
    let code = cut.split_once("\"source_code\":\"").and_then(|(_, rest)| rest.split_once('"'));
    all.extend(code.filter(|_| cut.contains("Lâm Thị")).map(|(code, _)| format!("so-gui/{code}")));
    all
}

/// The dossiers that the log has for this export.
async fn logged(own: &Sender) -> BTreeSet<String> {
    let (mut all, mut path) = (BTreeSet::new(), "/v1/access-log?limit=1000".to_owned());
    for _ in 0..=2 * MESSAGES {
        let (status, page, next) = own.page(&path).await;
        assert_eq!(status, 200, "{page}");
        for one in page["accesses"].as_array().unwrap() {
            assert_eq!((&one["call"], &one["reason"]), (&json!("exportFeed"), &json!(REASON)));
            all.insert(one["subject"].as_str().unwrap_or_else(|| panic!("{one}")).to_owned());
        }
        let Some(next) = next else { return all };
        path = next;
    }
    panic!("the log does not end");
}

async fn whoever_was_given_before_a_hub_was_killed_is_in_the_log(backend: Backend) {
    let folder = backend.folder_of("exports-killed", &["tests/corpus/delivery"]);
    let key = folder.key("agency:so-gui");
    let mut hub = Hub::start(&folder).await;
    let own = hub.sender(&key);
    for number in 0..MESSAGES {
        let sent = own.push("so-gui.ho-so", None, message(number).as_bytes()).await.unwrap();
        assert_eq!((sent.0, &sent.1["outcome"]), (200, &json!("stored")), "{}", sent.1);
    }
    let asking = own.client.get(format!("{}{}", own.url, path())).bearer_auth(own.key());
    let mut answer = asking.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut read = Vec::new();
    while read.len() < READ_BYTES {
        read.extend_from_slice(&answer.chunk().await.unwrap().expect("it is longer"));
    }
    hub.kill9();
    let is_cut = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(is_cut, "who reads it sees that it is not whole");
    let read = given(&String::from_utf8_lossy(&read));
    assert!(!read.is_empty() && read.len() < (MESSAGES * RECORDS) as usize, "{}", read.len());

    let hub = Hub::start(&folder).await;
    let own = own.at(&hub.url);
    let log = logged(&own).await;
    println!("{} were given, {} are in the log", read.len(), log.len());
    let unlogged: Vec<&String> = read.difference(&log).collect();
    assert!(unlogged.is_empty(), "given and not written down: {unlogged:?}");
    let (anew, _) = fetched(&own, &path()).await;
    let anew = given(std::str::from_utf8(&anew).unwrap());
    assert_eq!(anew.len(), (MESSAGES * RECORDS) as usize);
    assert_eq!(logged(&own).await, anew);
    hub.stop();
    folder.verify();
}
