//! A dossier that somebody follows has its code corrected, is joined with what another source
//! tells, and parted from it: what is about it reaches who follows it, each event once, and nothing
//! of a stranger's does, though that has the code which this one had before.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use super::{
    LINES,
    dossiers::{Followed, snapshot, step, tells},
    stands, subscribe, takes,
};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply, Seen},
    harness::{Folder, Hub, Sender},
};

on_each_store!(who_follows_a_dossier_is_told_of_it_under_any_code_and_of_no_other);

/// As it was mistyped, and as it is right.
const WRONG: &str = "H19.53-240304-0007";
const RIGHT: &str = "H19.53-240304-0001";
const STRANGERS: &str = "H19.53-240304-0009";
const PHONE: &str = "0900000171";

/// One snapshot of a dossier, later than those before.
fn form(own: &str, version: u32, code: Option<&str>) -> Value {
    let mut form = snapshot(own, code);
    (form["phienBan"], form["dienThoai"]) = (json!(version.to_string()), json!(PHONE));
    form
}

/// Three systems, of which two tell telephone numbers.
fn office(backend: Backend) -> Folder {
    let folder = backend.folder_of("webhooks-corrected", &["tests/corpus/sources"]);
    for agency in ["mot-cua", "cong"] {
        let path = folder.path().join(format!("agencies/{agency}/tin.toml"));
        let text = fs::read_to_string(&path).unwrap();
        let name = "applicant.name = \"nguoiNop\"\n";
        let with = format!("{name}applicant.phone = \"dienThoai | phone\"\n");
        fs::write(path, text.replacen(name, &with, 1)).unwrap();
    }
    folder.with_lines(LINES)
}

/// Whoever follows: by a watch, by a source's own code, and by either national code.
struct Following {
    watch: String,
    /// The webhook that is sent notices of all watches.
    notices: (String, Agency),
    own: Followed,
    wrong: Followed,
    right: Followed,
}

impl Following {
    async fn new(portal: &Sender) -> Self {
        let facts = json!({ "code": WRONG, "secret": "0171" }).to_string();
        let watching = portal.client.post(format!("{}/v1/watches", portal.url)).body(facts);
        let watching = watching.bearer_auth(&portal.key).header("X-Forwarded-For", "198.51.100.1");
        let made: Value = watching.send().await.unwrap().json().await.unwrap();
        let watch = made["watch"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let called = Agency::new(|_, _| Reply::TAKEN).await;
        let (id, _) = subscribe(portal, &called.url, json!({ "feed": "notices" })).await;
        let of = async |code: &str| Followed::new(portal, "records", code).await;
        let own = of("M-1").await;
        let (wrong, right) = (of(WRONG).await, of(RIGHT).await);
        // What is about a code is so when its turn comes: of nothing that waits.
        for (followed, count) in [(&own, 1), (&wrong, 1), (&right, 0)] {
            assert_eq!(followed.sent(count).await.len(), count);
        }
        Self { watch, notices: (id, called), own, wrong, right }
    }

    /// Waits until so much has been taken: of the watch, by the source's own code, by the wrong one
    /// and by the right one.
    async fn take(&self, [watched, own, wrong, right]: [usize; 4]) {
        let Self { notices: (_, noticed), .. } = self;
        takes(noticed, watched).await;
        for (followed, count) in [(&self.own, own), (&self.wrong, wrong), (&self.right, right)] {
            takes(&followed.receiver, count).await;
        }
    }
}

/// What somebody was sent, each event once: a member of each, in order.
fn told(receiver: &Agency, member: &str) -> Vec<String> {
    let all = receiver.taken();
    let ids: BTreeSet<&str> = all.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(ids.len(), all.len(), "sent twice: {ids:?}");
    let member = |one: &Seen| {
        let event: Value = serde_json::from_str(&one.body).unwrap();
        event["data"][member].as_str().unwrap_or_else(|| panic!("{event}")).to_owned()
    };
    all.iter().map(member).collect()
}

async fn who_follows_a_dossier_is_told_of_it_under_any_code_and_of_no_other(backend: Backend) {
    let folder = office(backend);
    let keys = ["agency:mot-cua", "agency:cong", "portal"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [desk, web, portal] = keys.map(|key| hub.sender(&key));
    let first = [form("M-1", 1, Some(WRONG)), form("M-9", 1, Some(STRANGERS))];
    tells(&desk, "mot-cua", &first).await;
    tells(&web, "cong", &[form("C-1", 1, None)]).await;
    let following = Following::new(&portal).await;

    // The code is put right; then a stranger's dossier is found to have the wrong one.
    tells(&desk, "mot-cua", &[form("M-1", 2, Some(RIGHT))]).await;
    following.take([1, 2, 1, 1]).await;
    tells(&desk, "mot-cua", &[form("M-9", 2, Some(WRONG)), step("M-9", "4")]).await;
    tells(&desk, "mot-cua", &[step("M-1", "4")]).await;
    following.take([2, 3, 3, 2]).await;
    // What another source told becomes the same dossier by its national code, and goes on there.
    tells(&web, "cong", &[form("C-1", 2, Some(RIGHT))]).await;
    following.take([3, 4, 3, 3]).await;
    let mut later = step("C-1", "5");
    later["luc"] = json!("2024-03-07T08:00:00+07:00");
    tells(&web, "cong", &[later]).await;
    following.take([4, 5, 3, 4]).await;
    // It was none of it: from then on it is a stranger's.
    tells(&web, "cong", &[form("C-1", 3, None)]).await;
    following.take([5, 5, 3, 4]).await;
    tells(&web, "cong", &[form("C-1", 4, None), step("C-1", "4")]).await;
    tells(&desk, "mot-cua", &[form("M-9", 3, Some(STRANGERS)), step("M-1", "6")]).await;
    following.take([6, 6, 3, 5]).await;

    let Following { watch, notices: (id, noticed), own, wrong, right } = &following;
    for one in [id, &own.id, &wrong.id, &right.id] {
        stands(&portal, one, |one| one["lag"] == 0).await;
    }
    assert_eq!(told(noticed, "code"), [RIGHT; 6]);
    assert_eq!(told(noticed, "watch"), [watch.as_str(); 6]);
    let names = |followed: &Followed| told(&followed.receiver, "source_code");
    assert_eq!(names(own), ["M-1", "M-1", "M-1", "C-1", "C-1", "M-1"]);
    assert_eq!(names(right), ["M-1", "M-1", "C-1", "C-1", "M-1"]);
    assert_eq!(names(wrong), ["M-1", "M-9", "M-9"], "whatever bears the code");
    hub.stop();
    folder.verify();
}
