//! Records written in the forms that agencies take.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use std::collections::BTreeMap;

use contracts::Contracts;
use mappings::{Gazetteer, Rendering, Sources};

const FORM: &str = r#"
contract = "dossier/1"
format = "json"
required = ["MaHoSo", "NguoiNop.HoTen"]

[map]
MaHoSo = "source_code"
"NguoiNop.HoTen" = "applicant/name"
TrangThai = "status | table status"
NgayNhan = "accepted_at | write_date dd/MM/yyyy"
NgayTra = "returned_at | write_date yyyyMMddHHmmss"
Kenh = { compute = "channel == 'online' ? '2' : '1'" }
LePhi = "fees/*[1]/amount | integer 1000"

[map."GiayTo[]"]
each = "documents"
Ten = "name"
"#;

const TABLE: &str = "native,canonical\nMOI,1\nNHAN,2\nTU_CHOI,3\nXL,4\nDANG_XL,4\nBS,5\nPHI,6\n\
                     RUT,7\n\
                     DUNG,8\nXONG,9\nTRA,10\n";

const RECORD: &str = r#"{"source_code":"A-1","applicant":{"name":"Lê <Bốn>"},"status":4,
    "accepted_at":"2024-03-04","returned_at":"2024-03-04T18:30:00Z","channel":"online",
    "fees":[{"amount":50000}],"documents":[{"name":"Đơn"},{"name":"Bản vẽ"}]}"#;

fn compiled(form: &str, table: &str) -> Result<Rendering, Vec<String>> {
    let tables = BTreeMap::from([("status".to_owned(), table.to_owned())]);
    let sources = Sources { file: "gui.toml".to_owned(), text: form.to_owned(), tables };
    let contracts = Contracts::builtin().unwrap();
    Rendering::compile(&sources, &contracts)
        .map_err(|found| found.iter().map(|one| one.to_string()).collect())
}

fn gazetteer() -> Gazetteer {
    Gazetteer::from_csv(include_str!("../units/units.csv")).unwrap()
}

#[test]
fn a_record_is_written_in_its_form() {
    let form = compiled(FORM, TABLE).unwrap_or_else(|found| panic!("{found:#?}"));
    let text = String::from_utf8(form.render(RECORD, &gazetteer()).unwrap()).unwrap();
    let got: serde_json::Value = serde_json::from_str(&text).unwrap();
    let want = serde_json::json!({
        "MaHoSo": "A-1", "NguoiNop": { "HoTen": "Lê <Bốn>" }, "TrangThai": "XL",
        "NgayNhan": "04/03/2024", "NgayTra": "20240305013000", "Kenh": "2", "LePhi": 50_000,
        "GiayTo": [{ "Ten": "Đơn" }, { "Ten": "Bản vẽ" }],
    });
    assert_eq!(got, want);
}

#[test]
fn a_record_is_written_as_xml() {
    let form = FORM
        .replace("\"json\"", "\"xml\"\nroot = \"HoSo\"")
        .replace("MaHoSo =", "\"@ma\" =")
        .replace("[\"MaHoSo\"", "[\"@ma\"");
    let form = compiled(&form, TABLE).unwrap_or_else(|found| panic!("{found:#?}"));
    let text = String::from_utf8(form.render(RECORD, &gazetteer()).unwrap()).unwrap();
    assert!(text.contains("<HoSo ma=\"A-1\"><NguoiNop>"), "{text}");
    // As the file has them: who reads it may want them so.
    let at = |name: &str| text.find(&format!("<{name}>")).unwrap();
    let order = ["NguoiNop", "TrangThai", "NgayNhan", "NgayTra", "Kenh", "LePhi", "GiayTo"];
    assert!(order.windows(2).all(|two| at(two[0]) < at(two[1])), "{text}");
    assert!(text.contains("<NguoiNop><HoTen>Lê &lt;Bốn&gt;</HoTen></NguoiNop>"), "{text}");
    assert!(text.contains("<GiayTo><Ten>Đơn</Ten></GiayTo><GiayTo><Ten>Bản vẽ</Ten></GiayTo>"));
}

#[test]
fn what_is_needed_and_absent_is_told() {
    let form = compiled(FORM, TABLE).unwrap_or_else(|found| panic!("{found:#?}"));
    let found = form.render(r#"{"source_code":"A-1"}"#, &gazetteer()).unwrap_err();
    let places: Vec<_> = found.iter().map(|one| (&*one.code, &*one.pointer)).collect();
    assert_eq!(places, [("missing-member", "/NguoiNop/HoTen")]);
    assert!(form.render("[", &gazetteer()).is_err());
}

#[test]
fn faults_are_found_before_anything_is_sent() {
    for (from, to, word) in [
        ("applicant/name\"", "applicant/nam\"", "8:20: the contract has no member `applicant.nam`"),
        ("fees/*[1]/amount", "fees/*[1]/sum", "no member `fees.sum`"),
        ("each = \"documents\"", "each = \"document\"", "no member `document`"),
        ("Ten = \"name\"", "Ten = \"nam\"", "no member `documents.nam`"),
        ("table status", "table stat", "no table `stat`"),
        ("\"json\"", "\"csv\"", "json or xml"),
        ("\"json\"", "\"xml\"", "root element"),
        ("dossier/1", "dossier/9", "no contract dossier/9"),
        ("required = [\"MaHoSo\"", "required = [\"Ma\"", "no rule makes `Ma`"),
    ] {
        let form = FORM.replace(from, to);
        let found = compiled(&form, TABLE).err().unwrap_or_else(|| panic!("{to} is taken"));
        assert!(found.iter().any(|one| one.contains(word)), "{to}: {found:#?}");
    }
    let found = compiled(FORM, &TABLE.replace("TRA,10\n", "")).err().unwrap();
    assert!(found[0].contains("no code for status = 10"), "{found:#?}");
}
