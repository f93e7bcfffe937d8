//! Exports with personal members: for who says what for, of what is their own, written down before
//! a line is given.

use serde_json::{Value, json};

use super::{FORMATS, cursor, exported, fetched, next, played};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{stderr, stdout},
    people::altered,
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(
    persons_are_in_the_exports_of_whose_they_are_and_are_written_down,
    an_export_that_cannot_be_written_down_gives_nobody,
);

/// The feed as a file with persons, of the contract that has them.
const QUERY: &str = "?contract=dossier/1&purpose=inspection&reason=%C4%91%E1%BB%A3t%202";
/// Who applied, and would be a formula.
const NAME: &str = "=1+1 Nguyễn Zyxwvq";
const CODE: &str = "BH.HT.24.800001";
/// What of them nobody else is to find.
const MARKS: [&str; 3] = ["Zyxwvq", "270999072", "0900000172"];

/// A hub that has been told of persons by one agency.
struct Office {
    folder: Folder,
    hub: Hub,
    own: Sender,
    other: Sender,
    portal: Sender,
    operator: Sender,
    /// A key of the agency for feeds, without what is personal.
    narrow: Sender,
}

impl Office {
    async fn new(backend: Backend, name: &str) -> Self {
        let folder = backend.folder(name);
        let principals = [AGENCY, "agency:so-tai-nguyen-moi-truong", "portal", "operator"];
        let [own, other, portal, operator] = principals.map(|one| folder.key(one));
        let narrow = folder.run(&["key", "new", AGENCY, "--scope", "feeds:read"]);
        assert_eq!(narrow.status.code(), Some(0), "{}", stderr(&narrow));
        let hub = Hub::start(&folder).await;
        let keys = [own, other, portal, operator, stdout(&narrow).trim().to_owned()];
        let [own, other, portal, operator, narrow] = keys.map(|key| hub.sender(&key));
        let form = json!({
            "maHoSo": CODE, "suKien": "HOSO_MOI", "trangThai": "TIEP_NHAN",
            "thoiDiem": "2024-05-06T09:00:00+07:00", "tenThuTuc": "Đăng ký kết hôn",
            "linhVuc": "Tư pháp", "ngayTiepNhan": "2024-05-06T08:30:00+07:00", "lePhi": 50_000,
            "nguoiNop": { "hoTen": NAME, "cmnd": "270999072", "dienThoai": "0900000172",
                          "diaChi": "tổ 31, khu phố 5", "maXa": "26032" }
        });
        let (status, receipt) =
            own.push(CHANNEL, Some("p-1"), form.to_string().as_bytes()).await.unwrap();
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        Self { folder, hub, own, other, portal, operator, narrow }
    }
}

/// The rows of a file in all formats.
fn rows(read: &Value) -> &Vec<Value> {
    read["rows"].as_array().unwrap()
}

fn names_nobody(told: &Value) {
    for mark in MARKS {
        assert!(!told.to_string().contains(mark), "{mark}: {told}");
    }
}

/// What the log has about the person's dossier, as somebody reads it.
async fn log(who: &Sender) -> Vec<Value> {
    let told = who.found(&format!("/v1/access-log?dossier={CODE}")).await;
    told["accesses"].as_array().unwrap().clone()
}

/// Who is given none: for want of a purpose, of a scope, or because they are another's.
async fn others_are_given_nobody(office: &Office) {
    for (who, query, word) in [
        (&office.own, "?contract=dossier/1", None),
        (&office.portal, QUERY, Some("withheld")),
        (&office.operator, QUERY, Some("withheld")),
    ] {
        let (read, _) = exported(who, &office.folder, ("records", query)).await;
        let row = rows(&read).iter().find(|row| row["key"] == CODE).unwrap();
        assert_eq!(row["has_personal"], true);
        assert_eq!(row.get("personal"), word.map(|word| json!(word)).as_ref(), "{query}");
        assert_eq!(row.get("applicant_name").is_some(), word.is_some());
        names_nobody(&read);
    }
    let (read, _) = exported(&office.other, &office.folder, ("records", QUERY)).await;
    assert_eq!(rows(&read).len(), 0);
    for (query, status, code) in [
        ("records.csv?purpose=handling", 403, "scope-not-granted"),
        ("records.csv?purpose=curiosity", 400, "bad-parameter"),
        ("records.csv?purpose=other", 400, "bad-parameter"),
        ("records.csv?reason=vi", 400, "bad-parameter"),
        ("dossiers.csv?purpose=handling", 400, "bad-parameter"),
    ] {
        let (found, problem) = office.narrow.get(&format!("/v1/exports/{query}")).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{query}: {problem}");
    }
    assert_eq!(log(&office.operator).await, Vec::<Value>::new(), "nobody was given anything");
}

