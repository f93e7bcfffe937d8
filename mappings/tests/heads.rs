//! What the head of a file says of its format is proved before anything runs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use std::collections::BTreeMap;

use contracts::Contracts;
use mappings::{Mapping, Sources};

const RECORD: &str = "[[record]]
contract = \"dossier/1\"

[record.map]
source = \"'a'\"
source_code = \"MA\"
agency = \"'a'\"
channel = \"'counter'\"
status = \"TT | table status\"
status_raw = \"TT\"
applicant = { name = \"TEN\", kind = \"'person'\" }
";

/// Every fault of a file with this head, as `line:column: message | advice`.
fn faults(head: &str, more: &str) -> Vec<String> {
    let tables = BTreeMap::from([("status".to_owned(), "native,canonical\n1,2\n".to_owned())]);
    let text = format!("{head}\n{RECORD}{more}");
    let sources = Sources { file: "f".to_owned(), text, tables };
    let told = Mapping::compile(&sources, &Contracts::builtin().unwrap()).err().unwrap_or_default();
    told.iter().map(|d| format!("{}:{}: {} | {}", d.line, d.column, d.message, d.advice)).collect()
}

#[track_caller]
fn refused(head: &str, more: &str, wanted: &[&str]) {
    let told = faults(head, more);
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.contains(wanted), "{told}\n{wanted}");
    }
}

const FIXED: &str = "format = \"fixed\"\ncharset = \"tcvn3\"\n[fixed]\ncolumns = [\n\
    { name = \"MA\", at = 1, width = 4 },\n{ name = \"TT\", at = 5, width = 1 },\n\
    { name = \"TEN\", at = 6, width = 9 },\n]\n";
const ROWS: &str =
    "format = \"rows\"\ncharset = \"utf-8\"\n[rows]\ncolumns = [\"MA\", \"TT\", \"TEN\"]\n";
const XLSX: &str = "format = \"xlsx\"\n";

#[test]
fn sound_heads_compile() {
    for head in
        [FIXED, ROWS, XLSX, "format = \"csv\"\ncharset = \"utf-8\"\n[zip]\nmembers = \"*\"\n"]
    {
        refused(head, "", &[]);
    }
}

#[test]
fn a_path_or_an_expression_names_a_declared_column() {
    for head in [FIXED, ROWS] {
        refused(
            head,
            "note = \"GHI_CHU\"\n",
            &["no column `GHI_CHU` is declared | columns: MA, TT, TEN"],
        );
        refused(head, "note = { compute = \"TEN + X\" }\n", &["no column `X` is declared"]);
        refused(head, "note = { from = \"TEN\", when = \"Y == '1'\" }\n", &["no column `Y`"]);
        let by_district = "commune = \"TEN | commune_named HUYEN\"\n";
        refused(head, by_district, &["no column `HUYEN` is declared"]);
        refused(head, "note = \"../TEN\"\n", &["a row has columns and nothing else"]);
    }
}

#[test]
fn columns_of_fixed_width_lie_side_by_side() {
    let over = FIXED.replace("at = 5, width = 1", "at = 4, width = 2");
    refused(&over, "", &["6:1: `TT` begins at 4, within `MA`, which ends at 4"]);
    let twice = FIXED.replace("\"TEN\", at", "\"MA\", at");
    refused(&twice, "", &["7:1: two columns are named `MA`"]);
    for bad in ["at = 0", "at = 70000", "from = 5"] {
        refused(
            &FIXED.replace("at = 5", bad),
            "",
            &["a column has `name`, `at` from 1 and `width`"],
        );
    }
    refused("format = \"fixed\"\ncharset = \"vni\"\n", "", &["have to be declared"]);
    refused("format = \"rows\"\ncharset = \"utf-8\"\n", "", &["have to be declared"]);
}

#[test]
fn settings_belong_to_their_format() {
    refused(&format!("{XLSX}charset = \"utf-8\"\n"), "", &["a workbook says its own charset"]);
    refused(&format!("{XLSX}each = \"a\"\n"), "", &["2:8: in xlsx each row is a record"]);
    refused(&format!("{XLSX}lines = true\n"), "", &["`lines` is true or false, and of json alone"]);
    refused(
        &format!("{XLSX}[csv]\nquote = \"'\"\n"),
        "",
        &["2:2: the format is xlsx, of which [csv]"],
    );
    let wrong = "[xlsx]\nsheet = 0\nheader = []\nheader_rows = 11\ntotals = 3\nrow = 1\n";
    let takes = "has a value it cannot take | sheet is a number from 1 or a name";
    let all =
        [takes, takes, takes, takes, "there is no XLSX setting `row` | settings: sheet, header"];
    refused(&format!("{XLSX}{wrong}"), "", &all);
    let zip = format!("{XLSX}[zip]\nignore = \"*.txt\"\n");
    refused(&zip, "", &["an archive's files have to be declared | [zip] members = \"*.csv\""]);
}

#[test]
fn what_widths_count_is_bytes_or_characters_and_never_bytes_of_utf_16() {
    refused(&FIXED.replace("[fixed]\n", "[fixed]\ncounts = \"characters\"\n"), "", &[]);
    let head = FIXED.replace("[fixed]\n", "[fixed]\ncounts = \"letters\"\n");
    refused(&head, "", &["`counts` has a value it cannot take | rows are whole numbers"]);
    let head =
        FIXED.replace("[fixed]\n", "[fixed]\ncounts = \"bytes\"\n").replace("tcvn3", "utf-16");
    refused(&head, "", &["cannot be cut by bytes | leave `counts` out"]);
}
