//! Agencies that deny, are busy, lie, or sleep.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    ROUTE, WITHIN,
    agency::{Agency, Reply},
    at, line, office, posted, send, stands, started,
};
use crate::backend::{Backend, on_each_store};

on_each_store!(
    one_that_denies_is_paused_once_and_goes_on_when_resumed,
    one_that_sleeps_slows_no_other,
);

async fn one_that_denies_is_paused_once_and_goes_on_when_resumed(backend: Backend) {
    let agency = Agency::new(|_, _| Reply::Says(401, "", "")).await;
    let folder = office(backend, "delivery-denied", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let (hub, sender, operator) = started(&folder).await;
    let lines: String = (0..20).map(|number| line(&format!("D-{number}"), 1, "MOI")).collect();
    send(&sender, "m-1", &lines).await;
    let paused = |one: &serde_json::Value| one["decided"]["state"] == "paused";
    let one = stands(&operator, "so-nhan.nhan", paused).await;
    assert_eq!((&one["waiting"], &one["dead"]), (&json!(20), &json!(0)), "nothing is lost");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let seen = agency.seen().len();
    assert!((1..=16).contains(&seen), "it is left in peace: {seen} came");
    let alerts = folder.log().matches("denies the hub").count();
    assert_eq!(alerts, 1, "{}", folder.log());
    agency.does(|_, _| Reply::TAKEN);
    let resumed = posted(&operator, "/v1/outbox/so-nhan.nhan/resume", "").await;
    assert_eq!((resumed.0, &resumed.1["changed"]), (200, &json!(true)));
    agency.takes(20, WITHIN).await;
    stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    hub.stop();
}

const TWO: &str = r#"
[[route]]
contract = "dossier/1"
when = "status == 9"
to = "so-nhan.cham"

[[route]]
contract = "dossier/1"
when = "status != 9"
to = "so-nhan.nhan"
"#;

async fn one_that_sleeps_slows_no_other(backend: Backend) {
    let slow = Agency::new(|_, _| Reply::After(Duration::from_secs(30))).await;
    let quick = Agency::new(|_, _| Reply::TAKEN).await;
    let endpoints = [("so-nhan.cham", &*at(&slow.url)), ("so-nhan.nhan", &*at(&quick.url))];
    let folder = office(backend, "delivery-slow", TWO, &endpoints);
    let (hub, sender, _) = started(&folder).await;
    let lines: String = (0..40).map(|number| line(&format!("S-{number}"), 1, "XONG")).collect();
    send(&sender, "slow", &lines).await;
    while slow.seen().len() < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut waits = Vec::new();
    for number in 0..50 {
        let sent = Instant::now();
        send(&sender, &format!("q-{number}"), &line(&format!("Q-{number}"), 1, "MOI")).await;
        quick.takes(number + 1, Duration::from_secs(5)).await;
        waits.push(sent.elapsed());
    }
    waits.sort();
    println!("from sending to arriving: median {:?}, longest {:?}", waits[25], waits[49]);
    assert!(waits[47] < Duration::from_secs(1), "{waits:?}");
    assert_eq!(slow.seen().len(), 4, "it has its own room, and no more");
    let ended = Instant::now();
    hub.stop();
    assert!(ended.elapsed() < Duration::from_secs(10), "nobody waits for it at the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_is_busy_is_waited_for_and_one_that_lies_is_found_out() {
    let busy = Agency::new({
        let mut left = 3;
        move |_, _| {
            left -= 1;
            if left >= 0 { Reply::Says(429, "retry-after: 2\r\n", "") } else { Reply::TAKEN }
        }
    })
    .await;
    let lies = Agency::new(|seen, before| match (seen.subject(), before) {
        ("L-0", _) => Reply::Says(200, "", r#"{"error_code":"7","message":"Sai mã"}"#),
        ("L-1", 0) => Reply::Says(200, "", r#"{"error_code":"-1"}"#),
        _ => Reply::Says(200, "", r#"{"error_code":"0"}"#),
    })
    .await;
    let routes = format!("{ROUTE}{}", ROUTE.replace(".nhan\"", ".doi\""));
    let endpoints = [("so-nhan.nhan", &*at(&busy.url)), ("so-nhan.doi", &*at(&lies.url))];
    let folder = office(Backend::Sqlite, "delivery-busy", &routes, &endpoints);
    let (hub, sender, operator) = started(&folder).await;
    let lines: String = (0..3).map(|number| line(&format!("L-{number}"), 1, "MOI")).collect();
    send(&sender, "m-1", &lines).await;
    busy.takes(3, WITHIN).await;
    let seen = busy.seen();
    let wait = seen[seen.len() - 1].at - seen[0].at;
    assert!(wait >= Duration::from_secs(2), "it was told when: {wait:?}");
    assert!(seen.len() <= 12, "it is left in peace meanwhile: {} came", seen.len());
    stands(&operator, "so-nhan.doi", |one| one["waiting"] == 0 && one["dead"] == 1).await;
    let dead = operator.found("/v1/dead").await;
    assert_eq!(dead["dead"][0]["key"], "so-gui/L-0");
    assert!(dead["dead"][0]["told"].as_str().unwrap().contains("Sai mã"), "{dead}");
    let first: Vec<_> = lies.seen().into_iter().filter(|one| one.subject() == "L-1").collect();
    assert_eq!((first.len(), first[0].id()), (2, first[1].id()), "the same id again");
    hub.stop();
}

/// A name that leads into a private network is found out when it was looked up: nothing is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_that_leads_into_a_private_network_is_not_connected_to() {
    let agency = Agency::new(|_, _| Reply::TAKEN).await;
    let near = format!("url = \"{}/\"", agency.url.replace("127.0.0.1", "localhost"));
    let folder = office(Backend::Sqlite, "delivery-near", ROUTE, &[("so-nhan.nhan", &near)]);
    let (hub, sender, operator) = started(&folder).await;
    send(&sender, "m-1", &line("N-1", 1, "MOI")).await;
    let one = stands(&operator, "so-nhan.nhan", |one| !one["decided"].is_null()).await;
    let reason = one["decided"]["reason"].as_str().unwrap();
    assert!(reason.contains("localhost is at addresses of private networks"), "{one}");
    assert_eq!((agency.seen().len(), &one["waiting"]), (0, &json!(1)));
    hub.stop();
}

/// Where an address leads elsewhere, no message follows: whoever lives there was not meant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_redirect_is_followed() {
    let elsewhere = Agency::new(|_, _| Reply::TAKEN).await;
    let location: &'static str = format!("location: {}/\r\n", elsewhere.url).leak();
    let agency = Agency::new(move |_, _| Reply::Says(307, location, "")).await;
    let endpoint = at(&agency.url);
    let folder =
        office(Backend::Sqlite, "delivery-redirect", ROUTE, &[("so-nhan.nhan", &endpoint)]);
    let (hub, sender, operator) = started(&folder).await;
    send(&sender, "m-1", &line("R-1", 1, "MOI")).await;
    stands(&operator, "so-nhan.nhan", |one| one["decided"]["state"] == "paused").await;
    assert_eq!(elsewhere.seen().len(), 0);
    hub.stop();
}
