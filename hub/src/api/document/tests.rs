use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use serde_json::Value;

use super::{asyncapi, document};
use crate::{
    api::{
        fixture::{Bench, send},
        router,
    },
    auth::Principal,
};

/// Letters of Vietnamese that English has not.
const VIETNAMESE: fn(char) -> bool =
    |letter| "đăâêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ".contains(letter);

/// Every operation: path, method and what is told of it.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, told)| (path.clone(), method.clone(), told))
        })
        .collect()
}

/// Vietnamese first, which has letters that English has not; then English.
fn is_in_both_languages(text: &Value, between: &str, what: &str) {
    let text = text.as_str().unwrap_or_default();
    let (vi, en) = text.split_once(between).unwrap_or_else(|| panic!("{what}: {text}"));
    let is_vietnamese = |text: &str| text.to_lowercase().contains(VIETNAMESE);
    assert!(is_vietnamese(vi) && !is_vietnamese(en), "{what}: {text}");
    assert!(en.len() > 3 && !en.contains(between), "{what}: {text}");
}

#[test]
fn every_operation_is_told_whole() {
    let document = document().unwrap();
    let (mut ids, mut summaries) = (BTreeSet::new(), BTreeSet::new());
    for tag in document["tags"].as_array().unwrap() {
        is_in_both_languages(&tag["description"], "\n\n", &tag["name"].to_string());
    }
    for (path, method, told) in operations(&document) {
        let id = told["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}: no id"));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        for (member, between) in [("summary", " · "), ("description", "\n\n")] {
            is_in_both_languages(&told[member], between, &format!("{id}: {member}"));
        }
        assert!(summaries.insert(told["summary"].to_string()), "{id}: another is called so");
        let tag = told["tags"][0].as_str().unwrap_or_else(|| panic!("{id}: no tag"));
        let tags = document["tags"].as_array().unwrap();
        assert!(tags.iter().any(|known| known["name"] == tag), "{id}: the tag {tag}");
        for (status, answer) in told["responses"].as_object().unwrap() {
            if status == "431" {
                continue;
            }
            let request_id = "#/components/headers/X-Request-Id";
            assert_eq!(answer["headers"]["X-Request-Id"]["$ref"], request_id, "{id} {status}");
        }
        for one in told["parameters"].as_array().into_iter().flatten() {
            let schema = &one["schema"];
            let is_bounded = ["maxLength", "enum", "maximum", "items"]
                .iter()
                .any(|bound| schema.get(bound).is_some());
            assert!(is_bounded || one["name"] == "wsdl", "{id}: {} has no bound", one["name"]);
        }
        let in_path = |one: &&Value| one["in"] == "path";
        let named = told["parameters"].as_array().into_iter().flatten().filter(in_path).count();
        assert_eq!(named, path.matches('{').count(), "{id}: the parameters of {path}");
    }
}

#[tokio::test]
async fn the_document_is_sent_once() {
    let app = router(Bench::empty().api.clone());
    let ask = |tag: &str| {
        let request = Request::get("/openapi.json").header("if-none-match", tag);
        request.body(Body::empty()).unwrap()
    };
    let first = send(&app, ask("\"x\"")).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.json()["openapi"], "3.1.0");
    let again = send(&app, ask(first.header("etag"))).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
}

/// What of an example is not as its schema has it.
fn faults(document: &Value, content: &Value) -> Vec<String> {
    let schema = serde_json::json!({
        "allOf": [content["schema"]], "components": document["components"],
    });
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors = validator.iter_errors(&content["example"]);
    errors.map(|error| format!("{} at {}", error, error.instance_path())).collect()
}

