//! Real samples against their truth, value for value, through `lienthong apply`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    process,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    cluster,
    lienthong::{root, run, stderr, stdout},
};

/// The national status of each word of the truth.
fn status(word: &str) -> u8 {
    match word {
        "received" => 2,
        "in_progress" => 4,
        "supplement_requested" => 5,
        "approved" => 9,
        "returned" => 10,
        "rejected" => 8,
        other => panic!("unknown word {other}"),
    }
}

/// A day stays a day; an instant becomes UTC.
fn moment(value: &Value) -> Value {
    match value.as_str() {
        Some(text) if text.len() > 10 => json!(text.parse::<Timestamp>().unwrap().to_string()),
        _ => value.clone(),
    }
}

/// The body that the truth means, by the crosswalk of the semantics.
fn canonical(truth: &Value) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: &Value| {
        if !value.is_null() {
            body.insert(name.to_owned(), value.clone());
        }
    };
    let applicant = &truth["applicant"];
    set("source", &truth["agency_id"]);
    set("agency", &truth["agency_id"]);
    set("source_code", &truth["native_id"]);
    set("procedure_source_code", &truth["procedure_native_code"]);
    set("procedure_name", &truth["procedure_name"]);
    set("field", &truth["field"]);
    set("subject", &truth["subject"]);
    set("commune", &applicant["commune_code"]);
    set("channel", &json!("counter"));
    set("accepted_at", &moment(&truth["received_at"]));
    set("due_at", &moment(&truth["due_at"]));
    set("finished_at", &moment(&truth["completed_at"]));
    if truth["status"] == "returned" {
        set("returned_at", &moment(&truth["completed_at"]));
    }
    set("status", &json!(status(truth["status"].as_str().unwrap())));
    set("status_raw", &truth["status_native"]);
    set("officer", &truth["handler"]);
    if !truth["fee_vnd"].is_null() {
        set("fees", &json!([{ "amount": truth["fee_vnd"] }]));
    }
    if !truth["result_no"].is_null() {
        set("result", &json!({ "number": truth["result_no"] }));
    }
    if truth["attributes"] != json!({}) {
        set("attributes", &truth["attributes"]);
    }
    let mut person = Map::new();
    for (theirs, ours) in [
        ("kind", "kind"),
        ("name", "name"),
        ("gender", "gender"),
        ("birth_date", "birth_date"),
        ("id_type", "id_type"),
        ("id_number", "id_number"),
        ("phone", "phone"),
        ("email", "email"),
        ("address_text", "address"),
        ("commune_code", "commune"),
        ("district_code", "district"),
    ] {
        if !applicant[theirs].is_null() {
            person.insert(ours.to_owned(), applicant[theirs].clone());
        }
    }
    set("applicant", &Value::Object(person));
    Value::Object(body)
}

/// A whole number is one, whether written with a fraction of zero or not.
fn plain(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
            if let Some(whole) = whole {
                *value = json!(whole as i64);
            }
        }
        Value::Object(members) => members.values_mut().for_each(plain),
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// The bodies that a sample must become, by native id.
pub(crate) fn truth(sample: &str) -> BTreeMap<String, Value> {
    let file = root().join(format!("tests/corpus/samples/truth/{sample}.json"));
    let mut truth: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    plain(&mut truth);
    let records = truth["records"].as_array().unwrap();
    records
        .iter()
        .map(|record| (record["native_id"].as_str().unwrap().to_owned(), canonical(record)))
        .collect()
}

/// Drafts of samples by key, as [`mapped`] gives them.
fn applied(channel: &str, files: &[&str]) -> BTreeMap<String, Value> {
    let samples = root().join("tests/corpus/samples");
    mapped(channel, &files.iter().map(|file| samples.join(file)).collect::<Vec<_>>())
}

