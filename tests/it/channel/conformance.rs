//! One formula for all channels, with the numbers that it comes from.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::Hub,
    lienthong::{stderr, stdout},
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(conformance_is_told_with_its_numbers);

async fn conformance_is_told_with_its_numbers(backend: Backend) {
    let folder = backend.folder("conforms");
    let keys = [AGENCY, "agency:so-y-te"].map(|principal| folder.key(principal));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&keys[0]);
    let push = async |id: &str, bytes: &[u8]| sender.push(CHANNEL, Some(id), bytes).await.unwrap();
    for number in 0..6 {
        let bytes = event(&format!("BH.C.{number}"), "THU_LY", AT);
        assert_eq!(push(&format!("c-{number}"), &bytes).await.0, 200);
    }
    for number in 0..2 {
        let bytes = event(&format!("BH.C.{number}"), "KHONG_CO", AT);
        assert_eq!(push(&format!("bad-{number}"), &bytes).await.0, 422);
    }
    // Sent again as they were.
    for number in 0..2 {
        let bytes = event(&format!("BH.C.{number}"), "THU_LY", AT);
        assert_eq!(push(&format!("c-{number}"), &bytes).await.1["outcome"], "duplicate");
    }
    let path = format!("/v1/channels/{CHANNEL}/conformance");
    let began = Instant::now();
    let told = loop {
        let told = sender.found(&path).await;
        if told["figures"]["repeats"] == 2 && told["figures"]["drift"] != Value::Null {
            break told;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{told:#}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let figures = &told["figures"];
    let counts = ["messages", "records", "refused", "repeats"].map(|name| &figures[name]);
    assert_eq!(counts, [&json!(8), &json!(6), &json!(2), &json!(2)], "{told:#}");
    let conformance = &told["conformance"];
    assert_eq!(conformance["refusals"], 75, "6 of 8 records");
    assert_eq!(conformance["duplicates"], 80, "8 of 10 messages");
    assert_eq!(
        (&conformance["freshness"], &conformance["completeness"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!((&told["open_refusals"], &told["silent"]), (&json!(2), &json!(false)));
    let names = ["freshness", "completeness", "refusals", "duplicates", "drift", "deadlines"];
    let parts: Vec<u64> = names.iter().filter_map(|name| conformance[name].as_u64()).collect();
    let mean = parts.iter().sum::<u64>() / parts.len() as u64;
    assert_eq!(conformance["score"], mean, "{conformance}");
    assert_eq!(hub.sender(&keys[1]).get(&path).await.0, 404);
    let others = hub.sender(&keys[1]).found("/v1/channels").await;
    let others = others["channels"].as_array().unwrap().clone();
    assert!(others.iter().all(|one| one["channel"].as_str().unwrap().starts_with("so-y-te.")));
    let listed = folder.run(&["channels"]);
    let (listed, told) = (stdout(&listed), stderr(&listed));
    assert!(listed.contains(&format!("{CHANNEL}\tlive\t")), "{listed}{told}");
    hub.stop();
    folder.verify();
}
