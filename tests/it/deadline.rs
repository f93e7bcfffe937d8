//! When a dossier is due: the agency's date beside the hub's own, each step explained, as of any
//! position, whatever calendar came later.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{stderr, stdout},
};

on_each_store!(
    the_hubs_date_stands_beside_the_agencys,
    a_new_calendar_moves_nothing_that_was_answered_before,
    an_applicants_time_and_phases_that_never_count_are_told,
);

const CHANNEL: &str = "ubnd-bien-hoa.hen";

/// Replaces a text in a file that must hold it.
fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no `{from}`", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

struct Office {
    folder: Folder,
    catalogue: PathBuf,
    hub: Hub,
    agency: Sender,
    portal: Sender,
    other: Sender,
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        let mut folder = backend.folder_of(name, &["tests/corpus/deadlines"]);
        let catalogue = folder.catalogue();
        folder.publishing(Some(catalogue.clone()));
        let keys = ["agency:ubnd-bien-hoa", "portal", "agency:so-y-te"].map(|who| folder.key(who));
        let hub = Hub::start(&folder).await;
        let [agency, portal, other] = keys.map(|key| hub.sender(&key));
        Self { folder, catalogue, hub, agency, portal, other }
    }

    async fn told(&self, message: Value) {
        let bytes = message.to_string();
        let (status, receipt) = self.agency.push(CHANNEL, None, bytes.as_bytes()).await.unwrap();
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }

    async fn accepted(&self, code: &str, at: &str, promise: &str) {
        self.told(json!({
            "loai": "HO_SO", "ma": code, "luc": at, "nhan": at, "hen": promise,
            "thuTuc": "Đăng ký thành lập hộ kinh doanh", "trangThai": "TIEP_NHAN",
            "nguoiNop": "Lâm Thị Mẫu",
        }))
        .await;
    }

    async fn status(&self, code: &str, at: &str, status: &str) {
        self.told(json!({ "loai": "TRANG_THAI", "ma": code, "luc": at, "trangThai": status }))
            .await;
    }

    async fn deadline(&self, code: &str) -> Value {
        self.portal.found(&format!("/v1/dossiers/{code}/deadline")).await
    }

    /// The hub again, with the catalogue's folder as it is now.
    async fn restart(self) -> Self {
        self.hub.stop();
        let hub = Hub::start(&self.folder).await;
        let [agency, portal, other] =
            [self.agency, self.portal, self.other].map(|sender| sender.at(&hub.url));
        Self { hub, agency, portal, other, ..self }
    }
}

fn steps(told: &Value) -> Vec<&str> {
    let steps = told["hub"]["steps"].as_array().unwrap().iter();
    steps.map(|step| step["step"].as_str().unwrap()).collect()
}

async fn the_hubs_date_stands_beside_the_agencys(backend: Backend) {
    let office = Office::new(backend, "deadline-beside").await;
    // Five working days from a Friday before a weekend, a holiday on Monday, and two more.
    office.accepted("HK-1", "2026-04-24T09:00:00+07:00", "2026-05-06T17:00:00+07:00").await;
    let told = office.deadline("HK-1").await;
    let due = |told: &Value| told["hub"]["due_at"].clone();
    assert_eq!(due(&told), "2026-05-06T02:00:00Z", "{told:#}");
    assert_eq!(told["promised"]["due_at"], "2026-05-06T10:00:00Z");
    assert_eq!(told["hub"]["differs"]["days"], 0);
    assert_eq!(told["hub"]["limit"], json!({ "value": 5, "unit": "working_days" }));
    assert_eq!(steps(&told), ["accepted", "limit"]);
    let ends = told["hub"]["steps"][1]["vi"].as_str().unwrap();
    assert!(ends.contains("27/04/2026 (Nghỉ bù)"), "{ends}");
    assert_eq!(told["hub"]["calendar"]["version"].as_str().unwrap().len(), 64);
    // It waits: what is left is told, and no date.
    office.status("HK-1", "2026-04-29T10:00:00+07:00", "BO_SUNG").await;
    let waits = office.deadline("HK-1").await;
    assert_eq!(waits["hub"]["waiting"]["left"], json!({ "value": 3, "unit": "working_days" }));
    assert_eq!(waits["hub"].get("due_at"), None, "{waits:#}");
    // It goes on: by the working days that it stood still, the date is later.
    office.status("HK-1", "2026-05-11T15:00:00+07:00", "THU_LY").await;
    let again = office.deadline("HK-1").await;
    assert_eq!(due(&again), "2026-05-14T02:00:00Z", "{again:#}");
    let pause = &again["hub"]["steps"][2];
    assert_eq!((&pause["due_before"], &pause["due_at"]), (&due(&told), &due(&again)));
    assert_eq!(again["hub"]["differs"]["days"], -8, "the agency's own date is as it was");
    // A new date counts with its letter alone; what the agency promised is kept as told.
    let extended = |letter: &str| {
        json!({ "loai": "GIA_HAN", "ma": "HK-1", "luc": "2026-05-14T10:00:00+07:00",
                "hen": "2026-05-20", "xinLoi": letter })
    };
    office.told(extended("KHONG")).await;
    let vain = office.deadline("HK-1").await;
    assert_eq!((due(&vain), steps(&vain).len()), (due(&again), 4), "{vain:#}");
    assert_eq!(vain["promised"]["due_at"], "2026-05-20");
    office.told(extended("CO")).await;
    let new = office.deadline("HK-1").await;
    assert_eq!(due(&new), "2026-05-20");
    let promises = new["promised"]["promises"].as_array().unwrap();
    assert_eq!(promises[0]["due_at"], "2026-05-06T10:00:00Z");
    // As of an earlier position it is what was answered then.
    let path = format!("/v1/dossiers/HK-1/deadline?as_of={}", told["as_of"]);
    assert_eq!(office.portal.found(&path).await, told);
    let own = office.agency.found("/v1/dossiers/HK-1/deadline").await;
    assert_eq!(own, new);
    assert_eq!(office.other.get("/v1/dossiers/HK-1/deadline").await.0, 404, "another's");
    office.hub.stop();
    office.folder.verify();
}

