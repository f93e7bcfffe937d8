//! A stream of which the broker has dropped the oldest events.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use super::{accepts, ids, read, settles, verified, with_broker};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender, seed},
    permutations::{AGENCY, dossier},
    polls::foreign::Broker,
};

on_each_store!(who_comes_after_the_oldest_were_dropped_takes_them_from_the_hub);

/// What the broker keeps of the stream: whole segments are dropped, so they are short.
const POLICY: &str = r#"{"max-length-bytes":40000,"stream-max-segment-size-bytes":20000}"#;
/// How long the broker may take to drop what is beyond that.
const DROPPED_MAX: Duration = Duration::from_secs(60);

/// All records before a position, as the hub exports them.
async fn before(portal: &Sender, event: &Value) -> Vec<Value> {
    let (_, position) = event["id"].as_str().unwrap().split_once('/').unwrap();
    let path = format!("/v1/exports/records.ndjson?until={position}");
    let text = portal.stream(&path, None).await.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn who_comes_after_the_oldest_were_dropped_takes_them_from_the_hub(backend: Backend) {
    let seed = seed(20_261_128);
    let broker = Broker::start();
    broker.control(&["set_policy", "--apply-to", "queues", "ngan", "^lienthong[.]feed$", POLICY]);
    let folder = with_broker(backend, "bus-trimmed", &broker);
    let (agency, portal) = (folder.key(AGENCY), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let (agency, portal) = (hub.sender(&agency), hub.sender(&portal));
    let messages = (0..50).flat_map(|one| dossier(seed, one)).collect::<Vec<_>>();
    let (first, rest) = messages.split_at(5);
    accepts(&agency, first).await;
    settles(&agency).await;
    let had = read(&folder, &broker, "first");
    let (last, _) = had.last().unwrap();
    // The subscriber is away meanwhile.
    accepts(&agency, rest).await;
    settles(&agency).await;
    let began = Instant::now();
    let found = loop {
        let found = read(&folder, &broker, &last.to_string());
        if found[0].0 > last + 1 {
            break found;
        }
        assert!(began.elapsed() < DROPPED_MAX, "the broker drops nothing: {}", found[0].0);
        sleep(Duration::from_secs(1)).await;
    };
    // What is missing, and nothing but that, is what the export has beyond what it had.
    let mut all = ids(had.iter().map(|(_, event)| event));
    let missing = before(&portal, &found[0].1).await;
    all.extend(ids(&missing).into_iter().skip(had.len()));
    assert!(all.len() > had.len(), "{}", all.len());
    all.extend(ids(found.iter().map(|(_, event)| event)));
    assert_eq!(all, ids(&portal.feed("records", 1_000).await), "seed {seed}");
    assert!(ids(&missing).starts_with(&ids(had.iter().map(|(_, event)| event))));
    // Its operator is told how many are not there.
    let told = verified(&folder, 2);
    assert!(told.contains(&format!("missing    {},", all.len() - found.len())), "{told}");
    hub.stop();
}
