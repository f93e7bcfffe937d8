//! A webhook whose place was told by another version of its feed's fold.

use serde_json::{Value, json};

use super::{act, ids, office, stands, started, subscribe, taken, takes, tell};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::Hub,
    people::altered,
};

on_each_store!(a_webhook_of_another_fold_is_switched_off_once_and_goes_on_behind_a_snapshot);

async fn a_webhook_of_another_fold_is_switched_off_once_and_goes_on_behind_a_snapshot(
    backend: Backend,
) {
    let folder = office(backend, "webhooks-refolded");
    let (hub, agency, operator) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, _) = subscribe(&agency, &receiver.url, json!({ "feed": "dossiers" })).await;
    tell(&agency, "so-gui", 0..3).await;
    takes(&receiver, 3).await;
    let one = stands(&agency, &id, |one| one["lag"] == 0).await;
    let before = one["after"].as_str().unwrap().to_owned();
    hub.stop();
    // As if a program of another version had sent it so far.
    let lienthong = if backend == Backend::Postgres { "lienthong." } else { "" };
    let sql = format!("UPDATE {lienthong}subscriptions SET fold = 7 WHERE feed = 'dossiers'");
    altered(backend, &folder, &sql);
    let hub = Hub::start(&folder).await;
    let (agency, operator) = (agency.at(&hub.url), operator.at(&hub.url));
    tell(&agency, "so-gui", 3..5).await;
    let one = stands(&agency, &id, |one| one["state"] == "disabled").await;
    assert_eq!(one["reason"], "refolded", "{one}");
    let open = super::failing::alerts_are(&operator, 1).await;
    let told = open[0]["told"]["vi"].as_str().unwrap();
    assert!(told.contains(&id) && told.contains("/v1/exports/dossiers.ndjson"), "{told}");
    // Where it stands leads to a snapshot and the place behind that; on it is off again.
    let stood = one["after"].as_str().unwrap();
    assert_ne!(stood, before, "a place of the other fold");
    act(&agency, &id, "enable", json!({})).await;
    stands(&agency, &id, |one| one["reason"] == "refolded").await;
    assert_eq!(receiver.taken().len(), 3, "nothing is sent from there");
    let (status, gone) = agency.get(&format!("/v1/feeds/dossiers?after={stood}")).await;
    assert_eq!((status, &gone["code"]), (410, &json!("feed-refolded")), "{gone}");
    let url = format!("{}{}", hub.url, gone["snapshot"].as_str().unwrap());
    let snapshot = agency.client.get(url).bearer_auth(agency.key()).send().await.unwrap();
    let snapshot = snapshot.text().await.unwrap();
    let held =
        snapshot.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone());
    let mut held: Vec<Value> = held.collect();
    let one = act(&agency, &id, "recover", json!({ "since": gone["after"] })).await;
    assert_eq!((&one["state"], &one["lag"]), (&json!("active"), &json!(0)), "{one}");
    super::failing::alerts_are(&operator, 0).await;
    tell(&agency, "so-gui", 5..6).await;
    takes(&receiver, 4).await;
    held.extend(taken(&receiver)[3..].iter().map(|id| json!(id)));
    let all: Vec<Value> = ids(&agency, "dossiers").await.into_iter().map(|id| json!(id)).collect();
    assert_eq!(held, all, "a snapshot and what came after it is all");
    hub.stop();
    let log = folder.log();
    assert_eq!(log.matches("an alert is open").count(), 1, "{log}");
    folder.verify();
}
