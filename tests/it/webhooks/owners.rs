//! Whose subscriptions are whose, and what each is sent.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{PATH, ids, office, post, standing, stands, started, subscribe, taken, takes, tell};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
};

on_each_store!(each_sees_steers_and_is_sent_its_own, nothing_is_sent_to_who_has_no_key);

async fn each_sees_steers_and_is_sent_its_own(backend: Backend) {
    let folder = office(backend, "webhooks-owners");
    let (other_key, portal_key) = (folder.key("agency:so-khac"), folder.key("portal"));
    let (hub, agency, operator) = started(&folder).await;
    let (other, portal) = (hub.sender(&other_key), hub.sender(&portal_key));
    let taking = async || Agency::new(|_, _| Reply::TAKEN).await;
    let (own, others, portals, all, part) =
        (taking().await, taking().await, taking().await, taking().await, taking().await);
    let (id, _) = subscribe(&agency, &own.url, json!({})).await;
    subscribe(&other, &others.url, json!({})).await;
    subscribe(&portal, &portals.url, json!({})).await;
    subscribe(&operator, &all.url, json!({})).await;
    subscribe(&operator, &part.url, json!({ "agency": "so-khac" })).await;
    for first in [0, 10] {
        tell(&agency, "so-gui", first..first + 10).await;
        tell(&other, "so-khac", first..first + 10).await;
    }
    let public = ids(&portal, "records").await;
    let [mine, theirs] = [ids(&agency, "records").await, ids(&other, "records").await];
    assert_eq!((mine.len(), theirs.len(), public.len()), (20, 20, 40));
    takes(&own, 20).await;
    takes(&others, 20).await;
    takes(&portals, 40).await;
    takes(&all, 40).await;
    takes(&part, 20).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    assert_eq!((taken(&own), taken(&others)), (mine, theirs.clone()), "none of another's");
    assert_eq!((taken(&portals), taken(&all), taken(&part)), (public.clone(), public, theirs));
    for sent in portals.taken().iter().chain(&all.taken()) {
        assert!(!sent.body.contains("Lâm"), "{}", sent.body);
    }
    // What is another's is as if it were not there.
    for action in ["rotate", "enable", "disable", "ping", "resend", "recover"] {
        let body = match action {
            "resend" => json!({ "event": taken(&own)[0] }),
            "recover" => json!({ "since": "2024-01-01T00:00:00Z" }),
            _ => json!({}),
        };
        let path = format!("{PATH}/{id}/{action}");
        assert_eq!(post(&other, &path, &body).await.0, 404, "{action}");
        assert_eq!(post(&portal, &path, &body).await.0, 404, "{action}");
    }
    assert_eq!(other.get(&format!("{PATH}/{id}")).await.0, 404);
    let url = format!("{}{PATH}/{id}", other.url);
    let gone = other.client.delete(&url).bearer_auth(&other.key).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 404);
    assert_eq!(other.found(PATH).await["subscriptions"].as_array().unwrap().len(), 1);
    assert_eq!(operator.found(PATH).await["subscriptions"].as_array().unwrap().len(), 5);
    assert_eq!(standing(&operator, &id).await["owner"], "agency:so-gui");
    let (status, told) =
        post(&agency, PATH, &json!({ "url": own.url, "feed": "records", "agency": "so-khac" }))
            .await;
    assert_eq!((status, &told["faults"][0]["rule"]), (422, &json!("not-yours")), "{told}");
    for _ in 1..20 {
        subscribe(&agency, &own.url, json!({})).await;
    }
    let (status, told) = post(&agency, PATH, &json!({ "url": own.url, "feed": "records" })).await;
    assert_eq!((status, &told["subscriptions_max"]), (409, &json!(20)), "{told}");
    let answer = agency.client.get(format!("{}{PATH}", agency.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    hub.stop();
    folder.verify();
}

async fn nothing_is_sent_to_who_has_no_key(backend: Backend) {
    let folder = office(backend, "webhooks-keys");
    let (hub, agency, operator) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, _) = subscribe(&agency, &receiver.url, json!({})).await;
    tell(&agency, "so-gui", 0..3).await;
    takes(&receiver, 3).await;
    let public = agency.key().split('_').nth(1).unwrap().to_owned();
    assert_eq!(folder.run(&["key", "revoke", &public]).status.code(), Some(0));
    let paused = |one: &Value| one["state"] == "paused" && one["reason"] == "no-key-in-force";
    stands(&operator, &id, paused).await;
    sleep(Duration::from_secs(1)).await;
    tell(&operator, "so-gui", 3..6).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(receiver.seen().len(), 3);
    let agency = hub.sender(&folder.key("agency:so-gui"));
    takes(&receiver, 6).await;
    assert_eq!(taken(&receiver), ids(&operator, "records").await, "it goes on where it stood");
    let one = stands(&operator, &id, |one| one["state"] == "active").await;
    assert!(one["reason"].is_null(), "{one}");
    drop(agency);
    hub.stop();
}
