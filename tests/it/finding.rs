//! What there is to ask about: each fault sent as an agency sends it, seen by address and feed,
//! closed when it is mended, and the same whatever is killed or made anew.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    cluster,
    declared::{FileFault, faults_are_refused},
    harness::{Folder, Hub, Sender},
    lienthong::{run, stderr, stdout},
};

on_each_store!(
    each_fault_is_asked_about_and_closed_when_it_is_mended,
    what_is_killed_made_anew_or_moved_finds_the_same,
);

const CHANNEL: &str = "so-y-te.ho-so";
const BACKFILL: &str = "so-y-te.nap-lai";

/// How long it may take until everything that was recorded is judged.
const JUDGED_MAX: Duration = Duration::from_secs(30);

struct Office {
    folder: Folder,
    hub: Hub,
    keys: [String; 3],
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        let mut folder = backend.folder_of(name, &["tests/corpus/findings"]);
        folder.publishing(Some(folder.catalogue()));
        let keys = ["agency:so-y-te", "portal", "agency:so-xay-dung"].map(|who| folder.key(who));
        let hub = Hub::start(&folder).await;
        Self { folder, hub, keys }
    }

    fn agency(&self) -> Sender {
        self.hub.sender(&self.keys[0])
    }

    fn portal(&self) -> Sender {
        self.hub.sender(&self.keys[1])
    }

    async fn tells(&self, channel: &str, message: &Value) {
        let bytes = message.to_string();
        let sent = self.agency().push(channel, None, bytes.as_bytes()).await;
        let (status, receipt) = sent.unwrap();
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }

    /// A dossier as it stands, of a version.
    async fn dossier(&self, code: &str, version: u32, more: &Value) {
        self.tells(CHANNEL, &dossier(code, version, more)).await;
    }

    async fn event(&self, code: &str, at: &str, status: &str, word: &str) {
        let event =
            json!({ "loai": "SU_KIEN", "ma": code, "luc": at, "trangThai": status, "lyDo": word });
        self.tells(CHANNEL, &event).await;
    }

    /// The agency's own figures of March 2024: so many received, and so many solved.
    async fn claims(&self, received: u32, solved: u32) {
        let figures = json!({ "thang": "2024-03", "tiepNhan": received, "daGiaiQuyet": solved });
        self.tells("so-y-te.bao-cao", &figures).await;
    }

    /// All findings, once everything that was recorded is judged.
    async fn findings(&self) -> Vec<Value> {
        let portal = self.portal();
        let began = Instant::now();
        loop {
            let size = portal.found("/v1/feeds").await["size"].clone();
            if portal.found("/v1/findings?limit=1").await["as_of"] == size {
                break;
            }
            assert!(began.elapsed() < JUDGED_MAX, "{size} entries are not judged");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (mut all, mut path) = (Vec::new(), "/v1/findings?limit=7".to_owned());
        loop {
            let (status, page, next) = portal.page(&path).await;
            assert_eq!(status, 200, "{page}");
            all.extend(page["findings"].as_array().unwrap().iter().cloned());
            let Some(next) = next else { return all };
            path = next;
        }
    }

    /// What is asked about what: `rule` of each dossier or day, open or closed, the late ones left
    /// out: everything told here happened long ago.
    async fn asked(&self) -> BTreeMap<String, Vec<String>> {
        let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in self.findings().await {
            let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let key = word("dossier").trim_start_matches("so-y-te/").to_owned();
            if word("rule") != "backdated-event" {
                asked.entry(key).or_default().push(format!("{} {}", word("rule"), word("state")));
            }
        }
        asked.values_mut().for_each(|all| all.sort());
        asked
    }
}

