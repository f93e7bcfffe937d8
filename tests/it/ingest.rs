//! The agencies' real samples over HTTP, and what portal and agencies then see.

use std::{collections::BTreeMap, fs};

use serde_json::{Map, Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::root,
    recount::recount,
    samples::truth,
};

const PLANNING: &str = "so-ke-hoach-dau-tu";
const LAND: &str = "so-tai-nguyen-moi-truong";
const TRANSPORT: &str = "so-giao-thong-van-tai";
const BIEN_HOA: &str = "ubnd-bien-hoa";

const AGENCIES: [(&str, &str); 4] = [
    (PLANNING, "a_so_khdt"),
    (LAND, "b_so_tnmt"),
    (TRANSPORT, "c_so_gtvt"),
    (BIEN_HOA, "g_ubnd_bien_hoa"),
];

/// Members of the state that the hub adds or keeps elsewhere.
const ADDED: &[&str] = &[
    "key",
    "identities",
    "first_due_at",
    "promises",
    "timeline",
    "member_sources",
    "retracted",
    "counted",
    "status_at",
];

fn sample(name: &str) -> Vec<u8> {
    fs::read(root().join("tests/corpus/samples").join(name)).unwrap()
}

/// A hub with a sender for each agency and the portal.
struct Province {
    folder: Folder,
    hub: Hub,
    agencies: BTreeMap<&'static str, Sender>,
    portal: Sender,
}

impl Province {
    async fn new(backend: Backend, name: &str) -> Self {
        let folder = backend.folder(name);
        let keys = AGENCIES.map(|(agency, _)| (agency, folder.key(&format!("agency:{agency}"))));
        let portal = folder.key("portal");
        let hub = Hub::start(&folder).await;
        let agencies = keys.iter().map(|(agency, key)| (*agency, hub.sender(key))).collect();
        Self { portal: hub.sender(&portal), folder, hub, agencies }
    }

    /// The outcome of a message of an agency.
    async fn push(&self, agency: &str, id: Option<&str>, bytes: &[u8]) -> (u16, Value) {
        let channel = format!("{agency}.ho-so");
        self.agencies[agency].push(&channel, id, bytes).await.unwrap()
    }

    /// All samples as their agencies send them.
    async fn play(&self) {
        let file = sample("LayDanhSachHoSo.soap.xml");
        let (status, receipt) = self.push(PLANNING, None, &file).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        let file = sample("HOSO_201309.csv");
        let (status, receipt) = self.push(LAND, Some("HOSO_201309.csv"), &file).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        for page in ["hoso_trang1.json", "hoso_trang2.json"] {
            let (status, receipt) = self.push(TRANSPORT, None, &sample(page)).await;
            assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        }
        let mut known = Vec::new();
        for message in delivered() {
            let id = message["properties"]["message_id"].as_str().unwrap().to_owned();
            let body = message["body"].to_string();
            let (status, receipt) = self.push(BIEN_HOA, Some(&id), body.as_bytes()).await;
            let expected = if known.contains(&id) { "duplicate" } else { "stored" };
            assert_eq!((status, &receipt["outcome"]), (200, &json!(expected)), "{receipt}");
            assert_eq!(message["redelivered"], json!(expected == "duplicate"));
            known.push(id);
        }
        assert_eq!(known.len(), 6);
    }
}

