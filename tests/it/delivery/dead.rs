//! What is given up, and comes back when an operator says so.

use std::{fs, time::Instant};

use serde_json::json;

use super::{
    ROUTE, WITHIN,
    agency::{Agency, Reply},
    at, line, office, posted, send, stands, started,
};
use crate::{
    backend::{Backend, on_each_store},
    lienthong::{stderr, stdout},
};

on_each_store!(a_poison_among_ten_thousand_holds_nothing_up_and_is_replayed);

const ALL: usize = 10_000;

/// Records in one message.
const PART: usize = 1_000;

async fn a_poison_among_ten_thousand_holds_nothing_up_and_is_replayed(backend: Backend) {
    let agency = Agency::new(|seen, _| match seen.subject() {
        "P-77" => Reply::Says(422, "", "Thiếu số tờ"),
        _ => Reply::TAKEN,
    })
    .await;
    let folder = office(backend, "delivery-poison", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let (hub, sender, operator) = started(&folder).await;
    let began = Instant::now();
    for part in 0..ALL / PART {
        let numbers = part * PART..(part + 1) * PART;
        let lines: String = numbers.map(|number| line(&format!("P-{number}"), 1, "MOI")).collect();
        send(&sender, &format!("m-{part}"), &lines).await;
    }
    agency.takes(ALL - 1, WITHIN).await;
    let took = began.elapsed();
    println!("{ALL} accepted and delivered in {took:?}");
    let one = stands(&operator, "so-nhan.nhan", |one| one["waiting"] == 0).await;
    assert_eq!(one["dead"], 1, "{one}");
    let dead = operator.found("/v1/dead").await["dead"][0].clone();
    assert_eq!((&dead["cause"], &dead["attempts"]), (&json!("refused"), &json!(1)), "{dead}");
    let id = dead["id"].as_str().unwrap();
    let whole = operator.found(&format!("/v1/dead/{id}")).await;
    assert!(whole["payload"].as_str().unwrap().contains("\"P-77\""), "{whole}");
    // Nobody else reads it, and nobody else decides of it.
    assert_eq!(sender.get(&format!("/v1/dead/{id}")).await.0, 403);
    assert_eq!(sender.found("/v1/dead").await["dead"], json!([]));
    let (status, _) = posted(&sender, &format!("/v1/dead/{id}/replay"), "").await;
    assert_eq!(status, 403);
    replayed(&folder, &agency, &operator, id).await;
    hub.stop();
    folder.verify();
}

async fn replayed(
    folder: &crate::harness::Folder,
    agency: &Agency,
    operator: &crate::harness::Sender,
    id: &str,
) {
    // By hand: first what would be, then with a text of the operator's own.
    let told = folder.run(&["dead", "list"]);
    assert!(stdout(&told).contains(id) && stdout(&told).contains("1 dead letters"));
    let told = folder.run(&["dead", "replay", "--dry-run"]);
    assert_eq!(stdout(&told), "1 of 1 dead letters would be put back\n", "{}", stderr(&told));
    let file = folder.path().join("sua.json");
    let file = file.to_str().unwrap();
    let told = folder.run(&["dead", "show", id, "--payload", file]);
    assert!(stdout(&told).contains("\"state\": \"waiting\""), "{}", stderr(&told));
    let text = fs::read_to_string(file).unwrap().replace("P-77", "P-77-sua");
    fs::write(file, &text).unwrap();
    let told = folder.run(&["dead", "replay", id, "--body", file, "--reason", "đã sửa mã"]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    // It is refused again: under a new name, with the text that was sent.
    let one = stands(operator, "so-nhan.nhan", |one| one["waiting"] == 0 && one["dead"] == 1).await;
    assert_eq!(one["failing"], 0);
    let all = operator.found("/v1/dead").await["dead"].as_array().unwrap().clone();
    assert_eq!(
        (all.len(), &all[0]["state"], &all[1]["edited"]),
        (2, &json!("replayed"), &json!(true))
    );
    assert_eq!(all[0]["reason"], "đã sửa mã");
    let again = all[1]["id"].as_str().unwrap();
    agency.does(|_, _| Reply::TAKEN);
    let (status, told) = posted(operator, "/v1/dead/replay?channel=so-nhan.nhan", "").await;
    assert_eq!((status, &told["replayed"]), (200, &json!(1)), "{told}");
    agency.takes(ALL, WITHIN).await;
    let last = agency.taken().into_iter().find(|one| one.subject() == "P-77").unwrap();
    assert_eq!(last.body, text);
    let (status, _) = posted(operator, &format!("/v1/dead/{again}/discard?reason=x"), "").await;
    assert_eq!(status, 409, "something was decided of it");
    assert_eq!(folder.run(&["dead", "discard", again, "--reason", "x"]).status.code(), Some(1));
}
