//! The page that an analyst reads: its commands and queries run as they stand, and its table of
//! columns is that of the files.

use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    process::Command,
};

use jiff::{Timestamp, civil::Date, tz};
use serde_json::{Value, json};

use super::{columns, province, read_by_others};
use crate::{
    backend::{Backend, on_each_store},
    fenced::{self, Left},
    harness::{Folder, Sender},
    lienthong::{binary, stderr, stdout},
    permutations::CHANNEL,
};

on_each_store!(the_page_leads_an_analyst_from_a_file_to_figures);

/// The part of the page about exports.
fn page() -> String {
    let page = fenced::page("reporting.md");
    page.split_once("\n## Exports\n").unwrap().1.to_owned()
}

/// Who reads the page: what they type, in the hub's folder, with the portal's key and an agency's.
struct Analyst<'a> {
    left: Left,
    folder: &'a Folder,
    agency: &'a Sender,
    portal: &'a Sender,
}

impl Analyst<'_> {
    /// Runs a script as a person would type it.
    fn types(&self, script: &str) {
        let script = script.replace("http://127.0.0.1:8080", &self.portal.url);
        let path =
            format!("{}:{}", binary().parent().unwrap().display(), env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-euc", &script]).current_dir(self.folder.path());
        command.env("KEY", self.portal.key()).env("AGENCY", self.agency.key());
        let output = command.env("PATH", path).env("HOME", self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}{}", stdout(&output), stderr(&output));
    }

    /// Types the next block of the page, which has these words.
    fn types_next(&mut self, words: &str) {
        let script = self.left.next("sh", words);
        self.types(&script);
    }

    /// The rows that the next block of the page answers, which has these words.
    fn asks_next(&mut self, words: &str) -> Vec<Value> {
        let sql = self.left.next("sql", words);
        let rows = read_by_others(self.folder.path(), &["sql"], &sql);
        rows.as_array().unwrap().clone()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

/// The sum of a column of rows.
fn sum(rows: &[Value], at: usize) -> i64 {
    rows.iter().map(|row| row[at].as_i64().unwrap_or(0)).sum()
}

/// The day in Vietnam that a member of dossiers tells, where it does.
fn day(told: &Value) -> Option<Date> {
    let text = told.as_str()?;
    let there = tz::TimeZone::fixed(tz::offset(7));
    let of_instant = |at: Timestamp| there.to_datetime(at).date();
    Some(text.parse().map(of_instant).unwrap_or_else(|_| text.parse().unwrap()))
}

async fn the_page_leads_an_analyst_from_a_file_to_figures(backend: Backend) {
    let (folder, hub, [agency, portal, _]) = province(backend, "exports-page").await;
    let left = Left::of(&page());
    let mut analyst = Analyst { left, folder: &folder, agency: &agency, portal: &portal };
    analyst.types_next("ho-so-1.parquet");
    let head = analyst.text("dau.txt");
    let records = portal.feed("records", 500).await;
    let told = portal.found("/v1/statistics?from=2024-01-01&to=2024-12-31&by=").await;
    assert!(head.contains(&format!("x-journal-position: {}\r\n", told["as_of"])), "{head}");
    analyst.types_next("ban-ghi.ndjson");
    let lines = analyst.text("ban-ghi.ndjson");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, records);
    persons_are_the_agencys_own(&mut analyst, &records).await;
    let accepted = figures_are_the_hubs(&mut analyst, &records).await;
    numbers_may_be_added_up(&mut analyst, accepted).await;
    it_goes_on(&mut analyst).await;
    sheets_are_sheets(&mut analyst, accepted);
    analyst.left.none();
    columns::are_told(&page(), [&agency, &portal], &folder).await;
    hub.stop();
}

/// Each dossier that the agency sent, with its applicant; and that they were read is written down.
async fn persons_are_the_agencys_own(analyst: &mut Analyst<'_>, records: &[Value]) {
    analyst.types_next("purpose=inspection");
    let rows = analyst.asks_next("applicant_name");
    let of_dossiers = records
        .iter()
        .filter(|event| event["dataschema"].as_str().unwrap().ends_with("/contracts/dossier/1"));
    let codes: Vec<&Value> = of_dossiers.map(|event| &event["data"]["source_code"]).collect();
    assert!(codes.len() > 64, "{codes:?}");
    assert_eq!(rows.iter().map(|row| &row[0]).collect::<Vec<_>>(), codes);
    for row in &rows {
        let whole = json!([row[0], "Nguyễn Thị Kiểm Thử", "0900000171", "included"]);
        assert_eq!(row, &whole);
    }
    let log = analyst.agency.found("/v1/access-log").await;
    assert_eq!(log["accesses"][0]["purpose"], "inspection", "{log}");
}

/// What DuckDB answers out of files of dossiers and of records; how many were accepted.
async fn figures_are_the_hubs(analyst: &mut Analyst<'_>, records: &[Value]) -> i64 {
    let by_agency = analyst.asks_next("returned_after_the_due_day");
    let numbers = analyst.portal.found("/v1/statistics?from=2024-01-01&to=2024-12-31&by=").await;
    let accepted = sum(&by_agency, 2);
    assert_eq!(numbers["rows"][0]["measures"]["accepted"], accepted, "{by_agency:?}");
    let (mut late, mut fees) = (0, 0);
    let events = analyst.portal.feed("dossiers", 500).await;
    let last: HashMap<&str, &Value> =
        events.iter().map(|event| (event["subject"].as_str().unwrap(), &event["data"])).collect();
    let counted = |state: &&&Value| {
        let year = day(&state["accepted_at"]).map(Date::year);
        state["counted"] == true && year == Some(2024)
    };
    for state in last.values().filter(counted) {
        let of = |fee: &Value| fee["amount"].as_i64().unwrap();
        fees += state["fees"].as_array().into_iter().flatten().map(of).sum::<i64>();
        let (returned, due) = (day(&state["returned_at"]), day(&state["due_at"]));
        late += i64::from(returned.zip(due).is_some_and(|(returned, due)| returned > due));
    }
    assert!(late > 0, "the test tells nothing");
    assert_eq!((sum(&by_agency, 3), sum(&by_agency, 4)), (late, fees), "{by_agency:?}");
    let told = |event: &Value| {
        let data = &event["data"];
        let steps = data["history"].as_array().map(Vec::len);
        json!([event["subject"], data["status_raw"], steps])
    };
    let wanted: Vec<Value> = records.iter().take(20).map(told).collect();
    assert_eq!(analyst.asks_next("json_array_length"), wanted);
    accepted
}

/// Sums over the file of numbers, by DuckDB and by SQLite.
async fn numbers_may_be_added_up(analyst: &mut Analyst<'_>, accepted: i64) {
    analyst.types_next("so-lieu.parquet");
    let numbers = analyst.asks_next("so-lieu.parquet");
    let told = analyst.portal.found("/v1/statistics?from=2024-01-01&to=2024-12-31&by=").await;
    let measures = &told["rows"][0]["measures"];
    for (at, measure) in [(2, "accepted"), (3, "finished-late"), (4, "open")] {
        assert_eq!(measures[measure], sum(&numbers, at), "{measure}: {numbers:?}");
    }
    analyst.types_next("sqlite3");
    assert_eq!(analyst.text("tiep-nhan-2024.txt").trim(), accepted.to_string());
}

/// What has come since the first file is in the second, and nothing else.
async fn it_goes_on(analyst: &mut Analyst<'_>) {
    let form = json!({
        "maHoSo": "BH.HT.24.990001", "suKien": "HOSO_MOI", "trangThai": "TIEP_NHAN",
        "thoiDiem": "2024-06-03T09:00:00+07:00", "tenThuTuc": "Đăng ký kết hôn",
        "linhVuc": "Tư pháp", "ngayTiepNhan": "2024-06-03T08:30:00+07:00",
        "nguoiNop": { "hoTen": "Nguyễn Thị Kiểm Thử", "dienThoai": "0900000171" }
    });
    let bytes = form.to_string();
    let (status, _) = analyst.agency.push(CHANNEL, Some("go-on"), bytes.as_bytes()).await.unwrap();
    assert_eq!(status, 200);
    analyst.types_next("ho-so-2.parquet");
    let head = analyst.text("dau.txt");
    let next = head.split_once("after=").unwrap().1.split_once('>').unwrap().0;
    assert_eq!(analyst.asks_next("parquet_kv_metadata"), [json!([next])]);
    let sql = "SELECT source_code FROM 'ho-so-2.parquet'";
    let second = read_by_others(analyst.folder.path(), &["sql"], sql);
    assert_eq!(second, json!([["BH.HT.24.990001"]]));
    let states = analyst.asks_next("ho-so-*.parquet");
    let events = analyst.portal.feed("dossiers", 500).await;
    let last: HashMap<&str, &Value> =
        events.iter().map(|event| (event["subject"].as_str().unwrap(), &event["data"])).collect();
    let mut by_status = BTreeMap::<u64, i64>::new();
    for state in last.values() {
        *by_status.entry(state["status"].as_u64().unwrap()).or_default() += 1;
    }
    let mut wanted: Vec<i64> = by_status.into_values().collect();
    wanted.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(wanted.iter().sum::<i64>(), 66);
    let found: Vec<i64> = states.iter().map(|row| row[1].as_i64().unwrap()).collect();
    assert_eq!(found, wanted, "{states:?}");
}

/// A spreadsheet program reads the workbook, and finds no formula in it; and the lines of numbers.
fn sheets_are_sheets(analyst: &mut Analyst<'_>, accepted: i64) {
    analyst.types_next("ho-so.xlsx");
    analyst.types(
        "soffice --headless --convert-to xlsx:'Calc MS Excel 2007 XML' --outdir doc \
         ho-so.ods so-lieu.ods",
    );
    let folder = analyst.folder.path();
    let cells = read_by_others(folder, &["cells", "doc/ho-so.xlsx"], "");
    assert_eq!(cells[0][0], "Dữ liệu");
    assert_eq!(cells[0][1].as_array().unwrap().len(), 66);
    assert!(cells.to_string().contains("\"=1+1\""), "{cells}");
    let cells = read_by_others(folder, &["cells", "doc/so-lieu.xlsx"], "");
    let [head, rows @ ..] = &cells[0][1].as_array().unwrap()[..] else { panic!("{cells}") };
    let at = |name: &str| head.as_array().unwrap().iter().position(|cell| cell == name).unwrap();
    let (day, column) = (at("day"), at("accepted"));
    let of_2024 = rows.iter().filter(|row| row[day].as_str().unwrap().starts_with("2024-"));
    assert_eq!(of_2024.map(|row| row[column].as_i64().unwrap_or(0)).sum::<i64>(), accepted);
}
