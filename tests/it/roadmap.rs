//! The roadmap through the front door: what the plan wants, what agencies tell, on any day and as
//! of any position.

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{stderr, stdout},
};

on_each_store!(what_agencies_tell_moves_the_roadmap_and_no_earlier_answer);

const CHANNEL: &str = "so-xay-dung.lo-trinh";
const OWN: &str = "so-xay-dung";

struct Office {
    folder: Folder,
    hub: Hub,
    agency: Sender,
    portal: Sender,
    other: Sender,
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        let mut folder = backend.folder_of(name, &["tests/corpus/roadmap"]);
        let catalogue = folder.catalogue();
        folder.publishing(Some(catalogue));
        let keys = ["agency:so-xay-dung", "portal", "agency:so-y-te"].map(|who| folder.key(who));
        let hub = Hub::start(&folder).await;
        let [agency, portal, other] = keys.map(|key| hub.sender(&key));
        Self { folder, hub, agency, portal, other }
    }

    async fn told(&self, message: Value) {
        let bytes = message.to_string();
        let (status, receipt) = self.agency.push(CHANNEL, None, bytes.as_bytes()).await.unwrap();
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }

    async fn roadmap(&self, question: &str) -> Value {
        self.portal.found(&format!("/v1/roadmap?{question}")).await
    }
}

fn own(roadmap: &Value) -> &Value {
    let agencies = roadmap["agencies"].as_array().unwrap();
    agencies.iter().find(|one| one["agency"] == OWN).unwrap()
}

fn note<'a>(roadmap: &'a Value, code: &str) -> &'a Value {
    let notes = roadmap["notes"].as_array().unwrap();
    notes.iter().find(|note| note["code"] == code).unwrap()
}

/// What the agency tells of reports, officers, issues and money.
async fn duties(office: &Office) {
    office
        .told(json!({ "loai": "CAN_BO", "ma": "cb-1", "ten": "Trần Thị Mẫu", "tu": "2013-07-01" }))
        .await;
    let to = [json!({ "ma": "so-noi-vu" }), json!({ "ma": "so-thong-tin-truyen-thong" })];
    office
        .told(json!({ "loai": "VIEC", "ma": "bc-13", "viec": "report", "moc": "agency-yearly",
                      "ky": "2013", "noiNhan": to, "ngay": "2013-12-31" }))
        .await;
    office
        .told(json!({ "loai": "VIEC", "ma": "vm-1", "viec": "issue", "ngay": "2013-10-01",
                      "ten": "Thiếu máy quét" }))
        .await;
    for (id, kind, amount) in [("t-1", "approved", "90000000"), ("t-2", "spent", "80000000")] {
        office
            .told(json!({ "loai": "TIEN", "ma": id, "nam": "2013", "khoan": kind,
                          "soTien": amount, "luc": "2013-12-31" }))
            .await;
    }
}

/// A procedure that the catalogue has not, online since September 2013.
fn procedure(level: &str, version: u32) -> Value {
    json!({ "loai": "THU_TUC", "ma": "1.999001", "ten": "Thủ tục mới", "mucDo": level,
            "tu": "2013-09-01", "raSoat": "2013-09-01", "phienBan": version.to_string() })
}

