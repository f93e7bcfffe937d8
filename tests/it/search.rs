//! The catalogue as the portal asks for it: names however they are typed, codes by their days.

use std::{fs, path::PathBuf, time::Instant};

use serde_json::Value;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
};

mod content;
mod versions;
mod ways;

on_each_store!(
    ten_names_are_found_first_however_they_are_typed,
    a_code_means_what_it_meant_on_that_day,
    what_one_process_publishes_every_process_answers,
);

/// The example's folder.
fn dong_nai() -> PathBuf {
    root().join("examples/dong-nai").canonicalize().unwrap()
}

/// An address with its parameters.
fn ask(list: &str, parameters: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://hub/", parameters).unwrap();
    format!("/v1/{list}?{}", url.query().unwrap_or_default())
}

/// A hub of no agency that publishes a catalogue, and the portal.
async fn published(backend: Backend, name: &str) -> (Folder, Hub, Sender) {
    let mut folder = backend.folder(name);
    folder.publishing(Some(dong_nai()));
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&key);
    (folder, hub, portal)
}

/// Ten names, and what each must find first.
const NAMES: [(&str, &str, &str, &str); 10] = [
    ("agencies", "Ủy ban nhân dân thành phố Biên Hòa", "/agency/id", "ubnd-bien-hoa"),
    ("agencies", "Ủy ban nhân dân huyện Thống Nhất", "/agency/id", "ubnd-thong-nhat"),
    ("agencies", "Sở Nông nghiệp và Môi trường", "/agency/id", "so-nong-nghiep-moi-truong"),
    ("units", "phường Biên Hòa", "/unit/code", "26068"),
    ("units", "huyện Cẩm Mỹ", "/unit/code", "739"),
    ("units", "xã Xuân Hòa", "/unit/code", "26446"),
    ("procedures", "Công bố hoạt động cảng thủy nội địa", "/procedure/code", "1.009456"),
    ("procedures", "Thủ tục đăng ký khai sinh", "/procedure/code", "1.001193"),
    ("procedures", "Xếp cấp chuyên môn kỹ thuật", "/procedure/code", "1.012262"),
    ("procedures", "Đăng ký làm hòa giải viên thương mại vụ việc", "/procedure/code", "1.009284"),
];

async fn ten_names_are_found_first_however_they_are_typed(backend: Backend) {
    let (folder, hub, portal) = published(backend, "search-names").await;
    for (list, name, pointer, expected) in NAMES {
        let ways = ways::of(name);
        assert_eq!(ways.len(), 20, "{name}");
        for (way, typed) in ways {
            let found = portal.found(&ask(list, &[("q", &typed)])).await;
            let first = found["items"][0].pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(first, expected, "{name}, {way}: `{typed}`");
        }
        let exact = portal.found(&ask(list, &[("q", name)])).await;
        assert_eq!(exact["items"][0]["match"], "exact", "{name}");
    }
    hub.stop();
    folder.verify();
}

async fn a_code_means_what_it_meant_on_that_day(backend: Backend) {
    let (folder, hub, portal) = published(backend, "search-codes").await;
    let days = [
        ("2013-10-01", "Quyết Thắng"),
        ("2024-10-31", "Quyết Thắng"),
        ("2024-11-01", "Trung Dũng"),
        ("2025-06-30", "Trung Dũng"),
        ("2025-07-01", "Trấn Biên"),
        ("2026-11-24", "Trấn Biên"),
    ];
    for (day, name) in days {
        let found = portal.found(&ask("units", &[("code", "26041"), ("on", day)])).await;
        assert_eq!(
            (&found["total"], &found["items"][0]["unit"]["name"]),
            (&1.into(), &name.into())
        );
    }
    let all = portal.found("/v1/units?code=26041").await;
    let names: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|one| told(one, "/unit/name")).collect();
    assert_eq!(names, ["Trấn Biên", "Trung Dũng", "Quyết Thắng"], "the latest first");
    let middle = &all["items"][1];
    assert_eq!(told(middle, "/successors/0/name"), "Trấn Biên");
    assert_eq!(told(middle, "/successors/0/on"), "2025-07-01");
    let before: Vec<(&str, &str)> = middle["predecessors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (told(one, "/name"), told(one, "/relation")))
        .collect();
    assert_eq!(
        before,
        [
            ("Tân Phong", "part"),
            ("Thanh Bình", "merge"),
            ("Quyết Thắng", "merge"),
            ("Trung Dũng", "merge"),
        ]
    );
    assert_eq!(told(middle, "/within/0"), "thành phố Biên Hòa");
    let split = portal.found("/v1/units?code=26449").await;
    assert_eq!(split["items"][0]["successors"].as_array().unwrap().len(), 2, "{split}");
    let ended = portal.found("/v1/units?code=731").await;
    assert_eq!(told(&ended["items"][0], "/successors/0/relation"), "abolish");
    let planning = portal.found("/v1/agencies?q=so-ke-hoach-dau-tu").await;
    assert_eq!(told(&planning["items"][0], "/successors/0/id"), "so-tai-chinh");
    hub.stop();
    drop(folder);
}

