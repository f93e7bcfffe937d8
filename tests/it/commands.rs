//! What the commands print and how they exit.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::lienthong::{root, run, stderr, stdout};

#[test]
fn check_accepts_the_agencies_and_every_fixture_holds() {
    let output = run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("11 agencies, 15 channels: no problems"));
    let output = run(&["test", "--coverage"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(!stdout(&output).contains("never used"), "{}", stdout(&output));
    assert_eq!(stdout(&output).matches("parts used, 100 %").count(), 15, "{}", stdout(&output));
}

#[test]
fn coverage_names_the_rules_the_sides_of_conditions_and_the_rows_that_no_fixture_uses() {
    let copy = Copy::of_planning("coverage", |text| {
        text.replace("officer = \"CanBo\"", "officer = [\"CanBo\", \"NguoiNop\"]")
            .replace("TrangThai == '5'", "TrangThai != '0'")
    });
    let folder = copy.0.to_str().unwrap();
    let table = copy.0.join("so-ke-hoach-dau-tu/tables/status.csv");
    fs::write(&table, fs::read_to_string(&table).unwrap() + "8,3\n").unwrap();
    let case = "so-ke-hoach-dau-tu/fixtures/ho-so/list.in.xml";
    fs::create_dir_all(copy.0.join(case).parent().unwrap()).unwrap();
    fs::copy(root().join("mappings/agencies").join(case), copy.0.join(case)).unwrap();
    let accepted = run(&["test", "--accept", "--mappings", folder]);
    assert_eq!(accepted.status.code(), Some(0));
    let output = run(&["test", "--coverage", "--mappings", folder]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let unused: Vec<_> =
        told.lines().filter_map(|line| line.split(" never used: ").nth(1)).collect();
    assert_eq!(
        unused,
        [
            "returned_at = when TrangThai != '0': does not",
            "officer = NguoiNop",
            "tables/status.csv = 1",
            "tables/status.csv = 4",
            "tables/status.csv = 8",
        ]
    );
    let share = "so-ke-hoach-dau-tu.ho-so: 32 of 37 parts used, 86 %";
    assert_eq!(told.lines().next(), Some(share));
    let gate = |least| run(&["test", "--min-coverage", least, "--mappings", folder]);
    assert_eq!(gate("86").status.code(), Some(0));
    let failed = gate("87");
    assert_eq!(failed.status.code(), Some(1));
    let why = "so-ke-hoach-dau-tu.ho-so: 86 % is used, less than 87 %\n";
    assert_eq!(stderr(&failed), why);
    let output = run(&["test", "--coverage", "--json", "--mappings", folder]);
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&told[0]["percent"], &told[0]["unused"][1]["part"]), (&86.into(), &"rule".into()));
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
    fn of_planning(name: &str, change: impl Fn(&str) -> String) -> Self {
        let name = format!("lienthong-commands-{}-{name}", std::process::id());
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
    let copy = Copy::of_planning("faults", |text| {
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
    assert!(stderr(&output).contains("channels: so-cong-thuong.ho-so"));
}

#[test]
fn lineage_tells_what_feeds_each_member_what_feeds_none_and_what_nothing_reads() {
    let told = stdout(&run(&["lineage", "so-ke-hoach-dau-tu.ho-so"]));
    for line in [
        "dossier/1\tstatus\tTrangThai\ttable status\n",
        "dossier/1\tchannel\t'counter'\t\n",
        "dossier/1\treturned_at\tNgayTra\tdate dd/MM/yyyy\twhen TrangThai == '5'\n",
        "dossier/1\tsubmitted_at\t-\tno rule\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("unread"), "{told}");
    let told = stdout(&run(&["lineage", "so-noi-vu.ho-so"]));
    for line in [
        "dossier/1\tdocuments[].name\tNoiDung/ThanhPhan/Nhom/GiayTo/Ten\t\n",
        "dossier/1\thistory[].unit\t-\tno rule\n",
        "dossier/1\t-\tDinhDanh/SoHoSo/NamCap\tunread\n",
        "around\t-\t/Dau/NoiGui\tunread\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let told = stdout(&run(&["lineage", "so-tai-nguyen-moi-truong.ho-so"]));
    // What an argument names feeds it as well.
    assert!(told.contains("dossier/1\tcommune\tHUYEN\tcommune_named HUYEN\n"), "{told}");
    let sample = "mappings/agencies/ubnd-bien-hoa/fixtures/ho-so/m-0002.in.json";
    let sample = ["lineage", "ubnd-bien-hoa.ho-so", "--format", "json", "--sample", sample];
    let told: Value = serde_json::from_str(&stdout(&run(&sample))).unwrap();
    assert_eq!(told["unread"], serde_json::json!([]));
    assert_eq!(told["fed"][0]["when"], "suKien == 'HOSO_MOI'");
}
