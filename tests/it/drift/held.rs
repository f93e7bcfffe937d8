//! A channel is held when what it sends has changed, and goes on when somebody lets it: nothing is
//! lost, nothing is twice, and whoever sends is told why.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{counted, told};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, CHANNEL},
    recount::store,
};

on_each_store!(
    a_channel_is_held_until_its_change_is_accepted,
    mended_rules_end_a_hold_and_other_texts_do_not,
);

/// How long anything may take here.
const SOON: Duration = Duration::from_secs(30);

/// The day as it was always written, and the same with its month in front.
const USUAL: &str = "25/03/2024";
const FLIPPED: &str = "03/25/2024";

fn event(number: u64, day: &str) -> String {
    format!(
        r#"{{"maHoSo": "BH.DR.{number:06}", "suKien": "DOI_TRANG_THAI", "trangThai": "THU_LY",
            "thoiDiem": "{day}"}}"#
    )
}

async fn push(sender: &Sender, number: u64, day: &str) -> (u16, Value) {
    let id = format!("held-{number}");
    sender.push(CHANNEL, Some(&id), event(number, day).as_bytes()).await.unwrap()
}

async fn all(sender: &Sender, numbers: std::ops::Range<u64>, day: &str, status: u16) {
    for number in numbers {
        let (answered, body) = push(sender, number, day).await;
        assert_eq!(answered, status, "{number}: {body}");
    }
}

