//! Applications that became a dossier are of the same person: they go with it, with what was said
//! to them, and what is said later is kept out.

use std::fs;

use serde_json::{Value, json};

use super::{MARK, NAME, OTHER, erase_dossier, is_there, line, send, well};
use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        agency::{Agency, Reply, Seen},
        settled,
    },
    exchange::{
        ASKED, READS,
        application::{applied, publishing},
        becomes, office_beside, part, post, started,
    },
    harness::{Folder, Sender, Verified},
};

on_each_store!(applications_go_with_the_dossier_that_they_became);

/// What who is erased filed became this.
const CODE: &str = "H19.08-261126-0007";
/// Of whoever is not erased.
const KEPT: &str = "Qwzkj";

const WAY: &str = "so-xay-dung.ho-so";

fn filed(name: &str, more: &str) -> Value {
    let mut body = applied(ASKED, "1.009001");
    body["applicant"]["name"] = json!(name);
    body["data"][0]["value"] = json!(more);
    body
}

/// The agency's system: it has what it takes under a code, and does not take one of them.
fn system(seen: &Seen, _: usize) -> Reply {
    match seen.subject() {
        "portal:hs-1" => Reply::Says(200, "", "{\"MaHoSo\":\"H19.08-261126-0007\"}"),
        "portal:hs-2" => Reply::Says(200, "", "{\"MaHoSo\":\"H19.08-261126-0008\"}"),
        _ => Reply::Says(422, "", "không nhận bà Zyxwvq"),
    }
}

fn path(key: &str) -> String {
    format!("/v1/applications/portal:{key}")
}

async fn files(portal: &Sender, key: &str, body: &Value, status: u16) {
    let answer = post(portal, "/v1/applications", Some(key), body).await;
    assert_eq!(answer.0, status, "{key}: {}", answer.1);
}

