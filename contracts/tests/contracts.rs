//! Schemas, their examples and the Rust types say the same thing.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use contracts::{
    Body, Contracts, Dossier, Draft, Progress, Retraction, agency, budget,
    claimed_statistic::ClaimedStatistic, dossier, dossier_state, exchange, feedback, finding,
    milestone, notice, procedure, retraction::RecordRetraction, schema::MemberType,
    statistic_change::StatisticChange, unit, votes,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

const RECORDS: [&str; 21] = [
    "agency",
    "procedure",
    "dossier",
    "dossier-retraction",
    "progress",
    "dossier-state",
    "feedback",
    "feedback-answer",
    "votes",
    "milestone",
    "budget",
    "record-retraction",
    "finding",
    "statistic-change",
    "notice",
    "unit",
    "claimed-statistic",
    "request",
    "reply",
    "application",
    "acknowledgement",
];

fn examples(record: &str, kind: &str) -> Vec<(PathBuf, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas").join(record).join(kind);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        (path, value)
    };
    files.into_iter().map(read).collect()
}

fn draft(record: &str, value: Value) -> Draft<'static> {
    // Every record that is no dossier's is withdrawn alike.
    let record = if record == "record-retraction" { "feedback-retraction" } else { record };
    let (name, body) = match record.strip_suffix("-retraction") {
        Some(name) => (name, Body::Retraction(value.into())),
        None => (record, Body::Whole(value.into())),
    };
    Draft { contract: format!("{name}/1").parse().unwrap(), key: "a/1".into(), body }
}

fn schema(record: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas").join(record);
    serde_json::from_str(&fs::read_to_string(folder.join("v1.schema.json")).unwrap()).unwrap()
}

fn round_trip<T: Serialize + DeserializeOwned>(value: &Value) {
    let typed: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| {
        panic!("{error}: {value:#}");
    });
    assert_eq!(&serde_json::to_value(typed).unwrap(), value);
}

fn round_trip_of(record: &str, value: &Value) {
    match record {
        "agency" => round_trip::<agency::Agency>(value),
        "procedure" => round_trip::<procedure::Procedure>(value),
        "dossier" => round_trip::<Dossier>(value),
        "dossier-retraction" => round_trip::<Retraction>(value),
        "progress" => round_trip::<Progress>(value),
        "dossier-state" => round_trip::<dossier_state::DossierState>(value),
        "feedback" => round_trip::<feedback::Feedback>(value),
        "feedback-answer" => round_trip::<feedback::FeedbackAnswer>(value),
        "votes" => round_trip::<votes::Votes>(value),
        "milestone" => round_trip::<milestone::Milestone>(value),
        "budget" => round_trip::<budget::Budget>(value),
        "record-retraction" => round_trip::<RecordRetraction>(value),
        "claimed-statistic" => round_trip::<ClaimedStatistic>(value),
        "finding" => round_trip::<finding::Finding>(value),
        "statistic-change" => round_trip::<StatisticChange>(value),
        "notice" => round_trip::<notice::Notice>(value),
        "unit" => round_trip::<unit::Unit>(value),
        "request" => round_trip::<exchange::Request>(value),
        "reply" => round_trip::<exchange::Reply>(value),
        "application" => round_trip::<exchange::Application>(value),
        "acknowledgement" => round_trip::<exchange::Acknowledgement>(value),
        other => panic!("no type for {other}"),
    }
}

#[test]
fn valid_examples_are_sealed_read_and_written_back_equal() {
    let contracts = Contracts::builtin().unwrap();
    for record in RECORDS {
        let files = examples(record, "valid");
        assert!(files.len() >= 2, "{record}");
        for (path, value) in files {
            round_trip_of(record, &value);
            let sealed = contracts.seal(&draft(record, value.clone()));
            let sealed = sealed.unwrap_or_else(|problems| panic!("{path:?}: {problems:#?}"));
            assert_eq!(sealed.body().unwrap(), value, "{path:?}");
        }
    }
}

#[test]
fn invalid_examples_are_refused_at_the_place_they_name() {
    let contracts = Contracts::builtin().unwrap();
    for record in RECORDS {
        let files = examples(record, "invalid");
        assert!(files.len() >= 3, "{record}");
        for (path, example) in files {
            let problems = contracts.seal(&draft(record, example["body"].clone())).unwrap_err();
            let pointer = example["because"].as_str().unwrap().split(' ').next().unwrap();
            for problem in &problems {
                assert_eq!(problem.pointer, pointer, "{path:?}");
            }
        }
    }
}

/// A value made from a schema: the first example, the first listed value, or all members.
fn sample(root: &Value, schema: &Value, only_required: bool) -> Value {
    let target = schema["$ref"].as_str().and_then(|at| root.pointer(&at[1..]));
    let schema = target.unwrap_or(schema);
    if let Some(first) = schema["examples"].get(0).or(schema["enum"].get(0)) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "array" => json!([sample(root, &schema["items"], only_required)]),
        "object" => {
            let required: Vec<_> =
                schema["required"].as_array().into_iter().flatten().cloned().collect();
            let mut map = Map::new();
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                if !only_required || required.contains(&json!(name)) {
                    map.insert(name.clone(), sample(root, member, only_required));
                }
            }
            if schema.get("properties").is_none() {
                let told = schema["additionalProperties"]["examples"].get(0);
                map.insert("a".to_owned(), told.cloned().unwrap_or_else(|| json!("so-y-te")));
            }
            Value::Object(map)
        }
        other => panic!("no sample of {other}"),
    }
}

