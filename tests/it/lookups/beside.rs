//! Another process writes in the store of a hub that is asked for one dossier again and again, so
//! that its answers are kept: once that process has said that it is done, no answer is older.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{AGENCY, CODE, IDENTITY, Office, PHONE};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr},
    people::altered,
};

on_each_store!(
    a_rebuild_beside_a_hub_leaves_no_older_answer,
    what_is_said_after_a_rebuild_beside_a_hub_is_counted_where_it_belongs,
    an_erasure_beside_a_hub_leaves_no_older_answer,
);

/// Those who ask at the same time, and how often each does at most.
const CROWD: u32 = 4;
const ASKED_MAX: u32 = 50_000;
/// How often a second process is told something new.
const ROUNDS: u32 = 30;
/// What anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const READ: &str = "/v1/dossiers/BH.HKD.13.002201";

/// Some who ask a hub for the dossier without end: none of them hears of less than before. One has
/// what is told to persons written down each time, so that the store is never quiet.
struct Crowd {
    over: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    asking: JoinSet<()>,
}

impl Crowd {
    async fn of(office: &Office) -> Self {
        let (over, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
        let mut asking = JoinSet::new();
        for number in 0..CROWD {
            let (key, path) = match number {
                0 => (&office.agency, format!("{READ}?purpose=handling")),
                _ => (&office.portal, READ.to_owned()),
            };
            let (who, over, asked) = (office.hub.sender(key), over.clone(), asked.clone());
            asking.spawn(async move {
                let mut last = 0;
                for _ in 0..ASKED_MAX {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let as_of = who.found(&path).await["as_of"].as_u64().unwrap();
                    assert!(as_of >= last, "{path}: told as of {as_of} after {last}");
                    last = as_of;
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let crowd = Self { over, asked, asking };
        crowd.goes_on().await;
        crowd
    }

    /// Waits until each may have asked some times more.
    async fn goes_on(&self) {
        let (began, before) = (Instant::now(), self.asked.load(Ordering::Relaxed));
        while self.asked.load(Ordering::Relaxed) < before + 20 * CROWD {
            assert!(began.elapsed() < PATIENCE, "nobody is answered");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// All of them were answered, always.
    async fn ends(mut self) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.asking.join_next().await {
            ended.unwrap();
        }
    }
}

/// What the portal is told once another process is done. One that writes a file is noticed a little
/// later, however busy the hub is (decision 22); one that writes in a database at once.
async fn told_soon(backend: Backend, portal: &Sender, right: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    let mut told = portal.found(READ).await;
    while backend == Backend::Sqlite && !right(&told) && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
        told = portal.found(READ).await;
    }
    for _ in 0..20 {
        assert!(right(&told), "an older answer, {:?} after: {told}", began.elapsed());
        told = portal.found(READ).await;
    }
}

async fn runs(folder: &Folder, arguments: &[&str]) {
    let output = tokio::task::block_in_place(|| folder.run(arguments));
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
}

async fn push(sender: &Sender, message: &Value) {
    let bytes = message.to_string();
    let (status, told) = sender.push("ubnd-bien-hoa.ho-so", None, bytes.as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");
}

/// One of the samples.
fn sample(number: u32) -> Value {
    let path = format!("mappings/agencies/{AGENCY}/fixtures/ho-so/m-000{number}.in.json");
    serde_json::from_slice(&std::fs::read(root().join(path)).unwrap()).unwrap()
}

async fn a_rebuild_beside_a_hub_leaves_no_older_answer(backend: Backend) {
    let office = Office::new(backend, "beside-rebuilt").await;
    let (agency, portal) = (office.hub.sender(&office.agency), office.hub.sender(&office.portal));
    push(&agency, &sample(4)).await;
    // The last that was said is in no fold: only who reads the journal knows of it.
    let lost = "DELETE FROM observations WHERE position = (SELECT max(position) FROM observations)";
    altered(backend, &office.folder, lost);
    assert_eq!(portal.found(READ).await["dossier"]["status"], 2);
    let crowd = Crowd::of(&office).await;
    runs(&office.folder, &["rebuild"]).await;
    told_soon(backend, &portal, |told| told["dossier"]["status"] == 10).await;
    crowd.goes_on().await;
    crowd.ends().await;
    office.hub.stop();
    office.folder.verify();
}

/// More dossiers than are folded at a time when all are made anew.
const DOSSIERS: u32 = 2_100;

/// What one desk says of a dossier's procedure.
fn form(number: u32, version: u32, procedure: &str) -> Value {
    json!({ "loai": "HOSO", "ma": format!("M-{number}"), "phienBan": version.to_string(),
            "trangThai": "2", "nhan": "2024-03-04", "nguoiNop": "Lâm Thị Mẫu",
            "thuTuc": procedure })
}

async fn what_is_said_after_a_rebuild_beside_a_hub_is_counted_where_it_belongs(backend: Backend) {
    let folder = backend.folder_of("beside-numbers", &["tests/corpus/sources"]);
    let key = folder.key("agency:mot-cua");
    let hub = Hub::start(&folder).await;
    let desk = hub.sender(&key);
    let says = async |forms: Vec<Value>| {
        let message = json!({ "tin": forms }).to_string();
        let (_, told) = desk.push("mot-cua.tin", None, message.as_bytes()).await.unwrap();
        assert_eq!(told["outcome"], "stored", "{told}");
    };
    // The hub meets procedures in this order; who makes all anew meets the third before the second.
    let [first, second, third] = ["1.001612", "1.000656", "1.004873"];
    says((0..DOSSIERS).map(|number| form(number, 1, first)).collect()).await;
    says(vec![form(DOSSIERS, 1, second)]).await;
    says(vec![form(0, 2, third)]).await;
    runs(&folder, &["rebuild"]).await;
    says(vec![form(0, 3, second)]).await;
    let path = "/v1/statistics?from=2024-03-04&to=2024-03-04&by=procedure";
    let told = desk.found(path).await;
    let accepted = |code: &str| {
        let rows = told["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["procedure"] == code);
        row.map_or(0, |row| row["measures"]["accepted"].as_i64().unwrap_or(0))
    };
    assert_eq!([first, second, third].map(accepted), [i64::from(DOSSIERS) - 1, 2, 0], "{told}");
    hub.stop();
    folder.verify();
}

async fn an_erasure_beside_a_hub_leaves_no_older_answer(backend: Backend) {
    let office = Office::new(backend, "beside-erased").await;
    let (agency, portal) = (office.hub.sender(&office.agency), office.hub.sender(&office.portal));
    let stated = format!("{READ}?purpose=handling");
    assert_eq!(agency.found(&stated).await["personal"], "included");
    assert_eq!(office.ask(CODE, PHONE).await.status, 200);
    let crowd = Crowd::of(&office).await;
    let before = portal.found(READ).await["as_of"].as_u64().unwrap();
    runs(&office.folder, &["erase", CODE, "--reason", "văn bản số 12", "--yes"]).await;
    let stranger = office.ask("BH.HKD.13.009999", PHONE).await;
    for secret in [PHONE, IDENTITY] {
        let told = office.ask(CODE, secret).await;
        assert_eq!((told.status, &told.text), (404, &stranger.text));
    }
    for _ in 0..5 {
        assert_eq!(agency.found(&stated).await["personal"], "erased");
    }
    told_soon(backend, &portal, |told| told["as_of"].as_u64() > Some(before)).await;
    push(&agency, &sample(4)).await;
    assert_eq!(portal.found(READ).await["dossier"]["status"], 10);
    crowd.ends().await;
    office.hub.stop();
    office.folder.verify();
}

/// What is told at one process is asked for at the other, in every way at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_process_acknowledges_is_in_the_next_answer_of_another() {
    let office = Office::new(Backend::Postgres, "beside-served").await;
    let folder = Folder::new("beside-served-2").with_store(office.folder.address().to_owned());
    let other = Hub::start(&folder).await;
    let (agency, portal) = (other.sender(&office.agency), office.hub.sender(&office.portal));
    let crowd = Crowd::of(&office).await;
    for round in 0..ROUNDS {
        let (word, status) = [("BO_SUNG", 5), ("THU_LY", 4)][round as usize % 2];
        let at = format!("2014-05-06T08:{round:02}:00+07:00");
        let event = json!({ "maHoSo": CODE, "suKien": "DOI_TRANG_THAI", "trangThai": word,
                            "thoiDiem": at });
        push(&agency, &event).await;
        let facts = json!({ "code": CODE, "secret": PHONE }).to_string();
        let citizen = format!("198.51.100.{round}");
        let (one, two, looked_up) = tokio::join!(
            portal.found(READ),
            portal.found(READ),
            office.post(facts, Some(&citizen))
        );
        assert_eq!(one["dossier"]["status"], status, "{round}: {one}");
        assert_eq!(two["dossier"]["status"], status, "{round}: {two}");
        assert_eq!(looked_up.body["dossier"]["status"]["id"], status, "{}", looked_up.text);
    }
    crowd.ends().await;
    other.stop();
    office.hub.stop();
    office.folder.verify();
}