/// Rules that give an applicant time and leave phases out, from a next edition on.
async fn an_applicants_time_and_phases_that_never_count_are_told(backend: Backend) {
    let office = Office::new(backend, "deadline-supplement").await;
    office.accepted("HK-5", "2026-06-01T09:00:00+07:00", "2026-06-08T17:00:00+07:00").await;
    office.status("HK-5", "2026-06-02T09:00:00+07:00", "NIEM_YET").await;
    office.status("HK-5", "2026-06-04T09:00:00+07:00", "BO_SUNG").await;
    let before = office.deadline("HK-5").await;
    assert_eq!(before["hub"].get("supplements"), None, "{before:#}");
    let rules = office.catalogue.join("deadlines.toml");
    let more = "name = \"chung\"\nsupplement = \"5 working_days\"\n\
                uncounted = [{ name = \"Niêm yết tại xã\", says = [\"niêm yết\"] }]";
    change(&rules, "name = \"chung\"", more);
    let office = office.restart().await;
    // Two days on the board do not count, and what was asked for has not come in months.
    let told = office.deadline("HK-5").await;
    let asked = &told["hub"]["supplements"][0];
    assert_eq!(
        (&asked["due_at"], &asked["state"]),
        (&json!("2026-06-11T02:00:00Z"), &json!("overdue"))
    );
    assert!(asked["vi"].as_str().unwrap().contains("đã quá hạn"), "{asked}");
    assert_eq!(told["hub"]["waiting"]["left"], json!({ "value": 4, "unit": "working_days" }));
    let board = told["hub"]["steps"][2]["vi"].as_str().unwrap();
    assert!(board.contains("«Niêm yết tại xã»"), "{board}");
    office.status("HK-5", "2026-06-11T16:00:00+07:00", "THU_LY").await;
    let again = office.deadline("HK-5").await;
    assert_eq!(again["hub"]["supplements"][0]["state"], "in-time");
    // As of a position before the rules, as it was answered then.
    let path = format!("/v1/dossiers/HK-5/deadline?as_of={}", before["as_of"]);
    assert_eq!(office.portal.found(&path).await, before);
    office.hub.stop();
    office.folder.verify();
}