/// Drafts of the files by key; a key that comes twice must come with the same body.
fn mapped(channel: &str, files: &[PathBuf]) -> BTreeMap<String, Value> {
    let mut drafts = BTreeMap::new();
    for file in files {
        let output = run(&["apply", channel, file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        for line in stderr(&output).lines() {
            let told: Value = serde_json::from_str(line).unwrap();
            assert!(told["warnings"].is_array(), "{line}");
        }
        for line in stdout(&output).lines() {
            let draft: Value = serde_json::from_str(line).unwrap();
            assert_eq!(draft["contract"], "dossier/1");
            let key = draft["key"].as_str().unwrap().to_owned();
            let before = drafts.insert(key, draft["body"].clone());
            assert!(before.is_none_or(|before| before == draft["body"]));
        }
    }
    drafts
}

/// What the truth calls a doubt of one record, and what `apply` calls it. The others show only in
/// several messages, or not at all in what a format hands over.
const DOUBTS: [(&str, &str); 7] = [
    ("native_id_trailing_spaces", "spaces-around"),
    ("trailing_space", "spaces-around"),
    ("text_not_nfc", "text-not-composed"),
    ("phone_empty", "phone-empty"),
    ("two_digit_year", "two-digit-year"),
    ("tcvn3_capital_tones_lost", "capitals-lost"),
    ("completed_after_due", "finished-after-due"),
];

/// The doubts of a sample's records, by native id.
fn doubted(sample: &str) -> BTreeSet<(String, String)> {
    let file = root().join(format!("tests/corpus/samples/truth/{sample}.json"));
    let truth: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let of = |record: &Value| {
        let id = record["native_id"].as_str().unwrap().trim().to_owned();
        let all = record["quality"].as_array().cloned().unwrap_or_default();
        let named = |one: &Value| DOUBTS.iter().find(|(truth, _)| one == truth);
        let all: Vec<_> = all.iter().filter_map(named).collect();
        all.into_iter().map(move |(_, code)| (id.clone(), (*code).to_owned())).collect::<Vec<_>>()
    };
    truth["records"].as_array().unwrap().iter().flat_map(of).collect()
}

/// A record that is accepted may be doubted all the same, and its preparer is told.
#[test]
fn what_may_be_doubted_of_a_sample_is_warned_of() {
    for (channel, files, sample) in [
        ("so-ke-hoach-dau-tu.ho-so", &["LayDanhSachHoSo.soap.xml"][..], "a_so_khdt"),
        ("so-tai-nguyen-moi-truong.ho-so", &["HOSO_201309.csv"], "b_so_tnmt"),
        ("so-giao-thong-van-tai.ho-so", &["hoso_trang1.json", "hoso_trang2.json"], "c_so_gtvt"),
    ] {
        let mut warned = BTreeSet::new();
        for file in files {
            let file = root().join("tests/corpus/samples").join(file);
            let output = run(&["apply", channel, file.to_str().unwrap()]);
            let drafts: Vec<Value> =
                stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            for line in stderr(&output).lines() {
                let told: Value = serde_json::from_str(line).unwrap();
                let number = usize::try_from(told["record"].as_u64().unwrap()).unwrap();
                let key = drafts[number - 1]["key"].as_str().unwrap();
                for warning in told["warnings"].as_array().unwrap() {
                    let code = warning["code"].as_str().unwrap().to_owned();
                    warned.insert((key.to_owned(), code));
                    assert!(!warning["detail"]["vi"].as_str().unwrap().is_ascii(), "{warning}");
                }
            }
        }
        assert_eq!(warned, doubted(sample), "{channel}");
    }
}

#[test]
fn planning_and_investment_soap_equals_its_truth() {
    let got = applied("so-ke-hoach-dau-tu.ho-so", &["LayDanhSachHoSo.soap.xml"]);
    assert_eq!(got, truth("a_so_khdt"));
}

#[test]
fn natural_resources_tcvn3_csv_equals_its_truth() {
    let got = applied("so-tai-nguyen-moi-truong.ho-so", &["HOSO_201309.csv"]);
    assert_eq!(got, truth("b_so_tnmt"));
}

#[test]
fn transport_json_pages_equal_their_truth() {
    let got = applied("so-giao-thong-van-tai.ho-so", &["hoso_trang1.json", "hoso_trang2.json"]);
    assert_eq!(got, truth("c_so_gtvt"));
}

#[test]
fn construction_workbook_equals_its_truth() {
    let got = applied("so-xay-dung.ho-so", &["hoso_thang8_2013.xlsx"]);
    assert_eq!(got, truth("d_so_xay_dung"));
}

/// The query whose rows the department of labour sends.
const ROWS: &str = "SELECT h.*, l.ten_loai, l.linh_vuc FROM ho_so h \
                    JOIN loai_ho_so l USING (ma_loai) ORDER BY id";

#[test]
fn labour_rows_of_a_real_postgresql_equal_their_truth() {
    let database = cluster::database("labour");
    cluster::psql_file(&database, &root().join("tests/corpus/samples/ho_so.dump"));
    let file = env::temp_dir().join(format!("lienthong-labour-{}.json", process::id()));
    for query in [
        format!("SELECT row_to_json(r) FROM ({ROWS}) r"),
        format!("SELECT json_agg(r) FROM ({ROWS}) r"),
    ] {
        fs::write(&file, cluster::psql(&database, &query)).unwrap();
        let got = mapped("so-lao-dong-tbxh.ho-so", std::slice::from_ref(&file));
        assert_eq!(got, truth("f_so_ldtbxh"), "{query}");
    }
    fs::remove_file(&file).unwrap();
}
