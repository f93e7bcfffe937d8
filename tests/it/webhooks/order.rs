//! Events come in order, each once, signed; and again under the same id where nobody knows whether
//! they were taken.

use std::{fs, process::Command, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    PATH, checked, ids, office, stands, started, subscribe, taken, takes, tell, tells_no_secret,
};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply, Seen},
    harness::{Folder, Hub, Sender},
};

on_each_store!(
    events_come_in_order_once_each_and_their_signatures_hold,
    what_a_killed_hub_has_sent_and_not_noted_comes_again_under_its_id,
);

/// What OpenSSL says of the Ed25519 signature of a request, by the public key that was shown.
fn holds(folder: &Folder, key: &str, one: &Seen) -> bool {
    let file = |name: &str| folder.path().join(name);
    let (id, at) = (one.header("webhook-id"), one.header("webhook-timestamp"));
    fs::write(file("signed"), format!("{id}.{at}.{}", one.body)).unwrap();
    let signature = one.header("webhook-signature").strip_prefix("v1a,").unwrap();
    // The header of a public key of this kind (RFC 8410), before its 32 bytes.
    let header = "MCowBQYDK2VwAyEA";
    let key = key.strip_prefix("whpk_").unwrap();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{header}{key}\n-----END PUBLIC KEY-----\n");
    fs::write(file("key.pem"), pem).unwrap();
    fs::write(file("signature.b64"), format!("{signature}\n")).unwrap();
    let mut decode = Command::new("openssl");
    decode.args(["base64", "-d", "-A", "-in", "signature.b64", "-out", "signature"]);
    assert!(decode.current_dir(folder.path()).status().unwrap().success());
    let mut verify = Command::new("openssl");
    verify.args(["pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "signed"]);
    verify.args(["-sigfile", "signature"]).current_dir(folder.path());
    verify.output().unwrap().status.success()
}

/// Bodies are the events of the feed, byte for byte but for what JSON leaves open.
fn bodies(receiver: &Agency) -> Vec<Value> {
    receiver.taken().iter().map(|one| serde_json::from_str(&one.body).unwrap()).collect()
}

/// What is counted is counted by feed.
async fn counted(operator: &Sender) {
    let metrics = operator.client.get(format!("{}/metrics", operator.url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "lienthong_webhook_attempts_total{feed=\"dossiers\",end=\"delivered\"} 60",
        "lienthong_webhook_subscriptions{state=\"active\"} 6",
        "lienthong_webhook_lag{feed=\"records\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

async fn events_come_in_order_once_each_and_their_signatures_hold(backend: Backend) {
    let folder = office(backend, "webhooks-order");
    let (hub, agency, operator) = started(&folder).await;
    tell(&agency, "so-gui", 0..30).await;
    let taking = async || Agency::new(|_, _| Reply::TAKEN).await;
    let (all, news, states, paired) =
        (taking().await, taking().await, taking().await, taking().await);
    let (id, secret) = subscribe(&agency, &all.url, json!({ "after": "beginning" })).await;
    let (new, _) = subscribe(&agency, &news.url, json!({ "contract": "dossier/1" })).await;
    let (none, _) = subscribe(&agency, &news.url, json!({ "contract": "feedback/1" })).await;
    let of_states = json!({ "feed": "dossiers", "after": "beginning" });
    subscribe(&agency, &states.url, of_states).await;
    let (pair, key) = subscribe(&agency, &paired.url, json!({ "signature": "v1a" })).await;
    for first in [30, 40, 50] {
        tell(&agency, "so-gui", first..first + 10).await;
    }
    let (records, dossiers) = (ids(&agency, "records").await, ids(&agency, "dossiers").await);
    assert_eq!((records.len(), dossiers.len()), (60, 60));
    takes(&all, 60).await;
    takes(&news, 30).await;
    takes(&paired, 30).await;
    takes(&states, 60).await;
    for one in [&id, &new, &none, &pair] {
        let one = stands(&agency, one, |one| one["lag"] == 0).await;
        assert_eq!((&one["state"], &one["failed_attempts"]), (&json!("active"), &json!(0)));
    }
    assert_eq!(taken(&all), records, "in order, each once");
    assert_eq!(taken(&news), records[30..], "what came since, of one contract");
    assert_eq!(bodies(&all), agency.feed("records", 100).await);
    // What somebody reads of states depends on when: each as it stood then, by its id.
    let states = states.taken();
    let told: Vec<String> = states.iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert!(told.iter().all(|id| id.is_ascii() && !id.contains('.')), "{told:?}");
    assert_eq!(told, dossiers, "these have no letter that a header has not");
    // By the library that receivers use; another secret, or another body, is refused.
    assert_eq!(checked(&secret, &all.taken()), records);
    let (_, other) = subscribe(&agency, &news.url, json!({})).await;
    let wrong = checked(&other, &all.taken()[..1]);
    assert!(wrong[0].contains("No matching signature"), "{wrong:?}");
    let mut altered = all.taken()[0].clone();
    altered.body = altered.body.replace("dossier", "d0ssier");
    assert!(checked(&secret, &[altered])[0].contains("No matching signature"));
    let signed = paired.taken();
    assert!(holds(&folder, &key, &signed[0]) && holds(&folder, &key, &signed[29]));
    let mut altered = signed[0].clone();
    altered.body.push(' ');
    assert!(!holds(&folder, &key, &altered));
    assert_eq!(signed[0].header("content-type"), "application/cloudevents+json; charset=utf-8");
    // What was tried is told, the last twenty.
    let one = super::standing(&agency, &id).await;
    let tried = one["attempts"].as_array().unwrap();
    assert_eq!((tried.len(), &tried[19]["event"]), (20, &json!(records[59])), "{one}");
    assert_eq!((&tried[19]["status"], &tried[19]["taken"]), (&json!(200), &json!(true)));
    assert!(tried[19]["took_ms"].is_u64() && tried[19]["at"].is_string());
    counted(&operator).await;
    // A secret is shown once.
    let listed = operator.found(PATH).await.to_string();
    assert!(!listed.contains("whsec_") && !one.to_string().contains("whsec_"));
    hub.stop();
    tells_no_secret(&folder, &secret);
    assert!(!folder.log().contains(&all.url), "{}", folder.log());
    folder.verify();
}

async fn what_a_killed_hub_has_sent_and_not_noted_comes_again_under_its_id(backend: Backend) {
    let folder = office(backend, "webhooks-killed");
    let (mut hub, agency, _) = started(&folder).await;
    // It takes the tenth, and says so late: the hub is killed meanwhile.
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let mut count = 0;
    receiver.does(move |_, _| {
        count += 1;
        let wait = if count == 10 { Duration::from_secs(1) } else { Duration::ZERO };
        Reply::After(wait)
    });
    let (id, _) = subscribe(&agency, &receiver.url, json!({})).await;
    tell(&agency, "so-gui", 0..30).await;
    takes(&receiver, 10).await;
    hub.kill9();
    let hub = Hub::start(&folder).await;
    let agency = agency.at(&hub.url);
    tell(&agency, "so-gui", 30..40).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    let (all, records) = (taken(&receiver), ids(&agency, "records").await);
    let mut known = Vec::new();
    for id in &all {
        if !known.contains(id) {
            known.push(id.clone());
        }
    }
    assert_eq!(known, records, "the first time that each comes, it comes after those before it");
    let again = all.len() - known.len();
    assert!((1..=10).contains(&again), "{again} came again: the tenth was not noted");
    sleep(Duration::from_millis(500)).await;
    assert_eq!(taken(&receiver), all);
    hub.stop();
    folder.verify();
}
