//! What there is to ask about is sent as it is opened and closed, behind the journal.

use std::time::Duration;

use serde_json::{Value, json};

use super::{LINES, ids, stands, subscribe, taken, takes};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Hub, Sender},
};

on_each_store!(a_finding_is_sent_when_it_opens_and_when_it_closes);

async fn tells(sender: &Sender, version: u32, finished: &str) {
    let message = json!({
        "loai": "HO_SO", "ma": "N-1", "phienBan": version.to_string(),
        "thuTuc": "Thủ tục không có trong danh mục", "nhan": "2024-03-04T08:00:00+07:00",
        "trangThai": "HOAN_THANH", "xong": finished, "nguoiNop": "Lâm Thị Mẫu",
    });
    let bytes = message.to_string();
    let (status, told) = sender.push("so-y-te.ho-so", None, bytes.as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
}

/// The rules of what was taken, each with whether it is open.
fn asked(receiver: &Agency) -> Vec<String> {
    let each = receiver.taken().into_iter().map(|one| {
        let event: Value = serde_json::from_str(&one.body).unwrap();
        let word = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("rule"), word("state"))
    });
    each.filter(|one| one.starts_with("finish-before-acceptance")).collect()
}

async fn a_finding_is_sent_when_it_opens_and_when_it_closes(backend: Backend) {
    let mut folder = backend.folder_of("webhooks-findings", &["tests/corpus/findings"]);
    folder.publishing(Some(folder.catalogue()));
    let folder = folder.with_lines(LINES);
    let (agency, portal) = (folder.key("agency:so-y-te"), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let (agency, portal) = (hub.sender(&agency), hub.sender(&portal));
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let (id, _) = subscribe(&portal, &receiver.url, json!({ "feed": "findings" })).await;
    tells(&agency, 1, "2024-03-01T08:00:00+07:00").await;
    takes(&receiver, 1).await;
    stands(&portal, &id, |one| one["lag"] == 0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked(&receiver), ["finish-before-acceptance open"]);
    tells(&agency, 2, "2024-03-08T08:00:00+07:00").await;
    while asked(&receiver).len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(receiver.taken().len() < 20);
    }
    assert_eq!(asked(&receiver)[1], "finish-before-acceptance closed");
    stands(&portal, &id, |one| one["lag"] == 0).await;
    let mut all = taken(&receiver);
    let now = ids(&portal, "findings").await;
    assert!(now.iter().all(|id| all.contains(id)), "{now:?} of {all:?}");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), receiver.taken().len(), "each once");
    hub.stop();
}