fn told<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value}"))
}

async fn what_one_process_publishes_every_process_answers(backend: Backend) {
    let (mut folder, one, portal) = published(backend, "search-published").await;
    let first = portal.found("/v1/procedures?q=khai+sinh").await;
    // Started again with the same folder: it is in force already, and nothing is told.
    one.stop();
    let entries = folder.verify().entries;
    let one = Hub::start(&folder).await;
    let copy = folder.catalogue();
    let path = copy.join("procedures.csv");
    let text = fs::read_to_string(&path).unwrap();
    let added = "9.000001,,,so-y-te,Cấp giấy khai sinh thử nghiệm,ho-tich,province,,,,,,,\n";
    fs::write(&path, text + added).unwrap();
    folder.publishing(Some(copy));
    let other = Hub::start(&folder).await;
    // The process that published, and within seconds the one that had another before.
    for hub in [&other, &one] {
        let began = Instant::now();
        let asked = Sender::clone(&portal).at(&hub.url);
        while asked.found("/v1/procedures?q=9.000001").await["total"] != 1 {
            assert!(began.elapsed().as_secs() < 20, "it goes on with the catalogue of before");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let now = asked.found("/v1/procedures?q=khai+sinh").await;
        assert_eq!(now["as_of"], entries + 1);
        let total = |found: &Value| found["total"].as_u64().unwrap();
        assert_eq!(total(&now), total(&first) + 1);
    }
    one.stop();
    other.stop();
    // Without a folder of its own, a hub answers from what the store has.
    folder.publishing(None);
    let hub = Hub::start(&folder).await;
    let found = hub.sender(portal.key()).found("/v1/procedures?q=9.000001").await;
    assert_eq!(found["items"][0]["match"], "code");
    hub.stop();
    assert_eq!(folder.verify().entries, entries + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_filtered_and_counted() {
    let (_folder, hub, portal) = published(Backend::Sqlite, "search-lists").await;
    let all = portal.found("/v1/procedures").await;
    assert_eq!(all["total"], 1_959);
    let counted = |facet: &str, value: &str| {
        let values = all["facets"][facet].as_array().unwrap().iter();
        let found = values.clone().find(|one| one["value"] == value);
        found.unwrap_or_else(|| panic!("{facet} {value}"))["count"].as_u64().unwrap()
    };
    assert_eq!(counted("level", "commune"), 297);
    assert_eq!(counted("agency", "so-cong-thuong"), 212);
    assert_eq!(counted("online_level", "3") + counted("online_level", "none"), 1_959);
    for (parameter, value) in [
        ("level", "district"),
        ("agency", "so-tu-phap"),
        ("field", "dat-dai"),
        ("online_level", "3"),
    ] {
        let found = portal.found(&ask("procedures", &[(parameter, value)])).await;
        assert_eq!(found["total"], counted(parameter, value), "{parameter}");
        // Its own facet still counts the other choices.
        assert_eq!(found["facets"][parameter], all["facets"][parameter], "{parameter}");
    }
    let named = portal.found(&ask("procedures", &[("field", "ĐẤT ĐAI")])).await;
    assert_eq!(named["total"], counted("field", "dat-dai"));
    let early = portal.found("/v1/procedures?online_level=3&on=2013-12-31").await;
    assert_eq!(early["total"], 0, "no level was in force yet");
    // Every procedure once, in the order of names, whatever the size of the pages.
    let mut path = ask("procedures", &[("agency", "so-y-te"), ("limit", "7")]);
    let mut names: Vec<String> = Vec::new();
    loop {
        let (status, body, next) = portal.page(&path).await;
        assert_eq!(status, 200, "{body}");
        let items = body["items"].as_array().unwrap().iter();
        names.extend(items.map(|one| one["procedure"].to_string()));
        let Some(next) = next else { break };
        assert!(names.len().is_multiple_of(7) && names.len() <= 102);
        path = next;
    }
    assert_eq!(names.len(), 102);
    let whole = portal.found("/v1/procedures?agency=so-y-te&limit=100").await;
    for (paged, whole) in names.iter().zip(whole["items"].as_array().unwrap()) {
        assert_eq!(*paged, whole["procedure"].to_string());
    }
    let (cursor, other) = (path.split("cursor=").nth(1).unwrap(), "/v1/procedures?q=khai&cursor=");
    let (status, refused) = portal.get(&format!("{other}{cursor}")).await;
    assert_eq!((status, &refused["code"]), (400, &"bad-cursor".into()));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_nothing_says_what_may_have_been_meant() {
    let (_folder, hub, portal) = published(Backend::Sqlite, "search-meant").await;
    for (list, typed, meant) in [
        ("procedures", "đăng ký khai sinhh", "đăng ký khai sinh"),
        ("procedures", "giayphep xay dung", "giấy phép xây dựng"),
        ("procedures", "khai sinh qwertyuiop", "khai sinh"),
        ("units", "Biên Hoaa", "biên hòa"),
        ("agencies", "S\u{EB} X\u{A9}y d\u{F9}ng", "Sở Xây dựng"),
    ] {
        let found = portal.found(&ask(list, &[("q", typed)])).await;
        assert_eq!(found["total"], 0, "{typed}");
        let proposed =
            found["suggestions"].as_array().unwrap_or_else(|| panic!("{typed}: {found}"));
        assert!(proposed.iter().any(|one| one["q"] == meant), "{typed}: {proposed:?}");
        for one in proposed {
            let again = portal.found(&ask(list, &[("q", told(one, "/q"))])).await;
            assert_eq!(again["total"], one["total"], "{one}");
        }
    }
    let found = portal.found("/v1/procedures?q=qwertyuiop").await;
    assert!(found.get("suggestions").is_none());
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_questions_are_answered_at_once_and_clearly() {
    let (folder, hub, portal) = published(Backend::Sqlite, "search-hostile").await;
    let marks: String = std::iter::repeat_n('\u{301}', 250).collect();
    let letters: String = ('a'..='z').cycle().take(250).collect();
    let single: String = "a b c d e f g h i k l m n o p q r s t u v x y ".repeat(5);
    let capitals: String = std::iter::repeat_n('İ', 250).collect();
    for typed in [
        marks.as_str(),
        &letters,
        &single,
        &capitals,
        "(.*)+$",
        "[",
        "\\",
        "%",
        "'; DROP TABLE x;--",
        "\u{202E}hnis iahk",
        "🏛🏛🏛",
        "a\u{301}\u{323}\u{302}\u{31B}",
        "\u{FFFD}",
        "ﷺ",
        "   ",
    ] {
        for list in ["procedures", "agencies", "units"] {
            let began = Instant::now();
            let found = portal.found(&ask(list, &[("q", typed)])).await;
            let asked = typed.chars().any(char::is_alphanumeric) || typed.trim().is_empty();
            assert!(asked || found["total"] == 0, "{typed}: what asks for nothing finds nothing");
            assert!(began.elapsed().as_millis() < 1_000, "{list} {typed}: {:?}", began.elapsed());
        }
    }
    let long = "đ ".repeat(1_001);
    for (path, code) in [
        (ask("procedures", &[("q", "a\0b")]), "bad-parameter"),
        (ask("procedures", &[("q", &long)]), "bad-parameter"),
        ("/v1/procedures?q=%C3%28%FF".to_owned(), "bad-parameter"),
        ("/v1/procedures?query=x".to_owned(), "bad-parameter"),
        ("/v1/procedures?q=x&q=y".to_owned(), "bad-parameter"),
        ("/v1/procedures?agency=so-may".to_owned(), "bad-parameter"),
        ("/v1/procedures?level=xa".to_owned(), "bad-parameter"),
        ("/v1/procedures?limit=0".to_owned(), "bad-parameter"),
        ("/v1/units?on=2025-02-30".to_owned(), "bad-parameter"),
        ("/v1/units?cursor=00".to_owned(), "bad-cursor"),
    ] {
        let (status, refused) = portal.get(&path).await;
        assert_eq!((status, &refused["code"]), (400, &code.into()), "{path}");
        for language in ["advice", "advice_en"] {
            assert!(!told(&refused, &format!("/{language}")).is_empty(), "{path}");
        }
    }
    let all: Vec<Value> =
        portal.found("/v1/procedures?q=1.013980").await["items"].as_array().unwrap().clone();
    let name = told(&all[0], "/procedure/name");
    assert!(name.chars().count() > 1_000, "the longest name there is");
    let whole = portal.found(&ask("procedures", &[("q", name)])).await;
    assert_eq!((told(&whole["items"][0], "/match"), &whole["total"]), ("exact", &1.into()));
    let huge = format!("/v1/procedures?q={}", "a".repeat(60_000));
    assert_eq!(portal.status(&huge).await, 431, "longer than a request may be");
    assert_eq!(hub.sender("ltk_none").get("/v1/procedures").await.0, 401);
    hub.stop();
    drop(folder);
}

#[test]
fn a_faulty_catalogue_is_told_with_all_its_places_and_the_hub_does_not_start() {
    let mut folder = Folder::new("search-faulty");
    let copy = folder.catalogue();
    folder.publishing(Some(copy.clone()));
    let sound = folder.run(&["check"]);
    assert_eq!(sound.status.code(), Some(0), "{}", stderr(&sound));
    let counted = "catalogue: 37 agencies, 191 fields, 1959 procedures, 434 units";
    assert!(stdout(&sound).contains(counted), "{}", stdout(&sound));
    for (file, row, place) in [
        ("procedures.csv", "1.23,,,so-y-te,Tên,ho-tich,province,,,,,,,", ":1961:1: code"),
        ("procedures.csv", ",,,so-may,\"Tên, có dấu phẩy\",ho-tich,xa,,,,,,,", ":1961:4: `so-may`"),
        ("procedures.csv", ",,,so-y-te,\"A, b\",ho-tich,xa,,,,,,,", ":1961:27: level"),
        ("procedures.csv", ",,,so-y-te,A,,province,5,,,,,,", ":1961:26: a time limit"),
        ("procedures.csv", "1.001193,,,so-tu-phap,A,,commune,,,,,,,", ""),
        ("procedures.csv", "1.001193,,,ubnd-cap-xa,A,,commune,,,,,,,", ":1961:1: the agency has"),
        ("units.csv", "26041,Trùng,phường,commune,75,2025-01-01,,", ":436:1: `26041` is in force"),
        ("units.csv", "1,A,xã,commune,75,2025-02-03,2025-02-09,", ":436:30: nothing says"),
        ("units.csv", "1,A,xã,commune,75,2025-02-30,,", ":436:19: `2025-02-30`"),
        ("units.csv", "1,A,xã,commune,75,2025-02-03,2025-02-01,", ":436:30: the last day"),
        ("successions.csv", "2025-07-01,unit,merge,1,26041,", ":370:23: nothing bears `1`"),
        ("successions.csv", "2025-07-01,unit,eaten,26041,26041,", ":370:17: `eaten`"),
        ("agencies.csv", "x y,A,B,board,,,,", ":39:1: id"),
        ("agencies.csv", "xy,A,B,board,nobody,,,", ":39:14: `nobody`"),
        ("agencies.csv", "xy,A,B,board,,H19,,", ":39:15: `H19`"),
        ("fields.csv", "moi,Hộ tịch,", ":193:5: `hộ tịch` stands twice"),
        ("fields.csv", "moi,\"Hộ", ":193:1"),
    ] {
        let sound = fs::read_to_string(dong_nai().join(file)).unwrap();
        fs::write(copy.join(file), format!("{sound}{row}\n")).unwrap();
        let output = folder.run(&["check"]);
        let expected = if place.is_empty() { 0 } else { 1 };
        assert_eq!(output.status.code(), Some(expected), "{row}: {}", stderr(&output));
        let place = if place.is_empty() { String::new() } else { format!("{file}{place}") };
        assert!(stderr(&output).contains(&place), "{row}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        fs::write(copy.join(file), sound).unwrap();
    }
    fs::write(copy.join("units.csv"), b"code,name\n1,Bi\xEAn").unwrap();
    fs::write(copy.join("fields.csv"), "id;name;agencies\n").unwrap();
    fs::remove_file(copy.join("agencies.csv")).unwrap();
    let output = folder.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    for fault in
        ["units.csv:2:5: it is not UTF-8", "fields.csv:1:1: the column `id`", "agencies.csv"]
    {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    assert!(told.contains("3 problems"), "all at once: {told}");
}
