//! Computed fields: proved at compile time, bounded, counted, and told without what they read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use contracts::{Contracts, Draft};
use mappings::{Gazetteer, Mapping, Sources};
use serde_json::Value;

const RULES: &str = r#"
[[record]]
contract = "dossier/1"
[record.map]
source = "'a'"
source_code = "Ma"
agency = "'a'"
channel = { compute = "Kenh == '1' ? 'online' : 'counter'" }
accepted_at = { compute = "Ngay + ' ' + Gio", then = "date 'dd/MM/yyyy HH:mm'", when = "Ma != ''" }
status = { compute = "Xong == '1' ? 9 : 4" }
status_raw = "Xong"
applicant.name = "Ten"
applicant.kind = "'person'"
"fees[0].amount" = { compute = "int(Phi) * 1000" }
"#;

fn compile(format: &str, rules: &str) -> Result<Mapping, String> {
    let text = format!("format = \"{format}\"\ncharset = \"utf-8\"\n{rules}");
    let sources = Sources { file: "t.toml".to_owned(), text, ..Sources::default() };
    Mapping::compile(&sources, &Contracts::builtin().unwrap())
        .map_err(|found| found.iter().map(|one| format!("{one}\n")).collect())
}

fn outcome(mapping: &Mapping, payload: &str) -> mappings::Outcome<'static> {
    let mut got = None;
    mappings::apply(mapping, payload.as_bytes(), &Gazetteer::default(), &mut |_, outcome| {
        got = Some(outcome.map(|drafts| drafts.into_iter().map(Draft::into_owned).collect()));
    })
    .unwrap();
    got.unwrap()
}

#[test]
fn computed_members_are_typed_counted_and_traced() {
    let mapping = compile("csv", RULES).unwrap();
    let csv = "Ma,Kenh,Ngay,Gio,Xong,Ten,Phi\n7,1,04/03/2024,08:30,1,An,30\n";
    let drafts = outcome(&mapping, csv).unwrap();
    let body = drafts[0].body.json();
    assert_eq!(body["channel"], "online");
    assert_eq!(body["accepted_at"], "2024-03-04T01:30:00Z");
    assert_eq!((&body["status"], &body["fees"][0]["amount"]), (&Value::from(9), &30_000.into()));
    Contracts::builtin().unwrap().seal(&drafts[0]).unwrap();
    let coverage = mapping.coverage();
    let used = |target: &str| coverage.iter().find(|one| one.target == target).unwrap();
    assert_eq!(used("status").used, 1);
    assert_eq!(used("status").rule, "compute Xong == '1' ? 9 : 4");
    let lineage = mapping.lineage();
    let fields: Vec<_> = lineage
        .iter()
        .filter(|one| one.target == "accepted_at")
        .map(|one| (one.source.as_str(), one.functions.join(" | ")))
        .collect();
    let steps = "compute Ngay + ' ' + Gio | date 'dd/MM/yyyy HH:mm'".to_owned();
    assert_eq!(fields, [("Gio", steps.clone()), ("Ngay", steps)]);
}

#[test]
fn what_cannot_be_computed_is_refused_with_place_and_rule_but_no_value() {
    let mapping = compile("csv", RULES).unwrap();
    let csv = "Ma,Kenh,Ngay,Gio,Xong,Ten,Phi\n7,1,04/03/2024,8h30,1,An,Lâm Thị Mẫu\n";
    let problems = outcome(&mapping, csv).unwrap_err();
    let told: Vec<_> = problems.iter().map(|one| (one.code.as_str(), &*one.pointer)).collect();
    assert_eq!(told, [("bad-date", "/accepted_at"), ("not-computed", "/fees/0/amount")]);
    let fee = &problems[1];
    assert_eq!((fee.place.line, fee.place.path.as_deref()), (Some(2), Some("Phi")));
    assert!(fee.rule.contains("int(Phi) * 1000"), "{}", fee.rule);
    assert!(!serde_json::to_string(&problems).unwrap().contains("Lâm"), "{problems:#?}");
    // Nor does a condition that fails tell what it read.
    let rules = RULES.replace("when = \"Ma != ''\"", "when = \"int(Ngay) > 0\"");
    let mapping = compile("csv", &rules).unwrap();
    let problems = outcome(&mapping, &csv.replace("04/03/2024", "Lâm")).unwrap_err();
    let problem = problems.iter().find(|one| one.code == "undecided-record").unwrap();
    assert_eq!(problem.place.line, Some(2));
    assert!(!serde_json::to_string(&problems).unwrap().contains("Lâm"), "{problems:#?}");
}

#[test]
fn what_an_agency_sends_cannot_make_an_expression_costly() {
    let mapping = compile("csv", RULES).unwrap();
    let long = "9".repeat(100_000);
    let csv = format!("Ma,Kenh,Ngay,Gio,Xong,Ten,Phi\n7,1,04/03/2024,08:30,1,An,{long}\n");
    let problems = outcome(&mapping, &csv).unwrap_err();
    assert!(problems[0].rule.contains("longer than 65536 bytes"), "{problems:#?}");
}

#[test]
fn every_fault_of_an_expression_is_told_at_compile_time() {
    for (from, to, want) in [
        ("Xong == '1' ? 9", "Xong == 1 ? 9", "t.toml:12:22: the expression does not hold together"),
        ("Xong == '1' ? 9", "Xong == '1' ? 11", "`11` is not a value of `status`"),
        ("'online' :", "'fax' :", "`fax` is not a value of `channel`"),
        ("int(Phi) * 1000", "Phi", "the member wants Number, but the rule gives Text"),
        ("int(Phi) * 1000", "money(Phi)", "there is no function `money`; functions: size(TEXT)"),
        ("int(Phi) * 1000", "1000", "the expression reads nothing of the record"),
        (", then = \"date 'dd/MM/yyyy HH:mm'\"", "", "the member wants Moment"),
        ("then = \"date ", "then = \"dat ", "t.toml:11:55: there is no function `dat`"),
        ("when = \"Ma != ''\"", "when = \"Ngay + 'x'\"", "it gives Text, not true or false"),
        ("when = \"Ma != ''\"", "when = \"Ngay == 4\"", "`==` compares Text with Integer"),
        ("compute = \"int(Phi) * 1000\"", "compute = \"Phi\", from = \"Phi\"", "not both"),
        ("compute = \"int(Phi) * 1000\"", "from = \"Phi\", then = \"day\"", "belongs to `compute`"),
    ] {
        let rules = RULES.replace(from, to);
        assert_ne!(rules, RULES, "{from}");
        let told = compile("csv", &rules).err().unwrap_or_default();
        assert!(told.contains(want), "{to}\n--- wanted\n{want}\n--- told\n{told}");
    }
    // In JSON a number is one, and what is known only when it comes counts as text.
    assert!(compile("json", &RULES.replace("Xong == '1'", "Xong == 1")).is_ok());
}
