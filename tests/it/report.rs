//! Reports through the front door: forms of a period, frozen ones, and the files they make.

mod faults;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    cluster,
    harness::{Folder, Hub, Sender},
    lienthong::{root, run, stderr, stdout},
};

on_each_store!(forms_are_filled_for_a_period, a_frozen_report_is_the_same_bytes_ever_after);

const OWN: &str = "/v1/reports/II.06a?period=2026-H1&agency=so-xay-dung";

struct Province {
    folder: Folder,
    catalogue: PathBuf,
    hub: Hub,
    agency: Sender,
    district: Sender,
    portal: Sender,
    operator: Sender,
}

impl Province {
    async fn new(backend: Backend, name: &str) -> Self {
        let sources = ["tests/corpus/deadlines", "tests/corpus/reports"];
        let mut folder = backend.folder_of(name, &sources);
        let catalogue = folder.catalogue();
        folder.publishing(Some(catalogue.clone()));
        let keys = ["agency:so-xay-dung", "agency:ubnd-bien-hoa", "portal", "operator"]
            .map(|who| folder.key(who));
        let hub = Hub::start(&folder).await;
        let [agency, district, portal, operator] = keys.map(|key| hub.sender(&key));
        let province = Self { folder, catalogue, hub, agency, district, portal, operator };
        province.played().await;
        province
    }

    /// The half year of NĐ 09/2019: 15/12/2025 to 14/06/2026.
    async fn played(&self) {
        let (building, housing) = ("Hoạt động xây dựng", "Nhà ở");
        for (code, field, how, accepted, due, finished, status) in [
            ("X-1", building, "TRUC_TUYEN", "2025-12-14", "2026-07-01", None, "TIEP_NHAN"),
            (
                "X-2",
                building,
                "TRUC_TUYEN",
                "2025-12-15",
                "2026-01-10",
                Some("2026-01-08"),
                "HOAN_THANH",
            ),
            (
                "X-3",
                housing,
                "BUU_CHINH",
                "2026-02-02",
                "2026-02-10",
                Some("2026-02-16"),
                "HOAN_THANH",
            ),
            ("X-4", building, "TRUC_TIEP", "2026-06-01", "2026-06-10", None, "TIEP_NHAN"),
            ("X-5", housing, "TRUC_TIEP", "2026-03-02", "2026-03-20", Some("2026-03-03"), "RUT"),
            ("X-6", housing, "TRUC_TUYEN", "2026-05-04", "2026-05-12", None, "BO_SUNG"),
            ("X-7", housing, "TRUC_TUYEN", "2026-06-15", "2026-06-30", None, "TIEP_NHAN"),
        ] {
            let when = if code == "X-6" { "2026-05-08" } else { finished.unwrap_or(accepted) };
            self.told(json!({
                "ma": code, "luc": format!("{when}T10:00:00+07:00"), "linhVuc": field,
                "hinhThuc": how, "nhan": accepted, "hen": due, "xong": finished,
                "trangThai": status, "nguoiNop": "Lâm Thị Mẫu",
            }))
            .await;
        }
        let opened = json!({
            "loai": "HO_SO", "ma": "HK-1", "luc": "2026-04-24T09:00:00+07:00",
            "nhan": "2026-04-24T09:00:00+07:00", "hen": "2026-05-06T17:00:00+07:00",
            "thuTuc": "Đăng ký thành lập hộ kinh doanh", "trangThai": "TIEP_NHAN",
            "nguoiNop": "Lâm Thị Mẫu",
        });
        push(&self.district, "ubnd-bien-hoa.hen", &opened).await;
    }

    async fn told(&self, mut message: Value) {
        if let Some(members) = message.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        push(&self.agency, "so-xay-dung.bao-cao", &message).await;
    }

    /// X-1 is finished after all, in the period, and told when that is long over.
    async fn told_late(&self) {
        self.told(json!({
            "ma": "X-1", "luc": "2026-08-03T10:00:00+07:00", "linhVuc": "Hoạt động xây dựng",
            "hinhThuc": "TRUC_TUYEN", "nhan": "2025-12-14", "hen": "2026-07-01",
            "xong": "2026-06-02", "trangThai": "HOAN_THANH", "nguoiNop": "Lâm Thị Mẫu",
        }))
        .await;
    }
}