async fn a_new_calendar_moves_nothing_that_was_answered_before(backend: Backend) {
    let office = Office::new(backend, "deadline-versions").await;
    office.accepted("HK-2", "2026-06-01T09:00:00+07:00", "2026-06-08T17:00:00+07:00").await;
    let before = office.deadline("HK-2").await;
    assert_eq!(before["hub"]["due_at"], "2026-06-08T02:00:00Z");
    let added = "2026-06-03,Nghỉ bão,holiday,yes,,thử nghiệm\n";
    let holidays = office.catalogue.join("holidays.csv");
    let text = fs::read_to_string(&holidays).unwrap();
    fs::write(&holidays, text + added).unwrap();
    let office = office.restart().await;
    let after = office.deadline("HK-2").await;
    assert_eq!(after["hub"]["due_at"], "2026-06-09T02:00:00Z", "{after:#}");
    let version = |told: &Value| told["hub"]["calendar"]["version"].clone();
    assert_ne!(version(&after), version(&before));
    let path = format!("/v1/dossiers/HK-2/deadline?as_of={}", before["as_of"]);
    assert_eq!(office.portal.found(&path).await, before, "by the calendar of then");
    // Another edition of the catalogue with the same calendar has the same version of it.
    change(&office.catalogue.join("fields.csv"), "Công tác dân tộc", "Công tác các dân tộc");
    let office = office.restart().await;
    let renamed = office.deadline("HK-2").await;
    assert_eq!(version(&renamed), version(&after));
    assert_ne!(renamed["hub"]["calendar"]["position"], after["hub"]["calendar"]["position"]);
    office.hub.stop();
    office.folder.verify();
    let rebuilt = office.folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    office.folder.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_hub_has_no_date_it_says_why_and_the_agencys_is_there() {
    let office = Office::new(Backend::Sqlite, "deadline-none").await;
    let dossier = |code: &str, member: &str, value: Value| {
        let mut told = json!({
            "loai": "HO_SO", "ma": code, "luc": "2026-06-01T09:00:00+07:00",
            "nhan": "2026-06-01T09:00:00+07:00", "hen": "2026-06-05T17:00:00+07:00",
            "thuTuc": "Đăng ký thành lập hộ kinh doanh", "trangThai": "THU_LY",
            "nguoiNop": "Lâm Thị Mẫu",
        });
        told[member] = value;
        told
    };
    for (code, member, value, expected) in [
        ("K-1", "thuTuc", json!("Thủ tục chưa ai công bố"), "procedure-not-in-catalogue"),
        ("K-2", "thuTuc", json!("Chứng thực di chúc"), "no-time-limit-known"),
        ("K-3", "nhan", json!("2012-06-01T09:00:00+07:00"), "outside-calendar"),
        ("K-4", "nhan", json!(null), "not-accepted-yet"),
    ] {
        office.told(dossier(code, member, value)).await;
        let path = format!("/v1/dossiers/{code}/deadline");
        let (status, told) = office.portal.get(&path).await;
        assert_eq!((status, &told["code"]), (404, &json!(expected)), "{told:#}");
        assert_eq!(told["dossier"]["promised"]["due_at"], "2026-06-05T10:00:00Z");
        for language in ["title", "title_en", "advice", "advice_en"] {
            assert!(!told[language].as_str().unwrap().is_empty(), "{told:#}");
        }
    }
    let (status, told) = office.portal.get("/v1/dossiers/K-9/deadline").await;
    assert_eq!((status, &told["code"]), (404, &json!("not-found")));
    let (status, told) = office.portal.get("/v1/dossiers/K-1/deadline?on=2026-01-01").await;
    assert_eq!((status, &told["code"]), (400, &json!("bad-parameter")));
    // A catalogue without a calendar stands as before; what was decided by one is still told.
    let last = office.deadline_as_of().await;
    for file in ["calendar.toml", "holidays.csv", "deadlines.toml"] {
        fs::remove_file(office.catalogue.join(file)).unwrap();
    }
    let office = office.restart().await;
    let (status, told) = office.portal.get("/v1/dossiers/K-1/deadline").await;
    assert_eq!((status, &told["code"]), (404, &json!("no-calendar")));
    let path = format!("/v1/dossiers/K-1/deadline?as_of={last}");
    assert_eq!(office.portal.get(&path).await.1["code"], "procedure-not-in-catalogue");
    office.hub.stop();
}

impl Office {
    /// The position that an answer is true at now.
    async fn deadline_as_of(&self) -> Value {
        self.portal.get("/v1/dossiers/K-1/deadline").await.1["as_of"].clone()
    }
}

/// Faults of a calendar and of rules: the file, what is changed in it, and what is told.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("holidays.csv", "2015-05-01,", "2015-04-30,", ":54:1: 2015-04-30 stands twice"),
    ("holidays.csv", "2015-05-01,Ngày", "2015-05-32,Ngày", "`2015-05-32` is no day"),
    (
        "holidays.csv",
        "2014-01-01,Tết Dương lịch,holiday",
        "2014-01-01,Tết Dương lịch,makeup_workday",
        "2014-01-01 is worked at any rate",
    ),
    (
        "holidays.csv",
        "2026-08-22,Làm bù (hoán đổi),makeup_workday",
        "2026-08-29,Làm bù (hoán đổi),makeup_workday",
        "what 2026-08-31 makes good is not to be seen",
    ),
    ("holidays.csv", "2026-04-27,Nghỉ bù", "2026-04-25,Nghỉ bù", "2026-04-25 is off at any rate"),
    (
        "holidays.csv",
        "compensatory_day,yes,2026-04-26",
        "compensatory_day,yes,2026-04-25",
        "2026-04-26 is a holiday at a weekend, never made good",
    ),
    ("holidays.csv", "2016-09-02,Quốc", "2016-09-05,Quốc", "2016-09-02 is missing"),
    ("calendar.toml", "2027-12-31", "2028-12-31", "2028-01-01 is missing: the year 2028"),
    ("calendar.toml", "2027-12-31", "2028-12-31", "the year 2028 has 0 holidays, not 9"),
    ("calendar.toml", "2013-01-01", "2013-01-06", "2013-01-05 is not between"),
    ("calendar.toml", "07:00-11:30 13:30-17:00", "07:00-11:30 11:00-17:00", "no office hours"),
    ("calendar.toml", "\"ubnd-bien-hoa\"", "\"so-may\"", "`so-may` is not in agencies.csv"),
    ("calendar.toml", "agencies = [\"ubnd-bien-hoa\"]", "", "two kinds of hours on some day"),
    (
        "calendar.toml",
        "[[hours]]\nweekdays",
        "[[hours]]\nvalid_from = \"2014-01-01\"\nweekdays",
        "offices that no hours name have none on 2013-01-01",
    ),
    ("calendar.toml", "saturday_counts = false", "", "whether such a Saturday is a working day"),
    ("calendar.toml", "saturday_counts", "sunday", "unknown field `sunday`"),
    ("deadlines.toml", "fields = [\"dat-dai\"]", "", "`chung` and `dat-dai` may hold for one"),
    (
        "deadlines.toml",
        "name = \"chung\"",
        "name = \"chung\"\nvalid_to = \"2020-12-31\"",
        "no rule for all dossiers holds on 2021-01-01",
    ),
    ("deadlines.toml", "\"same_day\"", "\"2 days\"", "`2 days` is no time limit"),
    (
        "deadlines.toml",
        "name = \"chung\"",
        "name = \"chung\"\nsupplement = \"none\"",
        "`none` gives an applicant no time",
    ),
    (
        "deadlines.toml",
        "name = \"chung\"",
        "name = \"chung\"\nuncounted = [{ name = \"thuế\", says = [\"–\"] }]",
        "a phase has a name, and words by which its step is known",
    ),
    ("deadlines.toml", "\"15:00\"", "\"15h\"", "`15h` is no time of day"),
    ("deadlines.toml", "\"2.000815\"", "\"2.999999\"", "`2.999999` is not in procedures.csv"),
    ("deadlines.toml", "\"restart\"", "\"again\"", "unknown variant `again`"),
];

