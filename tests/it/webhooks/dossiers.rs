//! Subscriptions to what is about one dossier: by either spelling of its code or a source's own,
//! of what their owner may read, and past all else.

use serde_json::{Value, json};

use super::{LINES, PATH, post, stands, subscribe, taken, takes};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Folder, Hub, Sender},
};

on_each_store!(only_what_is_about_a_dossier_is_sent_by_any_of_its_codes);

/// One national code, as it is written since 2020 and as it was before.
const CODE: &str = "H19.53-240304-0001";
const FORMER: &str = "000.00.53.H19-240304-0001";

pub(super) fn snapshot(own: &str, code: Option<&str>) -> Value {
    let mut record = json!({
        "loai": "HOSO", "ma": own, "phienBan": "1", "trangThai": "2", "nhan": "2024-03-04",
        "nguoiNop": "Lâm Thị Mẫu", "thuTuc": "1.001612",
    });
    if let Some(code) = code {
        record["maQuocGia"] = json!(code);
    }
    record
}

pub(super) fn step(own: &str, status: &str) -> Value {
    json!({ "loai": "BUOC", "ma": own, "trangThai": status, "luc": "2024-03-05T08:00:00+07:00" })
}

fn withdrawal(own: &str) -> Value {
    json!({ "loai": "RUT", "ma": own, "luc": "2024-03-06T08:00:00+07:00", "lyDo": "Tự rút" })
}

pub(super) async fn tells(sender: &Sender, agency: &str, records: &[Value]) {
    let message = json!({ "tin": records }).to_string();
    let channel = format!("{agency}.tin");
    let (status, told) = sender.push(&channel, None, message.as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
}

/// The ids of what somebody reads of a feed about some names, in order.
async fn about(sender: &Sender, feed: &str, names: &[&str]) -> Vec<String> {
    let mut all = sender.feed(feed, 100).await;
    all.retain(|event| {
        let word = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
        let named = format!("{}/{}", word("source"), word("source_code"));
        names.contains(&&*named) || names.contains(&event["subject"].as_str().unwrap())
    });
    all.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// Somebody who is sent one feed of one code, from the beginning.
pub(super) struct Followed {
    sender: Sender,
    pub(super) id: String,
    pub(super) receiver: Agency,
}

impl Followed {
    pub(super) async fn new(sender: &Sender, feed: &str, code: &str) -> Self {
        let receiver = Agency::new(|_, _| Reply::TAKEN).await;
        let asked = json!({ "feed": feed, "dossier": code, "after": "beginning" });
        let (id, _) = subscribe(sender, &receiver.url, asked).await;
        Self { sender: sender.clone(), id, receiver }
    }

    /// What it was sent once there is no more; its place is at the feed's end then.
    pub(super) async fn sent(&self, at_least: usize) -> Vec<String> {
        takes(&self.receiver, at_least).await;
        stands(&self.sender, &self.id, |one| one["lag"] == 0).await;
        taken(&self.receiver)
    }
}

async fn started(backend: Backend) -> (Folder, Hub, [Sender; 3]) {
    let folder = backend.folder_of("webhooks-dossiers", &["tests/corpus/sources"]);
    let folder = folder.with_lines(LINES);
    let keys = ["agency:mot-cua", "agency:cong", "portal"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let senders = keys.map(|key| hub.sender(&key));
    (folder, hub, senders)
}

async fn only_what_is_about_a_dossier_is_sent_by_any_of_its_codes(backend: Backend) {
    let (folder, hub, [desk, web, portal]) = started(backend).await;
    let other = snapshot("M-2", Some("H19.53-240304-0002"));
    tells(&desk, "mot-cua", &[snapshot("M-1", Some(CODE)), other, step("M-1", "4")]).await;
    tells(&web, "cong", &[snapshot("C-1", Some(FORMER)), snapshot("C-2", None)]).await;
    let records = Followed::new(&portal, "records", FORMER).await;
    let states = Followed::new(&portal, "dossiers", CODE).await;
    let own = Followed::new(&desk, "records", CODE).await;
    let one = Followed::new(&portal, "records", " M-2 ").await;
    let nobody = Followed::new(&portal, "records", "M-3").await;
    let joined = ["mot-cua/M-1", "cong/C-1"];

    assert_eq!(records.sent(3).await, about(&portal, "records", &joined).await);
    assert_eq!(states.sent(2).await, about(&portal, "dossiers", &joined).await);
    assert_eq!(own.sent(2).await, about(&desk, "records", &joined[..1]).await);
    assert_eq!(one.sent(1).await, about(&portal, "records", &["mot-cua/M-2"]).await);
    assert_eq!(nobody.sent(0).await, [] as [String; 0]);
    let standing = portal.found(&format!("{PATH}/{}", one.id)).await;
    assert_eq!(standing["dossier"], "M-2", "{standing}");

    // What comes later: of a name that nobody bore before, and what is taken back.
    tells(&desk, "mot-cua", &[step("M-2", "4"), withdrawal("M-1"), snapshot("M-3", None)]).await;
    assert_eq!(records.sent(4).await, about(&portal, "records", &joined).await);
    assert_eq!(own.sent(3).await.len(), 3);
    assert_eq!(one.sent(2).await, about(&portal, "records", &["mot-cua/M-2"]).await);
    assert_eq!(nobody.sent(1).await, about(&portal, "records", &["mot-cua/M-3"]).await);
    let last = about(&portal, "dossiers", &["cong/C-1"]).await;
    assert_eq!(states.sent(3).await.last(), last.last(), "the state that both make");

    for (feed, code, rule) in
        [("findings", CODE, "feed"), ("statistics", CODE, "feed"), ("records", " ", "length")]
    {
        let asked = json!({ "url": one.receiver.url, "feed": feed, "dossier": code });
        let (status, told) = post(&portal, PATH, &asked).await;
        let fault = &told["faults"][0];
        assert_eq!((status, &fault["member"]), (422, &json!("dossier")), "{told}");
        assert_eq!(fault["rule"], rule, "{told}");
    }
    hub.stop();
    folder.verify();
}
