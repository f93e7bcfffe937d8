//! Samples of fixed width and of databases, never mapped before: proposed, checked and tested.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    cluster,
    lienthong::{root, run, stderr, stdout},
};

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("lienthong-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn agencies(&self) -> String {
        self.0.join("agencies").display().to_string()
    }

    /// Makes the folder of an agency from a sample, and says what was told.
    fn agency(&self, id: &str, sample: &str, code: i32) -> String {
        let agencies = self.agencies();
        let mut all = vec!["agency", "new", id, "--name", "A", "--name-en", "A"];
        all.extend(["--sample", sample, "--mappings", &agencies]);
        let output = run(&all);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{told}");
        for command in [["check", "--mappings", &agencies], ["test", "--mappings", &agencies]] {
            let output = run(&command);
            let told = format!("{}{}", stdout(&output), stderr(&output));
            assert_eq!(output.status.code(), Some(0), "{command:?}: {told}");
        }
        told
    }

    /// What the proposed mapping makes of the sample: the bodies of accepted records.
    fn bodies(&self, id: &str) -> Vec<Value> {
        let out = self.0.join(format!("agencies/{id}/fixtures/ho-so/sample.out.json"));
        let records: Vec<Value> = serde_json::from_slice(&fs::read(out).unwrap()).unwrap();
        records.into_iter().map(|record| record["body"].clone()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A list as a program of a department prints it; people are invented.
fn list() -> String {
    let people = ["Lâm Thị Mẫu", "Hồ Văn Thử", "Công ty TNHH An Khang", "Điểu Thị Giả Định"];
    let states = ["Đã trả kết quả", "Đang xử lý", "Chờ bổ sung"];
    let mut text = String::from("DANH SÁCH HỒ SƠ THÁNG 3/2024\n\n");
    text.push_str(&format!(
        "{:<12}{:<30}{:<12}{:<12}{:<20}{:>12}  {:<12}\n",
        "SỐ HỒ SƠ", "HỌ TÊN", "NGÀY NHẬN", "HẸN TRẢ", "TÌNH TRẠNG", "LỆ PHÍ", "ĐIỆN THOẠI"
    ));
    for number in 0..24 {
        text.push_str(&format!(
            "YT-24-{number:04} {:<30}{:02}/03/2024  {:02}/04/2024  {:<20}{:>12}  {:<12}\n",
            people[number % 4],
            number + 1,
            number + 1,
            states[number % 3],
            [500_000, 0, 10_500_000][number % 3],
            if number % 5 == 0 { "" } else { "0900000171" },
        ));
    }
    text.push_str("Tổng cộng: 24 hồ sơ\n");
    text
}

#[test]
fn a_list_in_fixed_columns_becomes_accepted_records() {
    let scratch = Scratch::new("fixed-list");
    let told = scratch.agency("so-y-te", &scratch.file("ds.txt", list()), 0);
    assert!(told.contains("24 bản ghi mẫu: 24 được nhận, 0 bị từ chối."), "{told}");
    let bodies = scratch.bodies("so-y-te");
    let third = &bodies[2];
    assert_eq!(third["source_code"], "YT-24-0002");
    assert_eq!(third["applicant"]["name"], "Công ty TNHH An Khang");
    assert_eq!(third["applicant"]["kind"], "organization");
    assert_eq!(third["accepted_at"], "2024-03-03");
    assert_eq!(third["due_at"], "2024-04-03");
    assert_eq!(third["status"], 5);
    assert_eq!(third["fees"][0]["amount"], 10_500_000);
    assert!(third["applicant"]["phone"].is_string(), "{third}");
}

#[test]
fn the_finance_departments_file_is_cut_and_taken_without_its_hand_written_mapping() {
    let scratch = Scratch::new("fixed-finance");
    let folder = "mappings/agencies/so-tai-chinh/fixtures/ho-so";
    let told = scratch.agency("so-tai-chinh", &format!("{folder}/msns.in.txt"), 0);
    assert!(told.contains("4 bản ghi mẫu: 4 được nhận"), "{told}");
    let by_hand = fs::read(root().join(folder).join("msns.out.json")).unwrap();
    let by_hand: Vec<Value> = serde_json::from_slice(&by_hand).unwrap();
    for (ours, theirs) in scratch.bodies("so-tai-chinh").iter().zip(&by_hand) {
        let theirs = &theirs["body"];
        for member in ["source_code", "accepted_at", "due_at", "finished_at", "commune", "officer"]
        {
            assert_eq!(ours[member], theirs[member], "{member}");
        }
        for member in ["address", "phone"] {
            assert_eq!(ours["applicant"][member], theirs["applicant"][member], "{member}");
        }
    }
}

#[test]
fn a_dump_becomes_rows_and_a_channel_that_reads_the_database() {
    let scratch = Scratch::new("dump");
    // What its numbers mean no sample says: all are refused until it is known.
    let told = scratch.agency("so-lao-dong", "tests/corpus/samples/ho_so.dump", 2);
    assert!(told.contains("thêm vào tables/status.csv: `2`, `3`, `5`, `6`"), "{told}");
    let folder = scratch.0.join("agencies/so-lao-dong");
    let agency = fs::read_to_string(folder.join("agency.toml")).unwrap();
    assert!(agency.contains("transport = \"database\"\n\n[channels.ho-so.database]"), "{agency}");
    // With what the department says of its codes every record is taken, as by hand.
    let codes = root().join("mappings/agencies/so-lao-dong-tbxh/tables/status.csv");
    fs::copy(codes, folder.join("tables/status.csv")).unwrap();
    let agencies = scratch.agencies();
    let accepted = run(&["test", "so-lao-dong", "--accept", "--mappings", &agencies]);
    assert_eq!(accepted.status.code(), Some(0), "{}", stderr(&accepted));
    let by_hand = "mappings/agencies/so-lao-dong-tbxh/fixtures/ho-so/rows.out.json";
    let by_hand = fs::read(root().join(by_hand)).unwrap();
    let by_hand: Vec<Value> = serde_json::from_slice(&by_hand).unwrap();
    let bodies = scratch.bodies("so-lao-dong");
    assert_eq!(bodies.len(), by_hand.len());
    for (ours, theirs) in bodies.iter().zip(&by_hand) {
        let theirs = &theirs["body"];
        for member in [
            "source_code",
            "procedure_source_code",
            "procedure_name",
            "field",
            "commune",
            "accepted_at",
            "due_at",
            "status",
            "fees",
        ] {
            assert_eq!(ours[member], theirs[member], "{member}");
        }
        for member in ["name", "address", "id_number"] {
            assert_eq!(ours["applicant"][member], theirs["applicant"][member], "{member}");
        }
    }
}

#[test]
fn the_query_proposed_gives_a_real_postgresql_the_rows_that_were_kept() {
    let dump = "tests/corpus/samples/ho_so.dump";
    let database = cluster::database("proposed");
    cluster::psql_file(&database, &root().join(dump));
    let scratch = Scratch::new("dump-query");
    scratch.agency("so-lao-dong", dump, 2);
    let folder = scratch.0.join("agencies/so-lao-dong");
    let agency = fs::read_to_string(folder.join("agency.toml")).unwrap();
    let query = agency.lines().find_map(|line| line.strip_prefix("query = \"")?.strip_suffix('"'));
    let query = query.unwrap();
    let rows = format!("SELECT row_to_json(r) FROM ({query} ORDER BY id) r");
    let parsed = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let kept = fs::read_to_string(folder.join("fixtures/ho-so/sample.in.jsonl")).unwrap();
    assert_eq!(parsed(&cluster::psql(&database, &rows)), parsed(&kept));
}

#[test]
fn infer_shows_the_poll_and_refuses_what_is_no_table_in_words() {
    let output = run(&["infer", "tests/corpus/samples/ho_so.dump", "--table", "ho_so"]);
    let shown = stdout(&output);
    for line in [
        "# agency.toml, [channels.ho-so]",
        "# transport = \"database\"",
        "# key = [\"id\"]",
        "name = \"nguoi_nop | charset vni | name\"",
    ] {
        assert!(shown.contains(line), "no {line}\n{shown}");
    }
    let rows = "examples/demo/agencies/so-nong-nghiep-ptnt/fixtures/ho-so/rows.in.jsonl";
    let shown = stdout(&run(&["infer", rows, "--table", "ho_so"]));
    assert!(shown.contains("# watermark = \"ngay_sua\""), "{shown}");
    assert!(shown.contains("# key = [\"so_ho_so\"]"), "{shown}");
    let scratch = Scratch::new("hostile");
    let large = scratch.0.join("lon.txt");
    fs::File::create(&large).unwrap().set_len(100 << 20).unwrap();
    for (sample, words) in [
        (scratch.file("trong.txt", ""), "empty"),
        (scratch.file("mot-dong.txt", "TC13-00871  DV0120131001\n"), "two rows at least"),
        (scratch.file("dai.txt", "x".repeat(10 << 20)), "longer than"),
        (scratch.file("nul.txt", b"TC1  \0 20131001\nTC2  \0 20131002\n"), "text file"),
        (scratch.file("do.sql", "INSERT INTO t (a) VALUES ('x);\n"), "never closed"),
        (scratch.file("cot.txt", format!("{}\n", "1 ".repeat(500_000)).repeat(2)), "no table"),
        (large.display().to_string(), "larger than 16 MB"),
    ] {
        let output = run(&["infer", &sample]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{sample}: {told}");
        let name = Path::new(&sample).display().to_string();
        assert!(
            told.contains(words) && told.contains(&name) | (words.starts_with("larger")),
            "{told}"
        );
    }
    let output = run(&["infer", "tests/corpus/samples/ho_so.dump", "--table", "khac"]);
    assert!(stderr(&output).contains("`ho_so`, `loai_ho_so`"), "{}", stderr(&output));
}
