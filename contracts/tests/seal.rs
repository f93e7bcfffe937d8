//! Sealing: what is refused, what is said of it, and which side each member goes to.
#![allow(clippy::unwrap_used, clippy::panic)]

use contracts::{
    Body, Contracts, Draft,
    schema::{PROBLEMS_MAX, check, compatibility},
};
use serde_json::{Value, json};

type Edit = fn(&mut Value);

fn body() -> Value {
    json!({
        "status_raw": "Đã tiếp nhận", "status": 2, "channel": "counter",
        "applicant": { "kind": "person", "name": "Nguyễn Văn Mẫu" },
        "agency": "so-xay-dung", "source_code": "42", "source": "so-xay-dung",
        "fees": [{ "amount": 5.0 }],
        "history": [{ "at": "2024-01-02", "status": 1 },
                    { "at": "2024-01-03", "status": 2, "officer": "Trần Mẫu" }],
        "documents": [{ "name": "Đơn" }],
    })
}

fn draft(key: &str, body: Value) -> Draft<'_> {
    Draft { contract: "dossier/1".parse().unwrap(), key: key.into(), body: body.into() }
}

#[test]
fn each_side_holds_its_own_members_in_schema_order() {
    let record = Contracts::builtin().unwrap().seal(&draft("a/42", body())).unwrap();
    assert_eq!(
        record.public_text(),
        concat!(
            r#"{"source":"so-xay-dung","source_code":"42","agency":"so-xay-dung","#,
            r#""applicant":{"kind":"person"},"channel":"counter","status":2,"#,
            r#""status_raw":"Đã tiếp nhận","fees":[{"amount":5}],"#,
            r#""history":[{"at":"2024-01-02","status":1},{"at":"2024-01-03","status":2}]}"#
        )
    );
    assert_eq!(
        record.personal_text().unwrap(),
        concat!(
            r#"{"applicant":{"name":"Nguyễn Văn Mẫu"},"documents":[{"name":"Đơn"}],"#,
            r#""history":[{},{"officer":"Trần Mẫu"}]}"#
        )
    );
}

#[test]
fn a_record_without_personal_members_has_one_text() {
    let event = json!({ "source": "a", "source_code": "1", "agency": "a", "kind": "note",
                        "at": "2024-01-02" });
    let draft =
        Draft { contract: "progress/1".parse().unwrap(), key: "k".into(), body: event.into() };
    assert_eq!(Contracts::builtin().unwrap().seal(&draft).unwrap().personal_text(), None);
}

#[test]
fn all_breaches_are_told_at_once_and_personal_values_are_masked() {
    let mut body = body();
    body["applicant"]["id_number"] = json!("270 999 011");
    body["applicant"]["name"] = Value::Null;
    body["channel"] = json!("fax");
    body["accepted_at"] = json!("2023-02-30");
    body["secret"] = json!("Nguyễn Văn Mẫu");
    body["documents"] = json!("Nguyễn Văn Mẫu");
    body.as_object_mut().unwrap().remove("agency");
    let problems = Contracts::builtin().unwrap().seal(&draft("a/42", body)).unwrap_err();
    let mut pointers: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/accepted_at",
            "/agency",
            "/applicant/id_number",
            "/applicant/name",
            "/channel",
            "/documents",
            "/secret"
        ]
    );
    let text = serde_json::to_string(&problems).unwrap();
    assert!(!text.contains("270 999") && !text.contains("guyễn"), "{text}");
    let at = |pointer: &str| problems.iter().find(|held| held.pointer == pointer).unwrap();
    assert_eq!(at("/agency").code, "missing-member");
    assert_eq!(at("/channel").value.as_deref(), Some("fax"));
    assert!(at("/channel").rule.contains("counter"), "{}", at("/channel").rule);
}

#[test]
fn problems_and_keys_are_bounded() {
    let contracts = Contracts::builtin().unwrap();
    let mut many = body();
    many["fees"] = (0..500).map(|_| json!({ "amount": -1 })).collect();
    assert_eq!(contracts.seal(&draft("a", many)).unwrap_err().len(), PROBLEMS_MAX);
    assert_eq!(contracts.seal(&draft("", body())).unwrap_err()[0].code, "missing-member");
    let long = "đ".repeat(128);
    assert_eq!(contracts.seal(&draft(&long, body())).unwrap_err()[0].code, "limit-exceeded");
    assert!(contracts.seal(&draft(&long[..254], body())).is_ok());
    let unknown = Draft { contract: "dossier/2".parse().unwrap(), ..draft("a", body()) };
    assert_eq!(contracts.seal(&unknown).unwrap_err()[0].code, "contract-broken");
}

