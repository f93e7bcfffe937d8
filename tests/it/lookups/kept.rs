//! Watches go along when a log moves to another store and when it is restored, and stay with a
//! dossier whose persons are erased meanwhile.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{CODE, IDENTITY, Office, PHONE};
use crate::{
    backend::{Backend, on_each_store},
    cluster,
    delivery::agency::{Agency, Reply},
    harness::{Folder, Hub, Sender},
    lienthong::{binary, root, run, stderr},
    webhooks::{stands, takes},
};

on_each_store!(
    a_watch_is_restored_and_told_under_the_new_log,
    a_watch_stays_with_a_dossier_that_is_erased_and_none_is_made_after,
);

const PATH: &str = "/v1/watches";
const LINES: &str = "private_networks = [\"127.0.0.1\"]\n[webhooks]\nwaits_seconds = [1]\n";

/// One that follows a dossier, and who is called of it and of no other.
struct Followed {
    watch: String,
    hook: String,
    called: Agency,
}

impl Followed {
    async fn new(office: &Office) -> Self {
        let facts = json!({ "code": CODE, "secret": PHONE });
        let made = office.post_to(PATH, facts.to_string(), Some("198.51.100.1")).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let called = Agency::new(|_, _| Reply::TAKEN).await;
        let hook = json!({ "url": called.url, "feed": "notices", "dossier": CODE });
        let hook = office.post_to("/v1/subscriptions", hook.to_string(), Some("198.51.100.1"));
        let (watch, hook) = (made.text_of("watch"), hook.await.text_of("id"));
        Self { watch, hook, called }
    }

    /// Has the dossier and another one changed, and looks what is told: one notice of this watch.
    async fn is_told(&self, office: &Office) {
        let (agency, portal) = (office.hub.sender(&office.agency), portal(office));
        assert_eq!(portal.status(&format!("{PATH}/{}", self.watch)).await, 200);
        for number in [5, 4] {
            let file = format!("mappings/agencies/ubnd-bien-hoa/fixtures/ho-so/m-000{number}");
            let bytes = std::fs::read(root().join(format!("{file}.in.json"))).unwrap();
            let (status, told) = agency.push("ubnd-bien-hoa.ho-so", None, &bytes).await.unwrap();
            assert_eq!(status, 200, "{told}");
        }
        takes(&self.called, 1).await;
        let one = stands(&portal, &self.hook, |one| one["lag"] == 0).await;
        assert_eq!((&one["state"], &one["dossier"]), (&json!("active"), &json!(CODE)), "{one}");
        let told = self.called.taken();
        let of = |one: &str| serde_json::from_str::<Value>(one).unwrap()["data"]["watch"].clone();
        let watches: Vec<Value> = told.iter().map(|one| of(&one.body)).collect();
        assert_eq!(watches, [self.watch.as_str()], "once, and of no other dossier");
        assert!(!told[0].body.contains("Thùy") && !told[0].body.contains(PHONE));
    }
}

fn portal(office: &Office) -> Sender {
    office.hub.sender(&office.portal)
}

async fn at(folder: Folder, (agency, portal): (String, String)) -> Office {
    let hub = Hub::start(&folder).await;
    Office { hub, folder, portal, agency }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_watch_moves_with_its_log() {
    let office = Office::new_with(Backend::Sqlite, "watches-moved", LINES).await;
    let followed = Followed::new(&office).await;
    let Office { hub, folder, portal, agency } = office;
    hub.stop();
    let (from, to) = (folder.store_address(), cluster::database("watches-moved"));
    let told = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    let office = at(folder.with_store(to), (agency, portal)).await;
    followed.is_told(&office).await;
    office.hub.stop();
    office.folder.verify();
}

async fn a_watch_is_restored_and_told_under_the_new_log(backend: Backend) {
    let office = Office::new_with(backend, "watches-restored", LINES).await;
    let followed = Followed::new(&office).await;
    let Office { hub, folder, portal, agency } = office;
    let copy = folder.path().join("ban-sao");
    let made = folder.run(&["backup", copy.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    hub.stop();
    let folder = match backend {
        Backend::Sqlite => folder.with_store("sqlite:khac.db".to_owned()),
        Backend::Postgres => folder.with_store(cluster::database("watches-restored-2")),
    };
    let made = folder.run(&["restore", copy.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let office = at(folder, (agency, portal)).await;
    followed.is_told(&office).await;
    office.hub.stop();
    office.folder.verify();
}

async fn a_watch_stays_with_a_dossier_that_is_erased_and_none_is_made_after(backend: Backend) {
    let office = Office::new_with(backend, "watches-erased", LINES).await;
    let followed = Followed::new(&office).await;
    // Others ask while it goes: whom the facts still showed to be the applicant follows it.
    let mut erasing = Command::new(binary());
    erasing.args(["erase", CODE, "--reason", "văn bản số 12", "--yes", "--config", "hub.toml"]);
    erasing.current_dir(office.folder.path()).stderr(Stdio::piped()).stdout(Stdio::null());
    let erasing = erasing.spawn().unwrap();
    let mut made = Vec::new();
    for number in 0..8 {
        let facts = json!({ "code": CODE, "secret": PHONE }).to_string();
        let told = office.post_to(PATH, facts, Some(&format!("203.0.113.{number}"))).await;
        made.push((told.status, told));
    }
    let erased = tokio::task::spawn_blocking(|| erasing.wait_with_output().unwrap());
    let erased = erased.await.unwrap();
    assert_eq!(erased.status.code(), Some(0), "{}", stderr(&erased));
    let sender = portal(&office);
    let mut gone = false;
    for (status, told) in made {
        match status {
            201 => {
                assert!(!gone, "made after the facts were gone");
                let path = format!("{PATH}/{}", told.text_of("watch"));
                let ended = sender.client.delete(format!("{}{path}", sender.url));
                let ended = ended.bearer_auth(&sender.key).send().await.unwrap();
                assert_eq!(ended.status().as_u16(), 204);
            }
            404 => gone = true,
            _ => panic!("{}", told.text),
        }
    }
    for secret in [PHONE, IDENTITY] {
        let facts = json!({ "code": CODE, "secret": secret }).to_string();
        let told = office.post_to(PATH, facts, Some("203.0.113.100")).await;
        assert!([404, 429].contains(&told.status), "{}", told.text);
    }
    followed.is_told(&office).await;
    office.hub.stop();
    office.folder.verify();
}
