//! A channel that falls silent is alerted once, and the alert closes when it is heard from again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    permutations::{AGENCY, CHANNEL},
    recount::store,
};

on_each_store!(
    a_silent_channel_is_alerted_once_until_it_is_heard_from,
    a_paused_outbound_channel_is_an_alert_in_the_same_place,
);

/// How long the hub may take to notice.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// The kinds of the alerts of a channel, once there are so many.
async fn alerts(sender: &Sender, channel: &str, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let told = sender.found("/v1/channels").await;
        let all = told["alerts"].as_array().unwrap().iter();
        let own: Vec<Value> = all.filter(|one| one["channel"] == channel).cloned().collect();
        if own.len() == count {
            return own;
        }
        assert!(began.elapsed() < NOTICED_WITHIN, "{told:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A day of a month ago, and the twenty before it, as if it had sent on all of them.
fn played(folder: &Folder) {
    let day = "SELECT channel, day - n.n, 3, 0, 3, 0, 0, first_at - n.n * 86400000,
                   last_at - n.n * 86400000, 0 FROM channel_days";
    let numbers: Vec<String> =
        (30..50).map(|n| format!("SELECT CAST({n} AS bigint) AS n")).collect();
    let numbers = numbers.join(" UNION ALL ");
    store(folder, &format!("INSERT INTO channel_days {day}, ({numbers}) n"));
    let newest = "DELETE FROM channel_days WHERE day > (SELECT min(day) + 19 FROM channel_days)";
    store(folder, newest);
}

fn channel(told: &Value) -> Value {
    let all = told["channels"].as_array().unwrap();
    all.iter().find(|one| one["channel"] == CHANNEL).unwrap().clone()
}

async fn a_silent_channel_is_alerted_once_until_it_is_heard_from(backend: Backend) {
    let folder = backend.folder("silent");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    sender.push(CHANNEL, Some("s-1"), &event("BH.S.1", "THU_LY", AT)).await.unwrap();
    let told = channel(&sender.found("/v1/channels").await);
    assert_eq!((&told["silent"], &told["rhythm"]), (&json!(false), &Value::Null), "{told}");
    hub.stop();
    played(&folder);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let open = alerts(&sender, CHANNEL, 1).await;
    assert_eq!(open[0]["kind"], "silent");
    assert!(open[0]["told"]["vi"].as_str().unwrap().starts_with("Kênh im lặng"), "{open:?}");
    let told = channel(&sender.found("/v1/channels").await);
    assert_eq!((&told["silent"], &told["rhythm"]["known"]), (&json!(true), &json!("learned")));
    assert_eq!(told["conformance"]["freshness"], 0, "{told}");
    let page = sender.client.get(format!("{}/console", hub.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("Kênh im lặng") && page.contains("Mức tuân thủ"), "{page}");
    let metrics = sender.client.get(format!("{}/metrics", hub.url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = format!("lienthong_alert{{channel=\"{CHANNEL}\",kind=\"silent\"}} 1");
    assert!(metrics.contains(&line), "{metrics}");
    hub.stop();
    // Another start finds it open: it is the same alert, and not told again.
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    assert_eq!(alerts(&sender, CHANNEL, 1).await, open);
    assert_eq!(folder.log().matches("an alert is open").count(), 1);
    sender.push(CHANNEL, Some("s-2"), &event("BH.S.2", "THU_LY", AT)).await.unwrap();
    assert!(alerts(&sender, CHANNEL, 0).await.is_empty());
    hub.stop();
    let log = folder.log();
    assert_eq!(log.matches("an alert is open").count(), 1, "{log}");
}

async fn a_paused_outbound_channel_is_an_alert_in_the_same_place(backend: Backend) {
    let folder = backend.folder("paused_alert");
    let key = folder.key("operator");
    let outbound = "INSERT INTO outbound_channels (channel, state, since, reason)
                    VALUES ('so-y-te.nhan', 'paused', 0, '401 Unauthorized')";
    let hub = Hub::start(&folder).await;
    hub.stop();
    store(&folder, outbound);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let open = alerts(&sender, "so-y-te.nhan", 1).await;
    assert_eq!(open[0]["kind"], "paused");
    assert!(open[0]["told"]["vi"].as_str().unwrap().contains("401 Unauthorized"), "{open:?}");
    hub.stop();
    store(&folder, "UPDATE outbound_channels SET state = 'running'");
    let hub = Hub::start(&folder).await;
    assert!(alerts(&hub.sender(&key), "so-y-te.nhan", 0).await.is_empty());
    hub.stop();
}
