//! What a profile says of payloads, and what is told of two of them.

use std::{cell::Cell, fmt::Write as _};

use contracts::Contracts;

use super::{ChangeKind, Gatherer, Profile, changes, form};
use crate::{Content, File, Mapping, Sources};

const RULES: &str = r#"
[[record]]
contract = "dossier/1"
[record.map]
source = "'a'"
source_code = "Ma | code"
agency = "'a'"
channel = "'counter'"
accepted_at = "Ngay | date dd/MM/yyyy yyyy-MM-dd yyyyMMdd"
status = "TT | table status"
status_raw = "TT"
applicant.name = "Dan/Ten"
applicant.kind = "'person'"
"fees[0].amount" = "Phi | integer 1000"
"#;

fn mapping(format: &str, rules: &str) -> Mapping {
    let text = format!("format = \"{format}\"\ncharset = \"utf-8\"\n{rules}");
    let tables = [("status".to_owned(), "native,canonical\n1,2\n2,4\n".to_owned())].into();
    let sources = Sources { file: "t.toml".to_owned(), text, tables };
    Mapping::compile(&sources, &Contracts::builtin().unwrap()).unwrap_or_else(|found| {
        panic!("{}", found.iter().map(|one| format!("{one}\n")).collect::<String>())
    })
}

fn of(mapping: &Mapping, payload: &str) -> Profile {
    let mut gatherer = Gatherer::new(mapping);
    let content = Content::Bytes(payload.as_bytes());
    gatherer.file(File { member: None, before: 0, content }, &Cell::new(false));
    gatherer.finish().0
}

fn lines(mapping: &Mapping, count: usize, line: impl Fn(usize) -> String) -> Profile {
    let mut payload = String::new();
    (0..count).for_each(|at| writeln!(payload, "{}", line(at)).unwrap());
    of(mapping, &payload)
}

