//! Secrets that are changed under load, events that are sent again, places that are set back.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::{
    PATH, act, checked, ids, office, post, stands, started, subscribe, taken, takes, tell,
    tells_no_secret,
};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
};

on_each_store!(
    a_secret_that_is_changed_signs_beside_the_new_one_and_ends,
    what_was_sent_is_sent_again_alone_or_from_a_place_on,
);

async fn a_secret_that_is_changed_signs_beside_the_new_one_and_ends(backend: Backend) {
    let folder = office(backend, "webhooks-rotated");
    let (hub, agency, _) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, old) = subscribe(&agency, &receiver.url, json!({})).await;
    let load = async {
        for number in 0..80 {
            tell(&agency, "so-gui", 5 * number..5 * number + 5).await;
            sleep(Duration::from_millis(50)).await;
        }
    };
    let rotating = async {
        takes(&receiver, 20).await;
        act(&agency, &id, "rotate", json!({ "overlap_seconds": 2 })).await
    };
    let ((), rotated) = tokio::join!(load, rotating);
    let new = rotated["secret"].as_str().unwrap();
    assert!(new != old && rotated["older_secrets_until"].as_array().unwrap().len() == 1);
    let one = stands(&agency, &id, |one| one["lag"] == 0).await;
    assert_eq!(one["failed_attempts"], 0);
    let (all, records) = (receiver.taken(), ids(&agency, "records").await);
    assert_eq!(taken(&receiver), records, "in order, each once");
    let (by_old, by_new) = (checked(&old, &all), checked(new, &all));
    let good = |told: &[String]| told.iter().map(|one| !one.starts_with("refused")).collect();
    let (by_old, by_new): (Vec<bool>, Vec<bool>) = (good(&by_old), good(&by_new));
    let both = by_old.iter().zip(&by_new).filter(|(old, new)| **old && **new).count();
    assert!(both > 0 && by_old.iter().zip(&by_new).all(|(old, new)| *old || *new));
    assert!(by_old[0] && !by_new[0], "before");
    assert!(by_new[all.len() - 1], "after");
    // The old one has ended.
    sleep(Duration::from_secs(2)).await;
    tell(&agency, "so-gui", 400..401).await;
    takes(&receiver, 401).await;
    let last = &receiver.taken()[400..];
    assert_eq!(checked(new, last), ids(&agency, "records").await[400..]);
    assert!(checked(&old, last)[0].starts_with("refused"), "it signs no more");
    assert!(!last[0].header("webhook-signature").contains(' '));
    let (status, told) =
        post(&agency, &format!("{PATH}/{id}/rotate"), &json!({ "overlap_seconds": 604_801 })).await;
    assert_eq!((status, &told["faults"][0]["rule"]), (422, &json!("seconds")), "{told}");
    for _ in 1..5 {
        act(&agency, &id, "rotate", json!({})).await;
    }
    let (status, told) = post(&agency, &format!("{PATH}/{id}/rotate"), &json!({})).await;
    assert_eq!((status, &told["secrets_max"]), (409, &json!(5)), "{told}");
    hub.stop();
    tells_no_secret(&folder, new);
    folder.verify();
}

async fn what_was_sent_is_sent_again_alone_or_from_a_place_on(backend: Backend) {
    let folder = office(backend, "webhooks-again");
    let (hub, agency, _) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, secret) = subscribe(&agency, &receiver.url, json!({})).await;
    tell(&agency, "so-gui", 0..5).await;
    takes(&receiver, 5).await;
    let one = stands(&agency, &id, |one| one["lag"] == 0).await;
    let middle = one["after"].as_str().unwrap().to_owned();
    sleep(Duration::from_millis(20)).await;
    let between = jiff::Timestamp::now().to_string();
    tell(&agency, "so-gui", 5..10).await;
    takes(&receiver, 10).await;
    stands(&agency, &id, |one| one["lag"] == 0).await;
    let records = ids(&agency, "records").await;
    let told = act(&agency, &id, "resend", json!({ "event": records[3] })).await;
    assert_eq!((&told["status"], &told["taken"]), (&json!(200), &json!(true)), "{told}");
    assert_eq!(taken(&receiver)[10..], records[3..4]);
    let told = act(&agency, &id, "ping", json!({})).await;
    assert!(told["event"].as_str().unwrap().starts_with("ping/"), "{told}");
    assert_eq!(checked(&secret, &receiver.taken()[11..]), [told["event"].as_str().unwrap()]);
    let (log, _) = records[3].split_once('/').unwrap();
    for event in ["x", "", "a/99999/9", &format!("{log}/99999"), &format!("{log}/0")] {
        let (status, _) =
            post(&agency, &format!("{PATH}/{id}/resend"), &json!({ "event": event })).await;
        assert_eq!(status, 404, "{event}");
    }
    // From a place on, be it told as a cursor or as a time.
    for since in [&middle, &between] {
        let before = receiver.taken().len();
        act(&agency, &id, "recover", json!({ "since": since })).await;
        takes(&receiver, before + 5).await;
        stands(&agency, &id, |one| one["lag"] == 0).await;
        assert_eq!(taken(&receiver)[before..], records[5..], "{since}");
    }
    let recover = format!("{PATH}/{id}/recover");
    for (since, rule) in [("2999-01-01T00:00:00Z", "ahead"), ("hôm qua", "place")] {
        let (status, told) = post(&agency, &recover, &json!({ "since": since })).await;
        // What is recorded by then is where it stands: nothing is skipped.
        if rule == "ahead" {
            assert_eq!((status, &told["lag"]), (200, &json!(0)), "{told}");
        } else {
            assert_eq!((status, &told["faults"][0]["rule"]), (422, &json!(rule)), "{told}");
        }
    }
    act(&agency, &id, "disable", json!({})).await;
    tell(&agency, "so-gui", 10..12).await;
    let (status, told) = post(&agency, &recover, &json!({ "since": "2999-01-01T00:00:00Z" })).await;
    assert_eq!((status, &told["faults"][0]["rule"]), (422, &json!("ahead")), "{told}");
    assert_eq!(post(&agency, &recover, &json!({ "since": "00" })).await.0, 400);
    let (status, _) = post(&agency, &recover, &json!({})).await;
    assert_eq!(status, 422);
    let one = act(&agency, &id, "enable", json!({})).await;
    assert_eq!(one["state"], "active");
    takes(&receiver, 24).await;
    let all = ids(&agency, "records").await;
    assert_eq!(taken(&receiver)[22..], all[10..]);
    hub.stop();
    folder.verify();
}
