//! Feedback about a dossier speaks of the same person: it goes with the dossier, with what was
//! answered, and stays away; what is counted of it stands.

use serde_json::{Value, json};

use super::{MARK, NAME, OTHER, erase, is_there, line, send, well};
use crate::{
    backend::{Backend, on_each_store},
    delivery::office,
    feedback::post,
    harness::{Hub, Sender, Verified},
};

on_each_store!(feedback_about_a_dossier_goes_with_it_and_stays_away);

/// Of whoever is not erased.
const STAYS: &str = "Chờ lâu Qwzkj";

fn said(id: &str, version: u32, (dossier, text, name): (&str, &str, &str)) -> Value {
    json!({ "id": id, "agency": "so-gui", "dossier": dossier, "rating": 2, "text": text,
            "name": name, "submitted_at": "2024-03-04", "source_version": version.to_string() })
}

fn answer(id: &str, version: u32, text: &str) -> Value {
    json!({ "feedback": id, "agency": "so-gui", "answered_at": "2024-03-06", "text": text,
            "outcome": "resolved", "source_version": version.to_string() })
}

/// Posts, and gives the receipt of what was stored.
async fn stored(sender: &Sender, path: &str, id: &str, body: &Value) -> Value {
    let (status, receipt) = post(sender, path, Some(id), body).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{id}: {receipt}");
    receipt
}

const FEEDBACK: &str = "/v1/feedback";
const ANSWERS: &str = "/v1/feedback/answers";

/// All that brings the person into the store beside the dossier: an older telling after a newer
/// one, an answer, and what was refused.
async fn told(portal: &Sender, agency: &Sender) {
    send(agency, "m-1", &line("X-1", 1, "MOI", NAME), "stored").await;
    send(agency, "m-2", &line("Y-1", 1, "MOI", OTHER), "stored").await;
    let text = format!("{MARK} chờ lâu");
    stored(portal, FEEDBACK, "f-1", &said("f-1", 2, ("X-1", &text, NAME))).await;
    stored(portal, FEEDBACK, "f-1-cu", &said("f-1", 1, ("X-1", &text, NAME))).await;
    stored(portal, FEEDBACK, "f-2", &said("f-2", 1, ("Y-1", STAYS, OTHER))).await;
    let mut refused = said("f-3", 1, ("X-1", &text, NAME));
    refused["rating"] = json!(9);
    assert_eq!(post(portal, FEEDBACK, Some("f-3"), &refused).await.0, 422);
    stored(agency, ANSWERS, "a-1", &answer("f-1", 1, &format!("Đã xin lỗi {MARK}"))).await;
    stored(agency, ANSWERS, "a-2", &answer("f-2", 1, STAYS)).await;
}

/// The feedback as its agency reads it, by its id.
async fn read(agency: &Sender) -> Vec<Value> {
    let told = agency.found("/v1/feedback?purpose=complaint").await;
    told["items"].as_array().unwrap().clone()
}

async fn feedback_about_a_dossier_goes_with_it_and_stays_away(backend: Backend) {
    let folder = office(backend, "erase-feedback", "", &[]);
    let keys = ["portal", "agency:so-gui"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [portal, agency] = keys.map(|key| hub.sender(&key));
    told(&portal, &agency).await;
    assert_eq!(read(&agency).await[0]["feedback"]["name"], NAME);
    let sums = "/v1/feedback/summary?from=2024-03-01&to=2024-03-31";
    let (summed, before) = (agency.found(sums).await["rows"].clone(), folder.verify());
    assert!(is_there(backend, &folder, MARK));

    let done = erase(&folder);
    assert!(done.contains("feedback   so-gui/feedback/1/f-1\n"), "{done}");
    assert!(done.contains("feedback   so-gui/feedback-answer/1/f-1\n"), "{done}");
    assert!(!done.contains("f-2"), "{done}");
    assert!(!is_there(backend, &folder, MARK), "{done}");
    let after = Verified { entries: before.entries + 1, ..before };
    assert_eq!(folder.verify(), after, "dossiers and fold root");
    assert_eq!(agency.found(sums).await["rows"], summed, "what is counted stands");
    let all = read(&agency).await;
    assert_eq!((all.len(), &all[0]["feedback"]["id"]), (2, &json!("f-1")));
    for side in ["feedback", "answer"] {
        assert_eq!(all[0][side].get("text"), None, "{}", all[0]);
        assert_eq!(all[1][side]["text"], STAYS);
    }
    let events = agency.feed("records", 100).await;
    let event = events.iter().find(|one| one["subject"] == "f-1").unwrap();
    let record = agency.found(event["dataref"].as_str().unwrap()).await;
    assert_eq!(record["personal"], "erased", "{record}");
    let listed = agency.found("/v1/erasures").await;
    assert!(listed.to_string().contains("so-gui/feedback/1/f-1"), "{listed}");

    // Who brings them again is told that they were kept out.
    let again = said("f-1", 3, ("X-1", MARK, NAME));
    let receipt = stored(&portal, FEEDBACK, "f-1-moi", &again).await;
    assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
    let receipt = stored(&agency, ANSWERS, "a-1-moi", &answer("f-1", 2, MARK)).await;
    assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
    assert!(!is_there(backend, &folder, MARK));
    // What is given from then on is given anew, until it is asked for once more.
    stored(&portal, FEEDBACK, "f-4", &said("f-4", 1, ("X-1", MARK, NAME))).await;
    assert!(is_there(backend, &folder, MARK));
    let done = erase(&folder);
    assert!(done.contains("feedback   so-gui/feedback/1/f-4\n"), "{done}");
    assert!(!is_there(backend, &folder, MARK), "{done}");
    assert!(erase(&folder).contains("erased before"));
    hub.stop();
    let kept = folder.verify();
    well(&folder, &["rebuild"]);
    assert_eq!(folder.verify(), kept);
    assert!(is_there(backend, &folder, "Qwzkj"));
}
