//! Receivers that fail, are busy, gone, hang or lead elsewhere.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    PATH, WITHIN, act, ids, office, standing, stands, started, subscribe, taken, takes, tell,
};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::Sender,
    lienthong::{stderr, stdout},
};

on_each_store!(
    what_fails_comes_again_under_its_id_and_no_sooner_than_is_said,
    who_fails_for_too_long_or_is_gone_is_switched_off_once_and_goes_on_where_it_stood,
);

async fn what_fails_comes_again_under_its_id_and_no_sooner_than_is_said(backend: Backend) {
    let folder = office(backend, "webhooks-failing");
    let (hub, agency, _) = started(&folder).await;
    let mut count = 0;
    let receiver = Agency::new(move |_, _| {
        count += 1;
        match count {
            3 => Reply::Says(500, "", "hỏng"),
            4 => Reply::Says(503, "retry-after: 3\r\n", ""),
            6 => Reply::TakesAndDrops,
            8 => Reply::Says(302, "location: http://127.0.0.1:9/\r\n", ""),
            _ => Reply::TAKEN,
        }
    })
    .await;
    // One that hangs, and holds up nobody else.
    let hanging = Agency::new(|_, _| Reply::After(Duration::from_secs(30))).await;
    let (hangs, _) = subscribe(&agency, &hanging.url, json!({})).await;
    let (id, _) = subscribe(&agency, &receiver.url, json!({})).await;
    tell(&agency, "so-gui", 0..8).await;
    let one = stands(&agency, &id, |one| one["failed_attempts"] == 2).await;
    let last = one["attempts"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["status"], &last["taken"]), (&json!(503), &json!(false)), "{one}");
    assert!(one["next_attempt_at"].is_string() && one["failing_since"].is_string(), "{one}");
    assert_eq!(one["state"], "active");
    // One more than there are events: the one that dropped the line had taken it.
    takes(&receiver, 9).await;
    let all = receiver.seen();
    let ids_of: Vec<&str> = all.iter().map(|one| one.header("webhook-id")).collect();
    let records = ids(&agency, "records").await;
    let expected = [0, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7].map(|number: usize| &*records[number]);
    assert_eq!(ids_of, expected, "the same under the same id, and what is behind it waits");
    let waited = all[4].at - all[3].at;
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
    let one = stands(&agency, &id, |one| one["lag"] == 0).await;
    let told: Vec<&str> =
        one["attempts"].as_array().unwrap().iter().filter_map(|one| one["told"].as_str()).collect();
    assert_eq!(told[0], "HTTP 500 Internal Server Error", "nothing of what it said");
    assert!(told.iter().any(|told| told.contains("redirects are not followed")), "{told:?}");
    let one = standing(&agency, &hangs).await;
    let tried = one["attempts"].as_array().unwrap();
    assert!(tried.iter().all(|one| one["told"] == "no answer in time"), "{one}");
    assert!((1..=7).contains(&hanging.seen().len()), "it is tried now and then");
    hub.stop();
    folder.verify();
}

/// The open alerts of webhooks.
async fn alerts(operator: &Sender) -> Vec<Value> {
    let told = operator.found("/v1/channels").await;
    let all = told["alerts"].as_array().unwrap().iter();
    all.filter(|one| one["kind"] == "webhook").cloned().collect()
}

pub(super) async fn alerts_are(operator: &Sender, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let open = alerts(operator).await;
        if open.len() == count {
            return open;
        }
        assert!(began.elapsed() < WITHIN, "{open:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn who_fails_for_too_long_or_is_gone_is_switched_off_once_and_goes_on_where_it_stood(
    backend: Backend,
) {
    let folder = office(backend, "webhooks-gone");
    let (hub, agency, operator) = started(&folder).await;
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let leaving = Agency::new(|_, _| Reply::Says(410, "", "")).await;
    let (id, _) = subscribe(&agency, &receiver.url, json!({})).await;
    let (left, _) = subscribe(&agency, &leaving.url, json!({})).await;
    tell(&agency, "so-gui", 0..5).await;
    takes(&receiver, 5).await;
    // Gone at the first word.
    let one = stands(&agency, &left, |one| one["state"] == "disabled").await;
    assert_eq!((&one["reason"], leaving.seen().len()), (&json!("gone"), 1), "{one}");
    receiver.does(|_, _| Reply::Says(500, "", ""));
    tell(&agency, "so-gui", 5..10).await;
    let one = stands(&agency, &id, |one| one["state"] == "disabled").await;
    assert_eq!((&one["reason"], &one["lag"]), (&json!("failing"), &json!(5)), "{one}");
    let since: jiff::Timestamp = one["failing_since"].as_str().unwrap().parse().unwrap();
    let last = one["attempts"].as_array().unwrap().last().unwrap()["at"].as_str().unwrap();
    let last: jiff::Timestamp = last.parse().unwrap();
    assert!(last.duration_since(since).as_secs() >= 3, "{one}");
    let open = alerts_are(&operator, 2).await;
    let told = open.iter().find(|one| one["channel"] == format!("so-gui.webhook-{id}")).unwrap();
    assert!(told["told"]["vi"].as_str().unwrap().contains(&id), "{told}");
    let tried = receiver.seen().len();
    sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.seen().len(), tried, "it is left in peace");
    receiver.does(|_, _| Reply::TAKEN);
    // By the operator's command beside the hub, from where it stood.
    let done = folder.run(&["subscriptions", "enable", &id]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    takes(&receiver, 10).await;
    assert_eq!(taken(&receiver), ids(&agency, "records").await, "no gap, and none twice");
    act(&agency, &id, "disable", json!({})).await;
    let listed = stdout(&folder.run(&["subscriptions", "list"]));
    assert!(listed.contains("disabled (switched-off)") && listed.contains("2 subs"), "{listed}");
    let shown = stdout(&folder.run(&["subscriptions", "show", &id]));
    assert!(shown.contains("\"switched-off\"") && !shown.contains("whsec_"), "{shown}");
    assert_eq!(folder.run(&["subscriptions", "disable", "x"]).status.code(), Some(1));
    // What somebody has decided is no alert; what is removed is none any more.
    let path = format!("{}{PATH}/{left}", agency.url);
    let gone = agency.client.delete(&path).bearer_auth(&agency.key).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 204);
    alerts_are(&operator, 0).await;
    hub.stop();
    let log = folder.log();
    assert_eq!(log.matches("an alert is open").count(), 2, "{log}");
    folder.verify();
}
