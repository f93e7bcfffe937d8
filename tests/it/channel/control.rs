//! An agency tells what it has, and learns exactly what the hub lacks and what it has beside.

use std::fs;

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
    lienthong::stdout,
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(
    an_agency_learns_which_keys_are_missing_and_which_are_extra,
    numbers_by_day_are_compared_with_the_hubs,
);

async fn control(sender: &Sender, body: &Value) -> (u16, Value) {
    let url = format!("{}/v1/channels/{CHANNEL}/control", sender.url);
    let answer = sender.client.post(url).bearer_auth(sender.key()).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn key(number: u32) -> String {
    format!("BH.{number:06}")
}

async fn an_agency_learns_which_keys_are_missing_and_which_are_extra(backend: Backend) {
    let folder = backend.folder("keys");
    let keys = [AGENCY, "agency:so-y-te"].map(|principal| folder.key(principal));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&keys[0]);
    for number in 0..40 {
        let bytes = event(&key(number), "THU_LY", AT);
        let sent = sender.push(CHANNEL, Some(&format!("k-{number}")), &bytes).await.unwrap();
        assert_eq!(sent.0, 200);
    }
    // Has 0..100000 but for 7 and 9; the hub has 0..40.
    let told: Vec<String> = (0..100_000).filter(|n| ![7, 9].contains(n)).rev().map(key).collect();
    let (status, answer) = control(&sender, &json!({ "keys": told })).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["extra_keys"], json!([key(7), key(9)]));
    let missing = answer["missing_keys"].as_array().unwrap();
    assert_eq!((missing.len(), &missing[0]), (99_960, &json!(key(40))));
    let counts = ["told", "missing", "extra"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(counts, [99_998, 99_960, 2]);
    assert!(answer["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{}", answer["at"]);
    // A stretch: what lies outside it is neither.
    let (_, answer) = control(&sender, &json!({ "keys": [key(10), key(12)] })).await;
    assert_eq!((&answer["missing"], &answer["extra_keys"]), (&json!(0), &json!([key(11)])));
    let whole = json!({ "keys": [key(10)], "from": key(8), "to": key(12) });
    let (_, answer) = control(&sender, &whole).await;
    assert_eq!(answer["extra"], 4);
    let path = format!("/v1/channels/{CHANNEL}/conformance");
    let (_, half) = control(&sender, &json!({ "keys": [key(39), key(41)] })).await;
    assert_eq!(half["missing_keys"], json!([key(41)]));
    let told = sender.found(&path).await;
    assert_eq!(told["conformance"]["completeness"], 50, "{told}");
    // What another agency has is nobody's to compare with.
    let other = json!({ "keys": ["a", "z"], "source": "so-tu-phap" });
    let empty = json!({ "keys": [] });
    for bad in [json!({}), empty, json!({ "keys": ["b"], "to": "a" }), other] {
        let (status, problem) = control(&sender, &bad).await;
        assert_eq!((status, &problem["code"]), (400, &json!("bad-control")), "{bad}");
    }
    assert_eq!(control(&hub.sender(&keys[1]), &whole).await.0, 404);
    let file = folder.path().join("keys.txt");
    fs::write(&file, [key(38), key(39), key(40)].join("\n")).unwrap();
    let output = folder.run(&["control", CHANNEL, &file.display().to_string()]);
    let expected = format!("missing\t{}\n3 keys told, 1 missing, 0 extra\n", key(40));
    assert_eq!((stdout(&output), output.status.code()), (expected, Some(2)));
    hub.stop();
    folder.verify();
}

async fn numbers_by_day_are_compared_with_the_hubs(backend: Backend) {
    let folder = backend.folder("totals");
    let own = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&own);
    for number in 0..5 {
        let bytes = event(&key(number), "THU_LY", AT);
        sender.push(CHANNEL, Some(&format!("t-{number}")), &bytes).await.unwrap();
    }
    let total =
        |day: &str, status: u8, count: u32| json!({ "day": day, "status": status, "count": count });
    let told = json!({ "totals": [
        total("2024-03-04", 4, 5), total("2024-03-05", 4, 6), total("2024-03-05", 9, 0),
        total("2024-03-03", 4, 1), { "day": "2024-03-04", "count": 5 },
    ] });
    let (status, answer) = control(&sender, &told).await;
    assert_eq!(status, 200, "{answer}");
    let differing: Vec<(&str, u64, u64)> = answer["differing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let number = |name: &str| one[name].as_u64().unwrap();
            (one["day"].as_str().unwrap(), number("count"), number("hub"))
        })
        .collect();
    assert_eq!(differing, [("2024-03-05", 6, 5), ("2024-03-03", 1, 0)], "{answer:#}");
    assert_eq!((&answer["told"], &answer["missing"]), (&json!(5), &json!(2)));
    let bad = json!({ "totals": [total("2024-03-04", 11, 1)] });
    assert_eq!(control(&sender, &bad).await.0, 400);
    hub.stop();
}
