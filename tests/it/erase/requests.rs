//! Requests about a dossier, and their replies, are of the same person: they go with it, at all
//! agencies that were asked, and a reply that comes later is kept out.

use serde_json::{Value, json};

use super::{MARK, NAME, OTHER, erase_dossier, is_there, line, send, well};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    exchange::{ASKED, READS, asked, office_beside, part, post, started},
    harness::{Sender, Verified},
};

on_each_store!(requests_about_a_dossier_go_with_it_and_their_replies);

/// Who is erased has this code; who is not, the other.
const CODE: &str = "H19.08-261126-0007";
const STAYS: &str = "H19.08-261126-0008";
/// Of whoever is not erased.
const KEPT: &str = "Qwzkj";

fn asks_about(to: Value, (code, text): (&str, &str)) -> Value {
    let mut body = asked(to, 3_600);
    body["dossier"] = json!(code);
    body["text"] = json!(text);
    body
}

async fn posts(sender: &Sender, (path, key): (&str, Option<&str>), body: &Value, status: u16) {
    let answer = post(sender, path, key, body).await;
    assert_eq!(answer.0, status, "{path}: {}", answer.1);
}

fn replies(id: &str) -> String {
    format!("/v1/requests/{id}/replies")
}

/// All that brings the person in by requests: of their dossier's agency, and of another one, to
/// several; refused ones, and a reply in the words of its agency's own system.
async fn told([agency, asks, answers, reads]: [&Sender; 4]) {
    send(agency, "m-1", &line(CODE, 1, "MOI", NAME), "stored").await;
    send(agency, "m-2", &line("R-1", 1, "MOI", NAME), "stored").await;
    send(agency, "m-3", &line(STAYS, 1, "MOI", OTHER), "stored").await;
    let requests = |key| ("/v1/requests", Some(key));
    let both = asks_about(json!([ASKED, READS]), ("000.00.08.H19-261126-0007", MARK));
    posts(asks, requests("cv-1"), &both, 200).await;
    let mut refused = asks_about(json!(ASKED), (CODE, MARK));
    refused["due_at"] = json!("2020-01-01T00:00:00Z");
    posts(asks, requests("cv-sai"), &refused, 422).await;
    posts(agency, requests("cv-2"), &asks_about(json!(ASKED), (STAYS, KEPT)), 200).await;
    posts(agency, requests("cv-3"), &asks_about(json!(ASKED), ("R-1", MARK)), 200).await;
    // What another agency calls so is none of it.
    posts(asks, requests("cv-4"), &asks_about(json!(ASKED), ("R-1", KEPT)), 200).await;
    let own = json!({ "CongVan": [{ "SoCongVanDen": "so-tu-phap:cv-1", "NoiDung": MARK,
                                    "CanBo": "Trần Thị Mẫu" }] });
    let (status, receipt) = answers
        .push("so-xay-dung.cong-van", Some("tl-1"), own.to_string().as_bytes())
        .await
        .unwrap();
    assert_eq!(status, 200, "{receipt}");
    let wrong = json!({ "outcome": "la", "text": MARK });
    posts(reads, (&replies("so-tu-phap:cv-1"), None), &wrong, 422).await;
}

async fn requests_about_a_dossier_go_with_it_and_their_replies(backend: Backend) {
    let (asking, system) =
        (Agency::new(|_, _| Reply::TAKEN).await, Agency::new(|_, _| Reply::TAKEN).await);
    let beside = ("erase-request", &["tests/corpus/delivery"][..]);
    let folder = office_beside(backend, beside, &asking, &system);
    let key = folder.key("agency:so-gui");
    let (hub, [asks, answers, reads, ..]) = started(&folder).await;
    let agency = hub.sender(&key);
    told([&agency, &asks, &answers, &reads]).await;
    let before = folder.verify();

    let done = erase_dossier(&folder, CODE);
    for name in [
        "so-xay-dung/request/1/so-tu-phap:cv-1",
        "so-noi-vu/request/1/so-tu-phap:cv-1",
        "so-xay-dung/reply/1/so-tu-phap:cv-1",
    ] {
        assert!(done.contains(&format!("request    {name}\n")), "{name}: {done}");
    }
    assert!(!done.contains("cv-2") && !done.contains("cv-3"), "{done}");
    // A source's own code says it of its own agency's requests alone.
    assert!(is_there(backend, &folder, MARK));
    let done = erase_dossier(&folder, "R-1");
    assert!(
        done.contains("so-xay-dung/request/1/so-gui:cv-3\n") && !done.contains("cv-4"),
        "{done}"
    );
    assert!(!is_there(backend, &folder, MARK), "{done}");
    assert!(is_there(backend, &folder, KEPT));
    let after = Verified { entries: before.entries + 2, ..before };
    assert_eq!(folder.verify(), after, "dossiers and fold root");
    for who in [&asks, &answers, &reads] {
        let told = who.found("/v1/requests/so-tu-phap:cv-1?purpose=handling").await;
        assert_eq!((&told["personal"], &told["sent"]["text"]), (&json!("erased"), &json!(null)));
    }
    let told = answers.found("/v1/requests/so-gui:cv-2?purpose=handling").await;
    assert_eq!((&told["personal"], &told["sent"]["text"]), (&json!("included"), &json!(KEPT)));

    // Who replies later does it without persons, and is told.
    let says = json!({ "text": MARK });
    let (_, receipt) = post(&reads, &replies("so-tu-phap:cv-1"), None, &says).await;
    assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
    let told = asks.found("/v1/requests/so-tu-phap:cv-1?purpose=handling").await;
    assert_eq!(part(&told, READS)["state"], "answered", "{told}");
    assert_eq!(part(&told, ASKED)["answer"]["text"], json!(null), "{told}");
    assert!(!is_there(backend, &folder, MARK));
    hub.stop();
    let kept = folder.verify();
    well(&folder, &["rebuild"]);
    assert_eq!(folder.verify(), kept);
}
