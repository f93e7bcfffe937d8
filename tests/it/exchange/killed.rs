//! Hubs that are killed while requests are asked, answered and due: each is asked once, answered
//! once or timed out once, and two hubs on one store do not do it twice.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{ASKED, Keys, READS, asked, becomes, office, part, post, started};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Hub, Random, seed},
};

on_each_store!(each_is_answered_once_however_often_the_hub_is_killed);

const REQUESTS: u32 = 12;
const KILLS: u32 = 3;

async fn each_is_answered_once_however_often_the_hub_is_killed(backend: Backend) {
    let mut random = Random::new(seed(20_261_127));
    let asks_system = Agency::new(|_, _| Reply::TAKEN).await;
    let asked_system = Agency::new(|_, before| match before {
        0 => Reply::TakesAndDrops,
        _ => Reply::TAKEN,
    })
    .await;
    let folder = office(backend, "exchange-killed", &asks_system, &asked_system);
    let keys = Keys::of(&folder);
    let mut hub = Hub::start(&folder).await;
    // All are due at the same time, some while no hub is there.
    let body = asked(json!([ASKED, READS]), 6);
    for number in 0..REQUESTS {
        let asks = hub.sender(&keys.asks);
        let key = format!("k-{number}");
        assert_eq!(post(&asks, "/v1/requests", Some(&key), &body).await.0, 200);
        if number.is_multiple_of(REQUESTS / KILLS) {
            sleep(Duration::from_millis(random.between(0, 400))).await;
            hub.kill9();
            hub = Hub::start(&folder).await;
        }
        // Every second one is answered in time by one of both, told twice.
        if number.is_multiple_of(2) {
            let path = format!("/v1/requests/so-tu-phap:{key}/replies");
            for _ in 0..2 {
                let answers = hub.sender(&keys.asked);
                let reply = json!({ "text": "Đúng." });
                assert_eq!(post(&answers, &path, Some(&key), &reply).await.0, 200);
            }
        }
    }
    sleep(Duration::from_secs(3)).await;
    hub.kill9();
    sleep(Duration::from_secs(2)).await;
    hub = Hub::start(&folder).await;
    let asks = hub.sender(&keys.asks);
    for number in 0..REQUESTS {
        let path = format!("/v1/requests/so-tu-phap:k-{number}");
        let told = becomes(&asks, &path, |told| told["complete"] == true).await;
        let expected = if number.is_multiple_of(2) { "answered" } else { "timed_out" };
        assert_eq!(part(&told, ASKED)["state"], expected, "{told}");
        assert_eq!(part(&told, READS)["state"], "timed_out", "{told}");
    }
    let answers = REQUESTS + REQUESTS;
    asks_system.takes(answers as usize, super::WITHIN).await;
    let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
    let operator = hub.sender(&keys.operator);
    for event in operator.feed("records", 500).await {
        if event["type"].as_str().unwrap().contains(".reply.") {
            let name = |member: &str| event["data"][member].as_str().unwrap().to_owned();
            *told.entry((name("request"), name("agency"))).or_default() += 1;
        }
    }
    assert_eq!(told.len(), answers as usize);
    assert!(told.values().all(|count| *count == 1), "{told:?}");
    hub.stop();
    folder.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hubs_keep_deadlines_together_and_each_is_told_once() {
    let asks_system = Agency::new(|_, _| Reply::TAKEN).await;
    let asked_system = Agency::new(|_, _| Reply::TAKEN).await;
    let folder = office(Backend::Postgres, "exchange-two", &asks_system, &asked_system);
    let (one, [asks, answers, ..]) = started(&folder).await;
    let other = Hub::start(&folder).await;
    let body = asked(json!([ASKED, READS]), 5);
    for number in 0..REQUESTS {
        let to = if number.is_multiple_of(2) { &one.url } else { &other.url };
        let key = format!("h-{number}");
        let sent = post(&asks.clone().at(to), "/v1/requests", Some(&key), &body).await;
        assert_eq!(sent.0, 200);
    }
    // Asked at one, answered at the other.
    let reply = json!({ "text": "Đúng." });
    let path = "/v1/requests/so-tu-phap:h-0/replies";
    assert_eq!(post(&answers.at(&other.url), path, None, &reply).await.0, 200);
    for number in 0..REQUESTS {
        let path = format!("/v1/requests/so-tu-phap:h-{number}");
        becomes(&asks, &path, |told| told["complete"] == true).await;
    }
    asks_system.takes(2 * REQUESTS as usize, super::WITHIN).await;
    asked_system.takes(REQUESTS as usize, super::WITHIN).await;
    sleep(Duration::from_secs(1)).await;
    let mut replies: BTreeMap<(String, String), usize> = BTreeMap::new();
    for seen in asks_system.taken() {
        let reply: Value = serde_json::from_str(&seen.body).unwrap();
        let name = (reply["request"].to_string(), reply["agency"].to_string());
        *replies.entry(name).or_default() += 1;
    }
    assert_eq!(replies.len(), 2 * REQUESTS as usize);
    assert!(replies.values().all(|count| *count == 1), "{replies:?}");
    one.stop();
    other.stop();
    folder.verify();
}
