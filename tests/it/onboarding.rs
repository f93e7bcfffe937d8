//! The page that takes a newcomer from a sample to the first accepted record, run as it stands.

mod feeds;

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    fenced,
    harness::free_port,
    lienthong::{binary, root, run, stderr, stdout},
};

/// A folder of its own, gone at the end.
struct Newcomer(PathBuf);

impl Newcomer {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("lienthong-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("bin")).unwrap();
        symlink(binary(), folder.join("bin/lienthong")).unwrap();
        Self(folder)
    }

    /// Runs a script as a person would type it; what it starts ends with it.
    fn types(&self, script: &str) -> String {
        let path = format!("{}:{}", self.0.join("bin").display(), env::var("PATH").unwrap());
        let script = format!("set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}");
        let mut command = Command::new("bash");
        command.args(["-c", &script]).current_dir(&self.0).env("PATH", path);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert!(output.status.success(), "{script}\n---\n{told}");
        told
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The blocks of a page of one kind: what stands after the fence's word, and the text.
fn blocks(page: &str, kind: &str) -> Vec<(String, String)> {
    let all = fenced::blocks(page).into_iter();
    all.filter_map(|block| {
        let rest = block.kind.strip_prefix(kind.trim_end())?;
        Some((rest.trim().to_owned(), block.text))
    })
    .collect()
}

#[test]
fn the_page_leads_from_a_sample_to_a_dossier() {
    let page = fs::read_to_string(root().join("docs/adding-an-agency.md")).unwrap();
    let page = page.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", free_port()));
    let newcomer = Newcomer::new("onboarding");
    for (name, text) in blocks(&page, "csv ") {
        fs::write(newcomer.0.join(name), text).unwrap();
    }
    let scripts: Vec<String> = blocks(&page, "sh").into_iter().map(|(_, text)| text).collect();
    assert_eq!(scripts.len(), 4);
    let made = newcomer.types(&scripts[0]);
    let [(_, promised)] = &blocks(&page, "text")[..] else { panic!("one promise") };
    for line in promised.lines().filter(|line| !line.is_empty()) {
        assert!(made.contains(line), "{line}\n---\n{made}");
    }
    let list = fs::read_to_string(newcomer.0.join("agencies/so-y-te/CHECKLIST.md")).unwrap();
    assert!(list.contains("- [ ] Trạng thái chưa biết nghĩa"), "{list}");
    let applied = newcomer.types(&scripts[1]);
    assert!(applied.contains("no problems"), "{applied}");
    assert_eq!(applied.matches("\"contract\":\"dossier/1\"").count(), 3, "{applied}");
    let tested = newcomer.types(&scripts[2]);
    assert!(tested.ends_with("1 fixtures passed, 0 failed\n"), "{tested}");
    let sent = newcomer.types(&scripts[3]);
    assert!(sent.contains("stored"), "{sent}");
    let found: Value =
        serde_json::from_slice(&fs::read(newcomer.0.join("ho-so.json")).unwrap()).unwrap();
    let dossier = &found["dossier"];
    assert_eq!(dossier["status"], 4);
    assert_eq!(dossier["accepted_at"], "2024-03-06");
    assert_eq!(dossier["due_at"], "2024-03-27");
    assert_eq!(dossier["fees"][0]["amount"], 500_000);
    assert_eq!(dossier["applicant"]["name"], "Hồ Văn Thử");
}

/// A page of documentation, at a free port, with its files laid out; its scripts in order. There is
/// nothing else between its fences: what is neither would be run by nobody.
fn laid_out(newcomer: &Newcomer, name: &str) -> Vec<String> {
    let page = fenced::page(name);
    let page = page.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", free_port()));
    symlink(root().join("mappings"), newcomer.0.join("mappings")).unwrap();
    let mut scripts = Vec::new();
    for fenced::Block { kind, text } in fenced::blocks(&page) {
        match kind.split_once(' ') {
            Some((_, file)) => fs::write(newcomer.0.join(file), text).unwrap(),
            None => {
                assert_eq!(kind, "sh", "{name} has a block that no test runs: {text}");
                scripts.push(text);
            }
        }
    }
    scripts
}

#[test]
fn the_page_of_soap_leads_from_a_sample_to_a_receipt() {
    let newcomer = Newcomer::new("soap-page");
    for script in laid_out(&newcomer, "soap.md") {
        newcomer.types(&script);
    }
    let read = |name: &str| fs::read_to_string(newcomer.0.join(name)).unwrap();
    let answer = read("tra-loi.xml");
    for words in ["NopHoSoResponse", "<Outcome>stored</Outcome>", "<Records>2</Records>"] {
        assert!(answer.contains(words), "{words} in {answer}");
    }
    assert!(read("kenh.wsdl").contains("name=\"NopHoSo\""));
    assert_eq!(read("mat-khau.txt").trim().len(), 40);
}

#[test]
fn the_page_of_lgsp_leads_from_a_copied_channel_to_an_answer() {
    let newcomer = Newcomer::new("lgsp-page");
    for script in laid_out(&newcomer, "lgsp.md") {
        newcomer.types(&script);
    }
    let answer = fs::read_to_string(newcomer.0.join("tra-loi.json")).unwrap();
    assert!(answer.contains("\"Status\":200") && answer.contains("(stored)"), "{answer}");
}

#[test]
fn the_page_of_the_interface_leads_from_a_key_to_a_stream() {
    let newcomer = Newcomer::new("api-page");
    // One hub answers all of the page.
    newcomer.types(&laid_out(&newcomer, "api.md").concat());
    let read = |name: &str| fs::read_to_string(newcomer.0.join(name)).unwrap();
    let told = |name: &str| -> Value { serde_json::from_str(&read(name)).unwrap() };
    assert_eq!(told("bien-nhan-5.json")["outcome"], "stored");
    assert_eq!(told("dong.json")["feeds"].as_array().unwrap().len(), 6);
    let found = told("ho-so.json");
    let dossier = &found["dossier"];
    assert_eq!(dossier["identities"][0]["source_code"], "BH.XD.14.000873", "{dossier}");
    assert_eq!(read("khong-doi.txt"), "304\n");
    let pages: Vec<Value> =
        read("cac-trang.txt").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let listed = pages.iter().map(|page| page["dossiers"].as_array().unwrap().len());
    assert!(pages.len() > 1 && listed.clone().all(|many| many <= 1), "{pages:?}");
    assert!(listed.sum::<usize>() > 1, "{pages:?}");
    assert_eq!(told("loi.json")["parameter"], "from");
    assert_eq!(told("loai-loi.json")["code"], "bad-parameter");
    assert_eq!(told("su-kien.json").as_array().unwrap().len(), 2);
    assert!(read("luong.txt").contains("\ndata: {"), "{}", read("luong.txt"));
    assert_eq!(told("tra-cuu.json")["dossier"]["applicant"], "Quách T** T** D**");
    assert_eq!(told("openapi.json")["openapi"], "3.1.0");
    assert_eq!(told("asyncapi.json")["asyncapi"], "3.0.0");
}

#[test]
fn the_page_of_personal_data_leads_from_what_is_public_to_who_read_the_rest() {
    let newcomer = Newcomer::new("personal-page");
    newcomer.types(&laid_out(&newcomer, "personal-data.md").concat());
    let read = |name: &str| fs::read_to_string(newcomer.0.join(name)).unwrap();
    let told = |name: &str| -> Value { serde_json::from_str(&read(name)).unwrap() };
    let (public, whole) = (told("cong-khai.json"), told("day-du.json"));
    assert_eq!((&public["personal"], &whole["personal"]), (&"unasked".into(), &"included".into()));
    assert!(!read("cong-khai.json").contains("Quách") && read("day-du.json").contains("Quách"));
    assert_eq!(told("bi-tu-choi.json")["parameter"], "purpose");
    let accesses = told("nhat-ky.json")["accesses"].clone();
    assert_eq!(accesses.as_array().unwrap().len(), 1, "{accesses}");
    assert_eq!(accesses[0]["key_name"], "một cửa");
    let sealed = read("tinh-trang.txt");
    assert!(sealed.contains("by ") && !sealed.contains("not sealed"), "{sealed}");
    assert!(read("kiem-tra.txt").contains("is sealed by the key"));
}

#[test]
fn the_page_of_the_portal_leads_from_a_key_to_a_page_that_follows() {
    let newcomer = Newcomer::new("portal-page");
    symlink(root().join("examples"), newcomer.0.join("examples")).unwrap();
    let port = format!("127.0.0.1:{}", free_port());
    let script = laid_out(&newcomer, "portal.md").concat().replace("127.0.0.1:8081", &port);
    newcomer.types(&script.replace("server.py 8081", &format!("server.py {}", &port[10..])));
    let read = |name: &str| fs::read_to_string(newcomer.0.join(name)).unwrap();
    let told = |name: &str| -> Value { serde_json::from_str(&read(name)).unwrap() };
    assert!(read("trang.html").contains("<html lang=\"vi\">"));
    assert!(told("thu-tuc.json")["total"].as_u64() > Some(3), "{}", read("thu-tuc.json"));
    assert_eq!(told("goi-y.json")["suggestions"][0]["q"], "khai sinh");
    assert_eq!(read("khong-doi.txt"), "304\n");
    assert_eq!(told("ho-so.json")["dossier"]["applicant"], "Quách T** T** D**");
    assert_eq!(told("khong-thay.json")["code"], "lookup-failed");
    // Of too few dossiers the hub tells the portal no number; that none was finished is none's.
    let row = &told("dung-han.json")["rows"][0];
    assert!(row["open"].is_null() && row["finished"] == 0, "{row}");
    assert_eq!(told("dung-han.json")["suppressed_below"], 5);
    assert_eq!(told("gop-y-1.json")["outcome"], "stored");
    assert_eq!(told("gop-y-2.json")["outcome"], "duplicate");
    let events = |name: &str| -> Vec<Value> {
        let told = read(name);
        let data = told.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    };
    let changed = |status: u8| json!({ "agency": "ubnd-bien-hoa", "status": status });
    // Everybody sees where something changed, who follows one dossier that one alone.
    assert_eq!(events("su-kien.txt"), [changed(2), changed(10)]);
    assert_eq!(events("mot-ho-so.txt"), [changed(10)]);
    assert_eq!(read("thoi.txt"), "204\n");
}

#[test]
fn the_samples_of_the_agencies_there_are_are_understood_too() {
    for (file, each) in [
        ("tests/corpus/samples/HOSO_201309.csv", ""),
        ("tests/corpus/samples/LayDanhSachHoSo.soap.xml", "each = "),
        ("tests/corpus/samples/hoso_trang1.json", "each = "),
    ] {
        let output = run(&["infer", file]);
        assert_eq!(output.status.code(), Some(0), "{file}: {}", stderr(&output));
        let mapping = stdout(&output);
        for member in ["source_code = ", "status = ", "accepted_at = ", "due_at = ", each] {
            assert!(mapping.contains(member), "{file}: no {member}\n{mapping}");
        }
    }
}

#[test]
fn a_workbook_and_an_archive_are_samples_too() {
    let book = "mappings/agencies/so-xay-dung/fixtures/ho-so/thang-8.in.xlsx";
    let zipped = "tests/corpus/agencies/so-thu-nghiem/fixtures";
    for (sample, lines) in [
        (book.to_owned(), ["format = \"xlsx\"", "[xlsx]", "source_code = ", "totals = ["]),
        (
            format!("{zipped}/goi/tot.in.zip"),
            [
                "format = \"csv\"",
                "members = \"*.csv\"",
                "ignore = [\"*.txt\", \"__MACOSX/*\"]",
                "accepted_at = \"NGAY_NHAN | date dd/MM/yyyy\"",
            ],
        ),
        (
            format!("{zipped}/goi-bang-tinh/tot.in.zip"),
            [
                "format = \"xlsx\"",
                "members = \"*.xlsx\"",
                "header_rows = 2",
                "totals = [\"Tổng cộng\"]",
            ],
        ),
    ] {
        let output = run(&["infer", &sample]);
        assert_eq!(output.status.code(), Some(0), "{sample}: {}", stderr(&output));
        let mapping = stdout(&output);
        for line in lines {
            assert!(mapping.contains(line), "{sample}: no {line}\n{mapping}");
        }
    }
    // The proposal takes the workbook that it was made from, which stays its fixture.
    let newcomer = Newcomer::new("workbook");
    let mappings = newcomer.0.join("agencies").display().to_string();
    let mut all = vec!["agency", "new", "so-mot", "--name", "A", "--name-en", "A"];
    all.extend(["--sample", book, "--mappings", &mappings]);
    let output = run(&all);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let tested = run(&["test", "so-mot", "--mappings", &mappings]);
    assert_eq!(tested.status.code(), Some(0), "{}{}", stdout(&tested), stderr(&tested));
    let hostile = run(&["infer", "tests/corpus/hostile/zip-truncated.zip"]);
    assert_eq!(hostile.status.code(), Some(1));
    assert!(stderr(&hostile).contains("cannot be"), "{}", stderr(&hostile));
}

#[test]
fn what_is_no_sample_or_no_id_is_refused_in_words_and_nothing_is_overwritten() {
    let newcomer = Newcomer::new("refused");
    let sample = newcomer.0.join("mau.csv");
    let new = |id: &str, sample: &Path| {
        let mappings = newcomer.0.join("agencies");
        let mut all = vec!["agency", "new", id, "--name", "A", "--name-en", "A", "--sample"];
        let (sample, mappings) = (sample.display().to_string(), mappings.display().to_string());
        all.extend([sample.as_str(), "--mappings", mappings.as_str()]);
        let output = run(&all);
        (output.status.code(), stderr(&output))
    };
    let (code, told) = new("so-y-te", &sample);
    assert!(code == Some(1) && told.contains("failed to read"), "{told}");
    fs::write(&sample, b"\x7fELF\x00\x01\x02").unwrap();
    let (code, told) = new("so-y-te", &sample);
    assert!(code == Some(1) && told.contains("text file"), "{told}");
    fs::write(&sample, "Mã hồ sơ;Trạng thái\nA1;Xong\n").unwrap();
    for id in ["Sở Y tế", "../so-y-te", "", "9-so"] {
        let (code, told) = new(id, &sample);
        assert!(code == Some(1) && told.contains("so-y-te"), "{id}: {told}");
    }
    assert_eq!(new("so-y-te", &sample).0, Some(0));
    let (code, told) = new("so-y-te", &sample);
    assert!(code == Some(1) && told.contains("không ghi đè"), "{told}");
}
