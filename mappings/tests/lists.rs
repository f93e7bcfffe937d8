//! Lists: `documents[]` from repeated nodes, in XML and JSON.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use contracts::Contracts;
use mappings::{Gazetteer, Mapping, Sources};
use serde_json::{Value, json};

const RULES: &str = r#"
[[record]]
contract = "dossier/1"
[record.map]
source = "'a'"
source_code = "Ma"
agency = "'a'"
channel = "'online'"
status = "TrangThai | integer 1000"
status_raw = "TrangThai"
applicant.name = "Ten"
applicant.kind = "'person'"
[record.map."documents[]"]
each = "GiayTo/Ban"
name = "Ten"
count = "SoLuong | integer 1000"
"#;

fn compile(head: &str, rules: &str) -> Result<Mapping, Vec<String>> {
    let contracts = Contracts::builtin().unwrap();
    let text = format!("charset = \"utf-8\"\n{head}\n{rules}");
    let sources = Sources { file: "t.toml".to_owned(), text, ..Sources::default() };
    Mapping::compile(&sources, &contracts)
        .map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn outcome(head: &str, payload: &str) -> Result<Value, Vec<String>> {
    let mapping = compile(head, RULES).unwrap();
    let mut got = None;
    mappings::apply(&mapping, payload.as_bytes(), &Gazetteer::default(), &mut |_, outcome| {
        got = Some(outcome.map(|drafts| drafts[0].body.json()));
    })
    .unwrap();
    match got.unwrap() {
        Ok(body) => Ok(body["documents"].clone()),
        Err(problems) => Err(problems
            .iter()
            .map(|problem| format!("{} {}", problem.code, problem.pointer))
            .collect()),
    }
}

#[test]
fn repeated_elements_become_items_and_empty_ones_nothing() {
    let xml = "<r><Ma>1</Ma><TrangThai>4</TrangThai><Ten>An</Ten><GiayTo>\
               <Ban><Ten>Đơn</Ten><SoLuong>2</SoLuong></Ban><Ban/><Ban><Ten>Bản vẽ</Ten></Ban>\
               </GiayTo></r>";
    let want = json!([{ "name": "Đơn", "count": 2 }, { "name": "Bản vẽ" }]);
    assert_eq!(outcome("format = \"xml\"", xml), Ok(want));
}

#[test]
fn an_array_becomes_items_and_no_array_no_member() {
    let json = r#"{"Ma":"1","TrangThai":4,"Ten":"An","GiayTo":{"Ban":[{"Ten":"Đơn"}]}}"#;
    assert_eq!(outcome("format = \"json\"", json), Ok(json!([{ "name": "Đơn" }])));
    let none = r#"{"Ma":"1","TrangThai":4,"Ten":"An"}"#;
    assert_eq!(outcome("format = \"json\"", none), Ok(Value::Null));
}

#[test]
fn a_fault_in_an_item_names_it() {
    let json = r#"{"Ma":"1","TrangThai":4,"Ten":"An",
        "GiayTo":{"Ban":[{"Ten":"Đơn"},{"SoLuong":"x"}]}}"#;
    let told = outcome("format = \"json\"", json).unwrap_err();
    assert_eq!(told, ["bad-number /documents/1/count", "missing-member /documents/1/name"]);
}

#[test]
fn a_list_is_proved_like_the_rest() {
    let rules = RULES.replace("each = \"GiayTo/Ban\"\nname = \"Ten\"", "title = \"Ten\"");
    let told = compile("format = \"json\"", &rules).err().unwrap().join("\n");
    for words in ["no member `title`", "requires `name`", "does not say what its items are"] {
        assert!(told.contains(words), "{words}\n{told}");
    }
}