/// JSON Lines as one agency sends them day by day.
fn usual(at: usize) -> String {
    let (status, name) = (at % 2 + 1, if at.is_multiple_of(4) { "" } else { "Nguyễn Thị An" });
    let who = format!(r#""Dan":{{"Ten":"{name}"}}"#);
    format!(r#"{{"Ma":"H-{at}","Ngay":"04/03/2024","TT":"{status}",{who},"Phi":30000,"La":1}}"#)
}

fn json() -> Mapping {
    mapping("json", &format!("lines = true\n{RULES}"))
}

/// What is told of ten usual days and one other.
fn told(other: impl Fn(usize) -> String) -> Vec<(ChangeKind, String, String, String)> {
    let mapping = json();
    let day = |day: usize| (format!("2024-03-{day:02}"), lines(&mapping, 10, usual));
    let mut days: Vec<_> = (1..=10).map(day).collect();
    days.push(("2024-03-11".to_owned(), lines(&mapping, 30, other)));
    let found = changes(&days);
    assert!(found.iter().all(|one| one.since == "2024-03-11" && one.records == "dossier/1"));
    assert!(found.iter().all(|one| !one.detail.vi.is_empty() && !one.advice.en.is_empty()));
    found.into_iter().map(|one| (one.kind, one.path, one.before, one.after)).collect()
}

fn owned(
    kind: ChangeKind,
    path: &str,
    before: &str,
    after: &str,
) -> (ChangeKind, String, String, String) {
    (kind, path.to_owned(), before.to_owned(), after.to_owned())
}

#[test]
fn a_profile_counts_fields_types_blanks_forms_and_codes() {
    let profile = lines(&json(), 8, usual);
    let fields = &profile.0["dossier/1"];
    assert_eq!((fields.records, profile.records()), (8, 8));
    let field = |path: &str| serde_json::to_value(&fields.fields[path]).unwrap();
    assert_eq!(
        field("Dan/Ten"),
        serde_json::json!({ "use": "text", "present": 8, "filled": 6, "types": { "text": 6 },
            "forms": { "text": 6 }, "letters": [13, 13] })
    );
    assert_eq!(field("TT")["codes"], serde_json::json!({ "1": 4, "2": 4 }));
    assert_eq!(field("Ngay")["forms"], serde_json::json!({ "dd/MM/yyyy": 8 }));
    assert_eq!(field("Phi")["digits"], serde_json::json!({ "5": 8 }));
    assert_eq!(field("Phi")["types"], serde_json::json!({ "number": 8 }));
    assert_eq!(field("Dan")["types"], serde_json::json!({ "nested": 8 }));
    assert_eq!((&field("La")["use"], &field("La")["digits"]), (&"unread".into(), &().into()));
}

#[test]
fn no_value_of_anybody_is_kept() {
    // A column too far: names where codes are wanted, numbers of people in names of fields.
    let shifted = |at: usize| {
        let usual = usual(at).replace("\"TT\":\"1\"", "\"TT\":\"Nguyễn Thị An\"");
        let usual = usual.replace("\"TT\":\"2\"", "\"TT\":\"075201001234\"");
        usual.replace("\"La\"", &format!("\"cmnd 0752010{at:05}\""))
    };
    let profile = lines(&json(), 20, shifted);
    let text = serde_json::to_string(&profile).unwrap();
    for personal in ["Nguyễn", "An", "0752", "H-", "04/03/2024", "30000"] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    let fields = &profile.0["dossier/1"].fields;
    assert_eq!(fields["TT"].hidden, 20);
    assert_eq!(fields["./'cmnd #'"].present, 20);
}

#[test]
fn a_sender_who_invents_names_fills_no_store() {
    let invents = |at: usize| usual(at).replace("\"La\"", &format!("\"la{}\"", letters(at)));
    let mut all = Profile::default();
    for message in 0..4 {
        all.merge(&lines(&json(), 400, |at| invents(message * 400 + at)));
    }
    let fields = &all.0["dossier/1"];
    assert_eq!(fields.records, 1_600);
    // What rules read is there whatever else is.
    assert!(fields.fields.len() <= super::FIELDS_MAX + 6, "{}", fields.fields.len());
    assert_eq!(fields.fields["Phi"].present, 1_600);
    assert_eq!(fields.more, 1_600 - 256 + 1);
}

fn letters(mut number: usize) -> String {
    let mut word = String::new();
    for _ in 0..4 {
        word.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    word
}

#[test]
fn only_the_first_records_of_a_message_are_looked_at() {
    let profile = lines(&json(), 700, usual);
    assert_eq!(profile.records(), super::RECORDS_MAX);
}

#[test]
fn what_stands_around_the_records_is_a_part_of_its_own() {
    let rules = RULES.replace("Dan/Ten", "../../So/@ten");
    let mapping = mapping("xml", &format!("each = \"ds/nhom/HoSo\"\n{rules}"));
    let payload = r#"<ds ngay="1"><So ten="A"/><nhom ma="3"><HoSo><Ma>1</Ma><TT>1</TT></HoSo>
        <HoSo><Ma>2</Ma><TT>9</TT></HoSo></nhom></ds>"#;
    let profile = of(&mapping, payload);
    let around: Vec<_> = profile.0["around"]
        .fields
        .iter()
        .map(|(path, field)| (path.as_str(), field.used == super::Use::Unread))
        .collect();
    let expected = [("/@ngay", true), ("/So", true), ("/So/@ten", false), ("/nhom/@ma", true)];
    assert_eq!(around, expected);
    assert_eq!(profile.0["around"].records, 1);
    assert_eq!(profile.0["dossier/1"].fields["TT"].strange, [("9".to_owned(), 1)].into());
}

#[test]
fn profiles_add_up_in_any_order() {
    let mapping = json();
    let parts: Vec<Profile> =
        (0..5).map(|part| lines(&mapping, 5 + part, |at| usual(at * part + part))).collect();
    let sum = |order: [usize; 5]| {
        let mut all = Profile::default();
        order.into_iter().for_each(|at| all.merge(&parts[at]));
        all
    };
    assert_eq!(sum([0, 1, 2, 3, 4]), sum([3, 0, 4, 2, 1]));
    let whole = serde_json::to_string(&sum([0, 1, 2, 3, 4])).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&whole).unwrap(), sum([4, 3, 2, 1, 0]));
}

#[test]
fn the_usual_is_no_change() {
    assert_eq!(told(usual), []);
}

#[test]
fn each_kind_of_change_is_told_with_its_figures() {
    use ChangeKind::{BlankShare, FieldGone, NewField, NewForm, NewType, Size, UnknownCode};
    let field = told(|at| usual(at).replace("\"La\":1", r#""La":1,"Moi":{"A":"x","B":""}"#));
    assert_eq!(field, [owned(NewField, "Moi", "0 %", "100 %")], "what it holds is not told apart");
    let gone = told(|at| usual(at).replace(r#","Phi":30000"#, ""));
    assert_eq!(gone, [owned(FieldGone, "Phi", "100 %", "0 %")]);
    let blank = told(|at| usual(at).replace("Nguyễn Thị An", ""));
    // 3 of 10 names of each usual day are blank: 0, 4 and 8.
    assert_eq!(blank, [owned(BlankShare, "Dan/Ten", "30 %", "100 %")]);
    let kind = told(|at| usual(at).replace("\"La\":1", "\"La\":\"1\""));
    assert_eq!(kind, [owned(NewType, "La", "number 100 %", "text 100 %")]);
    let form = told(|at| usual(at).replace("04/03/2024", "2024-03-04"));
    assert_eq!(form, [owned(NewForm, "Ngay", "dd/MM/yyyy 100 %", "yyyy-MM-dd 100 %")]);
    let month_first = told(|at| usual(at).replace("04/03/2024", "03/25/2024"));
    assert_eq!(month_first[0].3, "MM/dd/yyyy 100 %");
    let code = told(|at| usual(at).replace("\"TT\":\"1\"", "\"TT\":\"7\""));
    assert_eq!(code, [owned(UnknownCode, "TT", "0", "15")]);
    let size = told(|at| usual(at).replace("30000", "30000000"));
    assert_eq!(size, [owned(Size, "Phi", "10^4", "10^7")]);
}

#[test]
fn one_slip_of_a_hand_is_no_change_and_a_lasting_one_is_told_once() {
    let slip = told(|at| match at {
        3 => usual(at).replace("04/03/2024", "chưa rõ"),
        _ => usual(at),
    });
    assert_eq!(slip, []);
    let mapping = json();
    let day = |day: usize| {
        let lasting = move |at: usize| match day {
            6.. => usual(at).replace("\"La\":1", "\"La\":1,\"Moi\":2"),
            _ => usual(at),
        };
        (format!("2024-03-{day:02}"), lines(&mapping, 10, lasting))
    };
    let days: Vec<_> = (1..=12).map(day).collect();
    let found = changes(&days);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].since.as_str(), found[0].path.as_str()), ("2024-03-06", "Moi"));
}

#[test]
fn numbers_and_dates_are_told_by_how_they_are_written() {
    for (text, form) in [
        ("1000", Some(("1000", 4))),
        ("-05", Some(("1000", 1))),
        ("0", Some(("1000", 0))),
        ("1.000", Some(("1.000", 4))),
        ("1.250.000", Some(("1.000", 7))),
        ("1.250,75", Some(("1.000,5", 4))),
        ("1,250.75", Some(("1,000.5", 4))),
        ("12,5", Some(("1000,5", 2))),
        ("0.125", Some(("1000.5", 0))),
        ("04.03.2024", None),
        ("1.", None),
        ("", None),
        ("12a", None),
    ] {
        assert_eq!(form::number(text), form, "{text}");
    }
    for (text, digits, form) in [
        ("04/03/2024", false, Some("dd/MM/yyyy")),
        ("4/3/2024", false, Some("d/M/yyyy")),
        ("03/25/2024", false, Some("MM/dd/yyyy")),
        ("2024-03-04T08:00:00+07:00", false, Some("rfc3339")),
        ("/Date(1383527730000+0700)/", false, Some("msdate")),
        ("20240304", false, None),
        ("20240304", true, Some("yyyyMMdd")),
        ("20240304081530", true, Some("yyyyMMddHHmmss")),
        ("1968", true, Some("yyyy")),
        ("45000", true, Some("serial")),
        ("Nguyễn 04/03/2024", false, None),
    ] {
        assert_eq!(form::date(text, digits), form, "{text}");
    }
}
