//! What the commands print and how they exit.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::lienthong::{root, run, stderr, stdout};

#[test]
fn check_accepts_the_agencies_and_every_fixture_holds() {
    let output = run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("8 agencies, 8 channels: no problems"));
    let output = run(&["test", "--coverage"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(!stdout(&output).contains("never used"), "{}", stdout(&output));
}

#[test]
fn refusals_name_place_rule_value_and_advice_in_two_languages_and_spare_neighbours() {
    let file = "mappings/agencies/so-ke-hoach-dau-tu/fixtures/ho-so/refused.in.xml";
    let output = run(&["apply", "so-ke-hoach-dau-tu.ho-so", file]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output).lines().count(), 1, "the sound record is mapped");
    let lines = stderr(&output);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let problem = &first["problems"][0];
    assert_eq!(problem["code"], "bad-date");
    assert_eq!(problem["pointer"], "/accepted_at");
    assert_eq!(problem["place"]["line"], 16);
    assert_eq!(problem["place"]["path"], "NgayTiepNhan");
    assert_eq!(problem["rule"], "NgayTiepNhan | date dd/MM/yyyy");
    assert_eq!(problem["value"], "31/02/2013");
    assert!(problem["advice"]["vi"].as_str().unwrap().contains("đúng mẫu"));
    assert!(problem["advice"]["en"].as_str().unwrap().contains("form declared"));
}

/// A copy of the agencies in a folder of its own, gone at the end.
struct Copy(PathBuf);

impl Copy {
    fn of_planning(change: impl Fn(&str) -> String) -> Self {
        let name = format!("lienthong-commands-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let agency = folder.join("so-ke-hoach-dau-tu");
        fs::create_dir_all(agency.join("tables")).unwrap();
        let from = root().join("mappings/agencies/so-ke-hoach-dau-tu");
        for file in ["agency.toml", "tables/status.csv"] {
            fs::copy(from.join(file), agency.join(file)).unwrap();
        }
        let table = "native,canonical\n1,2\n2,40\n";
        fs::write(agency.join("tables/other.csv"), table).unwrap();
        let text = fs::read_to_string(from.join("ho-so.toml")).unwrap();
        fs::write(agency.join("ho-so.toml"), change(&text)).unwrap();
        Self(folder)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn check_tells_every_fault_of_a_mapping_with_its_line_and_column() {
    let copy = Copy::of_planning(|text| {
        text.replace("source_code = \"MaHoSo | code\"", "source_cod = \"MaHoSo | code\"")
            .replace("date dd/MM/yyyy\"\ndue_at", "date DD/MM/yyyy\"\ndue_at")
            .replace("TrangThai | table status", "TrangThai | table other")
            .replace("CanBo", "CanBo | table trang_thai")
            .replace("channel = \"'counter'\"", "channel = \"'quay'\"")
            .replace("integer 1.000\"\nattr", "interger 1.000\"\nattr")
    });
    let output = run(&["check", "--mappings", copy.0.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    for expected in [
        "ho-so.toml:16:1: the contract has no member `source_cod`",
        "did you mean `source_code`?",
        "ho-so.toml:24:31: `date`: `DD/MM/yyyy` is not a date form",
        "`table`: there is no table `trang_thai`; the channel has: other, status",
        "there is no function `interger`",
        "`40` is not a value of `status`",
        "`quay` is not a value of `channel`",
        "values: online, counter, post",
        "requires `source_code`, which no rule is sure to produce",
    ] {
        assert!(told.contains(expected), "{expected}\n---\n{told}");
    }
}

#[test]
fn an_unknown_channel_is_told_with_those_that_exist() {
    let output = run(&["apply", "so-y-te.ho-so", "x"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("channels: so-giao-thong-van-tai.ho-so"));
}

#[test]
fn lineage_tells_which_native_field_feeds_a_member() {
    let output = run(&["lineage", "so-ke-hoach-dau-tu.ho-so"]);
    assert!(stdout(&output).contains("dossier/1\tstatus\tTrangThai\ttable\n"));
}