#[test]
fn every_example_is_as_its_schema_has_it_and_every_answer_in_json_has_one() {
    let document = document().unwrap();
    for (_, _, told) in operations(&document) {
        let id = told["operationId"].as_str().unwrap();
        let sent = told["requestBody"]["content"].as_object();
        for content in sent.into_iter().flat_map(|content| content.values()) {
            if content.get("example").is_some() {
                assert_eq!(faults(&document, content), [""; 0], "{id}: what is sent");
            }
        }
        for (status, answer) in told["responses"].as_object().unwrap() {
            let content = answer["content"].as_object().into_iter().flatten();
            // Lines of JSON are no JSON.
            let is_json = |kind: &str| kind.contains("json") && !kind.contains("ndjson");
            for (media_type, content) in content.filter(|(kind, _)| is_json(kind)) {
                let has_one = content.get("example").is_some();
                assert!(has_one || !matches!(&**status, "200" | "202"), "{id} {status}");
                if has_one {
                    assert_eq!(faults(&document, content), [""; 0], "{id} {status} {media_type}");
                }
            }
        }
    }
}

/// A schema that names every member that an answer has.
#[test]
fn mirrors_of_what_other_crates_serialise_are_as_they_are() {
    let document = document().unwrap();
    let bilingual = || contracts::problem::Bilingual { vi: "Sai".into(), en: "Wrong".into() };
    let problem = contracts::Problem {
        code: "bad-date".into(),
        pointer: "/at".into(),
        place: contracts::Place {
            line: Some(1),
            column: Some(2),
            path: Some("a".into()),
            record: Some(3),
        },
        rule: "at = a".into(),
        value: Some("x".into()),
        detail: bilingual(),
        advice: bilingual(),
    };
    let refusal = contracts::Refusal { record: Some(1), problems: vec![problem] };
    let receipt = contracts::Receipt {
        source: "a.b".into(),
        id: "1".into(),
        outcome: contracts::Outcome::Duplicate,
        first: Some(contracts::Outcome::Refused),
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        records: 0,
        refused: 1,
        refusals: vec![refusal],
        erased: contracts::Erased::of(1),
    };
    let told = serde_json::to_value(&receipt).unwrap();
    let (mut names, mut value) = (vec!["Receipt"], &told);
    for (name, place) in [("Refusal", "/refusals/0"), ("DataProblem", "/problems/0")] {
        let known = document["components"]["schemas"][names[names.len() - 1]]["properties"].clone();
        for member in value.as_object().unwrap().keys() {
            assert!(known.get(member).is_some(), "{names:?}: {member}");
        }
        (names, value) = ([&names[..], &[name]].concat(), value.pointer(place).unwrap());
    }
    let content = serde_json::json!({
        "schema": { "$ref": "#/components/schemas/Receipt" }, "example": told,
    });
    assert_eq!(faults(&document, &content), [""; 0]);
}

#[tokio::test]
async fn events_are_as_both_documents_have_them() {
    let (sent, read) = (asyncapi::document().unwrap(), document().unwrap());
    let bench = Bench::full().await;
    let portal = bench.bearer(Principal::Portal).await;
    let mut types = BTreeSet::new();
    for feed in ["records", "dossiers"] {
        let events = bench.get(&format!("/v1/feeds/{feed}?limit=1000"), &portal).await.json();
        let pages = &read["paths"]["/v1/feeds/{feed}"]["get"]["responses"]["200"]["content"];
        let mut content = pages["application/cloudevents-batch+json"].clone();
        content["example"] = events.clone();
        assert_eq!(faults(&read, &content), [""; 0], "{feed}");
        for event in events.as_array().unwrap() {
            types.insert(event["type"].as_str().unwrap().to_owned());
            let payload = &sent["components"]["messages"][feed]["payload"];
            let content = serde_json::json!({ "schema": payload, "example": event });
            assert_eq!(faults(&sent, &content), [""; 0], "{feed}");
        }
    }
    assert!(types.len() > 1, "{types:?}");
    // What refers within the document finds what it means.
    let mut references = Vec::new();
    referred(&sent, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let place = reference.strip_prefix('#').unwrap();
        assert!(sent.pointer(place).is_some(), "{reference}");
    }
}

fn referred(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
            members.values().for_each(|member| referred(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| referred(item, found)),
        _ => {}
    }
}