#[test]
fn every_schema_member_is_known_to_its_type() {
    let contracts = Contracts::builtin().unwrap();
    for record in RECORDS {
        let schema = schema(record);
        for only_required in [false, true] {
            let value = sample(&schema, &schema, only_required);
            round_trip_of(record, &value);
            contracts.seal(&draft(record, value)).unwrap();
        }
    }
}

/// The members a type knows, out of serde's own complaint about one it does not.
fn known<T: DeserializeOwned>() -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(json!({ "?": 1 })) else { panic!("accepts all") };
    let text = error.to_string();
    let (_, list) = text.split_once("expected").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn same_members<T: DeserializeOwned>(record: &str, pointer: &str) {
    let schema = schema(record);
    let properties = schema.pointer(&format!("{pointer}/properties")).unwrap();
    let names: BTreeSet<_> = properties.as_object().unwrap().keys().cloned().collect();
    assert_eq!(known::<T>(), names, "{record}{pointer}");
}

#[test]
fn every_member_of_a_type_is_in_its_schema() {
    same_members::<agency::Agency>("agency", "");
    same_members::<agency::Identifier>("agency", "/properties/identifiers/items");
    same_members::<procedure::Procedure>("procedure", "");
    same_members::<procedure::OnlineLevel>("procedure", "/properties/online_levels/items");
    same_members::<procedure::Deadline>("procedure", "/properties/deadline");
    same_members::<agency::Officer>("agency", "/properties/officers/items");
    same_members::<feedback::Feedback>("feedback", "");
    same_members::<feedback::FeedbackAnswer>("feedback-answer", "");
    same_members::<votes::Votes>("votes", "");
    same_members::<votes::Question>("votes", "/properties/questions/items");
    same_members::<milestone::Milestone>("milestone", "");
    same_members::<milestone::Recipient>("milestone", "/properties/recipients/items");
    same_members::<budget::Budget>("budget", "");
    same_members::<RecordRetraction>("record-retraction", "");
    same_members::<ClaimedStatistic>("claimed-statistic", "");
    same_members::<finding::Finding>("finding", "");
    same_members::<StatisticChange>("statistic-change", "");
    same_members::<notice::Notice>("notice", "");
    same_members::<unit::Unit>("unit", "");
    same_members::<finding::Stamp>("finding", "/properties/opened");
    same_members::<finding::Stamp>("finding", "/properties/closed");
    same_members::<finding::JudgedBy>("finding", "/properties/judged_by");
    same_members::<finding::Evidence>("finding", "/properties/evidence");
    same_members::<Progress>("progress", "");
    same_members::<dossier::Outcome>("progress", "/properties/result");
    same_members::<exchange::Request>("request", "");
    same_members::<exchange::Reply>("reply", "");
    same_members::<exchange::Application>("application", "");
    same_members::<exchange::Acknowledgement>("acknowledgement", "");
    same_members::<dossier::Applicant>("application", "/properties/applicant");
    for record in ["request", "reply", "application"] {
        same_members::<exchange::Field>(record, "/properties/data/items");
        same_members::<exchange::Attachment>(record, "/properties/attachments/items");
    }
    for record in ["dossier", "dossier-state"] {
        same_members::<dossier::Applicant>(record, "/properties/applicant");
        same_members::<dossier::Outcome>(record, "/properties/result");
        same_members::<dossier::Fee>(record, "/properties/fees/items");
    }
    same_members::<Dossier>("dossier", "");
    same_members::<Retraction>("dossier-retraction", "");
    same_members::<dossier::Document>("dossier", "/properties/documents/items");
    same_members::<dossier::Supplement>("dossier", "/properties/supplements/items");
    same_members::<dossier::Step>("dossier", "/properties/history/items");
    same_members::<dossier_state::DossierState>("dossier-state", "");
    same_members::<dossier_state::Identity>("dossier-state", "/properties/identities/items");
    same_members::<dossier_state::TimelineStep>("dossier-state", "/properties/timeline/items");
    same_members::<dossier_state::Promise>("dossier-state", "/properties/promises/items");
    same_members::<dossier_state::Extension>("dossier-state", "/properties/extensions/items");
}

#[test]
fn members_are_flattened_for_the_mapping_compiler() {
    let contracts = Contracts::builtin().unwrap();
    let members = contracts.members(&"dossier/1".parse().unwrap());
    let find = |path: &str| members.iter().find(|member| member.path == path).unwrap();
    let name = find("applicant.name");
    assert!(name.required && name.personal && name.types == [MemberType::Text]);
    assert_eq!(find("fees[].amount").types, [MemberType::Integer]);
    assert_eq!(find("history[].at").types, [MemberType::Moment]);
    assert_eq!(find("channel").allowed.as_ref().unwrap().len(), 3);
    assert!(find("attributes").open && find("attributes").personal && !find("applicant").open);
    assert!(!find("applicant.kind").personal && !find("source_code").personal);
}