async fn what_agencies_tell_moves_the_roadmap_and_no_earlier_answer(backend: Backend) {
    let office = Office::new(backend, "roadmap").await;
    let before = office.roadmap("as_of_date=2013-12-31").await;
    // 20, 11, 171 and 1254 with 876, 257, 121: the plan's figures, and what the catalogue has.
    for agrees in ["procedures-by-level", "departments", "districts", "communes"] {
        assert_eq!(note(&before, agrees)["agrees"], true, "{}", note(&before, agrees));
    }
    assert_eq!(note(&before, "price-by-year")["agrees"], false);
    let wave = &own(&before)["waves"][0];
    assert_eq!((&wave["wave"], &wave["reached"]), (&json!("2013"), &json!(0)));
    let all = wave["procedures"].as_u64().unwrap();
    office.told(procedure("3", 2)).await;
    let one = office.roadmap("as_of_date=2013-12-31").await;
    let wave = &own(&one)["waves"][0];
    assert_eq!((wave["procedures"].as_u64(), wave["reached"].as_u64()), (Some(all + 1), Some(1)));
    office.told(procedure("1", 1)).await;
    let (older, now) = (one, office.roadmap("as_of_date=2013-12-31").await);
    assert_eq!(own(&older), own(&now), "an older version changes nothing");
    office.told(procedure("4", 3)).await;
    let level_4 = office.roadmap("as_of_date=2015-06-30").await;
    assert_eq!(own(&level_4)["waves"][1]["reached"], 1, "of level 4");
    assert_eq!(own(&now).get("one_stop_officers"), None);
    duties(&office).await;
    let told = office.roadmap(&format!("as_of_date=2013-12-31&agency={OWN}")).await;
    assert_eq!(own(&told)["one_stop_officers"], 1);
    let report = &told["reports"][0];
    assert_eq!((&report["state"], &report["days_late"]), (&json!("late"), &json!(1)), "{report}");
    assert_eq!(told["latest_issues"][0]["days_open"], 91);
    let money = json!([{ "year": 2013, "planned": 0, "estimated": 0, "approved": 90_000_000,
                         "spent": 80_000_000 }]);
    assert_eq!(told["money"], money);
    assert!(!told.to_string().contains("Trần Thị Mẫu"), "a name is nobody's to see here");
    office.told(json!({ "loai": "RUT", "ma": "t-2", "ngay": "2014-01-01" })).await;
    let withdrawn = office.roadmap(&format!("as_of_date=2013-12-31&agency={OWN}")).await;
    assert_eq!(withdrawn["money"][0]["spent"], 0);
    // What was answered as of a position stays.
    let again = format!("as_of_date=2013-12-31&as_of={}", before["as_of"]);
    assert_eq!(office.roadmap(&again).await, before);
    let again = format!("as_of_date=2013-12-31&agency={OWN}&as_of={}", told["as_of"]);
    assert_eq!(office.roadmap(&again).await, told);
    seen_by_each(office, &withdrawn).await;
}

/// An agency sees its own lines, with its place among all; page, command line and a rebuilt store
/// tell the same.
async fn seen_by_each(office: Office, told: &Value) {
    let seen = office.agency.found("/v1/roadmap?as_of_date=2013-12-31").await;
    assert_eq!(seen["agencies"].as_array().unwrap().len(), 1);
    assert_eq!(seen["agencies"][0]["score"]["rank"], own(told)["score"]["rank"]);
    let denied = office.other.get(&format!("/v1/roadmap?agency={OWN}")).await;
    assert_eq!((denied.0, &denied.1["code"]), (403, &json!("not-yours")));
    assert_eq!(office.portal.status("/v1/roadmap?as_of_date=2013-02-30").await, 400);
    let page = office.portal.client.get(format!("{}/console/roadmap", office.hub.url));
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Thí điểm 06 đơn vị") && page.contains("<progress"), "{page}");
    office.hub.stop();
    let told = |folder: &Folder| stdout(&folder.run(&["roadmap", "--as-of-date", "2013-12-31"]));
    let text = told(&office.folder);
    assert!(text.contains("so-xay-dung 2013 Báo cáo") && text.contains("≠ "), "{text}");
    office.folder.verify();
    assert_eq!(office.folder.run(&["rebuild"]).status.code(), Some(0));
    office.folder.verify();
    assert_eq!(told(&office.folder), text, "a rebuilt store tells the same");
}

/// File text, what takes its place, what is told.
const FAULTS: [(&str, &str, &str); 6] = [
    ("\"ban-quan-ly-kcn\"", "\"ban-quan-ly\"", "`ban-quan-ly` is not in agencies.csv"),
    ("wave = \"2014\"", "wave = \"2016\"", "`2016` is no wave"),
    ("to = \"2013-12-31\"", "to = \"2013-06-30\"", "ends before it begins"),
    ("percent = 100", "percent = 0", "wants no share of a hundred"),
    ("completion = 60", "completion = 50", "are not a hundred"),
    ("step = 1", "steps = 1", "unknown field `steps`"),
];

#[test]
fn a_plan_with_a_fault_is_refused_by_name() {
    let mut folder = Folder::new("roadmap-faults");
    let copy = folder.catalogue();
    folder.publishing(Some(copy.clone()));
    let sound = folder.run(&["check"]);
    assert_eq!(sound.status.code(), Some(0), "{}", stderr(&sound));
    let path = copy.join("roadmap.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to, told) in FAULTS {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let faulty = folder.run(&["check"]);
        let found = stderr(&faulty);
        assert_eq!(faulty.status.code(), Some(1), "{to}: {found}");
        assert!(found.contains("roadmap.toml:") && found.contains(told), "{told}:\n{found}");
    }
}