async fn push(sender: &Sender, channel: &str, message: &Value) {
    let bytes = message.to_string();
    let (status, receipt) = sender.push(channel, None, bytes.as_bytes()).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
}

/// The bytes of an answer, and a header of it.
async fn bytes(sender: &Sender, path: &str, header: &str) -> (Vec<u8>, Option<String>) {
    let url = format!("{}{path}", sender.url);
    let answer = sender.client.get(url).bearer_auth(sender.key()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let header = answer.headers().get(header).and_then(|value| value.to_str().ok());
    let header = header.map(ToOwned::to_owned);
    (answer.bytes().await.unwrap().to_vec(), header)
}

async fn freeze(sender: &Sender, query: &str) -> (u16, Value) {
    let url = format!("{}/v1/reports/II.06a/freeze?{query}", sender.url);
    let answer = sender.client.post(url).bearer_auth(sender.key()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn row(report: &Value, name: &str) -> Value {
    let mut rows = report["rows"].as_array().unwrap().iter();
    let found = rows.find(|row| row["name_vi"] == name);
    found.unwrap_or_else(|| panic!("no row {name} in {report:#}"))["figures"].clone()
}

async fn forms_are_filled_for_a_period(backend: Backend) {
    let province = Province::new(backend, "report-forms").await;
    let report = province.portal.found(OWN).await;
    assert_eq!(report["period"]["from"], "2025-12-15");
    assert_eq!(report["period"]["to"], "2026-06-14");
    assert_eq!(report["agency"]["name_vi"], "Sở Xây dựng");
    // Columns (3) to (13). Carried over is what was accepted on 14/12; X-6 waits, so it is in time.
    assert_eq!(row(&report, "Hoạt động xây dựng"), json!([3, 1, 1, 1, 1, 1, 0, 0, 2, 1, 1]));
    assert_eq!(row(&report, "Nhà ở"), json!([3, 1, 2, 0, 2, 0, 1, 1, 1, 1, 0]));
    assert_eq!(row(&report, "Tổng số"), json!([6, 2, 3, 1, 3, 1, 1, 1, 3, 2, 1]));
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() == 4 && checks.iter().all(|check| check["holds"] == true), "{checks:?}");
    // The same by plain months, and of all agencies by level.
    let plan = province.portal.found(&format!("{OWN}&calendar=plan")).await;
    assert_eq!(row(&plan, "Tổng số"), json!([7, 2, 3, 2, 3, 1, 1, 1, 4, 3, 1]));
    let all = province.portal.found("/v1/reports/II.06c?period=2026-H1").await;
    assert_eq!(row(&all, "Sở Xây dựng"), row(&report, "Tổng số"));
    assert_eq!(row(&all, "Cấp huyện"), json!([1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1]));
    assert_eq!(row(&all, "Tổng số")[0], 7);
    let progress = province.portal.found("/v1/reports/766-tien-do?period=2026-H1").await;
    let expected = json!([6, 1, 5, 2, 2, 1, 3, 1, 1, 1, 2, 1, 1, 1, 0, 1]);
    assert_eq!(row(&progress, "Sở Xây dựng"), expected);
    // When there was a catalogue and nothing else, nothing was told.
    let catalogue = province.portal.found("/v1/agencies").await["as_of"].as_u64().unwrap();
    let early = province.portal.found(&format!("{OWN}&as_of={catalogue}")).await;
    assert_eq!(row(&early, "Tổng số")[0], 0);
    // The command line says the same, byte for byte.
    let (told, _) = bytes(&province.portal, OWN, "etag").await;
    let command = ["report", "II.06a", "--period", "2026-H1", "--agency", "so-xay-dung"];
    let output = province.folder.run(&command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(output.stdout, told);
    seen_by_whom_it_belongs_to(&province).await;
    refused_by_name(&province).await;
    province.hub.stop();
}

async fn seen_by_whom_it_belongs_to(province: &Province) {
    let own = province.agency.found("/v1/reports/II.06a?period=2026-H1").await;
    assert_eq!(own["agency"]["id"], "so-xay-dung");
    assert_eq!(row(&own, "Tổng số")[0], 6);
    let (status, problem) = province.district.get(OWN).await;
    assert_eq!((status, &problem["code"]), (403, &json!("not-yours")));
}

async fn refused_by_name(province: &Province) {
    for (path, status, code) in [
        ("II.09z?period=2026", 404, "unknown-form"),
        ("II.09z?period=2013", 404, "unknown-form"),
        ("II.06a?period=2026-H3", 400, "bad-parameter"),
        ("II.06a", 400, "bad-parameter"),
        ("II.06a?period=2026&calendar=tet", 400, "unknown-report-calendar"),
        ("II.06a?period=2018&calendar=nd09", 400, "outside-report-calendar"),
        ("II.06a?period=2026&agency=so-la", 404, "unknown-agency"),
        ("II.06a?period=1800-01-01..2026-01-01", 400, "period-too-long"),
        ("II.06a?period=2026&format=pdf", 400, "bad-parameter"),
        ("II.06a?period=2025&figures=frozen", 404, "not-frozen"),
    ] {
        let (found, problem) = province.portal.get(&format!("/v1/reports/{path}")).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{path}: {problem}");
    }
    let (_, problem) = province.portal.get("/v1/reports/II.09z?period=2026").await;
    let outside = province.portal.get("/v1/reports/II.06a?period=2013").await.1;
    assert!(outside.to_string().contains("áp dụng từ 12/03/2019."), "{outside}");
    let known = ["766-tien-do", "II.06a", "II.06b", "II.06c", "II.07b"];
    assert_eq!(problem["known"], json!(known));
    let output = province.folder.run(&["report", "II.06a", "--period", "2026-H3"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("không phải kỳ báo cáo"), "{}", stderr(&output));
    let output = province.folder.run(&["report", "II.09z", "--period", "2026"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("II.06a") && stderr(&output).contains("Các biểu hiện có"));
}

async fn a_frozen_report_is_the_same_bytes_ever_after(backend: Backend) {
    let province = Province::new(backend, "report-freeze").await;
    let (status, problem) = freeze(&province.portal, "period=2026-H1&agency=so-xay-dung").await;
    assert_eq!((status, &problem["code"]), (403, &json!("operator-only")));
    let (status, problem) = freeze(&province.operator, "period=2100&agency=so-xay-dung").await;
    assert_eq!((status, &problem["code"]), (409, &json!("period-not-over")), "{problem}");
    let (before, _) = bytes(&province.portal, OWN, "etag").await;
    let (status, frozen) = freeze(&province.operator, "period=2026-H1&agency=so-xay-dung").await;
    assert_eq!(status, 201, "{frozen}");
    let position = frozen["position"].as_u64().unwrap();
    assert!(frozen["as_of"].as_u64().unwrap() <= position);
    province.told_late().await;
    let again = freeze(&province.operator, "period=2026-H1&agency=so-xay-dung").await;
    assert_eq!(again, (200, frozen.clone()), "it is frozen once");
    let standing = bytes(&province.portal, OWN, "x-frozen-at-position").await;
    assert_eq!(standing, (before.clone(), Some(position.to_string())));
    let now = province.portal.found(&format!("{OWN}&figures=now")).await;
    assert_eq!(row(&now, "Tổng số"), json!([6, 2, 3, 1, 4, 2, 1, 1, 2, 1, 1]));
    let then = format!("{OWN}&as_of={}", frozen["as_of"]);
    let (then, _) = bytes(&province.portal, &then, "etag").await;
    assert_eq!(then, before, "the figures of then can be had without the freeze, too");
    let changed = province.portal.found(&format!("{OWN}&figures=difference")).await;
    assert_eq!(changed["is_same"], false);
    let mut rows = changed["rows"].as_array().unwrap().iter();
    let total = rows.find(|row| row["name_vi"] == "Tổng số").unwrap();
    assert_eq!(total["difference"], json!([0, 0, 0, 0, 1, 1, 0, 0, -1, -1, 0]));
    let listed = province.agency.found("/v1/reports").await;
    assert_eq!(listed["freezes"], json!([frozen]), "{listed}");
    assert_eq!(province.district.found("/v1/reports").await["freezes"], json!([]));
    let Province { folder, hub, .. } = province;
    hub.stop();
    // Neither a rebuilt store nor another catalogue moves it.
    assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    folder.verify();
    let file = folder.path().join("danh-muc/reports.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("Tình hình, kết quả", "Kết quả")).unwrap();
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&key);
    assert_eq!(bytes(&portal, OWN, "etag").await.0, before);
    hub.stop();
    let wanted = ["report", "II.06a", "--period", "2026-H1", "--agency", "so-xay-dung"];
    assert_eq!(folder.run(&wanted).stdout, before);
    if backend == Backend::Sqlite {
        moved(&folder, &wanted, &before);
    }
}

/// The same in another store.
fn moved(folder: &Folder, wanted: &[&str], before: &[u8]) {
    let (from, to) = (folder.store_address(), cluster::database("report_moved"));
    let output = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let there = Folder::of("report-moved", &["tests/corpus/reports"]).with_store(to);
    assert_eq!(there.run(wanted).stdout, before);
    there.verify();
}

fn office(arguments: &[&str]) -> Output {
    Command::new(root().join("tests/office")).args(arguments).output().unwrap()
}

fn made(folder: &Folder, format: &str, more: &[&str]) -> String {
    let file = folder.path().join(format!("bao-cao{}.{format}", more.len()));
    let file = file.display().to_string();
    let all = ["report", "II.06a", "--period", "2026-H1", "--format", format, "-o", &file];
    let all: Vec<&str> = all.into_iter().chain(more.iter().copied()).collect();
    let output = folder.run(&all);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_is_read_by_others_with_the_right_cells() {
    let province = Province::new(Backend::Sqlite, "report-files").await;
    let folder = &province.folder;
    let file = made(folder, "xlsx", &[]);
    let cells = office(&["cells", &file]);
    assert!(cells.status.success(), "tests/office install was run? {}", stderr(&cells));
    let cells: Value = serde_json::from_str(&stdout(&cells)).unwrap();
    assert_eq!(cells["sheet"], "II.06a");
    let rows = cells["rows"].as_array().unwrap();
    let at = |first: &Value| rows.iter().position(|row| row[0] == *first).unwrap();
    let numbers: Vec<String> = (1..=13).map(|number| format!("({number})")).collect();
    assert_eq!(rows[at(&json!("(1)"))], json!(numbers));
    let names: Vec<_> = rows.iter().map(|row| row[1].as_str().unwrap_or_default()).collect();
    let line = |name: &str| {
        let found = names.iter().position(|text| text.split('\n').next() == Some(name));
        rows[found.unwrap()].as_array().unwrap()[2..].to_vec()
    };
    assert_eq!(line("Hoạt động xây dựng"), [3, 1, 1, 1, 1, 1, 0, 0, 2, 1, 1].map(|n| json!(n)));
    assert_eq!(line("Tổng số"), [7, 2, 4, 1, 3, 1, 1, 1, 4, 2, 2].map(|n| json!(n)));
    let merged = cells["merged"].as_array().unwrap();
    for range in ["A1:M1", "A8:A10", "C8:F8", "C9:C10", "D9:E9", "F9:F10"] {
        assert!(merged.contains(&json!(range)), "{range} of {merged:?}");
    }
    assert!(cells["formats"].as_array().unwrap().contains(&json!("[$-42A]#,##0")));
    assert!(cells["sums"].as_object().unwrap().values().any(|sum| sum == "=SUM(C13:C14)"));
    let printed = office(&["pdf", &file, &folder.path().display().to_string()]);
    assert!(printed.status.success(), "{}{}", stdout(&printed), stderr(&printed));
    let pdf = fs::read(Path::new(&file).with_extension("pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    // The other files, and both sides of a difference.
    let csv = fs::read_to_string(made(folder, "csv", &[])).unwrap();
    assert!(csv.starts_with("\u{FEFF}(1) STT,") && csv.contains("Nhà ở,dòng,3,1,2,0,2,"), "{csv}");
    let page = fs::read_to_string(made(folder, "html", &[])).unwrap();
    assert!(page.contains("từ ngày 15/12/2025 đến ngày 14/06/2026") && !page.contains("<script"));
    let frozen = folder.run(&["report", "II.06a", "--period", "2026-H1", "--freeze"]);
    assert!(stderr(&frozen).contains("frozen at position"), "{}", stderr(&frozen));
    province.told_late().await;
    let difference = made(folder, "xlsx", &["--figures", "difference"]);
    let cells: Value = serde_json::from_str(&stdout(&office(&["cells", &difference]))).unwrap();
    let sides = cells["rows"].as_array().unwrap().iter().filter(|row| row[1] == "Nhà ở");
    assert_eq!(
        sides.map(|row| row[2].clone()).collect::<Vec<_>>(),
        ["Đã chốt / Frozen", "Hiện nay / Now", "Chênh lệch / Difference"]
    );
    province.hub.stop();
}

/// Test idea 14 of the domain: what the plan of 2013 states, beside what the catalogue has.
#[tokio::test(flavor = "multi_thread")]
async fn procedures_are_counted_beside_what_the_plan_states() {
    let province = Province::new(Backend::Sqlite, "report-plan").await;
    let report = province.portal.found("/v1/reports/II.07b?period=2026-H1").await;
    let stated = report["assertions"].as_array().unwrap();
    let numbers: Vec<_> = stated.iter().map(|one| one["stated"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [20, 11, 171, 1254, 876, 257, 121]);
    assert_eq!(876 + 257 + 121, 1254);
    let found: Vec<_> = stated.iter().map(|one| one["catalogue"].as_i64().unwrap()).collect();
    assert_eq!(found[..3], [20, 11, 171], "agencies, districts and communes of 2013");
    let total = row(&report, "Tổng số");
    let [all, province_level, district, commune] = [0, 1, 2, 3].map(|at| total[at].as_i64());
    assert_eq!(all.unwrap(), province_level.unwrap() + district.unwrap() + commune.unwrap());
    assert!(all.unwrap() > 1_000 && total[4].is_null(), "what nobody tells is no number");
    at_one_stop_offices(province).await;
}

/// Once the catalogue tells of each procedure where it is done, that is counted; of what it tells
/// for some alone, the rows that are whole.
async fn at_one_stop_offices(province: Province) {
    province.hub.stop();
    let file = province.catalogue.join("procedures.csv");
    let text = fs::read_to_string(&file).unwrap();
    let told = |(at, line): (usize, &str)| match at {
        0 => format!("{line},one_stop,internal_process"),
        // Of the agency on the first rows nobody tells whether there are internal processes.
        _ if line.contains(",ban-dan-toc,") => format!("{line},no,"),
        _ => format!("{line},yes,{}", if at % 2 == 0 { "yes" } else { "no" }),
    };
    let whole: Vec<String> = text.lines().enumerate().map(told).collect();
    fs::write(&file, whole.join("\n") + "\n").unwrap();
    let hub = Hub::start(&province.folder).await;
    let report = province.portal.at(&hub.url).found("/v1/reports/II.07b?period=2026-H1").await;
    let total = row(&report, "Tổng số");
    let sum = |cells: &Value, from: usize| -> Option<i64> {
        (from..from + 3).map(|at| cells[at].as_i64()).sum()
    };
    assert_eq!(total[4].as_i64(), sum(&total, 5), "{total}");
    assert!(total[4].as_i64() < total[0].as_i64(), "{total}");
    assert!(total[8].is_null(), "one agency does not tell: {total}");
    let health = row(&report, "Sở Y tế");
    assert_eq!(health[4], health[0], "{health}");
    assert_eq!(health[8].as_i64(), sum(&health, 9));
    assert!(0 < health[8].as_i64().unwrap() && health[8].as_i64() < health[0].as_i64());
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().all(|one| one["holds"] == true), "{checks:?}");
    hub.stop();
}
