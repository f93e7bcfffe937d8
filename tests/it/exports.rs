//! Exports through the front door, read by the programs that analysts read them with.

mod broken;
mod columns;
mod killed;
mod large;
mod page;
mod persons;
mod resumed;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, CHANNEL, dossier, send_all},
};

on_each_store!(
    four_formats_hold_the_same_rows_and_the_hubs_own_numbers,
    what_is_addressed_is_in_the_exports_of_its_parties_alone,
    what_is_asked_wrongly_is_answered_by_name,
);

const FORMATS: [&str; 4] = ["ndjson", "csv", "xlsx", "parquet"];

/// Names of procedures that a spreadsheet would take for formulas.
const FORMULAS: [&str; 5] =
    ["=1+1", "=HYPERLINK(\"http://127.0.0.1/\",\"Xem\")", "+84900000171", "-2+3", "@SUM(A1:A9)"];

/// A file over HTTP: its bytes, and what stands at its head.
async fn fetched(sender: &Sender, path: &str) -> (Vec<u8>, HeaderMap) {
    let request = sender.client.get(format!("{}{path}", sender.url)).bearer_auth(sender.key());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let headers = answer.headers().clone();
    (answer.bytes().await.unwrap().to_vec(), headers)
}

/// Where a file says that what comes later is to be had.
fn next(headers: &HeaderMap) -> String {
    let link = headers["link"].to_str().unwrap();
    let (address, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert_eq!(rest, "; rel=\"next\"");
    address.to_owned()
}

/// The cursor of such an address.
fn cursor(address: &str) -> &str {
    address.split_once("after=").unwrap().1
}

/// What another program makes of some files.
fn read_by_others(folder: &Path, arguments: &[&str], input: &str) -> Value {
    let mut command = Command::new(root().join("tests/clients/run"));
    command.arg("exports.py").args(arguments).current_dir(folder);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// Sends what the tests export: dossiers through their statuses, and names that are formulas.
async fn played(sender: &Sender) {
    send_all(sender, (0..60).flat_map(|one| dossier(8, one)).collect(), 4).await;
    for (number, name) in FORMULAS.iter().enumerate() {
        let form = json!({
            "maHoSo": format!("BH.HT.24.9{number:05}"), "suKien": "HOSO_MOI",
            "trangThai": "TIEP_NHAN", "thoiDiem": "2024-05-06T09:00:00+07:00", "tenThuTuc": name,
            "linhVuc": "Tư pháp", "ngayTiepNhan": "2024-05-06T23:30:00+07:00", "lePhi": 50_000,
            "nguoiNop": { "hoTen": "Nguyễn Thị Kiểm Thử", "cmnd": "270999071",
                          "dienThoai": "0900000171", "diaChi": "tổ 31, khu phố 5",
                          "maXa": "26032" }
        });
        let id = format!("formula-{number}");
        let (status, receipt) =
            sender.push(CHANNEL, Some(&id), form.to_string().as_bytes()).await.unwrap();
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }
}

/// A hub that has heard of some dossiers; senders with the agency's key, the portal's and the
/// operator's.
async fn province(backend: Backend, name: &str) -> (Folder, Hub, [Sender; 3]) {
    let folder = backend.folder(name);
    let keys = [AGENCY, "portal", "operator"].map(|principal| folder.key(principal));
    let hub = Hub::start(&folder).await;
    let senders = keys.map(|key| hub.sender(&key));
    played(&senders[0]).await;
    (folder, hub, senders)
}

/// Exports in all formats; gives what others make of them.
async fn exported(
    sender: &Sender,
    folder: &Folder,
    (feed, query): (&str, &str),
) -> (Value, HeaderMap) {
    let mut head = HeaderMap::new();
    let name = folder.path().join(feed);
    for format in FORMATS {
        let (bytes, headers) =
            fetched(sender, &format!("/v1/exports/{feed}.{format}{query}")).await;
        fs::write(name.with_extension(format), bytes).unwrap();
        let position = &headers["x-journal-position"];
        let disposition = headers["content-disposition"].to_str().unwrap();
        let ending = format!("-{}.{format}\"", position.to_str().unwrap());
        assert!(disposition.starts_with("attachment; filename=\"lienthong-"), "{disposition}");
        assert!(disposition.ends_with(&ending), "{disposition}");
        head = headers;
    }
    (read_by_others(folder.path(), &["same", feed], "")[0].take(), head)
}

/// How many rows count and were so in 2024: by a column's day, or, of those in a status, by the
/// first of some that is told.
fn in_2024(rows: &[Value], status: Option<u8>, columns: &[&str]) -> i64 {
    let of = |row: &&Value| {
        let day = columns.iter().find_map(|column| row[column].as_str());
        row["is_counted"] == true
            && status.is_none_or(|status| row["status"] == status)
            && day.is_some_and(|day| day.starts_with("2024"))
    };
    rows.iter().filter(of).count() as i64
}

async fn four_formats_hold_the_same_rows_and_the_hubs_own_numbers(backend: Backend) {
    let (folder, hub, [agency, portal, operator]) = province(backend, "exports-same").await;
    let feed = portal.feed("records", 500).await;
    for query in ["", "?contract=dossier/1", "?agency=ubnd-bien-hoa&from=2020-01-01"] {
        let (read, head) = exported(&portal, &folder, ("records", query)).await;
        let rows = read["rows"].as_array().unwrap();
        let dossiers = query.starts_with("?contract=");
        let wanted = |event: &&Value| {
            !dossiers || event["dataschema"].as_str().unwrap().ends_with("/contracts/dossier/1")
        };
        assert_eq!(rows.len(), feed.iter().filter(wanted).count(), "{query}");
        assert_eq!(read["types"]["position"], "int64");
        assert_eq!(read["types"]["recorded_at"], "timestamp[us, tz=UTC]");
        assert_eq!(read["types"]["has_personal"], "bool");
        assert_eq!(read["metadata"]["lienthong.rows"], rows.len().to_string());
        assert_eq!(read["metadata"]["lienthong.next"], cursor(&next(&head)).to_owned());
        let names: Vec<_> = rows.iter().map(|row| &row["procedure_name"]).collect();
        for formula in FORMULAS {
            assert!(names.contains(&&json!(formula)), "{formula}");
            let quoted = format!("'{}", formula.replace('"', "\"\""));
            assert!(read["csv"].as_str().unwrap().contains(&quoted), "{quoted}");
        }
        let titles = read["titles"][0].as_str().unwrap();
        assert_eq!(titles, "Vị trí nhật ký\nPosition");
    }
    // Nobody's personal data, whatever the format.
    let (read, _) = exported(&operator, &folder, ("records", "")).await;
    for personal in ["Nguyễn Thị Kiểm Thử", "270999071", "0900000171", "tổ 31"] {
        assert!(!read.to_string().contains(personal), "{personal}");
    }
    let (read, head) = exported(&agency, &folder, ("dossiers", "")).await;
    assert_eq!(read["types"]["accepted_on"], "date32[day]");
    let rows = read["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 65);
    // An instant late in the evening is a day there, not of the day before.
    let late = rows.iter().find(|row| row["procedure_name"] == "=1+1").unwrap();
    assert_eq!((&late["accepted_on"], &late["fees"]), (&json!("2024-05-06"), &json!(50_000)));
    let position = head["x-journal-position"].to_str().unwrap();
    let path = format!("/v1/statistics?from=2024-01-01&to=2024-12-31&by=&as_of={position}");
    let numbers = portal.found(&path).await;
    assert_eq!(numbers["as_of"].to_string(), position);
    let measures = &numbers["rows"][0]["measures"];
    assert!(measures["returned"].as_i64().unwrap() > 0, "{numbers}");
    assert_eq!(measures["accepted"], in_2024(rows, None, &["accepted_on"]), "{numbers}");
    // Some systems do not tell the day of return.
    let returned = in_2024(rows, Some(10), &["returned_on", "status_on"]);
    assert_eq!(measures["returned"], returned, "{numbers}");
    let counted = read_by_others(
        folder.path(),
        &["sql"],
        "SELECT count(*) FILTER (WHERE year(accepted_on) = 2024), sum(fees)::BIGINT, \
         count(DISTINCT status_name_vi) > 2 FROM 'dossiers.parquet' WHERE is_counted;",
    );
    assert_eq!(counted[0][0], measures["accepted"]);
    let fees: i64 = rows.iter().filter_map(|row| row["fees"].as_i64()).sum();
    assert_eq!((&counted[0][1], &counted[0][2]), (&json!(fees), &json!(true)));
    let (read, _) = exported(&portal, &folder, ("findings", "")).await;
    let findings = portal.feed("findings", 500).await;
    assert!(read["rows"].as_array().unwrap().len() <= findings.len());
    hub.stop();
    told_by_the_command(&folder, &feed);
}

/// The command writes the same, without a hub.
fn told_by_the_command(folder: &Folder, feed: &[Value]) {
    let output = folder.run(&["export", "records", "--format", "ndjson", "-o", "lenh.ndjson"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = fs::read_to_string(folder.path().join("lenh.ndjson")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events, feed);
    let told = stdout(&output);
    let (_, after) = told.trim().rsplit_once("--after ").unwrap();
    let rest = folder.run(&["export", "records", "--format", "csv", "--after", after]);
    assert_eq!(stdout(&rest).lines().count(), 1, "the header alone is left");
    for (arguments, words) in [
        (["export", "records", "--format", "csv", "--after", "31"], "--after: no cursor"),
        (["export", "records", "--format", "csv", "--contract", "dosier/1"], "dossier/1"),
        (["export", "findings", "--format", "csv", "--contract", "dossier/1"], "leave it out"),
        (["export", "records", "--format", "csv", "-o", "/nowhere/x.csv"], "cannot be written"),
    ] {
        let output = folder.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

/// The records that somebody's export holds, by contract.
async fn contracts_of(sender: &Sender) -> Vec<String> {
    let (bytes, _) = fetched(sender, "/v1/exports/records.ndjson").await;
    let text = String::from_utf8(bytes).unwrap();
    let schema = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["dataschema"].as_str().unwrap().rsplit_once("/contracts/").unwrap().1.to_owned()
    };
    text.lines().map(schema).collect()
}

async fn what_is_addressed_is_in_the_exports_of_its_parties_alone(backend: Backend) {
    let mut folder = backend.folder_of("exports-addressed", &["tests/corpus/exchange"]);
    let endpoint = |channel: &str| {
        format!(
            "[endpoints.\"{channel}\"]\nurl = \"http://127.0.0.1:9/nhan\"\n\
             private = [\"127.0.0.1\"]\n"
        )
    };
    let channels = ["so-tu-phap.tra-loi", "so-xay-dung.yeu-cau", "so-xay-dung.ho-so"];
    folder.configured_with(channels.map(endpoint).concat());
    let principals =
        ["agency:so-tu-phap", "agency:so-noi-vu", "agency:so-xay-dung", "portal", "operator"];
    let keys = principals.map(|principal| folder.key(principal));
    let hub = Hub::start(&folder).await;
    let [asks, asked, other, portal, operator] = keys.map(|key| hub.sender(&key));
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3_600);
    let body = json!({
        "to": "so-noi-vu", "due_at": due.to_string(), "dossier": "H19.08-261120-0001",
        "subject": "Xác minh nguồn gốc đất", "text": "Đề nghị xác minh thửa 12."
    });
    let request = asks.client.post(format!("{}/v1/requests", asks.url)).bearer_auth(asks.key());
    let request = request.header("Idempotency-Key", "cv-9").body(body.to_string());
    assert_eq!(request.send().await.unwrap().status(), 200);
    for (who, seen) in [(&asks, true), (&asked, true), (&operator, true)] {
        assert_eq!(contracts_of(who).await.contains(&"request/1".to_owned()), seen);
    }
    for who in [&other, &portal] {
        assert_eq!(contracts_of(who).await, Vec::<String>::new());
    }
    let (bytes, _) = fetched(&asked, "/v1/exports/records.csv?contract=request/1").await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("so-tu-phap:cv-9") && text.contains("H19.08-261120-0001"), "{text}");
    assert!(!text.contains("Đề nghị") && !text.contains("Xác minh"), "{text}");
    // Who was sent it is given it whole, for a purpose; who sent it reads that.
    let stated = "/v1/exports/records.csv?contract=request/1&purpose=handling";
    let text = String::from_utf8(fetched(&asked, stated).await.0).unwrap();
    assert!(text.contains("Xác minh nguồn gốc đất,Đề nghị xác minh thửa 12."), "{text}");
    let log = asks.found("/v1/access-log").await;
    let (who, call) = (&log["accesses"][0]["principal"], &log["accesses"][0]["call"]);
    assert_eq!((who, call), (&json!("agency:so-noi-vu"), &json!("exportFeed")), "{log}");
    hub.stop();
}

async fn what_is_asked_wrongly_is_answered_by_name(backend: Backend) {
    let folder = backend.folder("exports-wrong");
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&key);
    for (path, status, code) in [
        ("records.pdf", 404, "no-such-export"),
        ("numbers.csv", 404, "no-such-export"),
        ("records", 404, "no-such-export"),
        ("records.csv?personal=1", 400, "bad-parameter"),
        ("records.csv?contract=dosier/1", 400, "bad-parameter"),
        ("dossiers.csv?contract=dossier/1", 400, "bad-parameter"),
        ("records.csv?from=06/05/2024", 400, "bad-parameter"),
        ("records.csv?from=2024-05-07&to=2024-05-06", 400, "bad-parameter"),
        ("records.csv?until=-1", 400, "bad-parameter"),
        ("records.csv?after=31", 400, "bad-cursor"),
    ] {
        let (found, problem) = portal.get(&format!("/v1/exports/{path}")).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{path}: {problem}");
    }
    let (_, problem) = portal.get("/v1/exports/records.pdf").await;
    assert_eq!(problem["formats"], json!(FORMATS));
    let (_, problem) = portal.get("/v1/exports/records.csv?contract=dosier/1").await;
    assert!(problem["advice"].as_str().unwrap().contains("dossier/1"), "{problem}");
    let nobody = portal.client.get(format!("{}/v1/exports/records.csv", portal.url));
    assert_eq!(nobody.send().await.unwrap().status(), 401);
    // Nothing to tell is a file all the same, in every format.
    exported(&portal, &folder, ("dossiers", "?from=2026-01-01")).await;
    hub.stop();
}

/// A file of a folder.
fn file(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join(name)
}