/// Sends one message again until it is answered so.
async fn until(sender: &Sender, number: u64, day: &str, status: u16) -> Value {
    let began = Instant::now();
    loop {
        let (answered, body) = push(sender, number, day).await;
        if answered == status {
            return body;
        }
        assert!(began.elapsed() < SOON, "{number} is answered {answered}, not {status}: {body}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Changes a file of the agency.
fn edit(folder: &Folder, file: &str, from: &str, to: &str) {
    let path = folder.path().join("agencies/ubnd-bien-hoa").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// A hub whose channel has sent days for a month, flips them now, and is held.
async fn held(backend: Backend, name: &str) -> (Folder, Hub, String) {
    let folder = backend.folder(name);
    edit(&folder, "agency.toml", "[channels.ho-so]", "[channels.ho-so]\ndrift = \"hold\"");
    edit(&folder, "ho-so.toml", "\nat = \"thoiDiem | date rfc3339\"", &at("dd/MM/yyyy"));
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    all(&hub.sender(&key), 0..60, USUAL, 200).await;
    counted(&folder).await;
    hub.stop();
    store(&folder, "UPDATE profiles SET period = '2024-03-25'");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    // What comes before it is seen is judged by the mapping, as ever; so many records it takes.
    all(&sender, 60..80, FLIPPED, 422).await;
    let answer = until(&sender, 60, FLIPPED, 503).await;
    let reason = answer["reason"].as_str().unwrap();
    for words in ["đang tạm giữ", "Cách ghi của `thoiDiem`", "`thoiDiem` is written otherwise"]
    {
        assert!(reason.contains(words), "{reason}");
    }
    (folder, hub, key)
}

fn at(form: &str) -> String {
    format!("\nat = \"thoiDiem | date {form}\"")
}

/// What the hub tells of what holds the channel.
async fn hold(sender: &Sender) -> Value {
    let drift = sender.found(&format!("/v1/channels/{CHANNEL}/drift")).await;
    let holds = drift["channels"][0]["holds"].as_array().unwrap().clone();
    assert_eq!(holds.len(), 1, "{drift:#}");
    holds[0].clone()
}

/// The channel's alert among the metrics.
async fn alerted(hub: &Hub, sender: &Sender) {
    let line = format!("lienthong_alert{{channel=\"{CHANNEL}\",kind=\"held\"}} 1");
    let began = Instant::now();
    loop {
        let asked = sender.client.get(format!("{}/metrics", hub.url)).bearer_auth(sender.key());
        let text = asked.send().await.unwrap().text().await.unwrap();
        if text.contains(&line) {
            return;
        }
        assert!(began.elapsed() < SOON, "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What another agency sends is taken meanwhile.
async fn neighbours_go_on(folder: &Folder, hub: &Hub) {
    let other = hub.sender(&folder.key("agency:so-giao-thong-van-tai"));
    let page = "mappings/agencies/so-giao-thong-van-tai/fixtures/ho-so/page-1.in.json";
    let page = fs::read(root().join(page)).unwrap();
    let began = Instant::now();
    while other.push("so-giao-thong-van-tai.ho-so", None, &page).await.unwrap().0 != 200 {
        assert!(began.elapsed() < SOON, "a neighbour is held up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn a_channel_is_held_until_its_change_is_accepted(backend: Backend) {
    let (folder, mut hub, key) = held(backend, "held").await;
    let sender = hub.sender(&key);
    all(&sender, 80..85, FLIPPED, 503).await;
    all(&sender, 85..90, USUAL, 503).await;
    neighbours_go_on(&folder, &hub).await;
    assert_eq!(hold(&sender).await["state"], "held");
    let words = told(&folder, &["drift", CHANNEL]);
    assert!(words.contains("ĐANG TẠM GIỮ: Cách ghi của `thoiDiem`"), "{words}");
    let page = sender.client.get(format!("{}/console", hub.url)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("đang tạm giữ"));
    alerted(&hub, &sender).await;
    // It is held whatever becomes of the process, and by every process, from its first answer on.
    hub.kill9();
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    all(&sender, 80..82, USUAL, 503).await;
    let beside = match backend {
        Backend::Postgres => Some(Hub::start(&folder).await),
        Backend::Sqlite => None,
    };
    if let Some(beside) = &beside {
        all(&beside.sender(&key), 82..84, USUAL, 503).await;
    }
    // An agency does not let its own changes pass.
    let accept = format!("/v1/channels/{CHANNEL}/drift/accept?by=Lan");
    let post = async |key: &str| {
        let asked = sender.client.post(format!("{}{accept}", hub.url)).bearer_auth(key);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&key).await, 403);
    match backend {
        Backend::Sqlite => {
            let words = told(&folder, &["drift", "accept", CHANNEL, "--by", "Lan"]);
            assert!(words.contains("1 accepted by Lan"), "{words}");
        }
        Backend::Postgres => {
            let key = folder.key("operator");
            let began = Instant::now();
            while post(&key).await == 401 {
                assert!(began.elapsed() < SOON, "the operator's key is not known");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    until(&sender, 80, USUAL, 200).await;
    all(&sender, 81..85, USUAL, 200).await;
    match &beside {
        Some(beside) => drop(until(&beside.sender(&key), 85, USUAL, 200).await),
        None => drop(until(&sender, 85, USUAL, 200).await),
    }
    all(&sender, 86..90, USUAL, 200).await;
    // What was accepted holds no more, though it goes on.
    all(&sender, 90..100, FLIPPED, 422).await;
    let drift = counted(&folder).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    all(&sender, 100..102, USUAL, 200).await;
    let hold = hold(&sender).await;
    assert_eq!((&hold["state"], &hold["accepted"]["by"]), (&"accepted".into(), &"Lan".into()));
    // What was answered is there once: 60 and 20 before, 10 and 10 after.
    let own = drift["channels"].as_array().unwrap();
    let own = own.iter().find(|one| one["channel"] == CHANNEL).unwrap();
    assert_eq!((&own["messages"], &own["records"]), (&100.into(), &100.into()), "{own:#}");
    beside.into_iter().for_each(Hub::stop);
    hub.stop();
    folder.verify();
}

async fn mended_rules_end_a_hold_and_other_texts_do_not(backend: Backend) {
    let (folder, hub, key) = held(backend, "held-mended").await;
    hub.stop();
    edit(&folder, "ho-so.toml", "attributes.reason = \"lyDo\"", "attributes.reason = \"lyDoMoi\"");
    let hub = Hub::start(&folder).await;
    all(&hub.sender(&key), 80..82, FLIPPED, 503).await;
    hub.stop();
    edit(&folder, "ho-so.toml", &at("dd/MM/yyyy"), &at("MM/dd/yyyy"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    all(&sender, 80..85, FLIPPED, 200).await;
    assert_eq!(hold(&sender).await["state"], "mended");
    hub.stop();
    // What was refused before it was seen is made good without its sender.
    let output = folder.run(&["retranslate", CHANNEL, "--refused"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(folder.verify().dossiers, 85);
}

#[test]
fn what_holds_is_declared_by_words_that_are_known() {
    let folder = Folder::new("held-declared");
    let declare = |from: &str, to: &str| {
        edit(&folder, "agency.toml", from, to);
        folder.run(&["check"])
    };
    let kinds = "drift = { hold = [\"new-form\", \"unknown-code\"] }";
    let checked = declare("[channels.ho-so]", &format!("[channels.ho-so]\n{kinds}"));
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    for (from, to, told, remedy) in [
        (kinds, "drift = \"perhaps\"", "`perhaps` is nothing that becomes of a change", "hold"),
        ("\"perhaps\"", "{ hold = [\"new-shape\"] }", "`new-shape` is no kind", "new-form"),
        ("{ hold = [\"new-shape\"] }", "7", "write pass, hold, or { hold", ""),
    ] {
        let checked = declare(from, to);
        let found = stderr(&checked);
        assert_eq!(checked.status.code(), Some(1), "{found}");
        for words in ["agency.toml:7:", told, remedy] {
            assert!(found.contains(words), "{words} in\n{found}");
        }
    }
}