#[test]
fn a_calendar_with_a_gap_or_a_contradiction_is_refused_by_name() {
    let mut folder = Folder::new("deadline-faults");
    let copy = folder.catalogue();
    folder.publishing(Some(copy.clone()));
    let sound = folder.run(&["check"]);
    assert_eq!(sound.status.code(), Some(0), "{}", stderr(&sound));
    let counted = "calendar: 2013-01-01 to 2027-12-31, 229 special days, 2 office hours, 3 rules";
    assert!(stdout(&sound).contains(counted), "{}", stdout(&sound));
    for (file, from, to, told) in FAULTS {
        let path = copy.join(file);
        let text = fs::read_to_string(&path).unwrap();
        change(&path, from, to);
        let faulty = folder.run(&["check"]);
        let found = stderr(&faulty);
        assert_eq!(faulty.status.code(), Some(1), "{file} {to}: {found}");
        let line = found.lines().position(|line| line.contains(told));
        let line = line.unwrap_or_else(|| panic!("{file} {to}: no `{told}` in\n{found}"));
        let advice = found.lines().nth(line + 1).unwrap_or_default();
        assert!(advice.starts_with("    "), "no remedy for {told}:\n{found}");
        fs::write(&path, text).unwrap();
    }
    fs::remove_file(copy.join("holidays.csv")).unwrap();
    let faulty = folder.run(&["check"]);
    assert!(stderr(&faulty).contains("holidays.csv:1:1: it cannot be read"), "{}", stderr(&faulty));
}