/// All that brings the person in by an application: refused before it was taken, sent otherwise
/// under the same key, not delivered and sent once more in an operator's own text.
async fn told(folder: &Folder, [agency, answers, portal, operator]: [&Sender; 4]) {
    send(agency, "m-1", &line(CODE, 1, "MOI", NAME), "stored").await;
    let mut refused = filed(NAME, MARK);
    refused["agency"] = json!("so-khong-co");
    files(portal, "hs-1", &refused, 422).await;
    files(portal, "hs-1", &filed(NAME, MARK), 200).await;
    files(portal, "hs-1", &filed(NAME, "khác"), 409).await;
    files(portal, "hs-2", &filed(OTHER, KEPT), 200).await;
    for key in ["hs-1", "hs-2"] {
        becomes(portal, &path(key), |told| told["complete"] == true).await;
    }
    files(portal, "hs-3", &filed(NAME, MARK), 200).await;
    settled(operator, WAY).await;
    let dead = operator.found("/v1/dead").await["dead"][0]["id"].as_str().unwrap().to_owned();
    let file = folder.path().join("sua.json");
    fs::write(&file, json!({ "ten": NAME }).to_string()).unwrap();
    well(folder, &["dead", "replay", &dead, "--body", file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    settled(operator, WAY).await;
    // Its officer says so by hand, in another spelling.
    let says = json!({ "outcome": "accepted", "dossier": "000.00.08.H19-261126-0007",
                       "text": format!("Mời bà {MARK}") });
    let acknowledge = format!("{}/acknowledgement", path("hs-3"));
    assert_eq!(post(answers, &acknowledge, None, &says).await.0, 200);
}

/// What each party reads then.
async fn read(portal: &Sender, answers: &Sender) {
    for who in [portal, answers] {
        let told = who.found(&format!("{}?purpose=handling", path("hs-1"))).await;
        assert_eq!(
            (&told["personal"], &told["sent"]["applicant"]["name"]),
            (&json!("erased"), &json!(null))
        );
        assert_eq!(part(&told, ASKED)["answer"]["dossier"], CODE, "{told}");
        let told = who.found(&format!("{}?purpose=handling", path("hs-2"))).await;
        assert_eq!(told["personal"], "included");
        assert_eq!(told["sent"]["data"][0]["value"], KEPT, "{told}");
    }
    let events = answers.feed("records", 100).await;
    let erased = events.iter().filter(|one| one["subject"] == "portal:hs-3");
    for event in erased.clone() {
        let record = answers.found(event["dataref"].as_str().unwrap()).await;
        assert_eq!(record["personal"], "erased", "{record}");
    }
    assert_eq!(erased.count(), 2, "it and what was said to it");
    let listed = answers.found("/v1/erasures").await.to_string();
    assert!(listed.contains("so-xay-dung/application/1/portal:hs-1"), "{listed}");
}

async fn applications_go_with_the_dossier_that_they_became(backend: Backend) {
    let (other, taking) = (Agency::new(|_, _| Reply::TAKEN).await, Agency::new(system).await);
    let beside = ("erase-application", &["tests/corpus/delivery"][..]);
    let mut folder = office_beside(backend, beside, &other, &taking);
    publishing(&mut folder);
    let key = folder.key("agency:so-gui");
    let (hub, [_, answers, reads, portal, operator]) = started(&folder).await;
    let agency = hub.sender(&key);
    told(&folder, [&agency, &answers, &portal, &operator]).await;
    let before = folder.verify();
    assert!(is_there(backend, &folder, MARK));

    let done = erase_dossier(&folder, CODE);
    for (contract, key) in [("application", "hs-1"), ("acknowledgement", "hs-3")] {
        let name = format!("application so-xay-dung/{contract}/1/portal:{key}\n");
        assert!(done.contains(&name), "{name}: {done}");
    }
    assert!(!done.contains("hs-2"), "{done}");
    assert!(!is_there(backend, &folder, MARK), "{done}");
    assert!(is_there(backend, &folder, KEPT));
    let after = Verified { entries: before.entries + 1, ..before };
    assert_eq!(folder.verify(), after, "dossiers and fold root");
    read(&portal, &answers).await;

    // What comes again is kept out, and who sends it is told.
    files(&portal, "hs-1", &filed(NAME, MARK), 200).await;
    files(&portal, "hs-1", &filed(NAME, "khác nữa"), 409).await;
    let says = json!({ "outcome": "accepted", "dossier": CODE, "text": MARK });
    let acknowledge = format!("{}/acknowledgement", path("hs-1"));
    let (_, receipt) = post(&answers, &acknowledge, None, &says).await;
    assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
    taking.does(|_, _| Reply::Says(200, "", "{\"MaHoSo\":\"H19.08-261126-0007\"}"));
    let count = taking.seen().len();
    let dead = operator.found("/v1/dead").await["dead"].as_array().unwrap().clone();
    well(&folder, &["dead", "replay", dead.last().unwrap()["id"].as_str().unwrap()]);
    settled(&operator, WAY).await;
    let sent = taking.seen().split_off(count);
    assert!(!sent.is_empty() && sent.iter().all(|one| !one.body.contains(MARK)), "{sent:?}");
    assert!(erase_dossier(&folder, CODE).contains("erased before"));
    assert!(!is_there(backend, &folder, MARK));
    // An application of its own that becomes the same dossier later is told anew.
    let mut body = applied(READS, "1.009003");
    body["applicant"]["name"] = json!(NAME);
    files(&portal, "hs-4", &body, 200).await;
    let acknowledge = format!("{}/acknowledgement", path("hs-4"));
    assert_eq!(post(&reads, &acknowledge, None, &says).await.0, 200);
    assert!(erase_dossier(&folder, CODE).contains("so-noi-vu/application/1/portal:hs-4\n"));
    assert!(!is_there(backend, &folder, MARK));
    hub.stop();
    let kept = folder.verify();
    well(&folder, &["rebuild"]);
    assert_eq!(folder.verify(), kept);
}
