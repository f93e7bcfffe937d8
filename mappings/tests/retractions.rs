//! `retract = true`: a record that withdraws a dossier, proved and applied like any other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use contracts::{Body, Contracts, Draft};
use mappings::{Gazetteer, Mapping, Sources};
use serde_json::{Value as Json, json};

const RULES: &str = r#"format = "json"
charset = "utf-8"
[[record]]
contract = "dossier/1"
retract = true
[record.map]
source = "'a'"
source_code = "ma | code"
at = "luc | date rfc3339"
reason = "lyDo"
"#;

fn compile(text: &str) -> Result<Mapping, Vec<String>> {
    let contracts = Contracts::builtin().unwrap();
    let text = text.to_owned();
    let sources = Sources { file: "t.toml".to_owned(), text, ..Sources::default() };
    Mapping::compile(&sources, &contracts)
        .map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn outcome(payload: &str) -> mappings::Outcome<'static> {
    let mapping = compile(RULES).unwrap();
    let mut got = None;
    mappings::apply(&mapping, payload.as_bytes(), &Gazetteer::default(), &mut |_, outcome| {
        got = Some(outcome.map(|drafts| drafts.into_iter().map(Draft::into_owned).collect()));
    })
    .unwrap();
    got.unwrap()
}

#[test]
fn a_retraction_carries_source_code_time_and_reason() {
    let told = r#"{"ma":" 7 ","luc":"2024-03-06T09:00:00+07:00","lyDo":"Nhầm"}"#;
    let drafts = outcome(told).unwrap();
    let [Draft { key, body: Body::Retraction(said), .. }] = &drafts[..] else {
        panic!("{drafts:?}");
    };
    let at = "2024-03-06T02:00:00Z";
    let want = json!({ "source": "a", "source_code": "7", "at": at, "reason": "Nhầm" });
    assert_eq!((&**key, Json::from(said)), ("7", want));
    assert!(Contracts::builtin().unwrap().seal(&drafts[0]).unwrap().retracts());
}

#[test]
fn what_a_retraction_lacks_or_garbles_is_told() {
    let problems = outcome(r#"{"ma":"7","luc":"06/03/2024"}"#).unwrap_err();
    let told: Vec<_> =
        problems.iter().map(|one| (one.code.as_str(), one.pointer.as_str())).collect();
    assert_eq!(told, [("bad-date", "/at"), ("missing-member", "/reason")]);
}

#[test]
fn every_fault_of_a_retraction_is_told_at_compile_time() {
    let faults: [(&str, &str, &str); 7] = [
        ("reason = \"lyDo\"", "", "t.toml:3:1: a retraction of dossier/1 requires `reason`"),
        (
            "reason = \"lyDo\"",
            "reason = { from = \"lyDo\", when = \"lyDo != ''\" }",
            "t.toml:3:1: a retraction of dossier/1 requires `reason`",
        ),
        (
            "reason = \"lyDo\"",
            "reason = \"lyDo\"\nstatus = \"'4' | integer 1000\"",
            "t.toml:11:1: the contract has no member `status`",
        ),
        (
            "reason = \"lyDo\"",
            "reason = \"lyDo\"\nattributes.x = \"y\"",
            "t.toml:11:12: the contract has no member `attributes.x`",
        ),
        (
            "luc | date rfc3339",
            "luc",
            "t.toml:9:6: the member wants Moment, but the rule gives Text",
        ),
        ("retract = true", "retract = \"yes\"", "t.toml:5:11: `retract` is true or false"),
        ("dossier/1", "progress/1", "t.toml:5:11: a progress/1 is never withdrawn"),
    ];
    for (from, to, want) in faults {
        let told = compile(&RULES.replace(from, to)).err().unwrap().join("\n");
        assert!(told.contains(want), "{to}\n--- wanted\n{want}\n--- told\n{told}");
    }
    let of = |contract| compile(&RULES.replace("dossier/1", contract)).err().unwrap().join("\n");
    let told = of("progress/1");
    let listed = told.split_once("what can be withdrawn: ").unwrap().1.lines().next().unwrap();
    assert!(listed.contains("dossier/1") && listed.contains("agency/1"), "{told}");
    assert!(!listed.contains("progress/1"), "{told}");
    // What is about no dossier is withdrawn by the agency it is about and its key.
    let told = of("agency/1");
    assert!(told.contains("a retraction of agency/1 requires `key`"), "{told}");
}
