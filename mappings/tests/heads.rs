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

const CSV: &str = "format = \"csv\"\ncharset = \"utf-8\"\n";

#[test]
fn a_path_asks_for_what_a_row_can_have() {
    for head in [CSV, XLSX] {
        for path in ["TEN/HO", "../TEN", "/TEN", "TEN[2]"] {
            let wanted = "a row has columns and nothing else | name a column";
            refused(head, &format!("note = \"{path}\"\n"), &[wanted]);
        }
        for path in ["./'TEN/HO'", "col3", "TEN[1]"] {
            refused(head, &format!("note = \"{path}\"\n"), &[]);
        }
    }
    refused(FIXED, "note = \"TEN/HO\"\n", &["a row has columns and nothing else"]);
    let json = "format = \"json\"\ncharset = \"utf-8\"\n";
    for head in [CSV, XLSX, FIXED, ROWS, json] {
        let wanted = ":9: `@x` is an attribute, and only XML has attributes | name a member";
        refused(head, "note = \"TEN/@x\"\n", &[wanted]);
        let within = "[record.map.\"documents[]\"]\neach = \"TEN\"\nname = \"@x\"\n";
        refused(head, within, &[wanted]);
    }
    for path in ["TEN/@x", "../@x", "TEN[2]/HO", "/a"] {
        refused(&json.replace("json", "xml"), &format!("note = \"{path}\"\n"), &[]);
    }
}

#[test]
fn a_date_form_that_can_never_give_a_date_is_refused_where_it_stands() {
    for (form, wanted) in [
        ("yyyy", "`yyyy` has no month, so it never gives a date |"),
        ("MM/yyyy", "`MM/yyyy` has no day, so it never gives a date |"),
        ("dd/MM", "`dd/MM` has no year, so it never gives a date |"),
        ("'HH:mm'", "`HH:mm` has no year, so it never gives a date |"),
        ("dd/mm/yyyy", "`dd/mm/yyyy` has no month: mm is minutes; months are MM |"),
        ("'HH dd/mm/yyyy'", "has no month, so it never gives a date: mm is minutes; months are MM"),
        ("'dd/MM/yyyy mm:ss'", "has a part of an hour, but no hour: hours are HH |"),
    ] {
        let told = faults(CSV, &format!("accepted_at = \"TEN | date dd/MM/yyyy {form}\"\n"));
        assert!(told.len() == 1 && told[0].contains(wanted), "{told:#?}");
        assert!(told[0].starts_with("15:38: `date`: `"), "{told:#?}");
        let then = format!("due_at = {{ compute = \"TEN\", then = \"date {form}\" }}\n");
        refused(CSV, &then, &[wanted]);
    }
    for form in ["yyyy", "MM/yyyy", "yyyy-MM-00", "dd/MM/yyyy"] {
        refused(CSV, &format!("attributes.x = \"TEN | partial_date {form}\"\n"), &[]);
    }
    for (call, wanted) in [
        ("partial_date dd/MM", "15:36: `partial_date`: `dd/MM` has no year"),
        ("partial_date dd/yyyy", "15:36: `partial_date`: `dd/yyyy` has no month"),
        ("partial_date dd/mm/yyyy", "mm is minutes; months are MM"),
        ("write_date dd/mm/yyyy", "mm is minutes; months are MM"),
    ] {
        refused(CSV, &format!("attributes.x = \"TEN | {call}\"\n"), &[wanted]);
    }
}

#[test]
fn rows_count_from_1() {
    let head = format!("{CSV}[csv]\nheader = 0\n");
    refused(
        &head,
        "",
        &["4:10: `header` has a value it cannot take | marks are one character, \
        header a row from 1"],
    );
    refused(&head.replace("= 0", "= 1"), "", &[]);
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

/// Every fault of a sound file with this code table, as the diagnostic is written.
fn faults_of_table(csv: &str) -> Vec<String> {
    let tables = BTreeMap::from([("status".to_owned(), csv.to_owned())]);
    let text = format!("{CSV}\n{RECORD}");
    let sources = Sources { file: "f".to_owned(), text, tables };
    let told = Mapping::compile(&sources, &Contracts::builtin().unwrap()).err().unwrap_or_default();
    told.iter().map(ToString::to_string).collect()
}

#[test]
fn a_fault_of_a_code_table_is_told_where_it_is_and_alone() {
    assert!(faults_of_table("native,canonical\n1,2\n").is_empty());
    for (csv, wanted) in [
        ("native,canonical\n1,2\n3,4\n1,5\n", "tables/status.csv:4:1: the native value `1` stands"),
        ("native,canonical\r\n\r\n1,2\r\n\r\n 1,5\r\n", "tables/status.csv:5:1: the native value"),
        ("native,canonical\n\"a\nb\",2\n7\n", "tables/status.csv:4:1: the row has fewer than two"),
        ("code,canonical\n1,2\n", "tables/status.csv:1:1: its first line must be"),
    ] {
        let told = faults_of_table(csv);
        assert!(told.len() == 1 && told[0].starts_with(wanted), "{told:#?}");
    }
}

#[test]
fn a_rule_with_a_fault_of_its_own_is_not_missed_besides() {
    let sound = format!("{CSV}\n{RECORD}");
    for (from, to, wanted) in [
        ("TT | table status", "TT | tabel status", "there is no function `tabel`"),
        ("\"MA\"", "\"MA | upper 1\"", "`upper`: 1 arguments are given"),
        ("name = \"TEN\"", "name = \"TEN//X\"", "a path step is empty"),
    ] {
        assert!(sound.contains(from), "{from}");
        let tables = BTreeMap::from([("status".to_owned(), "native,canonical\n1,2\n".to_owned())]);
        let text = sound.replacen(from, to, 1);
        let sources = Sources { file: "f".to_owned(), text, tables };
        let told = Mapping::compile(&sources, &Contracts::builtin().unwrap()).err().unwrap();
        assert!(told.len() == 1 && told[0].message.contains(wanted), "{told:#?}");
    }
}