fn dossier(code: &str, version: u32, more: &Value) -> Value {
    let mut all = json!({
        "loai": "HO_SO", "ma": code, "phienBan": version.to_string(),
        "thuTuc": "Thủ tục không có trong danh mục", "nhan": "2024-03-04T08:00:00+07:00",
        "trangThai": "THU_LY", "nguoiNop": "Lâm Thị Mẫu",
    });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

async fn each_fault_is_told(office: &Office) {
    let at = |text: &str| format!("2024-03-{text}:00+07:00");
    let (office, done) = (office, "HOAN_THANH");
    office.dossier("N-1", 1, &json!({ "xong": at("01T08:00"), "trangThai": done })).await;
    office.dossier("N-2", 1, &json!({})).await;
    office.event("N-2", &at("05T09:00"), done, "Có kết quả").await;
    office.event("N-2", &at("06T09:00"), "THU_LY", "Xử lý lại").await;
    office.event("N-2", &at("07T09:00"), done, "Có kết quả").await;
    office.dossier("N-3", 1, &json!({ "trangThai": "TIEP_NHAN" })).await;
    office.event("N-3", &at("05T09:00"), "TU_CHOI", "Không tiếp nhận").await;
    office.dossier("N-4", 1, &json!({})).await;
    office.event("N-4", &at("05T09:00"), done, "Cán bộ trả hồ sơ bổ sung").await;
    let clock = json!({ "nop": at("04T14:20"), "nhan": at("04T02:40") });
    office.dossier("N-5", 1, &clock).await;
    office.dossier("N-6", 1, &json!({ "hen": at("11T17:00") })).await;
    office.dossier("N-6", 2, &json!({ "hen": at("15T17:00") })).await;
    let known = "Cấp giấy chứng nhận cơ sở đủ điều kiện an toàn thực phẩm đối với cơ sở kinh doanh \
                 dịch vụ ăn uống";
    let nhan = "2026-03-02T08:00:00+07:00";
    let short = json!({ "thuTuc": known, "nhan": nhan, "hen": "2026-03-09T08:00:00+07:00" });
    office.dossier("N-7", 1, &short).await;
    for (code, number) in [("N-8", 1), ("N-9", 3)] {
        let own = format!("H19.14-240304-{number:04}");
        office.dossier(code, 1, &json!({ "maQuocGia": own, "maThuTuc": "1.001612" })).await;
    }
    let shared =
        |procedure: &str| json!({ "maQuocGia": "H19.14-240305-0001", "maThuTuc": procedure });
    office.dossier("N-10", 1, &shared("1.001612")).await;
    office.dossier("N-11", 1, &shared("1.001613")).await;
    office.claims(8, 2).await;
}

async fn each_fault_is_asked_about_and_closed_when_it_is_mended(backend: Backend) {
    let office = Office::new(backend, "finding-each").await;
    each_fault_is_told(&office).await;
    let asked = office.asked().await;
    let expected = [
        ("", vec!["claim-differs open", "sequence-gap open"]),
        ("N-1", vec!["finish-before-acceptance open"]),
        ("N-10", vec!["code-procedure-differs open"]),
        ("N-2", vec!["status-regression open"]),
        ("N-3", vec!["unusual-move open"]),
        ("N-4", vec!["status-text-differs open"]),
        ("N-5", vec!["twelve-hour-clock open"]),
        ("N-6", vec!["due-date-moved open"]),
        ("N-7", vec!["deadline-differs open"]),
    ];
    let expected: BTreeMap<String, Vec<String>> = expected
        .into_iter()
        .map(|(key, all)| (key.to_owned(), all.into_iter().map(ToOwned::to_owned).collect()))
        .collect();
    assert_eq!(asked, expected);
    to_each_its_own(&office).await;
    told_in_words(&office).await;
    // What is told from now on comes by a page that is waited for.
    let agency = office.agency();
    let waiting = tokio::spawn(async move {
        let (_, _, end) = agency.page("/v1/feeds/findings?after=end").await;
        agency.page(&format!("{}&wait=30", end.unwrap())).await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mended = json!({ "xong": "2024-03-08T08:00:00+07:00", "trangThai": "HOAN_THANH" });
    office.dossier("N-1", 2, &mended).await;
    let (_, events, _) = waiting.await.unwrap();
    let closing = "vn.gov.dongnai.lienthong.finding.closed.v1";
    let closed = events.as_array().unwrap().iter().find(|one| one["type"] == closing);
    let data = &closed.unwrap_or_else(|| panic!("{events}"))["data"];
    assert_eq!((&data["dossier"], &data["state"]), (&json!("so-y-te/N-1"), &json!("closed")));
    let clock = json!({ "nop": "2024-03-04T14:20:00+07:00", "nhan": "2024-03-04T14:40:00+07:00" });
    office.dossier("N-5", 2, &clock).await;
    let own = json!({ "maQuocGia": "H19.14-240304-0002", "maThuTuc": "1.001612" });
    office.dossier("N-12", 1, &own).await;
    office.claims(10, 3).await;
    let asked = office.asked().await;
    for key in ["", "N-1", "N-5"] {
        assert!(asked[key].iter().all(|one| one.ends_with(" closed")), "{asked:#?}");
    }
    assert_eq!(asked.values().flatten().filter(|one| one.ends_with(" open")).count(), 6);
    let feed = office.portal().feed("findings", 3).await;
    let closed = feed.iter().filter(|one| one["data"]["state"] == "closed").count();
    assert_eq!((feed.len(), closed), (office.findings().await.len(), 4));
    office.hub.stop();
    let told = stdout(&office.folder.run(&["verify"]));
    assert!(told.contains("findings   ") && told.contains("numbers, findings"), "{told}");
}

/// An agency reads its own; a question that cannot be answered says why.
async fn to_each_its_own(office: &Office) {
    let other = office.hub.sender(&office.keys[2]);
    assert_eq!(other.found("/v1/findings").await["findings"], json!([]));
    assert_eq!(other.get("/v1/findings?agency=so-y-te").await.0, 403);
    assert!(other.feed("findings", 10).await.is_empty());
    let agency = office.agency();
    let own = agency.found("/v1/findings?state=open&rule=twelve-hour-clock").await;
    assert_eq!(own["findings"].as_array().unwrap().len(), 1, "{own}");
    assert_eq!(agency.found("/v1/findings?dossier=so-y-te/N-12").await["findings"], json!([]));
    for (query, parameter) in [("rule=no-such", "rule"), ("state=all", "state")] {
        let (status, problem) = agency.get(&format!("/v1/findings?{query}")).await;
        assert_eq!((status, &problem["parameter"]), (400, &json!(parameter)), "{problem}");
    }
    let (status, problem) = agency.get("/v1/findings?cursor=00").await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad-cursor")));
}

/// A finding has its evidence, its words and the edition it was judged by, and nobody's name.
async fn told_in_words(office: &Office) {
    let all = office.findings().await;
    let of = |rule: &str| all.iter().find(|one| one["rule"] == rule).unwrap().clone();
    let moved = of("due-date-moved");
    let vi = moved["vi"].as_str().unwrap();
    assert!(vi.starts_with("Ngày hẹn trả đổi từ 2024-03-11T10:00:00Z sang 2024-03-15"), "{vi}");
    assert!(moved["question_en"].as_str().unwrap().starts_with("On what grounds"), "{moved}");
    let positions = moved["evidence"]["positions"].as_array().unwrap();
    assert_eq!(positions.len(), 2, "both tellings: {moved}");
    let records = office.portal().feed("records", 100).await;
    let told = |at: &Value| {
        let id = format!("/{at}");
        let one = records.iter().find(|one| one["id"].as_str().unwrap().ends_with(&id)).unwrap();
        one["data"]["due_at"].clone()
    };
    assert_eq!(told(&positions[0]), "2024-03-11T10:00:00Z");
    assert_eq!(moved["judged_by"]["catalogue"].as_str().unwrap().len(), 64);
    assert!(moved["opened"]["position"].as_u64() >= positions[1].as_u64());
    assert_eq!(of("sequence-gap")["evidence"]["values"]["numbers"], "0002");
    let claim = of("claim-differs");
    assert_eq!(claim["evidence"]["values"]["claimed"], "received 8, solved 2", "{claim}");
    assert_eq!(claim["evidence"]["values"]["counted"], "received 9, solved 3");
    assert_eq!(of("deadline-differs")["evidence"]["values"]["days"], "-14");
    let late = of("backdated-event");
    assert!(late["evidence"]["values"]["days"].as_str().unwrap().parse::<u32>().unwrap() > 15);
    assert!(!Value::from(all).to_string().contains("Lâm Thị"), "no name of anybody");
    let page = office.portal().client.get(format!("{}/console", office.hub.url));
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Câu hỏi, không phải kết luận"), "{page}");
}

/// A dossier with a fault, of a number: most are as they should be.
fn faulty(number: u32) -> Value {
    let day = 1 + number % 28;
    let status = if number.is_multiple_of(3) { "HOAN_THANH" } else { "THU_LY" };
    let done = if number.is_multiple_of(6) { "2024-03-01" } else { "2024-04-02" };
    let mut more = json!({
        "maQuocGia": format!("H19.14-2402{day:02}-{:04}", 1 + number / 28 * 2),
        "maThuTuc": "1.001612", "trangThai": status,
    });
    if status == "HOAN_THANH" {
        more["xong"] = json!(format!("{done}T08:00:00+07:00"));
    }
    dossier(&format!("K-{number}"), 1, &more)
}

async fn what_is_killed_made_anew_or_moved_finds_the_same(backend: Backend) {
    const DOSSIERS: u32 = 168;
    let mut office = Office::new(backend, "finding-kills").await;
    for first in (0..DOSSIERS).step_by(24) {
        for number in first..first + 24 {
            let channel = if number.is_multiple_of(2) { CHANNEL } else { BACKFILL };
            office.tells(channel, &faulty(number)).await;
        }
        // Entries are judged twice a second: kills hit it before, within and after a turn.
        tokio::time::sleep(Duration::from_millis(u64::from(first) * 4)).await;
        office.hub.kill9();
        office.hub = Hub::start(&office.folder).await;
    }
    let found = office.findings().await;
    let count = |rule: &str, state: &str| {
        let of = |one: &&Value| one["rule"] == rule && one["state"] == state;
        found.iter().filter(of).count() as u32
    };
    assert_eq!(count("finish-before-acceptance", "open"), DOSSIERS / 6);
    // Only every second number of a day is borne.
    assert_eq!(count("sequence-gap", "open"), 28);
    // What happened long ago and is not backfill: all that is finished has its date.
    assert_eq!(count("backdated-event", "open"), DOSSIERS / 6);
    office.folder.verify();
    office.hub.stop();
    let rebuilt = office.folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    office.folder.verify();
    office.hub = Hub::start(&office.folder).await;
    assert_eq!(office.findings().await, found);
    office.hub.stop();
    let (from, to) = (office.folder.store_address(), cluster::database("finding_moved"));
    let moved = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(moved.status.code(), Some(0), "{}{}", stdout(&moved), stderr(&moved));
    office.folder = office.folder.with_store(to);
    office.hub = Hub::start(&office.folder).await;
    assert_eq!(office.findings().await, found);
    office.hub.stop();
    office.folder.verify();
}

/// Faults of the rules: what is changed in `findings.toml`, and what is told.
const FAULTS: &[FileFault] = &[
    ("\"sequence-gap\"", "\"gaps\"", "`gaps` is no rule"),
    (
        "grace_days = 3\nvi = \"Trong các mã",
        "vi = \"Trong các mã",
        "`sequence-gap` lacks `grace_days`",
    ),
    ("name = \"due-date-moved\"", "name = \"due-date-moved\"\ndays = 3", "is not set by `days`"),
    ("đổi từ {from}", "đổi từ {due}", "`due-date-moved` has no value `due`"),
    ("đổi từ {from}", "đổi từ {from", "a `{` is not closed"),
    ("\"09-14\"", "\"14/09\"", "a cut-off is a day of every year"),
    ("\"9\" = [10]", "\"9\" = [11]", "a move is between two statuses"),
    ("status = 9, meant = 5", "status = 5, meant = 5", "told with one status and mean another"),
    ("days = 15\n", "days = 15000\n", "15000 is too many"),
    ("name = \"deadline-differs\"", "name = \"due-date-moved\"", "is not set by `days`"),
    ("name = \"code-procedure-unknown\"", "name = \"code-procedure-differs\"", "stands twice"),
    ("question_en = \"Why was", "question = \"Why was", "unknown field `question`"),
];

#[test]
fn a_rule_that_is_not_understood_is_refused_by_name() {
    faults_are_refused("findings.toml", "findings: 14 rules", FAULTS);
}
