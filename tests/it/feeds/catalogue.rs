//! The feed of the catalogue: who applies its events in order holds what is published.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use super::ids;
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    follow::Reader,
    harness::{Hub, Sender},
    webhooks::takes,
};

on_each_store!(who_follows_the_catalogue_holds_what_is_published);

/// Versions by what they are and are known by.
type Held = BTreeMap<(String, String), Value>;

/// Applies events as a subscriber would: by type and subject, gone where the type says so.
fn applied(held: &mut Held, events: &[Value]) {
    for event in events {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let contract = text("dataschema").rsplit('/').nth(1).unwrap().to_owned();
        let (kind, key) = (text("type"), (contract, text("subject")));
        if kind.ends_with(".removed.v1") {
            assert!(held.remove(&key).is_some(), "{key:?} was not there");
        } else {
            held.insert(key, event["data"].clone());
        }
    }
}

/// All that a list of the catalogue has, as texts in order.
async fn listed(portal: &Sender, list: &str, name: &str) -> Vec<String> {
    let (mut path, mut all) = (format!("/v1/{list}?limit=100"), Vec::new());
    loop {
        let (status, body, next) = portal.page(&path).await;
        assert_eq!(status, 200, "{body}");
        all.extend(body["items"].as_array().unwrap().iter().map(|one| one[name].to_string()));
        let Some(next) = next else { break };
        path = next;
    }
    all.sort();
    all
}

/// Whether what is held is what the hub answers.
async fn is_published(portal: &Sender, held: &Held) {
    for (list, name) in [("agencies", "agency"), ("procedures", "procedure"), ("units", "unit")] {
        let of = held.iter().filter(|((contract, _), _)| contract == name);
        let mut own: Vec<String> = of.map(|(_, data)| data.to_string()).collect();
        own.sort();
        assert_eq!(own, listed(portal, list, name).await, "{list}");
    }
}

/// Another edition: a procedure more, one less, and one by another name.
fn edited(folder: &Path) {
    let path = folder.join("procedures.csv");
    let text = fs::read_to_string(&path).unwrap();
    let without: String = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("1.009456,"))
        .map(|line| line.replace("hòa giải viên thương mại vụ việc", "hòa giải viên (mới)"))
        .collect();
    assert_ne!(without, text);
    let added = "9.000001,,,so-y-te,Cấp giấy khai sinh thử nghiệm,ho-tich,province,,,,,,,\n";
    fs::write(&path, without + added).unwrap();
}

async fn who_follows_the_catalogue_holds_what_is_published(backend: Backend) {
    let mut folder =
        backend.folder("feeds-catalogue").with_lines("private_networks = [\"127.0.0.1\"]\n");
    folder.publishing(Some(folder.catalogue()));
    let keys = ["portal", "agency:so-y-te", "reporting:bi"].map(|one| folder.key(one));
    let hub = Hub::start(&folder).await;
    let [portal, agency, reporting] = keys.map(|key| hub.sender(&key));
    let first = portal.feed("catalogue", 500).await;
    let (mut held, known) = (Held::new(), ids(&first));
    applied(&mut held, &first);
    is_published(&portal, &held).await;
    // What is published is published to all.
    for other in [&agency, &reporting] {
        assert_eq!(ids(&other.feed("catalogue", 311).await), known);
    }
    let mut stream = Reader::open(&agency, "catalogue", "?after=end", None).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let asked = json!({ "url": receiver.url, "feed": "catalogue", "after": "end" });
    let request = portal.client.post(format!("{}/v1/subscriptions", hub.url));
    let made = request.bearer_auth(portal.key()).body(asked.to_string()).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let (_, _, end) = portal.page("/v1/feeds/catalogue?after=end").await;
    let waited = tokio::spawn({
        let (portal, path) = (portal.clone(), format!("{}&wait=60", end.unwrap()));
        async move { portal.get(&path).await }
    });
    // Another process of the same store publishes another edition.
    let copy = folder.catalogue();
    edited(&copy);
    let other = Hub::start(&folder).await;
    let told = stream.events(3).await;
    let mut kinds: Vec<_> = told.iter().map(|one| one["type"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kind = "vn.gov.dongnai.lienthong.procedure";
    assert!(kinds == [format!("{kind}.removed.v1"), format!("{kind}.v1")], "{kinds:?}");
    let now = portal.feed("catalogue", 100).await;
    assert_eq!(ids(&now), [known.clone(), ids(&told)].concat(), "the same under the same ids");
    applied(&mut held, &told);
    is_published(&other.sender(portal.key()), &held).await;
    let (status, page) = waited.await.unwrap();
    assert_eq!((status, &page), (200, &json!(told)), "who waited is told the same");
    takes(&receiver, told.len()).await;
    let taken: Vec<Value> =
        receiver.taken().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect();
    assert_eq!(taken, told);
    let file = portal.client.get(format!("{}/v1/exports/catalogue.ndjson", hub.url));
    let file = file.bearer_auth(portal.key()).send().await.unwrap().text().await.unwrap();
    let lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, now, "the file is the feed");
    hub.stop();
    other.stop();
    folder.verify();
}