#[test]
fn a_retraction_is_sealed_by_its_own_schema() {
    let contracts = Contracts::builtin().unwrap();
    let told = json!({ "reason": "Lâm Mẫu rút hồ sơ", "at": "2024-08-23",
                       "source_code": "42", "source": "so-xay-dung" });
    let draft = |contract: &str, body| Draft {
        contract: contract.parse().unwrap(),
        key: "42".into(),
        body,
    };
    let record =
        contracts.seal(&draft("dossier/1", Body::Retraction(told.clone().into()))).unwrap();
    assert!(record.retracts());
    assert_eq!(
        record.public_text(),
        r#"{"source":"so-xay-dung","source_code":"42","at":"2024-08-23"}"#
    );
    assert_eq!(record.personal_text().unwrap(), r#"{"reason":"Lâm Mẫu rút hồ sơ"}"#);
    assert_eq!(record.body().unwrap(), told);
    // A body is no retraction, nor the other way round, and not everything can be withdrawn.
    let whole = contracts.seal(&draft("dossier/1", Body::Whole(told.clone().into()))).unwrap_err();
    assert!(whole.iter().any(|problem| problem.pointer == "/applicant"), "{whole:#?}");
    assert!(contracts.seal(&draft("dossier/1", Body::Retraction(body().into()))).is_err());
    let never =
        contracts.seal(&draft("progress/1", Body::Retraction(told.clone().into()))).unwrap_err();
    assert!(never[0].rule.contains("never withdrawn"), "{never:#?}");
    let mut never = told;
    never["at"] = json!("23/08/2024");
    let broken = contracts.seal(&draft("dossier/1", Body::Retraction(never.into()))).unwrap_err();
    assert_eq!((broken.len(), broken[0].pointer.as_str()), (1, "/at"));
}

#[test]
fn a_draft_is_written_with_a_body_or_a_retraction() {
    let mut draft = Draft {
        contract: "dossier/1".parse().unwrap(),
        key: "42".into(),
        body: Body::Whole(json!({ "status": 2 }).into()),
    };
    let text = |draft: &Draft| serde_json::to_string(draft).unwrap();
    assert_eq!(text(&draft), r#"{"contract":"dossier/1","key":"42","body":{"status":2}}"#);
    draft.body = Body::Retraction(json!({ "at": "2024-08-23" }).into());
    assert_eq!(
        text(&draft),
        r#"{"contract":"dossier/1","key":"42","retract":{"at":"2024-08-23"}}"#
    );
}

#[test]
fn house_rules_are_checked() {
    let broken = check(&json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "a": { "type": "string" },
            "b": { "type": "object", "x-personal": true, "properties": {} },
            "c": { "$ref": "#/$defs/none", "x-personal": false },
        }
    }))
    .unwrap_err();
    assert_eq!(broken.len(), 3, "{broken:#?}");
}

#[test]
fn within_a_major_only_optional_members_are_added() {
    let contracts = Contracts::builtin().unwrap();
    let old = contracts.schema(&"dossier/1".parse().unwrap()).unwrap();
    assert_eq!(compatibility(old, old), Vec::<String>::new());
    let change = |edit: fn(&mut Value)| {
        let mut new = old.clone();
        edit(&mut new);
        compatibility(old, &new)
    };
    let added = change(|new| {
        new["properties"]["priority"] = json!({ "type": "string", "x-personal": false });
        new["title"] = json!("other words");
    });
    assert_eq!(added, Vec::<String>::new());
    let breaking: [(Edit, &str); 6] = [
        (|new| new["required"] = json!(["source"]), "/required"),
        (
            |new| new["properties"]["channel"]["enum"] = json!(["online"]),
            "/properties/channel/enum",
        ),
        (
            |new| new["$defs"]["line"]["maxLength"] = json!(10),
            "/properties/procedure_name/maxLength",
        ),
        (|new| new["properties"]["note"]["x-personal"] = json!(false), "/properties/note: x-pers"),
        (|new| drop(new["properties"].as_object_mut().unwrap().remove("unit")), "/properties/unit"),
        (
            |new| new["properties"]["fees"]["items"]["required"] = json!(["amount", "name"]),
            "/properties/fees/items/required: `name`",
        ),
    ];
    for (edit, words) in breaking {
        let broken = change(edit);
        assert!(broken.iter().any(|text| text.starts_with(words)), "{words}: {broken:#?}");
    }
}