/// Biên Hòa's messages in the order in which the broker delivered them.
fn delivered() -> Vec<Value> {
    let text = String::from_utf8(sample("messages.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The state as a body: without what the hub adds.
fn body(state: &Value) -> Value {
    let mut body: Map<String, Value> = state.as_object().unwrap().clone();
    body.retain(|name, _| !ADDED.contains(&name.as_str()));
    Value::Object(body)
}

on_each_store!(
    every_dossier_of_the_samples_is_found_and_equals_its_truth,
    statistics_equal_the_counts_of_the_truth_and_a_repeated_record_counts_once,
    an_agency_reaches_nothing_of_another_and_the_portal_no_personal_member,
    nobody_tells_in_the_name_of_another_agencys_system,
    a_message_that_stored_nothing_may_be_sent_anew,
    a_refused_message_is_traced_with_place_and_advice_and_may_be_mended,
    feeds_give_every_record_once_whatever_the_page,
    a_record_is_had_by_the_reference_in_its_event,
);

async fn every_dossier_of_the_samples_is_found_and_equals_its_truth(backend: Backend) {
    let province = Province::new(backend, "samples").await;
    province.play().await;
    for (agency, sample) in AGENCIES {
        for (code, mut expected) in truth(sample) {
            let path = format!("/v1/dossiers/{}?purpose=handling", code.replace('/', "%2F"));
            let found = province.agencies[agency].found(&path).await;
            let dossier = &found["dossier"];
            let identity = json!([{ "source": agency, "source_code": code }]);
            assert_eq!(dossier["identities"], identity);
            // The identity holds what a body calls source and code.
            for member in ["source", "source_code"] {
                expected.as_object_mut().unwrap().remove(member);
            }
            assert_eq!(body(dossier), expected, "{code}");
        }
    }
    let (status, _) = province.portal.get("/v1/dossiers/KHONG-CO").await;
    assert_eq!(status, 404);
    let Province { folder, hub, .. } = province;
    hub.stop();
    folder.verify();
    recount(&folder).assert_equal();
}

async fn statistics_equal_the_counts_of_the_truth_and_a_repeated_record_counts_once(
    backend: Backend,
) {
    let province = Province::new(backend, "statistics").await;
    province.play().await;
    // Until today: a status that its source gives no date is known since it was received.
    let path = "/v1/statistics?from=2010-01-01&by=agency";
    let told = province.portal.found(path).await;
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.len(), AGENCIES.len(), "{told}");
    for (agency, sample) in AGENCIES {
        let row = rows.iter().find(|row| row["agency"] == agency).unwrap();
        let number = |name: &str| row["measures"][name].as_i64().unwrap_or(0);
        let all: Vec<Value> = truth(sample).into_values().collect();
        let count = |has: &dyn Fn(&Value) -> bool| all.iter().filter(|one| has(one)).count() as i64;
        assert_eq!(number("accepted"), count(&|one| one["accepted_at"].is_string()), "{row}");
        let done = |one: &Value| matches!(one["status"].as_i64(), Some(8..=10));
        let finished = ["finished-early", "finished-on-time", "finished-late"].map(number);
        assert_eq!(finished.iter().sum::<i64>(), count(&done), "{row}");
        assert_eq!(number("returned"), count(&|one| one["status"] == 10), "{row}");
        assert_eq!(number("open"), count(&|one| !done(one)), "{row}");
        // Days compare as texts: both begin with one, and none lies near midnight in Vietnam.
        let late = |one: &Value| {
            let day = |name: &str| one[name].as_str().map(|text| text[..10].to_owned());
            done(one) && day("due_at").is_some() && day("finished_at") > day("due_at")
        };
        assert_eq!(number("finished-late"), count(&late), "{row}");
        for status in [2, 4, 5, 8, 9, 10] {
            let name = format!("in-status-{status}");
            assert_eq!(number(&name), count(&|one| one["status"] == status), "{name} {row}");
        }
    }
    // An agency is told its own row alone.
    let own = province.agencies[LAND].found(path).await;
    assert_eq!(own["rows"].as_array().unwrap().len(), 1);
    assert_eq!(own["rows"][0]["agency"], LAND);
}

async fn an_agency_reaches_nothing_of_another_and_the_portal_no_personal_member(backend: Backend) {
    let province = Province::new(backend, "others").await;
    province.play().await;
    let path = "/v1/dossiers/BH.HKD.13.002201";
    let stated = format!("{path}?purpose=handling");
    let own = province.agencies[BIEN_HOA].found(&stated).await;
    assert_eq!(own["dossier"]["applicant"]["name"], "Quách Thị Thùy Dương");
    let (status, theirs) = province.agencies[LAND].get(&stated).await;
    let (missing, nothing) = province.agencies[LAND].get("/v1/dossiers/BH.HKD.13.999999").await;
    assert_eq!((status, missing), (404, 404));
    // What is another's looks like what does not exist.
    assert_eq!(theirs["code"], nothing["code"]);
    assert!(!theirs.to_string().contains("Quách"));
    let public = province.portal.found(&stated).await;
    assert_eq!(public["dossier"]["status"], 10);
    for secret in ["Quách", "270999071", "0900000171", "Phan Đình Phùng"] {
        assert!(!public.to_string().contains(secret), "the portal is told {secret}");
    }
    let channel = format!("{BIEN_HOA}.ho-so");
    let stranger = &province.agencies[LAND];
    assert_eq!(stranger.push(&channel, Some("x"), b"{}").await.unwrap().0, 403);
    assert_eq!(province.portal.push(&channel, Some("x"), b"{}").await.unwrap().0, 403);
    assert_eq!(stranger.get("/v1/messages/m-0001").await.0, 404);
    assert_eq!(stranger.get(&format!("/v1/statistics?agency={BIEN_HOA}")).await.0, 403);
    let nobody = province.hub.sender("ltk_0000000000000000_00");
    assert_eq!(nobody.push(&channel, Some("x"), b"{}").await.unwrap().0, 401);
    assert_eq!(nobody.get(path).await.0, 401);
    for name in ["records", "dossiers"] {
        let fed = json!(stranger.feed(name, 100).await).to_string();
        assert!(!fed.contains("BH.HKD"), "{name}");
    }
}

/// Whatever system a payload names: another agency's dossiers are told of by that agency alone.
async fn nobody_tells_in_the_name_of_another_agencys_system(backend: Backend) {
    let folder = backend.folder_of("named", &["mappings/agencies", "tests/corpus/named"]);
    let keys = [BIEN_HOA, "so-y-te"].map(|agency| folder.key(&format!("agency:{agency}")));
    let hub = Hub::start(&folder).await;
    let [owner, stranger] = keys.map(|key| hub.sender(&key));
    let body = delivered().remove(0)["body"].clone();
    let stored = owner.push("ubnd-bien-hoa.ho-so", Some("m-1"), body.to_string().as_bytes()).await;
    assert_eq!(stored.unwrap().0, 200);
    let path = "/v1/dossiers/BH.HKD.13.002201?purpose=handling";
    let before = owner.found(path).await;
    let say = async |kind: &str, source: &str| {
        let said = json!({ "loai": kind, "nguon": source, "ma": "BH.HKD.13.002201",
            "luc": "2026-01-02T03:00:00Z", "trangThai": "8", "nguoiNop": "Kẻ Tấn Công" });
        let id = format!("{kind}-{source}");
        stranger.push("so-y-te.tin", Some(&id), said.to_string().as_bytes()).await.unwrap()
    };
    for kind in ["HOSO", "XLY", "RUT"] {
        let (status, receipt) = say(kind, BIEN_HOA).await;
        let problem = &receipt["refusals"][0]["problems"][0];
        let told = (&problem["code"], &problem["pointer"], &problem["value"]);
        let wanted = (&json!("not-in-its-name"), &json!("/source"), &json!(BIEN_HOA));
        assert_eq!((status, told), (422, wanted), "{kind} {receipt}");
    }
    let after = owner.found(path).await;
    assert_eq!(after["dossier"], before["dossier"]);
    // A code is found as it was sent, however a word processor or another system spells it.
    let said = json!({ "loai": "HOSO", "nguon": "so-y-te", "ma": "Đ–á 7", "trangThai": "4",
        "luc": "2026-01-02T03:00:00Z", "nguoiNop": "Lâm Thị Mẫu" });
    let (status, _) =
        stranger.push("so-y-te.tin", Some("m-9"), said.to_string().as_bytes()).await.unwrap();
    assert_eq!(status, 200);
    for code in ["%C4%90-%C3%A1%207", "%C4%90%E2%80%93%C3%A1%207", "%C4%90-a%CC%81%207"] {
        let found = stranger.found(&format!("/v1/dossiers/{code}?source=so-y-te")).await;
        assert_eq!(found["dossier"]["identities"][0]["source_code"], "Đ-á 7", "{code} {found}");
    }
    // A system that no agency has named is anybody's, as their own is theirs.
    for source in ["mot-cua-dien-tu", "so-y-te"] {
        let (status, receipt) = say("HOSO", source).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }
}

/// What an empty list has said, other content cannot contradict.
async fn a_message_that_stored_nothing_may_be_sent_anew(backend: Backend) {
    let folder = backend.folder_of("empty", &["tests/corpus/named"]);
    let key = folder.key("agency:so-y-te");
    let hub = Hub::start(&folder).await;
    let agency = hub.sender(&key);
    let one = json!([{ "loai": "HOSO", "nguon": "so-y-te", "ma": "A-1", "trangThai": "4",
        "luc": "2026-01-02T03:00:00Z", "nguoiNop": "Lâm Thị Mẫu" }]);
    let mut other = one.clone();
    other[0]["trangThai"] = json!("5");
    let (one, other) = (one.to_string(), other.to_string());
    for (body, status, outcome, records) in [
        ("[]", 200, "stored", 0),
        ("[]", 200, "duplicate", 0),
        (&*one, 200, "stored", 1),
        (&*other, 409, "conflict", 0),
        ("[]", 409, "conflict", 0),
        (&*one, 200, "duplicate", 1),
    ] {
        let told = agency.push("so-y-te.tin", Some("ngay-1"), body.as_bytes()).await.unwrap();
        let receipt = told.1.get("receipt").unwrap_or(&told.1);
        let came = (told.0, &receipt["outcome"], &receipt["records"]);
        assert_eq!(came, (status, &json!(outcome), &json!(records)), "{body} {}", told.1);
    }
    assert_eq!(agency.found("/v1/messages/ngay-1").await["messages"].as_array().unwrap().len(), 4);
    hub.stop();
    folder.verify();
}

async fn a_refused_message_is_traced_with_place_and_advice_and_may_be_mended(backend: Backend) {
    let province = Province::new(backend, "refused").await;
    let good = delivered().remove(0)["body"].clone();
    let mut bad = good.clone();
    bad["ngayTiepNhan"] = json!("31/02/2014");
    let (status, receipt) = province.push(BIEN_HOA, Some("m-1"), bad.to_string().as_bytes()).await;
    assert_eq!((status, &receipt["outcome"]), (422, &json!("refused")), "{receipt}");
    let sender = &province.agencies[BIEN_HOA];
    let traced = sender.found("/v1/messages/m-1").await;
    let problems = traced["messages"][0]["refusals"][0]["problems"].as_array().unwrap();
    let problem = problems.iter().find(|one| one["pointer"] == "/accepted_at").unwrap();
    assert_eq!(problem["code"], "bad-date", "{traced}");
    assert_eq!(problem["place"]["path"], "ngayTiepNhan", "{traced}");
    assert_eq!(problem["value"], "31/02/2014", "{traced}");
    for language in ["vi", "en"] {
        let advice = problem["advice"][language].as_str().unwrap();
        assert!(!advice.is_empty());
    }
    assert_eq!(sender.get("/v1/dossiers/BH.HKD.13.002201").await.0, 404);
    // The same again is the same refusal; mended under the same id it is stored.
    let (status, receipt) = province.push(BIEN_HOA, Some("m-1"), bad.to_string().as_bytes()).await;
    assert_eq!((status, &receipt["first"]), (422, &json!("refused")), "{receipt}");
    let (status, receipt) = province.push(BIEN_HOA, Some("m-1"), good.to_string().as_bytes()).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    // Once stored, the id cannot come to mean something else.
    let mut other = good.clone();
    other["lePhi"] = json!(1);
    let (status, receipt) =
        province.push(BIEN_HOA, Some("m-1"), other.to_string().as_bytes()).await;
    assert_eq!((status, &receipt["outcome"]), (409, &json!("conflict")), "{receipt}");
    let traced = sender.found("/v1/messages/m-1").await;
    let attempts = traced["messages"].as_array().unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["conflict", "stored", "refused"]);
    let found = sender.found("/v1/dossiers/BH.HKD.13.002201").await;
    assert_eq!(found["dossier"]["fees"], json!([{ "amount": 30_000 }]));
}

async fn feeds_give_every_record_once_whatever_the_page(backend: Backend) {
    let province = Province::new(backend, "feeds").await;
    province.play().await;
    let records = province.portal.feed("records", 100).await;
    let by_one = province.portal.feed("records", 1).await;
    assert_eq!(records, by_one);
    let mut keys: BTreeMap<(String, String), u32> = BTreeMap::new();
    for event in &records {
        let name = |member: &str| event[member].as_str().unwrap().to_owned();
        *keys.entry((name("source"), name("subject"))).or_default() += 1;
    }
    let agency = |name: &str| {
        let source = format!("/agencies/{name}/channels/ho-so");
        keys.iter().filter(|((from, _), _)| *from == source).map(|(_, n)| n).sum::<u32>()
    };
    assert_eq!((agency(PLANNING), agency(LAND)), (dossiers(0), dossiers(1)));
    assert_eq!(agency(BIEN_HOA), 5, "one for each message, not for the repeated one");
    assert_eq!(agency(TRANSPORT), dossiers(2) + 1, "one record stands on both pages");
    let text = json!(records).to_string();
    assert!(!text.contains("Quách Thị Thùy Dương"), "feeds are public");
    let states = province.portal.feed("dossiers", 2).await;
    let mut subjects: Vec<_> = states.iter().map(|one| one["subject"].clone()).collect();
    let all = subjects.len();
    subjects.sort_by_key(ToString::to_string);
    subjects.dedup();
    assert_eq!((subjects.len(), all as u32), (all, (0..4).map(dossiers).sum()));
}

/// How many dossiers an agency's truth has.
fn dossiers(agency: usize) -> u32 {
    truth(AGENCIES[agency].1).len() as u32
}

/// Whole for whoever sent it, without persons for all others who may read its event.
async fn a_record_is_had_by_the_reference_in_its_event(backend: Backend) {
    let province = Province::new(backend, "records-one").await;
    province.play().await;
    let (own, portal) = (&province.agencies[BIEN_HOA], &province.portal);
    let events = own.feed("records", 100).await;
    let told = |event: &&Value| event["data"]["source_code"] == "BH.HKD.13.002201";
    let event = events.iter().find(told).unwrap();
    assert!(event["data"]["applicant"]["name"].is_null(), "no event names a person: {event}");
    let path = event["dataref"].as_str().unwrap();
    let whole = own.found(&format!("{path}?purpose=handling")).await;
    assert_eq!(whole["personal"], "included", "{whole}");
    assert_eq!(whole["data"]["applicant"]["name"], "Quách Thị Thùy Dương");
    assert_eq!(whole["data"]["status"], event["data"]["status"]);
    assert_eq!((&whole["contract"], &whole["key"]), (&json!("dossier/1"), &event["subject"]));
    assert_eq!((&whole["recorded_at"], &whole["retracted"]), (&event["time"], &json!(false)));
    // Who may read the event is told what the event says, and that there is more.
    let public = portal.found(&format!("{path}?purpose=handling")).await;
    assert_eq!((&public["personal"], &public["data"]), (&json!("withheld"), &event["data"]));
    assert!(!public.to_string().contains("Quách"), "{public}");
    // What is another's looks like what does not exist.
    let (status, theirs) = province.agencies[LAND].get(path).await;
    assert_eq!((status, &theirs["code"]), (404, &json!("not-found")), "{theirs}");
    for nothing in ["/v1/records/99999999", "/v1/records/-1", "/v1/records/mot"] {
        let (status, told) = own.get(nothing).await;
        assert_eq!((status, &told["code"]), (404, &theirs["code"]), "{nothing}: {told}");
    }
    assert_eq!(province.hub.sender("ltk_0000000000000000_00").get(path).await.0, 401);
    // Every event that has a reference has persons behind it, and no other.
    for event in portal.feed("records", 100).await {
        let position: u64 = event["sequence"].as_str().unwrap().parse().unwrap();
        let one = portal.found(&format!("/v1/records/{position}")).await;
        let persons = if event["dataref"].is_null() { "none" } else { "withheld" };
        assert_eq!((&one["personal"], &one["data"]), (&json!(persons), &event["data"]));
    }
}