/// The lines of JSON hold what each record is alone, the secret of a receipt among it.
async fn lines_are_records(office: &Office) {
    let (bytes, head) = fetched(&office.own, &format!("/v1/exports/records.ndjson{QUERY}")).await;
    let disposition = head["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("lienthong-records-dossier-1-personal-"), "{disposition}");
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 30);
    for line in lines.iter().step_by(9).chain(lines.iter().filter(|line| line["subject"] == CODE)) {
        let path = format!("{}?purpose=inspection", line["dataref"].as_str().unwrap());
        let record = office.own.found(&path).await;
        assert_eq!((&line["data"], &line["personal"]), (&record["data"], &record["personal"]));
    }
    // What comes later is asked for in the same way.
    let next = next(&head);
    assert!(next.contains("purpose=inspection") && next.contains("reason=%C4%91"), "{next}");
    assert_eq!(fetched(&office.own, &next).await.0, b"");
}

async fn persons_are_in_the_exports_of_whose_they_are_and_are_written_down(backend: Backend) {
    let office = Office::new(backend, "exports-persons").await;
    played(&office.own).await;
    others_are_given_nobody(&office).await;
    let (read, head) = exported(&office.own, &office.folder, ("records", QUERY)).await;
    let row = rows(&read).iter().find(|row| row["key"] == CODE).unwrap();
    assert_eq!((&row["applicant_name"], &row["personal"]), (&json!(NAME), &json!("included")));
    assert_eq!(row["applicant_id_number"], MARKS[1]);
    assert_eq!(read["types"]["applicant_name"], read["types"]["key"]);
    assert!(read["csv"].as_str().unwrap().contains(&format!("'{NAME}")), "{row}");
    assert!(read["titles"].to_string().contains("Người nộp"), "{}", read["titles"]);
    assert_eq!(read["metadata"]["lienthong.next"], cursor(&next(&head)).to_owned());
    // Each dossier of each file is in the log of whose data it is; once for each file.
    let all = log(&office.own).await;
    assert_eq!(all.len(), FORMATS.len(), "{all:?}");
    for one in &all {
        assert_eq!((&one["call"], &one["reason"]), (&json!("exportFeed"), &json!("đợt 2")));
        assert_eq!((&one["principal"], &one["purpose"]), (&json!(AGENCY), &json!("inspection")));
    }
    names_nobody(&json!(all));
    assert_eq!(log(&office.other).await, Vec::<Value>::new());
    let given = rows(&read).iter().filter(|row| row["personal"] == "included");
    let mut dossiers: Vec<_> = given.map(|row| row["source_code"].to_string()).collect();
    dossiers.sort();
    dossiers.dedup();
    let whole = office.own.found("/v1/access-log?limit=1000").await;
    assert_eq!(whole["accesses"].as_array().unwrap().len(), dossiers.len() * FORMATS.len());
    lines_are_records(&office).await;

    // Erased, they are in no file any more, and the file says so.
    let done = office.folder.run(&["erase", CODE, "--reason", "số 12", "--yes"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let before = log(&office.own).await;
    let (read, _) = exported(&office.own, &office.folder, ("records", QUERY)).await;
    names_nobody(&read);
    let row = rows(&read).iter().find(|row| row["key"] == CODE).unwrap();
    assert_eq!((&row["applicant_name"], &row["personal"]), (&Value::Null, &json!("erased")));
    assert!(rows(&read).iter().any(|row| row["personal"] == "included"));
    assert_eq!(log(&office.own).await, before, "what is not there is not given");
    office.hub.stop();
    office.folder.verify();
}

async fn an_export_that_cannot_be_written_down_gives_nobody(backend: Backend) {
    let office = Office::new(backend, "exports-persons-closed").await;
    let lienthong = if backend == Backend::Postgres { "lienthong." } else { "" };
    altered(backend, &office.folder, &format!("ALTER TABLE {lienthong}accesses RENAME TO away"));
    for format in FORMATS {
        let url = format!("{}/v1/exports/records.{format}{QUERY}", office.own.url);
        let answer = office.own.client.get(url).bearer_auth(office.own.key()).send().await.unwrap();
        let (mut answer, mut bytes) = (answer, Vec::new());
        let broken = loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken, "{format}: it is not whole, and its reader sees that");
        names_nobody(&json!(String::from_utf8_lossy(&bytes)));
    }
    let (bytes, _) = fetched(&office.own, "/v1/exports/records.ndjson").await;
    assert!(!bytes.is_empty(), "what is public is told");
    altered(backend, &office.folder, &format!("ALTER TABLE {lienthong}away RENAME TO accesses"));
    let (bytes, _) = fetched(&office.own, &format!("/v1/exports/records.csv{QUERY}")).await;
    assert!(String::from_utf8_lossy(&bytes).contains(MARKS[0]));
    assert_eq!(log(&office.own).await.len(), 1);
    office.hub.stop();
}
