//! Hostile payloads through `lienthong apply`: one outcome each, with a code and a place; sound
//! neighbours are mapped; memory stays bounded; nothing panics.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use crate::lienthong::{binary, root, stderr, stdout};

/// A file of its own, gone at the end.
struct File(PathBuf);

impl File {
    fn holding(name: &str, bytes: &[u8]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Tests run side by side and may choose the same name.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = format!("lienthong-hostile-{}-{count}-{name}", std::process::id());
        let path = std::env::temp_dir().join(file);
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Applies bytes with 256 MiB of address space: more is an abort, which no test forgives.
fn apply(channel: &str, name: &str, bytes: &[u8]) -> Output {
    let file = File::holding(name, bytes);
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -v 262144; exec \"$0\" apply \"$1\" \"$2\"");
    command.arg(binary()).arg(channel).arg(&file.0).current_dir(root());
    command.output().unwrap()
}

/// The codes of all problems, in order. What is warned of is none.
fn codes(output: &Output) -> Vec<String> {
    let mut codes = Vec::new();
    for line in stderr(output).lines() {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        if told["warnings"].is_array() {
            continue;
        }
        for problem in told["problems"].as_array().unwrap() {
            assert!(problem["detail"]["vi"].as_str().is_some_and(|text| !text.is_empty()));
            codes.push(problem["code"].as_str().unwrap().to_owned());
        }
    }
    codes
}

/// Refused whole: exit 2, nothing canonical, and exactly this problem.
#[track_caller]
fn refused(channel: &str, name: &str, bytes: &[u8], code: &str) {
    let output = apply(channel, name, bytes);
    assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
    assert_eq!(stdout(&output), "", "{name}");
    assert_eq!(codes(&output), [code], "{name}");
}

const SOAP: &str = "so-ke-hoach-dau-tu.ho-so";
const LAND: &str = "so-tai-nguyen-moi-truong.ho-so";
const PAGES: &str = "so-giao-thong-van-tai.ho-so";
const EVENTS: &str = "ubnd-bien-hoa.ho-so";

/// A sample of the corpus.
fn sample(name: &str) -> Vec<u8> {
    fs::read(root().join("tests/corpus/samples").join(name)).unwrap()
}

#[test]
fn xml_that_is_none_or_means_harm_is_refused() {
    let soap = String::from_utf8(sample("LayDanhSachHoSo.soap.xml")).unwrap();
    let soap = soap.trim_start_matches('\u{feff}').to_owned();
    let with = |from: &str, to: &str| soap.replacen(from, to, 1).into_bytes();
    let doctype = "<!DOCTYPE x [<!ENTITY a \"b\">]>\n<soap:Envelope";
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">\n<soap:Envelope";
    refused(SOAP, "doctype", &with("<soap:Envelope", doctype), "forbidden-markup");
    refused(SOAP, "external", &with("<soap:Envelope", external), "forbidden-markup");
    let unbound = with("<soap:Envelope xmlns:soap", "<soap:Envelope xmlns:sop");
    refused(SOAP, "unbound", &unbound, "not-the-format");
    let deep = "<a>".repeat(100_000).into_bytes();
    refused(SOAP, "deep", &deep, "limit-exceeded");
    refused(SOAP, "json", b"{\"a\":1}", "not-the-format");
    refused(SOAP, "empty", b"", "not-the-format");
    let attributes: String = (0..60_000).map(|at| format!(" a{at}=\"1\"")).collect();
    refused(SOAP, "attributes", format!("<a{attributes}/>").as_bytes(), "limit-exceeded");
}

#[test]
fn a_second_root_or_a_cut_end_is_told_after_the_records_before_it() {
    let mut second = sample("LayDanhSachHoSo.soap.xml");
    second.extend_from_slice(b"<again/>");
    let output = apply(SOAP, "second-root", &second);
    assert_eq!((output.status.code(), codes(&output)), (Some(2), vec!["not-the-format".into()]));
    let whole = sample("LayDanhSachHoSo.soap.xml");
    let cut = apply(SOAP, "cut", &whole[..whole.len() - 100]);
    assert_eq!((cut.status.code(), codes(&cut)), (Some(2), vec!["not-the-format".into()]));
}

#[test]
fn json_that_two_systems_could_read_differently_is_refused() {
    refused(EVENTS, "duplicate", br#"{"suKien":"A","suKien":"B"}"#, "duplicate-key");
    refused(EVENTS, "nested-duplicate", br#"{"a":{"b":[{"c":1,"c":2}]}}"#, "duplicate-key");
    refused(EVENTS, "lone-surrogate", br#"{"maHoSo":"\ud800"}"#, "not-the-format");
    refused(EVENTS, "nul", br#"{"maHoSo":"a\u0000b"}"#, "not-the-format");
    refused(EVENTS, "huge-number", br#"{"maHoSo":1e400}"#, "not-the-format");
    refused(EVENTS, "nan", br#"{"maHoSo":NaN}"#, "not-the-format");
    refused(EVENTS, "deep", "[".repeat(100_000).as_bytes(), "limit-exceeded");
    let trailing = apply(EVENTS, "trailing", br#"{"maHoSo":"1","suKien":"XOA"} x"#);
    assert_eq!(codes(&trailing), ["undecided-record", "not-the-format"]);
    refused(EVENTS, "unknown-event", br#"{"maHoSo":"1","suKien":"XOA"}"#, "undecided-record");
}

#[test]
fn bytes_outside_the_declared_charset_are_refused_where_they_stand() {
    let output = apply(EVENTS, "half-a-letter", b"{\"maHoSo\":\"\xc4\"}");
    let told = stderr(&output);
    assert_eq!(codes(&output), ["wrong-charset"]);
    assert!(told.contains("byte 11"), "{told}");
    refused(PAGES, "tcvn3", &sample("HOSO_201309.csv"), "wrong-charset");
}

#[test]
fn a_bad_row_spares_its_neighbours() {
    let mut rows = sample("HOSO_201309.csv");
    rows.extend_from_slice(b"9999/TNMT;too;few\r\n");
    let output = apply(LAND, "ragged", &rows);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output).lines().count(), 5);
    assert_eq!(codes(&output), ["not-the-format"]);
    let long = "9".repeat(300);
    let text = String::from_utf8_lossy(&sample("hoso_trang2.json")).replace("GT-13-88122", &long);
    let output = apply(PAGES, "long-id", text.as_bytes());
    assert_eq!(stdout(&output).lines().count(), 2);
    assert!(!codes(&output).is_empty());
    // Nobody is told to split what is one record.
    assert!(stderr(&output).contains("The record's key has 300 bytes, more than 255."));
    assert!(!stderr(&output).contains("Split the payload"), "{}", stderr(&output));
}

#[test]
fn a_payload_over_the_limit_is_refused_before_it_is_read() {
    let file = File::holding("large", b"");
    // A sparse file: its length is what counts.
    fs::OpenOptions::new().write(true).open(&file.0).unwrap().set_len(1 << 30).unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -v 262144; exec \"$0\" apply \"$1\" \"$2\"");
    let output = command.arg(binary()).arg(SOAP).arg(&file.0).current_dir(root()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(codes(&output), ["limit-exceeded"]);
    assert!(stderr(&output).contains("payload_bytes_max"));
}

#[test]
fn a_large_file_is_mapped_record_by_record_in_bounded_memory() {
    let soap = String::from_utf8(sample("LayDanhSachHoSo.soap.xml")).unwrap();
    let (start, end) = (soap.find("<HoSo>").unwrap(), soap.rfind("</HoSo>").unwrap() + 7);
    let record = &soap[start..soap.find("</HoSo>").unwrap() + 7];
    let large = [&soap[..start], &record.repeat(40_000), &soap[end..]].concat();
    let output = apply(SOAP, "large-list", large.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output).lines().count(), 40_000);
}
